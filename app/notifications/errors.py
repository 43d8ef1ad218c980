"""What the inbox and the permissions for messages refuse."""

from app.kernel.problems import NotFound, Problem
from app.kernel.text import Text


class MessageNotFound(NotFound):
    code = "message-not-found"
    title = Text("消息不存在", "No such message")
    detail = Text("该消息不存在，或不属于您。", "There is no such message in your inbox.")


class MessageTemplateNotFound(NotFound):
    code = "message-template-not-found"
    title = Text("没有该消息模板", "No such template")
    detail = Text(
        "没有该消息模板，请使用列表中的代码。", "Use a code of the list of message templates."
    )


CONSTRAINTS: dict[str, type[Problem]] = {}

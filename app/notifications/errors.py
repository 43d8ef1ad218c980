"""What the inbox and the permissions for messages refuse."""

from app.kernel.problems import Conflict, NotFound, Problem
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


class DeliveryNotFound(NotFound):
    code = "message-delivery-not-found"
    title = Text("没有这条发送记录", "No such delivery")
    detail = Text("没有找到该发送记录。", "There is no such delivery, or you may not see it.")


class NotSentAgain(Conflict):
    """Only an SMS that failed; what WeChat may have brought never goes out twice."""

    code = "message-not-sent-again"
    title = Text("该消息不能重发", "Not sent again")
    detail = Text(
        "只能重发发送失败的短信；请当面或电话告知会员，消息也在其小程序收件箱中。",
        "Only an SMS that failed is sent again. Tell the member in person or by phone;"
        " the message is in their inbox as well.",
    )


CONSTRAINTS: dict[str, type[Problem]] = {}

"""Everything the API refuses, as RFC 9457 problem documents.

Exception hierarchy (features add their own leaves in their `errors.py`):

    Problem
    ├── BadRequest 400 ── MalformedBody, TamperedCursor, MissingIdempotencyKey
    ├── Unauthenticated 401        ├── NotFound 404          ├── TooLarge 413
    ├── Forbidden 403              ├── Conflict 409          ├── UnsupportedMediaType 415
    ├── MethodNotAllowed 405       ├── Gone 410              ├── Unprocessable 422
    ├── PreconditionFailed 412     ├── PreconditionRequired 428
    ├── TooManyRequests 429        ├── InternalError 500     └── Unavailable 503
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from app.kernel.text import Language, Text


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: `pointer` is a JSON Pointer, `code` is stable."""

    pointer: str
    code: str
    message: Text
    fields: Mapping[str, object] | None = None

    def document(self, language: Language) -> dict[str, str]:
        return {
            "pointer": self.pointer,
            "code": self.code,
            "message": self.message.in_language(language, **(self.fields or {})),
        }


class Problem(Exception):
    """A refusal: `code` is stable and documented at `/problems/{code}`.

    `fields` fill the detail's placeholders and must never hold personal data;
    `extensions` become members of the document; `headers` are added to the answer.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[Text]
    detail: ClassVar[Text]

    def __init__(
        self,
        *,
        errors: Sequence[FieldError] = (),
        extensions: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **fields: object,
    ) -> None:
        super().__init__(self.code)
        self.errors = tuple(errors)
        self.extensions = dict(extensions or {})
        self.headers = dict(headers or {})
        self.fields = fields

    def document(self, language: Language, request_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.title.in_language(language),
            "status": self.status,
            "detail": self.detail.in_language(language, **self.fields),
            "code": self.code,
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = [error.document(language) for error in self.errors]
        return body | self.extensions


class BadRequest(Problem):
    status = 400
    code = "bad-request"
    title = Text("请求有误", "Bad request")
    detail = Text("请求无法理解，请检查后重试。", "The request could not be understood.")


class MalformedBody(BadRequest):
    code = "malformed-body"
    title = Text("请求内容格式有误", "Malformed body")
    detail = Text("请求内容不是有效的 UTF-8 JSON。", "The body is not valid UTF-8 JSON.")


class TamperedCursor(BadRequest):
    code = "tampered-cursor"
    title = Text("分页游标无效", "Invalid cursor")
    detail = Text(
        "分页游标无效，请使用上一页返回的游标，或从第一页开始。",
        "Use the cursor returned by the previous page, or start from the first page.",
    )


class MissingIdempotencyKey(BadRequest):
    code = "missing-idempotency-key"
    title = Text("缺少幂等键", "Missing Idempotency-Key")
    detail = Text(
        "请在 Idempotency-Key 请求头中提供 8 至 64 个可见 ASCII 字符，重试时保持不变。",
        "Send an Idempotency-Key header of 8 to 64 visible ASCII characters; repeat it on retry.",
    )


class Unauthenticated(Problem):
    status = 401
    code = "unauthenticated"
    title = Text("请先登录", "Not authenticated")
    detail = Text("登录凭证缺失、无效或已过期，请重新登录。", "Log in again and retry.")

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    status = 403
    code = "forbidden"
    title = Text("没有权限", "Not allowed")
    detail = Text(
        "您的账号没有执行此操作的权限，请联系管理员。",
        "Your account may not do this; ask an administrator.",
    )


class NotFound(Problem):
    status = 404
    code = "not-found"
    title = Text("未找到", "Not found")
    detail = Text("您要找的内容不存在，或您无权查看。", "It does not exist, or you may not see it.")


class MethodNotAllowed(Problem):
    status = 405
    code = "method-not-allowed"
    title = Text("不支持该请求方法", "Method not allowed")
    detail = Text("此地址不支持该请求方法。", "This address does not take this method.")


class Conflict(Problem):
    status = 409
    code = "conflict"
    title = Text("状态冲突", "Conflict")
    detail = Text("当前状态不允许此操作，请刷新后重试。", "Refresh and try again.")


class InvalidTransition(Conflict):
    code = "invalid-transition"
    title = Text("当前状态不允许此操作", "Not possible in this state")
    detail = Text(
        "当前状态为 {current}，不能变更为 {target}。",
        "It is {current} and cannot become {target}.",
    )


class Gone(Problem):
    status = 410
    code = "gone"
    title = Text("已失效", "Gone")
    detail = Text("内容已失效。", "It is no longer available.")


class PreconditionFailed(Problem):
    status = 412
    code = "precondition-failed"
    title = Text("内容已被他人修改", "Changed by somebody else")
    detail = Text("内容已变更，请刷新后再提交。", "Fetch it again, then repeat your change.")


class PreconditionRequired(Problem):
    status = 428
    code = "precondition-required"
    title = Text("缺少 If-Match", "If-Match required")
    detail = Text(
        "请在 If-Match 请求头中提供上次读取时返回的 ETag。",
        "Send the ETag of your last reading in an If-Match header.",
    )


class TooLarge(Problem):
    status = 413
    code = "too-large"
    title = Text("请求内容过大", "Body too large")
    detail = Text(
        "请求内容超过 {limit} 字节的上限。", "The body is over the limit of {limit} bytes."
    )


class UnsupportedMediaType(Problem):
    status = 415
    code = "unsupported-media-type"
    title = Text("不支持的内容类型", "Unsupported media type")
    detail = Text("请使用 {expected}。", "Send {expected}.")


class Unprocessable(Problem):
    status = 422
    code = "invalid"
    title = Text("内容校验未通过", "Invalid content")
    detail = Text("请按各字段提示修改后重试。", "Correct the fields named and retry.")


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency-key-reused"
    title = Text("幂等键已用于其他请求", "Idempotency-Key reused")
    detail = Text(
        "同一个 Idempotency-Key 已用于内容不同的请求，请换一个新的键。",
        "This Idempotency-Key was used with another body; make a new key.",
    )


class RequestInFlight(Conflict):
    code = "request-in-flight"
    title = Text("相同请求正在处理", "Same request in flight")
    detail = Text(
        "相同的请求正在处理，请稍后用同一个键重试。",
        "A copy of this request is being processed; retry with the same key.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class TooManyRequests(Problem):
    status = 429
    code = "too-many-requests"
    title = Text("操作过于频繁", "Too many requests")
    detail = Text("请在 {seconds} 秒后重试。", "Retry in {seconds} seconds.")

    def __init__(self, seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(seconds)}, seconds=seconds)


class InternalError(Problem):
    status = 500
    code = "internal-error"
    title = Text("服务内部错误", "Internal error")
    detail = Text(
        "服务出现错误，请凭请求编号联系我们。", "Something failed here; quote the request id to us."
    )


class Unavailable(Problem):
    status = 503
    code = "unavailable"
    title = Text("服务暂时不可用", "Temporarily unavailable")
    detail = Text(
        "服务暂时不可用，请稍后用同一请求重试。", "Retry the same request in a few seconds."
    )

    def __init__(self, seconds: int = 2) -> None:
        super().__init__(headers={"Retry-After": str(seconds)})


def every_problem(root: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """All concrete problems defined so far, for the catalogue at `/problems`."""
    for leaf in root.__subclasses__():
        yield leaf
        yield from every_problem(leaf)

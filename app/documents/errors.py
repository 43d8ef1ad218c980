"""Refusals of documents and uploads, with what to do next."""

from app.documents.sandbox.refusals import Reason
from app.kernel.problems import Conflict, FieldError, Gone, NotFound, Problem, Unprocessable
from app.kernel.text import Text

REASON_TEXTS: dict[Reason, Text] = {
    "empty": Text("文件是空的，请重新选择。", "The file is empty; choose it again."),
    "too-large": Text(
        "文件超过 20 MB，请压缩或分开上传。", "The file is over 20 MB; compress or split it."
    ),
    "type-not-allowed": Text(
        "只接受照片（JPEG、PNG、WebP、HEIC）或 PDF。",
        "Only photographs (JPEG, PNG, WebP, HEIC) and PDF are taken.",
    ),
    "damaged": Text(
        "文件已损坏或不完整，请重新拍照或导出。",
        "The file is damaged or incomplete; photograph or export it again.",
    ),
    "foreign-content": Text(
        "文件里夹带了其他内容，请重新拍照或导出。",
        "Something else is hidden in the file; photograph or export it again.",
    ),
    "too-many-pixels": Text(
        "图片尺寸过大，请用较低分辨率重新拍摄。",
        "The image has too many pixels; take it at a lower resolution.",
    ),
    "too-small": Text("图片太小，看不清内容。", "The image is too small to be read."),
    "animated": Text("请上传静态图片。", "Send a still image."),
    "encrypted-pdf": Text(
        "PDF 设有密码，请去掉密码后上传。", "The PDF is encrypted; remove its password."
    ),
    "active-pdf": Text(
        "PDF 含有脚本或动作，请打印为普通 PDF 后上传。",
        "The PDF holds scripts or actions; print it to a plain PDF.",
    ),
    "too-many-pages": Text(
        "PDF 超过 30 页，请分开上传。", "The PDF has more than 30 pages; split it."
    ),
    "too-complex": Text(
        "文件过于复杂，无法在限定时间内打开，请重新拍照上传。",
        "The file cannot be opened within our limits; photograph it instead.",
    ),
    "size-mismatch": Text(
        "收到的大小与声明的不一致，请重新上传。",
        "The size received is not the size declared; upload it again.",
    ),
    "hash-mismatch": Text(
        "收到的内容与声明的校验值不一致，请重新上传。",
        "The content is not what was declared; upload it again.",
    ),
}


class DocumentRefused(Unprocessable):
    """The file is not taken; `reason_code` is one of the words in REASON_TEXTS."""

    code = "document-refused"
    title = Text("材料未通过检查", "Document refused")
    detail = Text("{explanation_zh}", "{explanation_en}")

    def __init__(self, reason: Reason) -> None:
        words = REASON_TEXTS[reason]
        self.reason: Reason = reason
        super().__init__(
            errors=[FieldError("/content", reason, words)],
            extensions={"reason_code": reason},
            explanation_zh=words.zh,
            explanation_en=words.en,
        )


class UploadNotFound(NotFound):
    code = "upload-not-found"
    title = Text("上传不存在", "No such upload")
    detail = Text("请重新开始上传。", "Open a new upload.")


class UploadExpired(Gone):
    code = "upload-expired"
    title = Text("上传已过期", "Upload expired")
    detail = Text("上传已过期，请重新开始。", "It is too old; open a new upload.")


class UnexpectedOffset(Conflict):
    """The chunk is not the next one; `expected_offset` is where to go on."""

    code = "unexpected-offset"
    title = Text("上传位置不符", "Unexpected offset")
    detail = Text(
        "请从第 {expected_offset} 字节继续上传。", "Continue from byte {expected_offset}."
    )

    def __init__(self, expected_offset: int) -> None:
        super().__init__(
            extensions={"expected_offset": expected_offset}, expected_offset=expected_offset
        )


class UploadClosed(Conflict):
    code = "upload-closed"
    title = Text("上传已结束", "Upload closed")
    detail = Text("这次上传已经结束，请重新开始。", "This upload has ended; open a new one.")


class UploadIncomplete(Conflict):
    """The file is not all here; `expected_offset` is where to go on."""

    code = "upload-incomplete"
    title = Text("上传未完成", "Upload incomplete")
    detail = Text(
        "还缺 {missing} 字节，请从第 {expected_offset} 字节继续。",
        "{missing} bytes are missing; continue from byte {expected_offset}.",
    )

    def __init__(self, expected_offset: int, missing: int) -> None:
        super().__init__(
            extensions={"expected_offset": expected_offset},
            expected_offset=expected_offset,
            missing=missing,
        )


class BadChunk(Unprocessable):
    code = "bad-chunk"
    title = Text("分片有误", "Bad chunk")
    detail = Text(
        "每片 1 至 1048576 字节，且不能超过声明的大小。",
        "A chunk has 1 to 1,048,576 bytes and stays within the declared size.",
    )


class LinkExpired(Gone):
    code = "link-expired"
    title = Text("链接已失效", "Link expired")
    detail = Text(
        "查看链接只能使用一次，60 秒内有效，请重新打开材料。",
        "A link opens once within 60 seconds; ask for a new one.",
    )


class DocumentBlocked(Conflict):
    """What it was for is over, and the law only asks that it be stored."""

    code = "document-blocked"
    title = Text("材料已封存", "Document stored only")
    detail = Text(
        "办理已结束，材料仅依法保存，只有本人和审计人员可以查看。",
        "What it was for is over; it is only stored by law, and shown to its member and to"
        " auditors.",
    )


CONSTRAINTS: dict[str, type[Problem]] = {}

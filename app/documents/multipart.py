"""One file out of a multipart form: in memory, within bounds, after the caller is known."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.kernel.problems import FieldError, MalformedBody, Unprocessable, UnsupportedMediaType
from app.kernel.text import Text

# The whole body; larger files go in chunks.
MULTIPART_BYTES = 8 * 1024 * 1024

_EXACTLY = Text(
    "表单应只有 kind 字段和 file 文件。", "The form holds exactly a field `kind` and a file `file`."
)


@dataclass(frozen=True, slots=True)
class SentFile:
    """What the form held; the client's file name is not looked at."""

    kind: str
    content: bytes

    @property
    def digest(self) -> bytes:
        """Equal for equal forms; the bytes of a form's body differ by its boundary."""
        return sha256(sha256(self.content).digest() + self.kind.encode()).digest()


def multipart_body(kinds: str = "The kind of document.") -> dict[str, Any]:
    """The `openapi_extra` of a handler that calls `read_form`."""
    schema = {
        "type": "object",
        "required": ["kind", "file"],
        "properties": {
            "kind": {"type": "string", "description": kinds, "examples": ["medical_record"]},
            "file": {"type": "string", "format": "binary"},
        },
    }
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


async def read_form(request: Request) -> SentFile:
    """The form's two parts; raises UnsupportedMediaType (415), MalformedBody, Unprocessable.

    Nothing is spooled to disk: a medical paper must not lie there in plain.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "multipart/form-data":
        raise UnsupportedMediaType(expected="multipart/form-data")
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=2)
    parser.spool_max_size = MULTIPART_BYTES + 1
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise MalformedBody from error
    try:
        kind, file = form.get("kind"), form.get("file")
        if len(form.multi_items()) != 2 or not isinstance(kind, str):
            raise Unprocessable(errors=[FieldError("/kind", "form", _EXACTLY)])
        if not isinstance(file, UploadFile):
            raise Unprocessable(errors=[FieldError("/file", "form", _EXACTLY)])
        return SentFile(kind, await file.read())
    finally:
        await form.close()

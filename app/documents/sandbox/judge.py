"""Which kind of file this claims to be, and whether anything else hides in it."""

import re
import struct
from typing import Any

import filetype

from app.documents.sandbox.images import MEDIA_FORMATS, prove_image
from app.documents.sandbox.pdfs import prove_pdf
from app.documents.sandbox.refusals import Refused

PDF = "application/pdf"
# Archives whose directory stands at the end read the same bytes as another file.
_END_OF_ZIP = b"PK\x05\x06"
_ARCHIVES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"__HALT_COMPILER")
_MARKUP = re.compile(rb"<(?:!doctype|html|script|svg|\?php|iframe|body)[\s>/]", re.IGNORECASE)
_EDGE = 4096


def media_type_of(content: bytes) -> str | None:
    """What its first bytes say it is."""
    found: str | None = filetype.guess_mime(content[:8192])
    return found


def judge(content: bytes) -> dict[str, Any]:
    """The proven file as plain values; raises Refused."""
    if not content:
        raise Refused("empty")
    media_type = media_type_of(content)
    if media_type != PDF and media_type not in MEDIA_FORMATS:
        raise Refused("type-not-allowed")
    _refuse_foreign(content, media_type)
    return prove_pdf(content) if media_type == PDF else prove_image(content, media_type)


def _refuse_foreign(content: bytes, media_type: str) -> None:
    edges = content[:_EDGE] + content[-_EDGE:]
    if (
        (media_type != PDF and b"%PDF-" in content[:1024])
        or _ends_as_zip(content)
        or any(mark in content for mark in _ARCHIVES)
        or (media_type != PDF and _MARKUP.search(edges))
        or (media_type == "image/png" and not content.endswith(b"IEND\xaeB`\x82"))
        or (media_type == "image/webp" and _riff_length(content) not in (0, 1))
    ):
        raise Refused("foreign-content")


def _ends_as_zip(content: bytes) -> bool:
    at = content.rfind(_END_OF_ZIP, max(0, len(content) - 65_557))
    return at >= 0 and len(content) >= at + 22


def _riff_length(content: bytes) -> int:
    """Bytes beyond the RIFF container; negative when it is cut short."""
    (declared,) = struct.unpack("<I", content[4:8])
    surplus: int = len(content) - 8 - declared
    if surplus < 0:
        raise Refused("damaged")
    return surplus

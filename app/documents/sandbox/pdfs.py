"""PDF: opened strictly, searched for anything that acts, unpacked within bounds, written anew."""

import io
import zlib
from typing import Any

import pikepdf
from PIL import Image

from app.documents.sandbox.pictures import filters_of, likeness_of, pixels_of
from app.documents.sandbox.refusals import Refused

MAX_PAGES = 30
MAX_OBJECTS = 20_000
MAX_DEPTH = 40
MAX_UNPACKED = 96 * 1024 * 1024
# 200 inches, the format's own limit.
MAX_PAGE_SIDE = 14_400
MAX_IMAGE_PIXELS = 60_000_000
_ACTING_KEYS = frozenset({"/JS", "/JavaScript", "/XFA", "/RichMediaContent", "/Rendition"})
_ACTING_NAMES = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/Rendition",
        "/GoToR",
        "/GoToE",
        "/RichMedia",
        "/RichMediaExecute",
        "/Movie",
        "/Sound",
        "/3D",
        "/Screen",
    }
)


def prove_pdf(content: bytes) -> dict[str, Any]:
    """The document without attachments and metadata; a signed one byte for byte.

    Writing an electronically signed invoice anew would break its signature. Raises Refused.
    """
    if content[content.rfind(b"%%EOF") + 5 :].strip(b"\r\n\t \x00"):
        raise Refused("foreign-content" if b"%%EOF" in content else "damaged")
    try:
        with pikepdf.open(io.BytesIO(content), attempt_recovery=False) as pdf:
            if pdf.is_encrypted:
                raise Refused("encrypted-pdf")
            return _prove(pdf, content)
    except pikepdf.PasswordError as error:
        raise Refused("encrypted-pdf") from error
    except pikepdf.PdfError as error:
        raise Refused("damaged") from error


def _prove(pdf: pikepdf.Pdf, content: bytes) -> dict[str, Any]:
    pages = len(pdf.pages)
    if pages == 0:
        raise Refused("damaged")
    if pages > MAX_PAGES:
        raise Refused("too-many-pages")
    signed = _inspect(pdf)
    for page in pdf.pages:
        _refuse_shapeless(page)
    stored = content if signed else _written_anew(pdf)
    return {
        "media_type": "application/pdf",
        "original_media_type": "application/pdf",
        "content": stored,
        "thumbnail": None,
        "pages": pages,
        "width": None,
        "height": None,
        "perceptual_hash": likeness_of(pdf),
    }


def _refuse_shapeless(page: pikepdf.Page) -> None:
    """A page that cannot be marked cannot be shown to anybody."""
    try:
        box = pikepdf.Rectangle(page.cropbox)
    except (ValueError, TypeError, AttributeError) as error:
        raise Refused("damaged") from error
    if not (1 <= box.width <= MAX_PAGE_SIDE and 1 <= box.height <= MAX_PAGE_SIDE):
        raise Refused("damaged")


def _inspect(pdf: pikepdf.Pdf) -> bool:
    """Every object within bounds and none that acts; returns whether the file is signed."""
    budget = MAX_UNPACKED
    signed = False
    for number, element in enumerate(pdf.objects):
        if number >= MAX_OBJECTS:
            raise Refused("too-complex")
        _refuse_acting(element, 0)
        if isinstance(element, pikepdf.Stream):
            budget -= _unpacked(element, budget)
        elif isinstance(element, pikepdf.Dictionary) and "/ByteRange" in element:
            signed = True
    return signed


def _refuse_acting(element: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused("too-complex")
    if isinstance(element, pikepdf.Name):
        if str(element) in _ACTING_NAMES:
            raise Refused("active-pdf")
    elif isinstance(element, pikepdf.Dictionary | pikepdf.Stream):
        for key, child in element.items():
            if key in _ACTING_KEYS:
                raise Refused("active-pdf")
            if not getattr(child, "is_indirect", False):
                _refuse_acting(child, depth + 1)
    elif isinstance(element, pikepdf.Array):
        for child in element:
            if not getattr(child, "is_indirect", False):
                _refuse_acting(child, depth + 1)


def _unpacked(stream: pikepdf.Stream, budget: int) -> int:
    """Bytes that this stream unpacks to; refuses what is over the budget before making it."""
    if stream.get("/Subtype") == "/Image" and pixels_of(stream) > MAX_IMAGE_PIXELS:
        raise Refused("too-many-pixels")
    filters = filters_of(stream)
    if len(filters) > 2:
        raise Refused("too-complex")
    raw = stream.read_raw_bytes()
    total = len(raw)
    for name in filters:
        if name == "/DCTDecode":
            _refuse_photo(raw)
        if name != "/FlateDecode":
            break
        raw = _inflate(raw, budget)
        total = max(total, len(raw))
    if total > budget:
        raise Refused("too-complex")
    return total


def _refuse_photo(raw: bytes) -> None:
    with Image.open(io.BytesIO(raw), formats=["JPEG"]) as photo:
        if photo.width * photo.height > MAX_IMAGE_PIXELS:
            raise Refused("too-many-pixels")


def _inflate(raw: bytes, budget: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        out = inflater.decompress(raw, min(budget, MAX_UNPACKED // 2) + 1)
    except zlib.error as error:
        raise Refused("damaged") from error
    if len(out) > min(budget, MAX_UNPACKED // 2):
        raise Refused("too-complex")
    return out


def _written_anew(pdf: pikepdf.Pdf) -> bytes:
    for owner, key in ((pdf.trailer, "/Info"), (pdf.Root, "/Metadata"), (pdf.Root, "/AF")):
        if key in owner:
            del owner[key]
    names = pdf.Root.get("/Names")
    if isinstance(names, pikepdf.Dictionary) and "/EmbeddedFiles" in names:
        del names["/EmbeddedFiles"]
    for element in pdf.objects:
        if isinstance(element, pikepdf.Stream) and element.get("/Filter") == "/DCTDecode":
            raw = element.read_raw_bytes()
            bare = without_metadata(raw)
            if bare is not raw:
                element.write(bare, filter=pikepdf.Name.DCTDecode)
    target = io.BytesIO()
    pdf.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return target.getvalue()


def without_metadata(jpeg: bytes) -> bytes:
    """The same JPEG without its EXIF, XMP and comment segments; itself if it has none."""
    kept, at, dropped = [jpeg[:2]], 2, False
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] not in (0xDA, 0xD9):
        length = 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] in (0xE1, 0xED, 0xFE):
            dropped = True
        else:
            kept.append(jpeg[at : at + length])
        at += length
    return b"".join(kept) + jpeg[at:] if dropped else jpeg

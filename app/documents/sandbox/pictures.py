"""What pictures say, those inside a PDF too; one that cannot be read says nothing."""

import io
from collections.abc import Iterator
from typing import Any

import pikepdf
from PIL import Image, ImageOps

from app.documents.sandbox.images import THUMBNAIL_SIDE
from app.documents.sandbox.invoices import invoices_on
from app.documents.sandbox.likeness import perceptual_hash

# Smaller pictures are seals and logos, the same on everybody's paper.
SCAN_SIDE = 600
# Where an invoice's code is looked for.
_PAGES = 3
_PICTURES = 12
_PIXELS = 8_500_000
_SMALL_SIDE = 240
_READABLE: tuple[list[str], ...] = ([], ["/FlateDecode"], ["/DCTDecode"])
_UNREADABLE = (pikepdf.PdfError, pikepdf.DependencyError, NotImplementedError)
_BROKEN = (*_UNREADABLE, OSError, ValueError, TypeError, SyntaxError, KeyError, AttributeError)


def likeness_of(pdf: pikepdf.Pdf) -> int | None:
    """The hash of the first page's largest photograph, when it is a scan of a paper."""
    photos = [each for each in pdf.pages[0].images.values() if filters_of(each) == ["/DCTDecode"]]
    if not photos:
        return None
    try:
        raw = max(photos, key=pixels_of).read_raw_bytes()
        with Image.open(io.BytesIO(raw), formats=["JPEG"]) as photo:
            if min(photo.size) < SCAN_SIDE:
                return None
            photo.draft("RGB", (SCAN_SIDE, SCAN_SIDE))
            photo.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            return perceptual_hash(photo)
    except _BROKEN:
        return None


def invoices_in(content: bytes, media_type: str) -> list[dict[str, Any]]:
    """Every invoice whose code is on the JPEG, or a picture on a PDF's first pages; each once."""
    if media_type != "application/pdf":
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            return invoices_on(image)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    with pikepdf.open(io.BytesIO(content), attempt_recovery=False) as pdf:
        for picture in _pictures(pdf):
            for each in invoices_on(picture):
                found.setdefault((each["code"], each["number"]), each)
    return list(found.values())


def _pictures(pdf: pikepdf.Pdf) -> Iterator[Image.Image]:
    found = [each for page in list(pdf.pages)[:_PAGES] for each in page.images.values()]
    streams = [each for each in found if isinstance(each, pikepdf.Stream)]
    for stream in streams[:_PICTURES]:
        if filters_of(stream) not in _READABLE or not 0 < pixels_of(stream) <= _PIXELS:
            continue
        try:
            grey = pikepdf.PdfImage(stream).as_pil_image().convert("L")
        except _BROKEN:
            continue
        if max(grey.size) < _SMALL_SIDE:
            # One point for each square of the code is too few to find it by.
            grey = grey.resize((grey.width * 4, grey.height * 4), Image.Resampling.NEAREST)
        # Inside a page the code's white edge is the page's, not the picture's.
        yield ImageOps.expand(grey, border=24, fill=255)


def filters_of(stream: pikepdf.Object) -> list[str]:
    declared = stream.get("/Filter")
    if isinstance(declared, pikepdf.Name):
        return [str(declared)]
    return [str(name) for name in declared] if isinstance(declared, pikepdf.Array) else []


def pixels_of(stream: pikepdf.Object) -> int:
    return int(stream.get("/Width", 0)) * int(stream.get("/Height", 0))

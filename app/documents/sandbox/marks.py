"""Who looks at a file and when, written all over what they see."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import pikepdf
import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw, ImageFont

# Legible on white paper and in dark photographs, and what is below stays legible too.
_INK = (200, 40, 40)
_STRENGTH = 96
_ANGLE = 30
_LETTER_PART = 34
_LEAST_LETTER = 9
# The mark of a page of a PDF is drawn at this width and stretched over the page.
_PAGE_WIDTH = 900


def mark(content: bytes, media_type: str, lines: Sequence[str]) -> bytes:
    """The JPEG or PDF with `lines` repeated over every page."""
    if media_type == "application/pdf":
        return _mark_pdf(content, lines)
    with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
        image.paste(_INK, (0, 0, *image.size), _veil(image.size, lines))
        target = io.BytesIO()
        image.save(target, "JPEG", quality=80)
        return target.getvalue()


def _mark_pdf(content: bytes, lines: Sequence[str]) -> bytes:
    with pikepdf.open(io.BytesIO(content), attempt_recovery=False) as pdf:
        veils: dict[tuple[int, int], Any] = {}
        for page in pdf.pages:
            box = pikepdf.Rectangle(page.cropbox)
            size = (_PAGE_WIDTH, _height(box))
            if size not in veils:
                veils[size] = _veil_form(pdf, size, lines)
            page.add_overlay(veils[size], box)
        target = io.BytesIO()
        pdf.save(target)
        return target.getvalue()


def _height(box: pikepdf.Rectangle) -> int:
    return max(40, min(4 * _PAGE_WIDTH, round(_PAGE_WIDTH * box.height / box.width)))


def _veil_form(pdf: pikepdf.Pdf, size: tuple[int, int], lines: Sequence[str]) -> pikepdf.Object:
    width, height = size
    measures: dict[str, Any] = {
        "/Type": pikepdf.Name.XObject,
        "/Subtype": pikepdf.Name.Image,
        "/Width": width,
        "/Height": height,
        "/BitsPerComponent": 8,
    }
    veil = pdf.make_stream(
        _veil(size, lines).tobytes(), {**measures, "/ColorSpace": pikepdf.Name.DeviceGray}
    )
    ink = pikepdf.Stream(pdf, bytes(_INK))
    ink.stream_dict = pikepdf.Dictionary(
        {
            **measures,
            "/Width": 1,
            "/Height": 1,
            "/ColorSpace": pikepdf.Name.DeviceRGB,
            "/SMask": veil,
        }
    )
    form = pikepdf.Stream(pdf, b"q %d 0 0 %d 0 0 cm /Veil Do Q" % size)
    form.stream_dict = pikepdf.Dictionary(
        {
            "/Type": pikepdf.Name.XObject,
            "/Subtype": pikepdf.Name.Form,
            "/BBox": [0, 0, width, height],
            "/Resources": pikepdf.Dictionary(XObject=pikepdf.Dictionary(Veil=ink)),
        }
    )
    return form


def _veil(size: tuple[int, int], lines: Sequence[str]) -> Image.Image:
    """How strongly each point is covered: the lines, slanted, again and again."""
    letter = max(_LEAST_LETTER, min(size) // _LETTER_PART)
    tile = _tile(tuple(lines), letter)
    veil = Image.new("L", size)
    for row, top in enumerate(range(0, size[1], tile.height)):
        start = -(row % 2) * tile.width // 2
        for left in range(start, size[0], tile.width):
            veil.paste(tile, (left, top))
    return veil


def _tile(lines: tuple[str, ...], letter: int) -> Image.Image:
    font, text = _font(letter), "\n".join(lines)
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    straight = Image.new("L", (round(box[2]) + letter, round(box[3]) + letter))
    ImageDraw.Draw(straight).multiline_text((letter // 2, 0), text, _STRENGTH, font=font)
    return straight.rotate(_ANGLE, expand=True, resample=Image.Resampling.BILINEAR)


@cache
def _font(letter: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(pylopdf_fonts_zh_cn.sans_path(), letter)

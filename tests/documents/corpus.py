"""Decent files as members send them, made here; the hostile ones are in `hostile`."""

import io
import random
import secrets
from collections.abc import Callable

import pikepdf
import pillow_heif
from PIL import Image, ImageDraw, ImageFont

pillow_heif.register_heif_opener()


def photo(
    width: int = 320, height: int = 240, kind: str = "JPEG", *, shade: int = 40, **options: object
) -> bytes:
    """A picture with some structure; `shade` makes it another picture."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.paste((shade, 200 - shade, 90), (width // 4, height // 4, width // 2, height // 2))
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def receipt(seed: int, width: int = 900, height: int = 1200, **options: object) -> bytes:
    """A printed form filled in by `seed`: lines of words and sums under the same heading."""
    chosen = random.Random(seed)
    image = Image.new("RGB", (900, 1200), "white")
    draw, small = ImageDraw.Draw(image), ImageFont.load_default(28)
    draw.rectangle((40, 40, 860, 1160), outline="black", width=4)
    draw.text((300, 60), "RECEIPT", fill="black", font=ImageFont.load_default(60))
    for top in range(150, 1050, 50):
        words = "".join(
            chosen.choice("abcdefghij 0123456789") for _ in range(chosen.randint(5, 24))
        )
        draw.line((40, top, 860, top), fill="grey", width=2)
        draw.text((60, top + 8), words, fill="black", font=small)
        draw.text((660, top + 8), f"{chosen.randint(1, 99_999) / 100:.2f}", "black", small)
    target = io.BytesIO()
    image.resize((width, height)).save(target, "JPEG", **options)
    return target.getvalue()


def scan(picture: bytes) -> bytes:
    """A PDF of one page that is a photograph."""

    def change(document: pikepdf.Pdf) -> None:
        with Image.open(io.BytesIO(picture)) as image:
            width, height = image.size
        photo = document.make_stream(b"")
        photo.write(picture, filter=pikepdf.Name.DCTDecode)
        photo.Type, photo.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        photo.Width, photo.Height = width, height
        photo.ColorSpace, photo.BitsPerComponent = pikepdf.Name.DeviceRGB, 8
        page = document.pages[0]
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=photo))
        page.Contents = document.make_stream(b"q 200 0 0 200 0 0 cm /Im Do Q")

    return pdf(1, change)


def patches() -> bytes:
    """A small picture of random grey patches: it looks like no other."""
    image = Image.frombytes("L", (8, 6), secrets.token_bytes(48)).resize((64, 48))
    target = io.BytesIO()
    image.convert("RGB").save(target, "JPEG", quality=60)
    return target.getvalue()


def photo_with_location() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "CANARYPHONE"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (29.0, 33.0, 47.0), "E", (106.0, 33.0, 5.0)
    return photo(kind="JPEG", exif=exif.tobytes(), comment=b"CANARYCOMMENT")


def pdf(
    pages: int = 1, change: Callable[[pikepdf.Pdf], None] | None = None, **save: object
) -> bytes:
    document = pikepdf.new()
    for number in range(pages):
        page = document.add_blank_page(page_size=(200, 200))
        page.Contents = document.make_stream(b"0 0 m 10 %d l S" % number)
    if change is not None:
        change(document)
    target = io.BytesIO()
    document.save(target, **save)  # type: ignore[arg-type]
    return target.getvalue()

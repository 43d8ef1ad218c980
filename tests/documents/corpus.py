"""Files as strangers send them, made here: good ones, and more than thirty hostile ones."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

import pikepdf
import pillow_heif
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

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


def png_chunk(name: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def png(width: int, height: int, rows: bytes, *extra: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + b"".join(extra)
        + png_chunk(b"IDAT", rows)
        + png_chunk(b"IEND", b"")
    )


def archive() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as inside:
        inside.writestr("a.class", b"CAFEBABE")
    return target.getvalue()


def jpeg_header(width: int, height: int) -> bytes:
    """A small JPEG whose header claims another size."""
    small = photo()
    at = small.index(b"\xff\xc0") + 5
    return small[:at] + struct.pack(">HH", height, width) + small[at + 4 :]


def _action(name: str, **entries: object) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        action = {"/S": pikepdf.Name(name)} | {f"/{key}": value for key, value in entries.items()}
        document.Root.OpenAction = pikepdf.Dictionary(action)

    return change


def _page_script(document: pikepdf.Pdf) -> None:
    script = pikepdf.Dictionary({"/S": pikepdf.Name.JavaScript, "/JS": "app.alert(1)"})
    document.pages[0].AA = pikepdf.Dictionary({"/O": script})


def _xfa(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm = pikepdf.Dictionary(
        {"/XFA": document.make_stream(b"<xdp/>"), "/Fields": pikepdf.Array([])}
    )


def _bomb_stream(document: pikepdf.Pdf) -> None:
    packed = zlib.compress(bytes(120 * 1024 * 1024), 1)
    stream = document.make_stream(b"")
    stream.write(packed, filter=pikepdf.Name.FlateDecode)
    document.pages[0].Contents = stream


def _double_bomb(document: pikepdf.Pdf) -> None:
    packed = zlib.compress(zlib.compress(bytes(120 * 1024 * 1024), 1), 9)
    stream = document.make_stream(b"")
    both = pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.FlateDecode])
    stream.write(packed, filter=both)
    document.pages[0].Contents = stream


def _huge_image(document: pikepdf.Pdf) -> None:
    stream = document.make_stream(b"\x00")
    stream.Type, stream.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    stream.Width, stream.Height = 65_535, 65_535
    document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=stream))


def _many_objects(document: pikepdf.Pdf) -> None:
    document.Root.Extra = pikepdf.Array(
        [document.make_indirect(pikepdf.Dictionary(N=number)) for number in range(30_000)]
    )


@cache
def hostile() -> dict[str, tuple[bytes, set[str]]]:
    """Name → the file, and the reasons that are right answers to it."""
    jpeg, still_png, plain = photo(), photo(kind="PNG"), pdf()
    animated = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), shade) for shade in ("red", "blue", "green")]
    frames[0].save(animated, "WEBP", save_all=True, append_images=frames[1:])
    zeros = zlib.compress(bytes(60_000_000), 9)
    text_bomb = png_chunk(b"zTXt", b"k\x00\x00" + zlib.compress(bytes(100 * 1024 * 1024), 1))
    noisy_gif = io.BytesIO()
    Image.new("L", (64, 64)).save(noisy_gif, "GIF")
    tiff = io.BytesIO()
    Image.new("L", (64, 64)).save(tiff, "TIFF")
    text_png = PngImagePlugin.PngInfo()
    text_png.add_text("x", "<script>alert(1)</script>")
    lock = pikepdf.Encryption(owner="o", user="u")
    open_lock = pikepdf.Encryption(owner="o", user="")
    return {
        "empty": (b"", {"empty"}),
        "one byte": (b"\xff", {"type-not-allowed"}),
        "plain text": (b"hello, this is a medical record", {"type-not-allowed"}),
        "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', {"type-not-allowed"}),
        "html": (b"<!doctype html><html><script>1</script></html>", {"type-not-allowed"}),
        "gif": (noisy_gif.getvalue(), {"type-not-allowed"}),
        "tiff": (tiff.getvalue(), {"type-not-allowed"}),
        "zip": (archive(), {"type-not-allowed"}),
        "executable": (b"MZ" + bytes(500), {"type-not-allowed"}),
        "elf": (b"\x7fELF\x02\x01\x01" + bytes(500), {"type-not-allowed"}),
        "truncated jpeg": (jpeg[: len(jpeg) // 2], {"damaged"}),
        "truncated png": (still_png[: len(still_png) // 2], {"damaged", "foreign-content"}),
        "truncated webp": (photo(kind="WEBP")[:-100], {"damaged"}),
        "truncated heic": (photo(640, 480, "HEIF")[:-400], {"damaged"}),
        "truncated pdf": (plain[:-40], {"damaged"}),
        "jpeg magic, noise after it": (b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9, {"damaged"}),
        "png magic, noise after it": (
            b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9,
            {"damaged", "foreign-content"},
        ),
        "pdf magic, noise after it": (b"%PDF-1.7\n" + bytes(range(256)) * 9, {"damaged"}),
        "heic magic, noise after it": (
            b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(range(256)) * 9,
            {"damaged", "type-not-allowed"},
        ),
        "jpeg and zip": (jpeg + archive(), {"foreign-content"}),
        "pdf and zip": (plain + archive(), {"foreign-content", "damaged"}),
        "jpeg and pdf": (
            jpeg[:2] + b"\xff\xfe\x00\x10%PDF-1.4\nxxxxx" + jpeg[2:],
            {"foreign-content"},
        ),
        "jpeg and html": (jpeg + b"<html><script>alert(1)</script>", {"foreign-content"}),
        "jpeg and rar": (jpeg + b"Rar!\x1a\x07\x00" + bytes(50), {"foreign-content"}),
        "jpeg and phar": (jpeg + b"<?php __HALT_COMPILER(); ?>", {"foreign-content"}),
        "png with a tail": (still_png + b"MZ" + bytes(300), {"foreign-content"}),
        "png with a script": (photo(kind="PNG", pnginfo=text_png), {"foreign-content"}),
        "animated webp": (animated.getvalue(), {"animated", "too-complex"}),
        "65535 x 65535 jpeg header": (jpeg_header(65_535, 65_535), {"too-many-pixels"}),
        "one row of 65535": (jpeg_header(65_535, 1), {"too-many-pixels", "too-small"}),
        "20000 x 20000 png header": (png(20_000, 20_000, zeros), {"too-many-pixels"}),
        "png of 2^31 columns": (png(2**31 - 1, 1, zeros), {"too-many-pixels", "damaged"}),
        "pixel bomb of all zeros": (png(5_000, 5_000, zeros), {"too-many-pixels"}),
        "png text bomb": (png(100, 100, zlib.compress(bytes(30_100)), text_bomb), {"damaged"}),
        "tiny": (photo(8, 8), {"too-small"}),
        "encrypted pdf": (pdf(encryption=lock), {"encrypted-pdf"}),
        "pdf locked for its owner": (pdf(encryption=open_lock), {"encrypted-pdf"}),
        "scripted pdf": (pdf(1, _action("/JavaScript", JS="app.alert(1)")), {"active-pdf"}),
        "pdf with a page script": (pdf(1, _page_script), {"active-pdf"}),
        "launching pdf": (pdf(1, _action("/Launch", F="cmd.exe")), {"active-pdf"}),
        "submitting pdf": (pdf(1, _action("/SubmitForm", F="http://x.invalid")), {"active-pdf"}),
        "pdf with xfa": (pdf(1, _xfa), {"active-pdf"}),
        "pdf of 31 pages": (pdf(31), {"too-many-pages"}),
        "pdf without pages": (pdf(0), {"damaged"}),
        "pdf bomb": (pdf(1, _bomb_stream), {"too-complex"}),
        "pdf bomb in a bomb": (pdf(1, _double_bomb), {"too-complex"}),
        "pdf with a 65535 x 65535 image": (pdf(1, _huge_image), {"too-many-pixels"}),
        "pdf of 30000 objects": (pdf(1, _many_objects), {"too-complex"}),
        "pdf with a tail": (plain + b"\n#!/bin/sh\nrm -rf /\n", {"foreign-content"}),
    }

"""More than sixty files that mean harm or are not what is taken, each with the right answers."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import pikepdf
from PIL import Image, PngImagePlugin

from tests.documents import bad_pdfs
from tests.documents.bad_pdfs import jpeg_header
from tests.documents.corpus import pdf, photo

Hostile = dict[str, tuple[bytes, set[str]]]


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


def archive(files: Mapping[str, bytes] = MappingProxyType({"a.class": b"CAFEBABE"})) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as inside:
        for name, content in files.items():
            inside.writestr(name, content)
    return target.getvalue()


def workbook(cell: str, *, packed: int = 0) -> bytes:
    """A spreadsheet whose one cell is where no row should be, with `packed` zeros beside it."""
    sheet = f'<worksheet><sheetData><row r="{cell[3:]}"><c r="{cell}"><v>1</v></c></row>'
    return archive(
        {
            "[Content_Types].xml": b"<Types/>",
            "xl/workbook.xml": b"<workbook/>",
            "xl/worksheets/sheet1.xml": f"{sheet}</sheetData></worksheet>".encode(),
            "xl/media/zeros": bytes(packed),
        }
    )


def many_pngs(frames: int) -> bytes:
    """An animated PNG."""
    pictures = [Image.new("RGB", (64, 64), (shade, 0, 0)) for shade in range(0, 250, 50)]
    target = io.BytesIO()
    pictures[0].save(target, "PNG", save_all=True, append_images=pictures[1:frames])
    return target.getvalue()


def webp_header(width: int, height: int) -> bytes:
    """An extended WebP whose canvas claims a size that its picture has not."""
    inner = photo(kind="WEBP")[12:]
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + canvas + inner
    return b"RIFF" + struct.pack("<I", len(body)) + body


def heic_header(width: int, height: int) -> bytes:
    """A HEIC whose box of the size claims another one."""
    small = photo(640, 480, "HEIF")
    told = b"ispe\x00\x00\x00\x00" + struct.pack(">II", 640, 480)
    assert told in small
    return small.replace(told, told[:8] + struct.pack(">II", width, height))


@cache
def hostile() -> Hostile:
    """Name → the file, and the reasons that are right answers to it."""
    return {name: each for kind in _kinds() for name, each in kind().items()}


def one_hostile(name: str) -> tuple[bytes, set[str]]:
    """For who needs no other: packing all the bombs takes seconds."""
    return next(made[name] for kind in _kinds() if name in (made := kind()))


def _kinds() -> tuple[Callable[[], Hostile], ...]:
    """What takes longest to make comes last."""
    return (
        _none_of_ours,
        _acting_pdfs,
        _odd_pdfs,
        _cut_short,
        _two_in_one,
        _too_large_pictures,
        _bombs,
    )


def _none_of_ours() -> Hostile:
    gif, tiff, bmp = io.BytesIO(), io.BytesIO(), io.BytesIO()
    for target, kind in ((gif, "GIF"), (tiff, "TIFF"), (bmp, "BMP")):
        Image.new("L", (64, 64)).save(target, kind)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    entities = b'<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>'
    files = {
        "one byte": b"\xff",
        "plain text": b"hello, this is a medical record",
        "zeros": bytes(100_000),
        "svg": svg,
        "svg after its declaration": b'<?xml version="1.0"?>' + svg,
        "svg of entities": entities,
        "html": b"<!doctype html><html><script>1</script></html>",
        "gif": gif.getvalue(),
        "tiff": tiff.getvalue(),
        "bmp": bmp.getvalue(),
        "zip": archive(),
        "path-climbing zip": archive({"../../etc/passwd": b"root"}),
        "workbook": workbook("AAA1"),
        "workbook with a far cell": workbook("XFD1048576"),
        "executable": b"MZ" + bytes(500),
        "elf": b"\x7fELF\x02\x01\x01" + bytes(500),
        "postscript": b"%!PS-Adobe-3.0\n/x { x } def x",
        "rich text": b"{\\rtf1 {\\object\\objdata 0105}}",
        "old office file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1_000),
    }
    refused = {name: (content, {"type-not-allowed"}) for name, content in files.items()}
    return {"empty": (b"", {"empty"}), **refused}


def _cut_short() -> Hostile:
    """Each kind that is taken, cut at several places, and its first bytes before noise."""
    whole = {
        "jpeg": photo(),
        "png": photo(kind="PNG"),
        "webp": photo(kind="WEBP"),
        "heic": photo(640, 480, "HEIF"),
        "pdf": pdf(),
    }
    cuts = {
        f"{kind} cut at {part:.0%}": (
            content[: int(len(content) * part)],
            {"damaged", "foreign-content"},
        )
        for kind, content in whole.items()
        for part in (0.3, 0.6, 0.9)
    }
    noise, bad = bytes(range(256)) * 9, {"damaged", "foreign-content"}
    begun = {
        "jpeg": b"\xff\xd8\xff\xe0",
        "png": b"\x89PNG\r\n\x1a\n",
        "pdf": b"%PDF-1.7\n",
        "webp": b"RIFF\x00\x09\x00\x00WEBPVP8 ",
        "heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    }
    noisy = {f"{kind} begun, then noise": (start + noise, bad) for kind, start in begun.items()}
    return cuts | noisy


def _two_in_one() -> Hostile:
    jpeg, still, plain = photo(), photo(kind="PNG"), pdf()
    text = PngImagePlugin.PngInfo()
    text.add_text("x", "<script>alert(1)</script>")
    comment = b"\xff\xfe\x00\x10%PDF-1.4\nxxxxx"
    hidden = {
        "jpeg and zip": jpeg + archive(),
        "jpeg and workbook": jpeg + workbook("XFD1048576"),
        "png and zip": still + archive(),
        "webp and zip": photo(kind="WEBP") + archive(),
        "heic and zip": photo(640, 480, "HEIF") + archive(),
        "pdf and zip": plain + archive(),
        "jpeg and pdf": jpeg[:2] + comment + jpeg[2:],
        "jpeg and html": jpeg + b"<html><script>alert(1)</script>",
        "jpeg and rar": jpeg + b"Rar!\x1a\x07\x00" + bytes(50),
        "jpeg and 7z": jpeg + b"7z\xbc\xaf\x27\x1c" + bytes(50),
        "jpeg and phar": jpeg + b"<?php __HALT_COMPILER(); ?>",
        "png with a tail": still + b"MZ" + bytes(300),
        "png with a script": photo(kind="PNG", pnginfo=text),
        "webp with a tail": photo(kind="WEBP") + b"MZ" + bytes(300),
        "pdf with a tail": plain + b"\n#!/bin/sh\nrm -rf /\n",
    }
    return {name: (content, {"foreign-content"}) for name, content in hidden.items()}


def _too_large_pictures() -> Hostile:
    animated = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), shade) for shade in ("red", "blue", "green")]
    frames[0].save(animated, "WEBP", save_all=True, append_images=frames[1:])
    zeros, many = zlib.compress(bytes(60_000_000), 9), {"too-many-pixels"}
    text_bomb = png_chunk(b"zTXt", b"k\x00\x00" + zlib.compress(bytes(100 * 1024 * 1024), 1))
    return {
        "animated webp": (animated.getvalue(), {"animated"}),
        "animated png": (many_pngs(4), {"animated", "type-not-allowed"}),
        "tiny": (photo(8, 8), {"too-small"}),
        "65535 x 65535 jpeg header": (jpeg_header(65_535, 65_535), many),
        "one row of 65535": (jpeg_header(65_535, 1), {"too-many-pixels", "too-small"}),
        "65535 x 65535 png header": (png(65_535, 65_535, zeros), many),
        "png of 2^31 columns": (png(2**31 - 1, 1, zeros), many | {"damaged"}),
        "16383 x 16383 webp header": (webp_header(16_383, 16_383), many | {"damaged"}),
        "65535 x 65535 heic header": (heic_header(65_535, 65_535), many | {"damaged"}),
        "pixel bomb of all zeros": (png(5_000, 5_000, zeros), many),
        "png text bomb": (png(100, 100, zlib.compress(bytes(30_100)), text_bomb), {"damaged"}),
    }


def _odd_pdfs() -> Hostile:
    locks = [pikepdf.Encryption(owner="o", user=user) for user in ("u", "")]
    return {
        "encrypted pdf": (pdf(encryption=locks[0]), {"encrypted-pdf"}),
        "pdf locked for its owner": (pdf(encryption=locks[1]), {"encrypted-pdf"}),
        "pdf of 31 pages": (pdf(31), {"too-many-pages"}),
        "pdf without pages": (pdf(0), {"damaged"}),
        "pdf of a page without width": (pdf(1, bad_pdfs.page_of(0, 200)), {"damaged"}),
        "pdf of a page of a mile": (pdf(1, bad_pdfs.page_of(5_000_000, 200)), {"damaged"}),
        "pdf of three filters": (pdf(1, bad_pdfs.three_filters), {"too-complex"}),
        "pdf of deep arrays": (pdf(1, bad_pdfs.deep_array), {"too-complex"}),
        "pdf with a 65535 x 65535 image": (pdf(1, bad_pdfs.huge_image), {"too-many-pixels"}),
        "pdf with a photo of 65535": (pdf(1, bad_pdfs.photo_of_65535), {"too-many-pixels"}),
    }


def _bombs() -> Hostile:
    zeros = 80_000_000
    return {
        "zip bomb": (archive({"zeros": bytes(zeros)}), {"type-not-allowed"}),
        "workbook bomb": (workbook("XFD1048576", packed=zeros), {"type-not-allowed"}),
        "pdf bomb": (pdf(1, bad_pdfs.bomb_stream), {"too-complex"}),
        "pdf bomb in a bomb": (pdf(1, bad_pdfs.double_bomb), {"too-complex"}),
        "pdf of 30000 objects": (pdf(1, bad_pdfs.many_objects), {"too-complex"}),
    }


def _acting_pdfs() -> Hostile:
    changes = {
        "scripted pdf": bad_pdfs.action("/JavaScript", JS="app.alert(1)"),
        "pdf with a page script": bad_pdfs.page_script,
        "pdf with a named script": bad_pdfs.named_script,
        "launching pdf": bad_pdfs.action("/Launch", F="cmd.exe"),
        "pdf with a launching link": bad_pdfs.launching_link,
        "submitting pdf": bad_pdfs.action("/SubmitForm", F="http://x.invalid"),
        "importing pdf": bad_pdfs.action("/ImportData", F="x.fdf"),
        "pdf going to another": bad_pdfs.action("/GoToR", F="x.pdf"),
        "pdf with xfa": bad_pdfs.xfa,
        "pdf with a film": bad_pdfs.annotation("/RichMedia"),
        "pdf with a 3D model": bad_pdfs.annotation("/3D"),
    }
    return {name: (pdf(1, change), {"active-pdf"}) for name, change in changes.items()}

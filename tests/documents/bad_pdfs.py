"""What harmful PDFs have inside: each changes a decent one."""

import struct
import zlib
from collections.abc import Callable

import pikepdf

from tests.documents.corpus import photo

Change = Callable[[pikepdf.Pdf], None]


def jpeg_header(width: int, height: int) -> bytes:
    """A small JPEG whose header claims another size."""
    small = photo()
    at = small.index(b"\xff\xc0") + 5
    return small[:at] + struct.pack(">HH", height, width) + small[at + 4 :]


def action(name: str, **entries: object) -> Change:
    def change(document: pikepdf.Pdf) -> None:
        action = {"/S": pikepdf.Name(name)} | {f"/{key}": value for key, value in entries.items()}
        document.Root.OpenAction = pikepdf.Dictionary(action)

    return change


def page_script(document: pikepdf.Pdf) -> None:
    script = pikepdf.Dictionary({"/S": pikepdf.Name.JavaScript, "/JS": "app.alert(1)"})
    document.pages[0].AA = pikepdf.Dictionary({"/O": script})


def xfa(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm = pikepdf.Dictionary(
        {"/XFA": document.make_stream(b"<xdp/>"), "/Fields": pikepdf.Array([])}
    )


def bomb_stream(document: pikepdf.Pdf) -> None:
    packed = zlib.compress(bytes(120 * 1024 * 1024), 1)
    stream = document.make_stream(b"")
    stream.write(packed, filter=pikepdf.Name.FlateDecode)
    document.pages[0].Contents = stream


def double_bomb(document: pikepdf.Pdf) -> None:
    packed = zlib.compress(zlib.compress(bytes(120 * 1024 * 1024), 1), 9)
    stream = document.make_stream(b"")
    both = pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.FlateDecode])
    stream.write(packed, filter=both)
    document.pages[0].Contents = stream


def huge_image(document: pikepdf.Pdf) -> None:
    stream = document.make_stream(b"\x00")
    stream.Type, stream.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    stream.Width, stream.Height = 65_535, 65_535
    document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=stream))


def many_objects(document: pikepdf.Pdf) -> None:
    document.Root.Extra = pikepdf.Array(
        [document.make_indirect(pikepdf.Dictionary(N=number)) for number in range(30_000)]
    )


def launching_link(document: pikepdf.Pdf) -> None:
    document.pages[0].Annots = pikepdf.Array(
        [
            pikepdf.Dictionary(
                {
                    "/Type": pikepdf.Name.Annot,
                    "/Subtype": pikepdf.Name.Link,
                    "/Rect": [0, 0, 9, 9],
                    "/A": pikepdf.Dictionary({"/S": pikepdf.Name.Launch, "/F": "cmd.exe"}),
                }
            )
        ]
    )


def annotation(kind: str) -> Change:
    def change(document: pikepdf.Pdf) -> None:
        annotation = {"/Type": pikepdf.Name.Annot, "/Subtype": pikepdf.Name(kind)}
        document.pages[0].Annots = pikepdf.Array(
            [pikepdf.Dictionary({**annotation, "/Rect": [0, 0, 9, 9]})]
        )

    return change


def named_script(document: pikepdf.Pdf) -> None:
    script = pikepdf.Dictionary({"/S": pikepdf.Name.JavaScript, "/JS": "app.alert(1)"})
    names = pikepdf.Dictionary(Names=pikepdf.Array(["a", document.make_indirect(script)]))
    document.Root.Names = pikepdf.Dictionary(JavaScript=names)


def deep_array(document: pikepdf.Pdf) -> None:
    nested = pikepdf.Array([])
    for _ in range(60):
        nested = pikepdf.Array([nested])
    document.Root.Extra = nested


def page_of(width: float, height: float) -> Change:
    def change(document: pikepdf.Pdf) -> None:
        document.pages[0].MediaBox = pikepdf.Array([0, 0, width, height])

    return change


def three_filters(document: pikepdf.Pdf) -> None:
    stream = document.make_stream(b"")
    three = pikepdf.Array([pikepdf.Name.ASCIIHexDecode] * 2 + [pikepdf.Name.FlateDecode])
    stream.write(b"00>", filter=three)
    document.pages[0].Contents = stream


def photo_of_65535(document: pikepdf.Pdf) -> None:
    stream = document.make_stream(b"")
    stream.write(jpeg_header(65_535, 65_535), filter=pikepdf.Name.DCTDecode)
    stream.Type, stream.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    stream.Width, stream.Height = 10, 10
    document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=stream))

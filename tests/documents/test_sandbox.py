"""Every hostile file dies in the bounded child; every decent one comes out clean (P12)."""

import asyncio
import io
import os
import signal
from collections.abc import Iterator

import pikepdf
import pytest
from PIL import Image

from app.documents.errors import REASON_TEXTS, DocumentRefused
from app.documents.prover import Prover
from app.documents.sandbox.refusals import REASONS
from tests.documents import corpus

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def prover() -> Iterator[Prover]:
    prover = Prover()
    yield prover
    prover.close()


async def test_a_child_that_dies_is_replaced(prover: Prover) -> None:
    await prover.prove(corpus.photo())
    for child in prover.children:
        if child.pid is not None:
            os.kill(child.pid, signal.SIGKILL)
            await asyncio.to_thread(os.waitpid, child.pid, 0)
    assert (await prover.prove(corpus.photo())).width == 320


async def test_two_files_are_proved_beside_each_other(prover: Prover) -> None:
    """A child that is stopped in the middle of a file holds up nobody else's."""
    await asyncio.gather(*(prover.prove(corpus.photo(4_000, 3_000)) for _ in range(2)))
    stopped = next(child.pid for child in prover.children if child.pid is not None)
    os.kill(stopped, signal.SIGSTOP)
    try:
        both = [asyncio.create_task(prover.prove(corpus.photo())) for _ in range(2)]
        done, stuck = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        assert [len(done), len(stuck)] == [1, 1]
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert {proven.width for proven in await asyncio.gather(*both)} == {320}


@pytest.mark.long
async def test_endless_decoding_is_cut_off(prover: Prover) -> None:
    """CPU time is limited per file: a decoder that never ends kills only its child."""

    def spin(document: pikepdf.Pdf) -> None:
        nested = pikepdf.Array([])
        for _ in range(400):
            nested = pikepdf.Array([nested, nested])
            if len(bytes(nested.unparse())) > 8_000_000:
                break
        document.Root.Extra = nested

    with pytest.raises(DocumentRefused) as refused:
        await prover.prove(corpus.pdf(1, spin))
    assert refused.value.reason in ("too-complex", "damaged")
    assert (await prover.prove(corpus.photo())).width == 320


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
async def test_photographs_become_plain_jpeg(prover: Prover, kind: str) -> None:
    proven = await prover.prove(corpus.photo(kind=kind))
    assert (proven.media_type, proven.pages) == ("image/jpeg", 1)
    with Image.open(io.BytesIO(proven.content)) as image:
        assert (image.format, image.size) == ("JPEG", (320, 240))
    assert proven.thumbnail is not None
    assert proven.perceptual_hash is not None


async def test_where_a_photograph_was_taken_is_not_kept(prover: Prover) -> None:
    sent = corpus.photo_with_location()
    assert b"CANARYPHONE" in sent
    proven = await prover.prove(sent)
    for kept in (proven.content, proven.thumbnail or b""):
        assert b"CANARY" not in kept
        with Image.open(io.BytesIO(kept)) as image:
            assert not image.getexif()


async def test_a_photograph_is_turned_upright(prover: Prover) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    proven = await prover.prove(corpus.photo(320, 240, exif=exif.tobytes()))
    assert (proven.width, proven.height) == (240, 320)


async def test_a_large_photograph_is_kept_at_reading_size(prover: Prover) -> None:
    proven = await prover.prove(corpus.photo(8_000, 6_000))
    assert (proven.width, proven.height) == (3_200, 2_400)


def _apart(one: int | None, other: int | None) -> int:
    assert one is not None
    assert other is not None
    return ((one ^ other) & (2**64 - 1)).bit_count()


async def test_near_same_pictures_have_near_hashes(prover: Prover) -> None:
    """Copies of one receipt are near, another one on the same printed form is not."""
    first, again, other = [
        (await prover.prove(content)).perceptual_hash
        for content in (
            corpus.receipt(1, quality=95),
            corpus.receipt(1, 450, 600, quality=50),
            corpus.receipt(2, quality=95),
        )
    ]
    assert _apart(first, again) <= 4
    assert _apart(first, other) >= 8


async def test_a_scan_in_a_pdf_is_near_its_photograph(prover: Prover) -> None:
    picture = corpus.receipt(3)
    alone = await prover.prove(picture)
    scanned = await prover.prove(corpus.scan(picture))
    assert scanned.media_type == "application/pdf"
    assert _apart(alone.perceptual_hash, scanned.perceptual_hash) <= 4


async def test_what_shows_nothing_is_near_nothing(prover: Prover) -> None:
    """Blank pages, and the seals and logos of PDFs, are the same on everybody's papers."""
    blank = io.BytesIO()
    Image.new("RGB", (800, 800), "white").save(blank, "JPEG")
    for content in (blank.getvalue(), corpus.pdf(), corpus.scan(corpus.receipt(4, 300, 400))):
        assert (await prover.prove(content)).perceptual_hash is None


async def test_a_pdf_loses_author_attachments_and_photo_metadata(prover: Prover) -> None:
    def change(document: pikepdf.Pdf) -> None:
        document.docinfo["/Author"] = "CANARYAUTHOR"
        document.attachments["a.txt"] = b"CANARYATTACHED"
        photo = document.make_stream(b"")
        photo.write(corpus.photo_with_location(), filter=pikepdf.Name.DCTDecode)
        photo.Type, photo.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        photo.Width, photo.Height = 320, 240
        document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=photo))

    proven = await prover.prove(corpus.pdf(2, change))
    assert (proven.media_type, proven.pages) == ("application/pdf", 2)
    assert b"CANARY" not in proven.content
    with pikepdf.open(io.BytesIO(proven.content)) as kept:
        assert not kept.attachments
        assert "/Author" not in kept.docinfo


async def test_a_signed_pdf_is_kept_byte_for_byte(prover: Prover) -> None:
    def sign(document: pikepdf.Pdf) -> None:
        document.Root.Sig = document.make_indirect(
            pikepdf.Dictionary(
                {"/Type": pikepdf.Name.Sig, "/ByteRange": pikepdf.Array([0, 1, 2, 3])}
            )
        )

    sent = corpus.pdf(1, sign)
    assert (await prover.prove(sent)).content == sent


def test_every_reason_is_explained_in_both_languages() -> None:
    assert set(REASON_TEXTS) == set(REASONS)
    assert all(words.zh and words.en for words in REASON_TEXTS.values())

"""Proving a file, keeping it encrypted, and giving it back."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.documents.desk import Desk
from app.documents.errors import DocumentRefused
from app.documents.models import StoredObject
from app.documents.prover import Invoice
from app.documents.schemas import MAX_FILE_BYTES
from app.documents.storage import new_data_key
from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.problems import NotFound


@dataclass(frozen=True, slots=True)
class Content:
    """A file to show: decrypted bytes of a proven type."""

    media_type: str
    content: bytes


async def prove_and_keep(desk: Desk, content: bytes) -> StoredObject:
    """Prove a file in the sandbox and write it, encrypted, to storage; outside transactions.

    Returns a row that is not in the database yet: the caller adds it together with the
    fact that uses it. Until then the bytes cannot be read by anybody, because the only
    copy of their key is in this row. Raises DocumentRefused (422), Unavailable (503).
    """
    if not content:
        raise DocumentRefused("empty")
    if len(content) > MAX_FILE_BYTES:
        raise DocumentRefused("too-large")
    proven = await desk.prover.prove(content)
    object_id, data_key, now = new_id(), new_data_key(), system_now()
    object_key = _key(object_id, now)
    await desk.storage.put(object_key, data_key, proven.content)
    thumbnail_key = None
    if proven.thumbnail is not None:
        thumbnail_key = f"{object_key}-thumbnail"
        await desk.storage.put(thumbnail_key, data_key, proven.thumbnail)
    return StoredObject(
        id=object_id,
        object_key=object_key,
        media_type=proven.media_type,
        original_media_type=proven.original_media_type,
        size=len(proven.content),
        sha256=hashlib.sha256(proven.content).digest(),
        original_sha256=hashlib.sha256(content).digest(),
        sealed=desk.vault.seal("stored_object", object_id, {"data_key": data_key}),
        pages=proven.pages,
        width=proven.width,
        height=proven.height,
        thumbnail_key=thumbnail_key,
        perceptual_hash=proven.perceptual_hash,
    )


async def read_invoices(desk: Desk, stored: StoredObject) -> tuple[Invoice, ...]:
    """What the codes printed on a kept file say; raises Unavailable (503)."""
    kept = await read_object(desk, stored)
    return await desk.prover.read_invoices(kept.content, kept.media_type)


async def read_object(desk: Desk, stored: StoredObject, variant: str = "content") -> Content:
    """Fetch and decrypt; raises NotFound (404) once erased or without such a variant."""
    object_key = stored.object_key if variant == "content" else stored.thumbnail_key
    if stored.sealed is None or object_key is None:
        raise NotFound
    data_key: bytes = desk.vault.open("stored_object", stored.id, stored.sealed)["data_key"]
    media_type = stored.media_type if variant == "content" else "image/jpeg"
    return Content(media_type, await desk.storage.get(object_key, data_key))


def _key(object_id: UUID, at: datetime) -> str:
    # The day lets a sweep look at one day's names instead of all.
    return f"objects/{at:%Y/%m/%d}/{object_id}"

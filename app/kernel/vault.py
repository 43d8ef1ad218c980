"""Encryption of personal data: one packed record per row, found by keyed blind index.

Keysets live in the database, wrapped by the master key from the environment. A sealed
record is bound to its table and row (AAD), so that a ciphertext copied to another row
does not open. A blind index is 16 bytes, the first of which names its key.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec
import tink
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import CheckConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from tink import aead, proto_keyset_format

from app.kernel.clock import system_now
from app.kernel.database import Base
from app.settings import Settings

KeysetKind = Literal["record", "index"]

# A new record keyset is used only after every process has had time to load it.
REFRESH_EVERY = timedelta(seconds=60)
ACTIVATION_DELAY = timedelta(minutes=3)

aead.register()


class VaultError(Exception):
    """A record does not open: wrong key, wrong row, or altered bytes."""


class MasterKeyError(VaultError, ValueError):
    """The master key is none, or not the one under which this database was sealed."""


class Keyset(Base):
    """One version of a key: `sealed` is a wrapped tink keyset or a wrapped index key."""

    __tablename__ = "keyset"
    __table_args__ = (CheckConstraint("kind in ('record', 'index')", name="kind"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed: Mapped[bytes]
    active_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class _MasterKey(aead.Aead):  # type: ignore[misc]
    """The wrapping key, in tink's interface."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._cipher.encrypt(nonce, plaintext, associated_data)

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        try:
            return self._cipher.decrypt(ciphertext[:12], ciphertext[12:], associated_data)
        except InvalidTag as error:
            raise MasterKeyError("the master key does not open this keyset") from error


@dataclass(frozen=True, slots=True)
class _LoadedKeysets:
    record: dict[int, aead.Aead]
    index: dict[int, bytes]
    active_at: dict[tuple[str, int], datetime]


def decode_master_key(encoded: str) -> bytes:
    """32 bytes from base64; raises MasterKeyError that says what is expected."""
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise MasterKeyError("REDUMBRELLA_MASTER_KEY must be base64") from error
    if len(key) != 32:
        raise MasterKeyError("REDUMBRELLA_MASTER_KEY must be 32 bytes in base64")
    return key


class Vault:
    """Seals and opens records with the keysets last loaded by `refresh`."""

    def __init__(self, master_key: bytes) -> None:
        self._master_key = master_key
        self._wrap = _MasterKey(master_key)
        self._keys = _LoadedKeysets({}, {}, {})
        self._sealing_version = 0
        self._index_version = 0
        self._chosen_until = system_now()

    async def refresh(self, session: AsyncSession) -> None:
        """Load every keyset that is not retired; called at start and every minute."""
        rows = (await session.scalars(select(Keyset).where(Keyset.retired_at.is_(None)))).all()
        record: dict[int, aead.Aead] = {}
        index: dict[int, bytes] = {}
        for row in rows:
            label = f"{row.kind}:{row.version}".encode()
            if row.kind == "record":
                handle = proto_keyset_format.parse_encrypted(row.sealed, self._wrap, label)
                record[row.version] = handle.primitive(aead.Aead)
            else:
                index[row.version] = self._wrap.decrypt(row.sealed, label)
        active_at = {(row.kind, row.version): row.active_at for row in rows}
        self._keys = _LoadedKeysets(record, index, active_at)
        self._choose_versions()

    def _choose_versions(self) -> None:
        now = system_now()
        active = [key for key, at in self._keys.active_at.items() if at <= now]
        self._sealing_version = max((v for kind, v in active if kind == "record"), default=0)
        self._index_version = max((v for kind, v in active if kind == "index"), default=0)
        self._chosen_until = now + REFRESH_EVERY

    async def add_keyset(
        self, session: AsyncSession, kind: KeysetKind, *, active_at: datetime
    ) -> int:
        """Make the next version of a keyset; returns its number. The caller refreshes."""
        versions = await session.scalars(select(Keyset.version).where(Keyset.kind == kind))
        version = max(versions.all(), default=0) + 1
        label = f"{kind}:{version}".encode()
        if kind == "record":
            handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
            sealed = proto_keyset_format.serialize_encrypted(handle, self._wrap, label)
        else:
            sealed = self._wrap.encrypt(secrets.token_bytes(32), label)
        session.add(Keyset(kind=kind, version=version, sealed=sealed, active_at=active_at))
        await session.flush()
        return version

    @property
    def sealing_version(self) -> int:
        """The record keyset version that new records are sealed with."""
        if system_now() >= self._chosen_until:
            self._choose_versions()
        return self._sealing_version

    @property
    def index_version(self) -> int:
        """The index key version that new rows are indexed with."""
        if system_now() >= self._chosen_until:
            self._choose_versions()
        return self._index_version

    def seal_bytes(self, table: str, row_id: UUID, plaintext: bytes) -> bytes:
        """Encrypt; the first two bytes of the result name the keyset version."""
        version = self.sealing_version
        sealed: bytes = self._keys.record[version].encrypt(plaintext, _row_label(table, row_id))
        return struct.pack(">H", version) + sealed

    def open_bytes(self, table: str, row_id: UUID, sealed: bytes) -> bytes:
        """Decrypt; raises VaultError when the bytes are not this row's."""
        cipher = self._keys.record.get(record_version(sealed))
        if cipher is None:
            raise VaultError("the keyset of this record is not loaded")
        try:
            opened: bytes = cipher.decrypt(sealed[2:], _row_label(table, row_id))
        except tink.TinkError as error:
            raise VaultError("the record does not open") from error
        return opened

    def seal(self, table: str, row_id: UUID, record: Mapping[str, Any]) -> bytes:
        """Encrypt one row's personal data as a packed record."""
        return self.seal_bytes(table, row_id, msgspec.msgpack.encode(record))

    def open(self, table: str, row_id: UUID, sealed: bytes) -> dict[str, Any]:
        """The record given to `seal`; raises VaultError."""
        return msgspec.msgpack.decode(self.open_bytes(table, row_id, sealed), type=dict[str, Any])

    def blind_index(self, purpose: str, value: str) -> bytes:
        """16 bytes by which a value is found without being readable."""
        return self._index_under(self.index_version, purpose, value)

    def blind_index_candidates(self, purpose: str, value: str) -> list[bytes]:
        """The index under every loaded key, for look-ups while indexes are rebuilt."""
        return [self._index_under(version, purpose, value) for version in self._keys.index]

    def index_key(self, purpose: str) -> tuple[int, bytes]:
        """Version byte and key for indexing in bulk: BLAKE2b-120 of the normalised value."""
        version = self.index_version
        return version, _purpose_key(self._keys.index[version], purpose)

    def _index_under(self, version: int, purpose: str, value: str) -> bytes:
        key = _purpose_key(self._keys.index[version], purpose)
        return bytes([version]) + bulk_index(key, value)

    def mac(self, purpose: str, message: bytes, length: int = 16) -> bytes:
        """A keyed checksum under the master key, for cursors and links."""
        key = hashlib.blake2b(self._master_key, person=purpose.encode()[:16]).digest()
        return hashlib.blake2b(message, key=key, digest_size=length).digest()

    def mac_matches(self, purpose: str, message: bytes, mac: bytes) -> bool:
        return hmac.compare_digest(self.mac(purpose, message, max(1, len(mac))), mac)


def open_vault(settings: Settings) -> Vault:
    """The vault of this process, still without keysets; raises ValueError for a bad key."""
    return Vault(decode_master_key(settings.master_key.get_secret_value()))


async def install_keysets(session: AsyncSession, settings: Settings) -> None:
    """Make the first keyset of each kind where there is none."""
    vault = open_vault(settings)
    present = set((await session.scalars(select(Keyset.kind))).all())
    for kind in get_args(KeysetKind):
        if kind not in present:
            await vault.add_keyset(session, kind, active_at=system_now())


def bulk_index(key: bytes, value: str) -> bytes:
    """The 15 hash bytes of a blind index; the value is compared in its NFKC form."""
    normal = unicodedata.normalize("NFKC", value)
    return hashlib.blake2b(normal.encode(), key=key, digest_size=15).digest()


def record_version(sealed: bytes) -> int:
    """The keyset version that a sealed record names."""
    return int(struct.unpack(">H", sealed[:2])[0])


def _purpose_key(key: bytes, purpose: str) -> bytes:
    return hashlib.blake2b(key, person=purpose.encode()[:16], digest_size=32).digest()


def _row_label(table: str, row_id: UUID) -> bytes:
    return table.encode() + b":" + row_id.bytes

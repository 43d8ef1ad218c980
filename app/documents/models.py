"""Stored files, uploads on the way to being one, and links under which one is seen once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

# Hashes that differ in at most three bits are equal in at least one of these parts.
HASH_BANDS = tuple(text(f"((perceptual_hash >> {shift}) & 65535)") for shift in (48, 32, 16, 0))
UPLOAD = Lifecycle.of(
    "upload",
    initial=["receiving"],
    moves={"receiving": ["finished", "refused", "expired"], "refused": ["expired"]},
)


class StoredObject(Base):
    """One proven file; its bytes are in object storage, under a data key sealed here.

    `bytes` and `sha256` are of what is stored (re-encoded, before encryption);
    `original_sha256` is of what was sent, so that the same file is known again.
    `perceptual_hash` is a signed 64-bit difference hash: of the picture, or of the first one in
    a PDF; null where there is none, or nothing to see in it. Compared with
    `bit_count((a # b)::bit(64))`, found through `HASH_BANDS`. While `blocked_at` is set the
    file is stored and not used; once `erased_at` is set, neither bytes nor key are left.
    """

    __tablename__ = "stored_object"
    __table_args__ = (
        UniqueConstraint("object_key", name="uq_stored_object__object_key"),
        Index("ix_stored_object__original_sha256", "original_sha256"),
        *(
            Index(
                f"ix_stored_object__hash_band_{number}",
                band,
                postgresql_where=text("perceptual_hash is not null"),
            )
            for number, band in enumerate(HASH_BANDS, start=1)
        ),
        CheckConstraint("bytes > 0", name="bytes"),
        CheckConstraint("erased_at is not null or sealed is not null", name="openable"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    object_key: Mapped[str]
    media_type: Mapped[str]
    original_media_type: Mapped[str]
    size: Mapped[int] = mapped_column("bytes", BigInteger)
    sha256: Mapped[bytes]
    original_sha256: Mapped[bytes]
    sealed: Mapped[bytes | None]
    pages: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    thumbnail_key: Mapped[str | None]
    perceptual_hash: Mapped[int | None] = mapped_column(BigInteger)
    stored_at: Mapped[datetime] = mapped_column(server_default=func.now())
    blocked_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]


class Upload(Base):
    """A file on its way: `received` bytes of `declared_bytes` are here, all or none of a chunk.

    `owner_kind` and `owner_id` are the principal who opened it; `purpose` and
    `subject_id` say what it is for in the words of the feature that asked. `swept` means that
    no chunk of it is left.
    """

    __tablename__ = "upload"
    __table_args__ = (
        UniqueConstraint("token_hash", name="uq_upload__token_hash"),
        CheckConstraint(UPLOAD.check(), name="status"),
        CheckConstraint("received between 0 and declared_bytes", name="received"),
        CheckConstraint("status <> 'finished' or object_id is not null", name="finished"),
        Index("ix_upload__subject_id", "subject_id"),
        Index("ix_upload__expires_at", "expires_at", postgresql_where=text("not swept")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes]
    owner_kind: Mapped[str]
    owner_id: Mapped[UUID]
    purpose: Mapped[str]
    subject_id: Mapped[UUID]
    kind: Mapped[str]
    declared_bytes: Mapped[int] = mapped_column(BigInteger)
    declared_sha256: Mapped[bytes | None]
    received: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    reason_code: Mapped[str | None]
    object_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_object.id"))
    sealed: Mapped[bytes]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    swept: Mapped[bool] = mapped_column(server_default=text("false"))


class UploadChunk(Base):
    """One received piece, encrypted under the upload's data key."""

    __tablename__ = "upload_chunk"
    __table_args__ = (CheckConstraint("bytes > 0", name="bytes"),)

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column("bytes", BigInteger)
    sha256: Mapped[bytes]
    object_key: Mapped[str]


class BlobLink(Base):
    """A view given to one person for one read; the token itself is not kept."""

    __tablename__ = "blob_link"
    __table_args__ = (
        CheckConstraint("variant in ('content', 'thumbnail')", name="variant"),
        Index("ix_blob_link__object_id", "object_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    object_id: Mapped[UUID] = mapped_column(ForeignKey("stored_object.id"))
    variant: Mapped[str]
    viewer_kind: Mapped[str]
    viewer_id: Mapped[UUID]
    on_behalf_of: Mapped[UUID | None]
    issued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

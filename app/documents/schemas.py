"""What uploads and views look like from outside."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.documents.sandbox.refusals import Reason
from app.kernel.schema import Body, View

CHUNK_BYTES = 1024 * 1024
MAX_FILE_BYTES = 20 * 1024 * 1024

FileBytes = Annotated[int, Field(ge=1, le=MAX_FILE_BYTES, examples=[1_804_298])]
Sha256 = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the whole file in lower-case hex; compared when it is complete.",
    ),
]


UploadStatus = Literal["receiving", "finished", "refused", "expired"]


class OpenedUpload(View):
    """Where to send the file: `PUT {url}/{offset}` for each chunk, in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "7Q4M2ZK9T0V3XBW8C5N6H1JDRY",
                    "url": "/v1/uploads/7Q4M2ZK9T0V3XBW8C5N6H1JDRY",
                    "chunk_bytes": 1048576,
                    "expires_at": "2026-11-23T08:00:00Z",
                }
            ]
        }
    )

    token: str
    url: str
    chunk_bytes: int
    expires_at: datetime


class UploadView(View):
    """How far an upload is; the next chunk starts at `received`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "received": 1048576,
                    "bytes": 1804298,
                    "status": "receiving",
                    "reason_code": None,
                    "expires_at": "2026-11-23T08:00:00Z",
                }
            ]
        }
    )

    received: int
    bytes: int
    status: UploadStatus
    reason_code: Reason | None
    expires_at: datetime


class ViewRequest(Body):
    """Which rendering of a document to look at."""

    variant: Literal["content", "thumbnail"] = "content"


class BlobLinkView(View):
    """A link that opens once, within 60 seconds, and is recorded when it does."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "/v1/blobs/AZLxT0J3fK2mPZ0yVQ",
                    "media_type": "image/jpeg",
                    "expires_at": "2026-11-22T08:01:00Z",
                }
            ]
        }
    )

    url: str
    media_type: str
    expires_at: datetime

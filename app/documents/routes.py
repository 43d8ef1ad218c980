"""Chunks in, and files out; both doors open by a secret token in the address.

A token is made for one caller by a route that knows them; it is random or signed,
short-lived, and kept only as a hash.
"""

from typing import Annotated

from fastapi import Path, Request, Response

from app.documents import uploads, viewing
from app.documents.desk import DeskDep
from app.documents.schemas import MAX_FILE_BYTES, UploadView
from app.kernel.problems import UnsupportedMediaType
from app.kernel.routing import router

routes = router("documents")

OCTETS = "application/octet-stream"
Token = Annotated[str, Path(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$", description="The upload's token.")]
Offset = Annotated[int, Path(ge=0, le=MAX_FILE_BYTES, description="Where this chunk starts.")]
LinkToken = Annotated[str, Path(min_length=16, max_length=64, description="From a view link.")]

_CHUNK_BODY = {
    "requestBody": {
        "required": True,
        "description": "1 to 1,048,576 raw bytes.",
        "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@routes.put("/v1/uploads/{token}/{offset}", openapi_extra=_CHUNK_BODY)
async def put_chunk(desk: DeskDep, request: Request, token: Token, offset: Offset) -> UploadView:
    """Send the next chunk. The same chunk again changes nothing; a gap is 409 with
    `expected_offset`, so that a client whose connection was cut simply goes on from there.
    """
    upload = await uploads.find_open(desk, token)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != OCTETS:
        raise UnsupportedMediaType(expected=OCTETS)
    return await uploads.put_chunk(desk, upload, offset, await request.body())


@routes.get("/v1/uploads/{token}")
async def get_upload(desk: DeskDep, token: Token) -> UploadView:
    """How many bytes have arrived: where to go on after a cut."""
    return uploads.view_of(await uploads.find_open(desk, token))


@routes.get(
    "/v1/blobs/{token}",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {"image/jpeg": {}, "application/pdf": {}},
        },
        410: {
            "description": "The link was used or is older than 60 seconds.",
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        },
    },
)
async def read_blob(desk: DeskDep, token: LinkToken) -> Response:
    """Show the file of a view link, with its viewer and the time written over every page. A
    link opens once; each use is recorded.
    """
    shown = await viewing.follow_link(desk, token)
    headers = {
        "Content-Disposition": "inline",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store, private",
    }
    return Response(shown.content, media_type=shown.media_type, headers=headers)

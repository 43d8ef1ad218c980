"""ETags of rows that carry a version: shown with a reading, asked for with a change."""

import re
from typing import Annotated, Protocol

from fastapi import Header

from app.kernel.problems import PreconditionFailed, PreconditionRequired

IfMatch = Annotated[str | None, Header(description="The ETag of your last reading.")]
_ETAG = re.compile(r'"([0-9]{1,9})"')


class Versioned(Protocol):
    """A row whose `version` grows with each change."""

    @property
    def version(self) -> int: ...


def etag_of(row: Versioned) -> str:
    return f'"{row.version}"'


def version_of(if_match: str | None) -> int:
    """The version in an If-Match header; PreconditionRequired (428) or Failed (412)."""
    if if_match is None:
        raise PreconditionRequired
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise PreconditionFailed
    return int(match[1])

"""Why a file is refused, as stable words."""

from typing import Literal, get_args

Reason = Literal[
    "empty",
    "too-large",
    "type-not-allowed",
    "damaged",
    "foreign-content",
    "too-many-pixels",
    "too-small",
    "animated",
    "encrypted-pdf",
    "active-pdf",
    "too-many-pages",
    "too-complex",
    "size-mismatch",
    "hash-mismatch",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class Refused(Exception):
    """The file is not taken; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason

"""Documents that can no longer change: parsed once per process, found by their id."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

from app.plans.literals import Term

Terms = TypeVar("Terms", bound=Term)

MOST = 512


class Frozen(Generic[Terms]):
    """The documents of one kind that this process has met."""

    def __init__(self, kind: type[Terms]) -> None:
        self._kind = kind
        self._kept: dict[UUID, Terms] = {}

    def known(self, document_id: UUID) -> Terms | None:
        """What was parsed before."""
        return self._kept.get(document_id)

    def read(self, document_id: UUID, document: Mapping[str, Any] | str) -> Terms:
        """The document's terms, parsed now if need be; `document` is JSON text or its content."""
        terms = self._kept.get(document_id)
        if terms is None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            if isinstance(document, str):
                terms = self._kind.model_validate_json(document)
            else:
                terms = self._kind.model_validate(document)
            self._kept[document_id] = terms
        return terms

"""What a plan declares for its benefits: tables to look up in, and facts to ask for."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from app.plans.benefits import Words
from app.plans.literals import (
    FIELD,
    TABLE,
    WORD,
    Decimal,
    Fen,
    Term,
    Whole,
    Yuan,
    literal_shape,
    no_float,
)

# A number that a claim states, where the plan says no more.
MAX_COUNT = 10**6


def _entry_shape(value: object) -> str | None:
    if isinstance(value, Words) or (isinstance(value, dict) and {"zh", "en"} & value.keys()):
        return "<words>"
    return literal_shape(value)


TableEntry = Annotated[
    Annotated[Whole, Tag("<number>")]
    | Annotated[Decimal, Tag("<decimal>")]
    | Annotated[Yuan, Tag("<yuan>")]
    | Annotated[Fen, Tag("<fen>")]
    | Annotated[Words, Tag("<words>")],
    Discriminator(
        _entry_shape,
        custom_error_type="not-an-entry",
        custom_error_message="expected a whole number, a decimal as text, money, or words",
    ),
    BeforeValidator(no_float),
]


class Table(Term):
    """A table to look up in: rates or amounts by word or whole number, or a list of words.

    `origin` names the standard table that it is a copy of.
    """

    kind: Literal["rates", "numbers", "amounts", "list"]
    words: Words | None = None
    origin: str | None = Field(default=None, pattern=TABLE)
    entries: dict[Annotated[str, Field(pattern=WORD)], TableEntry] = Field(
        min_length=1, max_length=1_000
    )


class FieldDeclaration(Term):
    """A field of a list's items. A number is a million at most unless `most` says so."""

    kind: Literal["money", "number", "truth", "word", "day"]
    words: Words
    least: int = Field(default=0, ge=0, le=10**12)
    most: int = Field(default=10**12, ge=0, le=10**12)
    choices: dict[Annotated[str, Field(pattern=WORD)], Words] = Field(
        default_factory=dict, max_length=200
    )

    @property
    def greatest(self) -> int:
        """The most that it may be: days, pieces and persons are never as many as fen."""
        limited = self.kind == "number" and "most" not in self.model_fields_set
        return MAX_COUNT if limited else self.most


class FactDeclaration(FieldDeclaration):
    """A fact of a claim beyond the standard ones. `choices` are the only words of a word."""

    kind: Literal["money", "number", "truth", "word", "day", "list"]  # type: ignore[assignment]
    fields: dict[Annotated[str, Field(pattern=FIELD)], FieldDeclaration] = Field(
        default_factory=dict, max_length=20
    )

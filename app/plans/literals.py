"""What a plan document states outright: names by their patterns, exact numbers, money."""

import re
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)
from pydantic_core import PydanticCustomError

DECIMAL = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
EXACT = r"^\d{1,15}(?:\.\d{1,9})?$"
FIELD = r"^[a-z][a-z0-9_]{0,40}$"
NAME = r"^[a-z][a-z0-9_]{0,40}(?:\.[a-z][a-z0-9_]{0,40})?$"
WORD = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$"
TABLE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$"
CODE = r"^[A-Z][A-Z0-9_]{1,31}$"
REASON = r"^[a-z][a-z0-9-]{1,40}$"
OWN_NAME = r"^[a-z][a-z0-9_]{1,40}$"
OPTION = r"^[A-Z0-9]{1,8}$"
PLAN_CODE = r"^[A-Z][A-Z0-9-]{1,31}$"

Within = Literal["claim", "incident", "year", "term", "lifetime"]


class Term(BaseModel):
    """Base of everything inside a plan document: nothing coerced, nothing unknown."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def no_float(value: object) -> object:
    """A binary fraction is not what the printed plan says."""
    if isinstance(value, float):
        raise PydanticCustomError(
            "float-number",
            "write the number as text, for example '0.35', or money as {yuan: '62.50'}",
        )
    return value


def _share_of_one(value: str) -> str:
    if not 0 <= Fraction(value) <= 1:
        raise PydanticCustomError("share-above-one", "a rate is from 0 to 1, for example '0.35'")
    return value


# Exact decimals as text.
Decimal = Annotated[str, Field(pattern=EXACT, examples=["0.35"]), BeforeValidator(no_float)]
Rate = Annotated[Decimal, AfterValidator(_share_of_one)]
Whole = Annotated[int, Field(ge=0, le=10**12)]


def _yuan_cents(value: int | str) -> int | str:
    if Fraction(value) * 100 % 1:
        raise PydanticCustomError("below-one-fen", "money has no smaller unit than the fen")
    return value


def _number_shape(value: object) -> str | None:
    if isinstance(value, str):
        return "<decimal>"
    return "<number>" if isinstance(value, int) and not isinstance(value, bool) else None


class Yuan(Term):
    """Money in yuan: whole, or with fen as text."""

    yuan: Annotated[
        Annotated[Annotated[int, Field(ge=0, le=10**10)], Tag("<number>")]
        | Annotated[Decimal, Tag("<decimal>")],
        Discriminator(
            _number_shape,
            custom_error_type="not-an-amount",
            custom_error_message="expected whole yuan, or yuan and fen as text: '62.50'",
        ),
        BeforeValidator(no_float),
        AfterValidator(_yuan_cents),
    ]

    @property
    def fen(self) -> int:
        return int(Fraction(self.yuan) * 100)


class Fen(Term):
    """Money in fen."""

    fen: Whole


def literal_shape(value: object) -> str | None:
    """Which literal a document's node is; tags are marked so that paths lose them."""
    match value:
        case bool():
            return None
        case int():
            return "<number>"
        case str() if DECIMAL.fullmatch(value):
            return "<decimal>"
        case Yuan():
            return "<yuan>"
        case Fen():
            return "<fen>"
        case dict() if len(value) == 1 and value.keys() <= {"yuan", "fen"}:
            return f"<{next(iter(value))}>"
    return None


def _expected(kind: str) -> Discriminator:
    return Discriminator(
        literal_shape, custom_error_type="not-an-expression", custom_error_message=kind
    )


Edge = Annotated[
    Annotated[Whole, Tag("<number>")]
    | Annotated[Decimal, Tag("<decimal>")]
    | Annotated[Yuan, Tag("<yuan>")]
    | Annotated[Fen, Tag("<fen>")],
    _expected("expected a whole number, a decimal as text, or money"),
    BeforeValidator(no_float),
]
Money = Annotated[
    Annotated[Yuan, Tag("<yuan>")] | Annotated[Fen, Tag("<fen>")],
    _expected("expected money: {yuan: 100} or {fen: 10000}"),
]


def edge_value(edge: Edge) -> Fraction:
    """An edge as an exact number; money in fen."""
    if isinstance(edge, Yuan | Fen):
        return Fraction(edge.fen)
    return Fraction(edge)

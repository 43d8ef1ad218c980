"""Operators that choose: by size, by word, by a table, by a condition."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from app.plans.literals import TABLE, WORD, Edge, Rate, Term

if TYPE_CHECKING:
    from app.plans.expressions import Expression


class Range(Term):
    """One band's edges: `from` and `to` belong to it, `above` and `below` do not."""

    from_: Edge | None = Field(default=None, alias="from")
    above: Edge | None = None
    to: Edge | None = None
    below: Edge | None = None


class Band(Range):
    """What is given inside the band."""

    gives: "Expression"


class Bands(Term):
    """Bands in ascending order without gap or overlap; the last one may be open."""

    of: "Expression"
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=60, strict=False)]


class InBand(Term):
    """One look-up by size: the whole amount is what its band gives."""

    band: Bands


class Slice(Range):
    """The rate of one slice."""

    rate: Rate


class Slices(Term):
    """Slices from zero upwards without gap or overlap; above a closed last one nothing counts."""

    of: "Expression"
    slices: Annotated[tuple[Slice, ...], Field(min_length=1, max_length=60, strict=False)]


class InSlices(Term):
    """Marginal: each slice of the amount at its own rate, added up."""

    slices: Slices


class Entry(Term):
    """A table of the document and what to look up in it."""

    table: str = Field(pattern=TABLE)
    of: "Expression"


class LookUp(Term):
    """The table's value for a word or a whole number."""

    look_up: Entry


class Cases(Term):
    """An expression for each word; `otherwise` for all others."""

    by: "Expression"
    cases: dict[Annotated[str, Field(pattern=WORD)], "Expression"] = Field(
        min_length=1, max_length=60
    )
    otherwise: "Expression | None" = None


class Choose(Term):
    """By class, severity, sex, option, occupation."""

    choose: Cases


class Branches(Term):
    """One of two, by a condition."""

    if_: "Expression" = Field(alias="if")
    then: "Expression"
    otherwise: "Expression"


class When(Term):
    """`then` where the condition holds, `otherwise` where it does not."""

    when: Branches

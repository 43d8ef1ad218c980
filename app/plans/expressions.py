"""The operators that a plan is written in: a small typed algebra, parsed, never executed.

An expression is a whole number, an exact decimal as text, money, the name of an input, or
an object with exactly one operator. What each operator computes is in `evaluation`, what
may stand where in `kinds` (docs/decisions/0010-plans-as-data.md).
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any, Literal, get_args

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
from typing_extensions import TypeAliasType

DECIMAL = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
EXACT = r"^\d{1,15}(?:\.\d{1,9})?$"
FIELD = r"^[a-z][a-z0-9_]{0,40}$"
NAME = r"^[a-z][a-z0-9_]{0,40}(?:\.[a-z][a-z0-9_]{0,40})?$"
WORD = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$"
TABLE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$"
CODE = r"^[A-Z][A-Z0-9_]{1,31}$"
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


def edge_shape(value: object) -> str | None:
    """Which member of the union a document's node is; tags are marked so that paths lose them."""
    if isinstance(value, Term):
        return _TAG_OF.get(type(value))
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return "<number>"
    if isinstance(value, str):
        return "<decimal>" if DECIMAL.fullmatch(value) else "<name>"
    if isinstance(value, dict) and len(value) == 1:
        tag = f"<{next(iter(value))}>"
        return tag if tag in _TAGS else None
    return None


def _expected(kind: str) -> Discriminator:
    return Discriminator(
        edge_shape,
        custom_error_type="not-an-expression",
        custom_error_message=kind,
    )


_EXPECTED = (
    "expected a whole number, a decimal as text, money, the name of an input,"
    " or an object with exactly one operator"
)

Expression = TypeAliasType(
    "Expression",
    Annotated[
        Annotated[Whole, Tag("<number>")]
        | Annotated[Decimal, Tag("<decimal>")]
        | Annotated[str, Field(pattern=NAME), Tag("<name>")]
        | Annotated["Yuan", Tag("<yuan>")]
        | Annotated["Fen", Tag("<fen>")]
        | Annotated["Sum", Tag("<sum>")]
        | Annotated["Minus", Tag("<minus>")]
        | Annotated["Times", Tag("<times>")]
        | Annotated["Percent", Tag("<percent>")]
        | Annotated["AtMost", Tag("<at_most>")]
        | Annotated["AtLeast", Tag("<at_least>")]
        | Annotated["ProRata", Tag("<pro_rata>")]
        | Annotated["Full", Tag("<full>")]
        | Annotated["InBand", Tag("<band>")]
        | Annotated["InSlices", Tag("<slices>")]
        | Annotated["LookUp", Tag("<look_up>")]
        | Annotated["Choose", Tag("<choose>")]
        | Annotated["When", Tag("<when>")]
        | Annotated["Each", Tag("<each>")]
        | Annotated["Largest", Tag("<largest>")]
        | Annotated["Count", Tag("<count>")]
        | Annotated["Occurrence", Tag("<occurrence>")]
        | Annotated["PaidBefore", Tag("<paid_before>")]
        | Annotated["Before", Tag("<before>")]
        | Annotated["Total", Tag("<total>")]
        | Annotated["DaysBetween", Tag("<days_between>")]
        | Annotated["Equals", Tag("<equals>")]
        | Annotated["Reaches", Tag("<reaches>")]
        | Annotated["Exceeds", Tag("<exceeds>")]
        | Annotated["UpTo", Tag("<up_to>")]
        | Annotated["Below", Tag("<below>")]
        | Annotated["OneOf", Tag("<one_of>")]
        | Annotated["Listed", Tag("<listed>")]
        | Annotated["Holds", Tag("<holds>")]
        | Annotated["All", Tag("<all>")]
        | Annotated["Any_", Tag("<any>")]
        | Annotated["Not", Tag("<not>")],
        _expected(_EXPECTED),
        BeforeValidator(no_float),
    ],
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
Several = Annotated[tuple[Expression, ...], Field(min_length=2, max_length=50, strict=False)]
Pair = Annotated[tuple[Expression, Expression], Field(strict=False)]


class Sum(Term):
    """Everything added up: money with money, or numbers with numbers."""

    sum: Several


class Minus(Term):
    """The first less all others, never below zero: a deductible, unpaid days, an offset."""

    minus: Several


class Times(Term):
    """Multiplied; at most one of the factors is money."""

    times: Several


class PercentOf(Term):
    """A rate is a share of one: "0.35" is 35 %."""

    of: Expression
    rate: Expression


class Percent(Term):
    """A share of an amount."""

    percent: PercentOf


class Limited(Term):
    """What is limited, and the limit."""

    of: Expression
    limit: Expression


class AtMost(Term):
    """The smaller of two: a maximum."""

    at_most: Limited


class Floored(Term):
    """What is lifted, and to what."""

    of: Expression
    floor: Expression


class AtLeast(Term):
    """The larger of two: a minimum payment. Nothing stays nothing only where `when` says so."""

    at_least: Floored


class Proportion(Term):
    """`of` × `part` ÷ `whole`; nothing where `whole` is zero, never more than `of`."""

    of: Expression
    part: Expression
    whole: Expression


class ProRata(Term):
    """A part of an amount by days or months."""

    pro_rata: Proportion


class Units(Term):
    """How many times `per` fits into `of`."""

    of: Expression
    per: Edge


class Full(Term):
    """Whole units: full weeks, full thousands."""

    full: Units


class Range(Term):
    """One band's edges: `from` and `to` belong to it, `above` and `below` do not."""

    from_: Edge | None = Field(default=None, alias="from")
    above: Edge | None = None
    to: Edge | None = None
    below: Edge | None = None


class Band(Range):
    """What is given inside the band."""

    gives: Expression


class Bands(Term):
    """Bands in ascending order without gap or overlap; the last one may be open."""

    of: Expression
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=60, strict=False)]


class InBand(Term):
    """One look-up by size: the whole amount is what its band gives."""

    band: Bands


class Slice(Range):
    """The rate of one slice."""

    rate: Rate


class Slices(Term):
    """Slices from zero upwards without gap or overlap; above a closed last one nothing counts."""

    of: Expression
    slices: Annotated[tuple[Slice, ...], Field(min_length=1, max_length=60, strict=False)]


class InSlices(Term):
    """Marginal: each slice of the amount at its own rate, added up."""

    slices: Slices


class Entry(Term):
    """A table of the document and what to look up in it."""

    table: str = Field(pattern=TABLE)
    of: Expression


class LookUp(Term):
    """The table's value for a word or a whole number."""

    look_up: Entry


class Cases(Term):
    """An expression for each word; `otherwise` for all others."""

    by: Expression
    cases: dict[Annotated[str, Field(pattern=WORD)], Expression] = Field(
        min_length=1, max_length=60
    )
    otherwise: Expression | None = None


class Choose(Term):
    """By class, severity, sex, option, occupation."""

    choose: Cases


class Branches(Term):
    """One of two, by a condition."""

    if_: Expression = Field(alias="if")
    then: Expression
    otherwise: Expression


class When(Term):
    """`then` where the condition holds, `otherwise` where it does not."""

    when: Branches


class EachOf(Term):
    """A list, and what each of its items gives; inside, its fields are `list.field`."""

    of: str = Field(pattern=NAME)
    gives: Expression


class Each(Term):
    """Added up over the items of a list."""

    each: EachOf

    @property
    def over(self) -> EachOf:
        """The list, and what each of its items gives."""
        return self.each


class Largest(Term):
    """The largest over the items of a list: the gravest injury, the highest class."""

    largest: EachOf

    @property
    def over(self) -> EachOf:
        """The list, and what each of its items gives."""
        return self.largest


class Count(Term):
    """How many items a list has."""

    count: str = Field(pattern=NAME)


class OccurrenceIn(Term):
    """The period in which it is counted."""

    within: Within


class Occurrence(Term):
    """1 for the first paid claim of this benefit in the period, 2 for the second …

    Inside `each`, the item's own number, the items of earlier paid claims counted as well.
    """

    occurrence: OccurrenceIn


class PaidIn(Term):
    """A period, and which benefits of this plan, or which other plans; else this benefit."""

    within: Within
    benefits: Annotated[
        tuple[Annotated[str, Field(pattern=CODE)], ...], Field(max_length=40, strict=False)
    ] = ()
    plans: Annotated[
        tuple[Annotated[str, Field(pattern=PLAN_CODE)], ...], Field(max_length=40, strict=False)
    ] = ()


class PaidBefore(Term):
    """What was paid before in the period."""

    paid_before: PaidIn


class Before(Term):
    """What a counter had before this claim."""

    before: str = Field(pattern=NAME)


class Total(Term):
    """What a counter has with this claim."""

    total: str = Field(pattern=NAME)


class Span(Term):
    """Two days."""

    first: Expression
    last: Expression


class DaysBetween(Term):
    """Days from the first to the last; zero where the last is not later."""

    days_between: Span


class Equals(Term):
    """Both are the same number, amount, word or day."""

    equals: Pair


class Reaches(Term):
    """The first is at least the second (≥)."""

    reaches: Pair


class Exceeds(Term):
    """The first is above the second (>)."""

    exceeds: Pair


class UpTo(Term):
    """The first is at most the second (≤)."""

    up_to: Pair


class Below(Term):
    """The first is below the second (<)."""

    below: Pair


class Words_(Term):
    """A word, and those that it may be."""

    of: Expression
    words: Annotated[
        tuple[Annotated[str, Field(pattern=WORD)], ...],
        Field(min_length=1, max_length=200, strict=False),
    ]


class OneOf(Term):
    """Whether a word is one of those named."""

    one_of: Words_


class Listed(Term):
    """Whether a table of the document has the word or number."""

    listed: Entry


class Holds(Term):
    """Whether the person was also covered by another plan at the event."""

    holds: str = Field(pattern=PLAN_CODE)


class All(Term):
    """Every condition holds."""

    all: Several


class Any_(Term):
    """At least one condition holds."""

    any: Several


class Not(Term):
    """The condition does not hold."""

    not_: Expression = Field(alias="not")


Listing = Each | Largest
Comparison = Equals | Reaches | Exceeds | UpTo | Below
Operator = (
    Yuan
    | Fen
    | Sum
    | Minus
    | Times
    | Percent
    | AtMost
    | AtLeast
    | ProRata
    | Full
    | InBand
    | InSlices
    | LookUp
    | Choose
    | When
    | Each
    | Largest
    | Count
    | Occurrence
    | PaidBefore
    | Before
    | Total
    | DaysBetween
    | Equals
    | Reaches
    | Exceeds
    | UpTo
    | Below
    | OneOf
    | Listed
    | Holds
    | All
    | Any_
    | Not
)
Node = int | str | Operator


def operator_name(node: type[Operator] | type[Any]) -> str:
    """The word that a document has for an operator."""
    [(name, field)] = node.model_fields.items()
    return field.alias or name


_TAG_OF: dict[type[Any], str] = {node: f"<{operator_name(node)}>" for node in get_args(Operator)}
_TAGS = frozenset(_TAG_OF.values())
OPERATORS = frozenset(operator_name(node) for node in _TAG_OF)

for _model in _TAG_OF:
    _model.model_rebuild()


def edge_value(edge: Edge) -> Fraction:
    """An edge as an exact number; money in fen."""
    if isinstance(edge, Yuan | Fen):
        return Fraction(edge.fen)
    return Fraction(edge)


Path = tuple[str | int, ...]


def parts(node: Node) -> list[tuple[Path, Node]]:
    """The expressions directly inside one, each with its path from there, as in the document."""
    if isinstance(node, int | str):
        return []
    [(field, value)] = [(name, getattr(node, name)) for name in type(node).model_fields]
    name = operator_name(type(node))
    inner: list[tuple[Path, Node]]
    match node:
        case InBand():
            inner = [((name, "of"), node.band.of)]
            bands = enumerate(node.band.bands)
            return inner + [((name, "bands", at, "gives"), band.gives) for at, band in bands]
        case Choose():
            inner = [((name, "by"), node.choose.by)]
            inner += [((name, "cases", word), case) for word, case in node.choose.cases.items()]
            rest = node.choose.otherwise
            return inner if rest is None else [*inner, ((name, "otherwise"), rest)]
        case When():
            branch = node.when
            return [
                ((name, "if"), branch.if_),
                ((name, "then"), branch.then),
                ((name, "otherwise"), branch.otherwise),
            ]
        case Not():
            return [((name,), node.not_)]
        case Each() | Largest():
            return [((name, "gives"), node.over.gives)]
    if isinstance(value, tuple):
        return [((name, at), part) for at, part in enumerate(value)]
    return [((name, each), getattr(value, each)) for each in INNER.get(field, ())]


# Operators whose parts are the named members of one object.
INNER: dict[str, tuple[str, ...]] = {
    "percent": ("of", "rate"),
    "at_most": ("of", "limit"),
    "at_least": ("of", "floor"),
    "pro_rata": ("of", "part", "whole"),
    "full": ("of",),
    "slices": ("of",),
    "look_up": ("of",),
    "days_between": ("first", "last"),
    "one_of": ("of",),
    "listed": ("of",),
}


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """An expression and everything inside it, outermost first, with paths."""
    yield path, node
    for inner, part in parts(node):
        yield from walk(part, path + inner)


def names_in(node: Node) -> Iterator[str]:
    """The inputs and steps that an expression names; of a list's field, both parts."""
    for _, inner in walk(node):
        if isinstance(inner, str) and not inner[0].isdigit():
            yield inner
        elif isinstance(inner, Listing):
            yield inner.over.of
        elif isinstance(inner, Count):
            yield inner.count
        elif isinstance(inner, PaidBefore | Before | Total | Occurrence | Holds):
            yield operator_name(type(inner))

"""The language that a plan is written in: a small typed algebra, parsed, never executed.

An expression is a whole number, an exact decimal as text, money, the name of an input, or
an object with exactly one operator. What each operator is made of is in `operators`, what
it computes in `evaluation`, what may stand where in `kinds`
(docs/decisions/0010-plans-as-data.md).
"""

from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag
from typing_extensions import TypeAliasType

from app.plans.literals import NAME, Decimal, Fen, Term, Whole, Yuan, literal_shape, no_float
from app.plans.operators.arithmetic import (
    AtLeast,
    AtMost,
    DaysBetween,
    Full,
    Minus,
    Percent,
    ProRata,
    Sum,
    Times,
)
from app.plans.operators.choices import (
    Choose,
    InBand,
    InSlices,
    LookUp,
    Range,
    When,
)
from app.plans.operators.conditions import (
    All,
    Any_,
    Below,
    Equals,
    Exceeds,
    Holds,
    Listed,
    Not,
    OneOf,
    Reaches,
    UpTo,
)
from app.plans.operators.tallies import (
    Before,
    Count,
    Each,
    Largest,
    Occurrence,
    PaidBefore,
    Total,
)


def _shape(value: object) -> str | None:
    """Which member of the union a document's node is; tags are marked so that paths lose them."""
    if isinstance(value, Term):
        return _TAG_OF.get(type(value))
    if isinstance(value, str):
        return literal_shape(value) or "<name>"
    if isinstance(value, dict) and len(value) == 1:
        tag = f"<{next(iter(value))}>"
        return tag if tag in _TAGS else None
    return literal_shape(value)


Expression = TypeAliasType(
    "Expression",
    Annotated[
        Annotated[Whole, Tag("<number>")]
        | Annotated[Decimal, Tag("<decimal>")]
        | Annotated[str, Field(pattern=NAME), Tag("<name>")]
        | Annotated[Yuan, Tag("<yuan>")]
        | Annotated[Fen, Tag("<fen>")]
        | Annotated[Sum, Tag("<sum>")]
        | Annotated[Minus, Tag("<minus>")]
        | Annotated[Times, Tag("<times>")]
        | Annotated[Percent, Tag("<percent>")]
        | Annotated[AtMost, Tag("<at_most>")]
        | Annotated[AtLeast, Tag("<at_least>")]
        | Annotated[ProRata, Tag("<pro_rata>")]
        | Annotated[Full, Tag("<full>")]
        | Annotated[InBand, Tag("<band>")]
        | Annotated[InSlices, Tag("<slices>")]
        | Annotated[LookUp, Tag("<look_up>")]
        | Annotated[Choose, Tag("<choose>")]
        | Annotated[When, Tag("<when>")]
        | Annotated[Each, Tag("<each>")]
        | Annotated[Largest, Tag("<largest>")]
        | Annotated[Count, Tag("<count>")]
        | Annotated[Occurrence, Tag("<occurrence>")]
        | Annotated[PaidBefore, Tag("<paid_before>")]
        | Annotated[Before, Tag("<before>")]
        | Annotated[Total, Tag("<total>")]
        | Annotated[DaysBetween, Tag("<days_between>")]
        | Annotated[Equals, Tag("<equals>")]
        | Annotated[Reaches, Tag("<reaches>")]
        | Annotated[Exceeds, Tag("<exceeds>")]
        | Annotated[UpTo, Tag("<up_to>")]
        | Annotated[Below, Tag("<below>")]
        | Annotated[OneOf, Tag("<one_of>")]
        | Annotated[Listed, Tag("<listed>")]
        | Annotated[Holds, Tag("<holds>")]
        | Annotated[All, Tag("<all>")]
        | Annotated[Any_, Tag("<any>")]
        | Annotated[Not, Tag("<not>")],
        Discriminator(
            _shape,
            custom_error_type="not-an-expression",
            custom_error_message=(
                "expected a whole number, a decimal as text, money, the name of an input,"
                " or an object with exactly one operator"
            ),
        ),
        BeforeValidator(no_float),
    ],
)
Several = Annotated[tuple[Expression, ...], Field(min_length=2, max_length=50, strict=False)]
Pair = Annotated[tuple[Expression, Expression], Field(strict=False)]

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

# Operators hold expressions, and expressions are operators: only now all of them are known.
for _model in (*Term.__subclasses__(), *Range.__subclasses__()):
    _model.model_rebuild(
        _types_namespace={"Expression": Expression, "Several": Several, "Pair": Pair}
    )

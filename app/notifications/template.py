"""What a message is made of: its words in both languages, and what fills them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.kernel.text import Text

Kind = Literal["words", "number", "amount", "day", "moment"]
Parameter = tuple[str, Kind]

PLAN: Parameter = ("plan", "words")
AMOUNT: Parameter = ("amount", "amount")
FIRST_DAY: Parameter = ("first_day", "day")
LAST_DAY: Parameter = ("last_day", "day")
NUMBER: Parameter = ("number", "number")
POLICIES, CLAIMS = "pages/policies", "pages/claims"
ORDERS, RELIEF = "pages/orders", "pages/relief"


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of message: its words, the kinds of its parameters, WeChat's fields and page.

    Parameters are kept raw, as JSON can hold them: `words` {zh, en}, `amount` fen, `day`
    YYYY-MM-DD, `moment` RFC 3339, `number` as it is read aloud.
    """

    title: Text
    body: Text
    parameters: Mapping[str, Kind]
    fields: Mapping[str, str] = field(default_factory=dict)
    page: str = ""


def template(
    title: tuple[str, str],
    body: tuple[str, str],
    *parameters: Parameter,
    page: str,
    **fields: str,
) -> Template:
    return Template(Text(*title), Text(*body), dict(parameters), fields, page)

"""A document read part by part, so that one fault does not hide the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.plans.benefits import Benefit, Limit, Words
from app.plans.declarations import FactDeclaration, Table
from app.plans.expressions import Expression
from app.plans.mending import BENEFIT, LIMIT, OPTION, UPGRADE, Form, mended, mended_part
from app.plans.prices import Cancellation, ContributionOption, Upgrade
from app.plans.terms import ClaimRules, Eligibility, Joining, Relations, Renewal

MAX_ITEMS = 100
_EXPRESSION: TypeAdapter[Any] = TypeAdapter(Expression)


@dataclass(slots=True)
class Draft:
    """What could be read of a document; what is None, or left out, could not be.

    Lists keep their places in the document. `unclear` are names of facts, `tables/NAME`
    and `documents/NAME`, that are there but not readable; "*" is any name.
    """

    code: str | None = None
    kind: str | None = None
    eligibility: Eligibility | None = None
    joining: Joining | None = None
    renewal: Renewal | None = None
    upgrade: Upgrade | None = None
    cancellation: Cancellation | None = None
    relations: Relations | None = None
    claims: ClaimRules | None = None
    max_shares: int | None = None
    late_price: Any = None
    options: dict[int, ContributionOption] = field(default_factory=dict)
    option_codes: list[Any] = field(default_factory=list)
    facts: dict[str, FactDeclaration] = field(default_factory=dict)
    document_kinds: dict[str, Words] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    benefits: dict[int, Benefit] = field(default_factory=dict)
    benefit_codes: list[Any] = field(default_factory=list)
    limits: dict[int, Limit] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)


def read(document: Mapping[str, Any]) -> Draft:
    """Everything of the document that is well formed by itself."""
    draft = Draft(
        code=_text(document.get("code")),
        kind=_text(document.get("kind")),
        eligibility=_part(Eligibility, document.get("eligibility")),
        joining=_part(Joining, document.get("joining")),
        renewal=_part(Renewal, document.get("renewal")),
        upgrade=mended_part(UPGRADE, document.get("upgrade"), 0),
        cancellation=_prices(Cancellation, document.get("cancellation")),
        relations=_part(Relations, document.get("relations")),
        claims=_part(ClaimRules, document.get("claims")),
        benefits=_listed(BENEFIT, document.get("benefits")),
        benefit_codes=_codes(document.get("benefits")),
        limits=_listed(LIMIT, document.get("limits")),
    )
    _contribution(draft, document.get("contribution"))
    draft.facts = _named(FactDeclaration, document.get("facts"), "", draft.unclear)
    draft.tables = _named(Table, document.get("tables"), "tables/", draft.unclear)
    kinds = document.get("document_kinds")
    draft.document_kinds = _named(Words, kinds, "documents/", draft.unclear)
    return draft


def _contribution(draft: Draft, raw: object) -> None:
    if not isinstance(raw, Mapping):
        return
    draft.options = _listed(OPTION, raw.get("options"))
    draft.option_codes = _codes(raw.get("options"))
    shares = raw.get("max_shares")
    if isinstance(shares, int) and not isinstance(shares, bool) and 1 <= shares <= 100:
        draft.max_shares = shares
    if raw.get("late_price") is not None:
        draft.late_price = _try(_EXPRESSION, mended(raw["late_price"]))


def _text(raw: object) -> str | None:
    return raw if isinstance(raw, str) else None


def _try(adapter: TypeAdapter[Any], raw: object) -> Any:
    try:
        return adapter.validate_python(raw)
    except ValidationError:
        return None


def _part(model: Any, raw: object) -> Any:
    """A section; one that is left out is its default where it has one."""
    return None if raw is None else _try(TypeAdapter(model), raw)


def _prices(model: Any, raw: object) -> Any:
    """A section that has expressions only."""
    if not isinstance(raw, Mapping):
        return None
    known = {name: each for name, each in raw.items() if name in model.model_fields}
    return _try(TypeAdapter(model), {name: mended(each) for name, each in known.items()})


def _items(raw: object) -> list[Any]:
    """A list's items; of one that is far too long only the first."""
    return list(raw[:MAX_ITEMS]) if isinstance(raw, list | tuple) else []


def _listed(form: Form, raw: object) -> dict[int, Any]:
    read_ = ((at, mended_part(form, each, at)) for at, each in enumerate(_items(raw)))
    return {at: each for at, each in read_ if each is not None}


def _codes(raw: object) -> list[Any]:
    """The codes of a list's items, readable or not."""
    return [each.get("code") if isinstance(each, Mapping) else None for each in _items(raw)]


def _named(model: Any, raw: object, prefix: str, unclear: set[str]) -> dict[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        unclear.add("*")
        return {}
    adapter, found = TypeAdapter(model), {}
    for name, each in raw.items():
        value = _try(adapter, each)
        if value is None:
            unclear.add(f"{prefix}{name}")
        else:
            found[str(name)] = value
    return found

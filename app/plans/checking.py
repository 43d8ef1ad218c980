"""Whether a document is a plan: every fault at once, each with its place and in plain words."""

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple

from pydantic import ValidationError

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.benefits import Limit
from app.plans.drafts import Draft, read
from app.plans.errors import InvalidPlan
from app.plans.faults import fault
from app.plans.frozen import Terms
from app.plans.judging import Judged, benefit_faults, counter_faults, expression_faults
from app.plans.mending import UNREAD
from app.plans.price_rules import price_faults, price_places
from app.plans.rules import document_faults
from app.plans.structure import form_faults, raw_faults
from app.plans.tables import UnknownTables, expand_tables, standard_tables
from app.plans.terms import PlanTerms
from app.plans.vocabularies import benefit_vocabulary
from app.plans.walking import Path

# More faults than this help nobody.
MAX_FAULTS = 500


def check(document: object) -> PlanTerms:
    """The terms of a document that may be published.

    Tables that it only names (`use`) are copied in. Raises InvalidPlan (422) with every
    fault: its JSON pointer into the document as given, a code, and words in both languages.
    """
    terms, faults = judge(document)
    if terms is None or faults:
        raise InvalidPlan(errors=faults[:MAX_FAULTS])
    return terms


def judge(document: object) -> tuple[PlanTerms | None, list[FieldError]]:
    """The terms, if the document can be read at all, and every fault."""
    form = form_of(document, PlanTerms)
    faults = form.faults
    if form.content is not None:
        draft = read(form.content)
        draft.unclear |= form.unclear
        if form.terms is None:
            draft.unclear.add(UNREAD)
        faults = faults + _meaning_faults(draft)
    return form.terms, once(faults)


class Form(NamedTuple, Generic[Terms]):
    """What can be read of a document: its terms, if all of it; else its content, if any.

    `unclear` are the standard tables that it names and nobody has.
    """

    terms: Terms | None
    content: Mapping[str, Any] | None
    unclear: frozenset[str]
    faults: list[FieldError]


def form_of(document: object, kind: type[Terms]) -> Form[Terms]:
    """A document as terms of a kind, with the faults of its form alone."""
    faults = raw_faults(document)
    if faults:
        return Form(None, None, frozenset(), faults)
    terms = None
    expanded, faults, unknown = _with_tables(document)
    try:
        terms = kind.model_validate(expanded)
    except ValidationError as error:
        faults += form_faults(error, expanded)
    content = expanded if isinstance(expanded, Mapping) else None
    return Form(terms, content, frozenset(f"tables/{name}" for name in unknown), faults)


def _with_tables(document: object) -> tuple[object, list[FieldError], set[str]]:
    """The document with the standard tables that it uses; those that nobody has, left out."""
    if not isinstance(document, dict):
        return document, [], set()
    try:
        return expand_tables(document, standard_tables()), [], set()
    except UnknownTables as error:
        names = {use.pointer.split("/")[2] for use in error.faults}
        names = {name.replace("~1", "/").replace("~0", "~") for name in names}
        tables = {
            name: table for name, table in document["tables"].items() if str(name) not in names
        }
        unknown = [
            FieldError(use.pointer, "unknown-table", _unknown(use.table)) for use in error.faults
        ]
        without: dict[str, Any] = document | {"tables": tables}
        return expand_tables(without, standard_tables()), unknown, names


def _unknown(table: str) -> Text:
    return fault((), "unknown-table", name=table).message


def _meaning_faults(draft: Draft) -> list[FieldError]:
    """What the parts of a document that can be read mean, by themselves and together."""
    faults = document_faults(draft)
    words = benefit_vocabulary(draft)
    shared: dict[Path, Limit] = {}
    for at, limit in draft.limits.items():
        place: Path = ("limits", at)
        found, judged = expression_faults(limit.max, (*place, "max"), "money", words)
        faults += found
        if judged.clean:
            shared[place] = limit
    for at, benefit in draft.benefits.items():
        faults += benefit_faults(at, benefit, words, shared)
    faults += counter_faults(draft.benefits, words)
    prices: dict[Path, Judged] = {}
    for path, node, context in price_places(draft):
        found, prices[path] = expression_faults(node, path, "money", context)
        faults += found
    return faults + price_faults(draft, prices)


def once(faults: list[FieldError]) -> list[FieldError]:
    """A table that two benefits use is told once."""
    return list({(each.pointer, each.code): each for each in faults}.values())

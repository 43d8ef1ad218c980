"""What must be right between the parts of a document: codes, facts, tables, dates, prices."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from app.kernel.clock import add_months
from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.benefits import STANDARD_DOCUMENTS, Benefit, Words
from app.plans.declarations import FactDeclaration, FieldDeclaration, Table
from app.plans.drafts import Draft
from app.plans.faults import KIND_WORDS, fault
from app.plans.inputs import CLAIM_CONTEXT, STANDARD_FACTS, Input
from app.plans.literals import Fen, Yuan, edge_value
from app.plans.prices import MAX_MONTHS
from app.plans.walking import Path

# Reasons that the engine gives itself.
RESERVED_CODES = frozenset({"excluded", "paid-once"})


def document_faults(draft: Draft) -> list[FieldError]:
    """Every rule that needs no expression to be evaluated."""
    return [
        *_code_faults(draft),
        *(each for at, benefit in draft.benefits.items() for each in _benefit(at, benefit, draft)),
        *_limit_faults(draft),
        *_document_faults(draft),
        *_fact_faults(draft),
        *_table_faults(draft),
        *_relation_faults(draft),
        *_joining_faults(draft),
        *_claim_faults(draft),
        *_selling_faults(draft),
    ]


def _doubles(codes: Iterable[tuple[Path, object]], code: str) -> Iterator[FieldError]:
    seen = set()
    for path, name in codes:
        if not isinstance(name, str):
            continue
        if name in seen:
            yield fault(path, code, name=name)
        seen.add(name)


def _code_faults(draft: Draft) -> Iterator[FieldError]:
    for path, codes in (
        (("benefits",), draft.benefit_codes),
        (("contribution", "options"), draft.option_codes),
    ):
        places = [((*path, at, "code"), code) for at, code in enumerate(codes)]
        yield from _doubles(places, "duplicate-code")
    if draft.eligibility is None:
        return
    path = ("eligibility", "statements")
    statements = enumerate(draft.eligibility.statements)
    yield from _doubles(
        [((*path, at, "code"), each.code) for at, each in statements], "duplicate-code"
    )
    yield from _twice(("eligibility", "occupations"), draft.eligibility.occupations)


def _twice(path: Path, names: Sequence[str]) -> Iterator[FieldError]:
    yield from _doubles([((*path, at), name) for at, name in enumerate(names)], "duplicate-entry")


def _benefit(at: int, benefit: Benefit, draft: Draft) -> Iterator[FieldError]:
    path: Path = ("benefits", at)
    conditions = [
        ((*path, "conditions", number, "code"), each.code)
        for number, each in enumerate(benefit.conditions)
    ]
    yield from _doubles(conditions, "duplicate-code")
    for place, code in conditions:
        if code in RESERVED_CODES:
            yield fault(place, "reserved-code", name=code)
    steps = [((*path, "steps", n, "name"), each.name) for n, each in enumerate(benefit.steps)]
    yield from _doubles(steps, "duplicate-code")
    yield from _twice((*path, "causes"), benefit.causes)
    yield from _twice((*path, "documents"), benefit.documents)
    own = frozenset({benefit.code})
    yield from _others((*path, "excludes"), benefit.excludes, draft, own)
    if benefit.once is not None:
        yield from _others((*path, "once", "benefits"), benefit.once.benefits, draft, own)
    if benefit.waiting_days and "illness" not in benefit.causes:
        yield fault((*path, "waiting_days"), "waiting-without-illness")


def _others(
    path: Path, codes: Sequence[str], draft: Draft, own: frozenset[str] = frozenset()
) -> Iterator[FieldError]:
    """Benefits named by another part of the document."""
    yield from _twice(path, codes)
    for at, code in enumerate(codes):
        if code in own:
            yield fault((*path, at), "benefit-itself")
        elif code not in draft.benefit_codes:
            yield fault((*path, at), "unknown-benefit", name=code)


def _limit_faults(draft: Draft) -> Iterator[FieldError]:
    limits: list[tuple[Path, Sequence[str], Sequence[str]]] = [
        (("limits", at), limit.benefits, limit.plans) for at, limit in draft.limits.items()
    ]
    for at, benefit in draft.benefits.items():
        limits += [
            (("benefits", at, "limits", number), limit.benefits, limit.plans)
            for number, limit in enumerate(benefit.limits)
        ]
    for path, benefits, plans in limits:
        yield from _others((*path, "benefits"), benefits, draft)
        yield from _plans((*path, "plans"), plans, draft)


def _plans(path: Path, codes: Sequence[str], draft: Draft) -> Iterator[FieldError]:
    yield from _twice(path, codes)
    for at, code in enumerate(codes):
        if code == draft.code:
            yield fault((*path, at), "plan-itself")


def _document_faults(draft: Draft) -> Iterator[FieldError]:
    """Every kind that a benefit asks for has a name; the standard ones keep theirs."""
    known = STANDARD_DOCUMENTS.keys() | draft.document_kinds.keys()
    for at, benefit in draft.benefits.items():
        for number, kind in enumerate(benefit.documents):
            if kind not in known and not {"*", f"documents/{kind}"} & draft.unclear:
                yield fault(("benefits", at, "documents", number), "unknown-document", name=kind)
    for kind in draft.document_kinds:
        if kind in STANDARD_DOCUMENTS:
            yield fault(("document_kinds", kind), "document-standard", name=kind)


def _fact_faults(draft: Draft) -> Iterator[FieldError]:
    for name, fact in draft.facts.items():
        path: Path = ("facts", name)
        yield from _declaration(path, name, fact)
        if bool(fact.fields) != (fact.kind == "list"):
            yield fault((*path, "fields") if fact.fields else path, "fact-fields")
        for field, inner in fact.fields.items():
            yield from _declaration((*path, "fields", field), field, inner)
        if name in CLAIM_CONTEXT:
            yield fault(path, "fact-of-context", name=name)
        standard = STANDARD_FACTS.get(name)
        if standard is not None:
            yield from _redeclared(path, name, fact, standard)


def _declaration(
    path: Path, name: str, fact: FactDeclaration | FieldDeclaration
) -> Iterator[FieldError]:
    if (fact.kind == "money") != name.endswith("_fen"):
        yield fault(path, "money-name")
    if fact.least > fact.greatest:
        yield fault((*path, "least"), "fact-range")
    if fact.choices and fact.kind != "word":
        yield fault((*path, "choices"), "fact-choices")


_WIDER = Text("取值范围更宽", "its range is wider")
_OTHER_KIND = Text("类型不同", "its kind differs")
_OTHER_WORDS = Text("可选代码不同", "its choices differ")


def _redeclared(
    path: Path, name: str, fact: FactDeclaration | FieldDeclaration, standard: Input
) -> Iterator[FieldError]:
    """A standard fact may be narrowed by a plan, never widened or changed."""
    what = None
    if fact.kind != standard.kind:
        what = _OTHER_KIND
    elif fact.kind in ("number", "money"):
        if fact.least < standard.least or fact.greatest > standard.most:
            what = _WIDER
    elif standard.words and (not fact.choices or not fact.choices.keys() <= standard.words.keys()):
        what = _OTHER_WORDS
    if what is not None:
        yield fault(path, "fact-redeclared", name=name, what=what)
    elif isinstance(fact, FactDeclaration):
        for field, inner in fact.fields.items():
            known = standard.fields.get(field)
            if known is not None:
                place = (*path, "fields", field)
                yield from _redeclared(place, f"{name}.{field}", inner, known)


def _fits(table: Table, entry: object) -> bool:
    match table.kind:
        case "list":
            return isinstance(entry, Words)
        case "amounts":
            return isinstance(entry, Yuan | Fen)
        case _:
            return isinstance(entry, int | str)


_TABLE_KINDS = {
    "rates": Text("比例", "rates"),
    "numbers": Text("数字", "numbers"),
    "amounts": KIND_WORDS["money"],
    "list": Text("名单", "words"),
}


def _table_faults(draft: Draft) -> Iterator[FieldError]:
    for name, table in draft.tables.items():
        for key, entry in table.entries.items():
            path: Path = ("tables", name, "entries", key)
            if not _fits(table, entry):
                yield fault(path, "table-entry-kind", kind=_TABLE_KINDS[table.kind])
            elif table.kind == "rates" and _above_one(entry):
                yield fault(path, "rate-above-one")


def _above_one(entry: object) -> bool:
    return isinstance(entry, int | str) and edge_value(entry) > Fraction(1)


def _relation_faults(draft: Draft) -> Iterator[FieldError]:
    relations = draft.relations
    if relations is None:
        return
    for name in ("excludes", "requires", "pays_after"):
        yield from _plans(("relations", name), getattr(relations, name), draft)
    for at, code in enumerate(relations.excludes):
        if code in relations.requires:
            yield fault(("relations", "excludes", at), "excluded-and-required", name=code)


def _joining_faults(draft: Draft) -> Iterator[FieldError]:
    joining = draft.joining
    if joining is None:
        return
    yield from _twice(("joining", "channels"), joining.channels)
    opens, closes = joining.opens_on, joining.closes_on
    if opens is not None and closes is not None and opens > closes:
        yield fault(("joining", "closes_on"), "window-order")
    ends = [option.term.last_day for option in draft.options.values()]
    last = [day for day in ends if day is not None]
    if opens is not None and last and len(last) == len(draft.option_codes) and opens > max(last):
        yield fault(("joining", "opens_on"), "window-after-term")


def _claim_faults(draft: Draft) -> Iterator[FieldError]:
    claims = draft.claims
    if claims is None or claims.straight_through_up_to is None:
        return
    if claims.straight_through_up_to.fen > claims.second_approval_above.fen:
        yield fault(("claims", "straight_through_up_to"), "straight-through-above-approval")


def _selling_faults(draft: Draft) -> Iterator[FieldError]:
    renewal = draft.renewal
    if renewal is not None:
        yield from _twice(("renewal", "modes"), renewal.modes)
        if draft.kind == "gifted" and "automatic" in renewal.modes:
            at = renewal.modes.index("automatic")
            yield fault(("renewal", "modes", at), "automatic-gift")
        if renewal.covered_in_grace and not renewal.grace_days:
            yield fault(("renewal", "covered_in_grace"), "grace-without-days")
    eligibility = draft.eligibility
    if eligibility is not None and eligibility.renewal_maximum_age is not None:
        joining = min(ages.maximum for ages in eligibility.ages.values())
        if eligibility.renewal_maximum_age < joining:
            yield fault(("eligibility", "renewal_maximum_age"), "renewal-age")
    yield from _upgrade_faults(draft)
    for at, option in draft.options.items():
        first, last = option.term.first_day, option.term.last_day
        if first is not None and last is not None and add_months(first, MAX_MONTHS) <= last:
            yield fault(("contribution", "options", at, "term", "last_day"), "term-too-long")
    fixed = any(option.term.first_day for option in draft.options.values())
    every = len(draft.options) == len(draft.option_codes)
    if draft.late_price is not None and every and not fixed:
        yield fault(("contribution", "late_price"), "late-price-without-fixed-term")


def _upgrade_faults(draft: Draft) -> Iterator[FieldError]:
    upgrade = draft.upgrade
    if upgrade is None:
        return
    if upgrade.price is not None and draft.max_shares == 1:
        yield fault(("upgrade",), "upgrade-without-shares")
    if upgrade.price is None and not upgrade.options:
        yield fault(("upgrade",), "upgrade-of-nothing")
    pairs: list[tuple[Path, object]] = []
    for at, each in enumerate(upgrade.options):
        path: Path = ("upgrade", "options", at)
        for name, code in (("from", each.from_), ("to", each.to)):
            if code not in draft.option_codes:
                yield fault((*path, name), "unknown-option", name=code)
        if each.from_ == each.to:
            yield fault((*path, "to"), "option-itself")
        pairs.append((path, f"{each.from_} → {each.to}"))
    yield from _doubles(pairs, "duplicate-entry")

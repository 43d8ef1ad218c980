"""Whether a document is a formula: every fault at once, judged by the plans' own checker."""

from dataclasses import replace
from typing import Any

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.checking import MAX_FAULTS, form_of, once
from app.plans.drafts import Draft, read
from app.plans.facts import claim_inputs
from app.plans.faults import fault
from app.plans.inputs import CLAIM_CONTEXT, STANDARD_FACTS
from app.plans.judging import benefit_faults
from app.plans.kinds import Vocabulary
from app.plans.rules import document_faults
from app.relief.errors import InvalidFormula
from app.relief.formulas import RELIEF, STANDARD, FormulaTerms, plan_document

_BENEFIT = "/benefits/0"
# A formula's vocabulary is that of households; nothing of claims and policies is known here.
_FOREIGN = (STANDARD_FACTS.keys() | CLAIM_CONTEXT.keys()) - STANDARD.keys()
NOT_A_GROUND = Text("不在所列救助事由之内", "It is not among the grounds of the formula.")


def check(document: object) -> FormulaTerms:
    """The terms of a document that may be published; raises InvalidFormula (422)."""
    terms, faults = judge(document)
    if terms is None or faults:
        raise InvalidFormula(errors=faults[:MAX_FAULTS])
    return terms


def judge(document: object) -> tuple[FormulaTerms | None, list[FieldError]]:
    """The terms, if the document can be read at all, and every fault with its pointer."""
    form = form_of(document, FormulaTerms)
    faults = form.faults
    if form.content is not None:
        draft = read(plan_document(form.content))
        draft.unclear |= form.unclear
        own = form.content.get("facts")
        faults = faults + _meaning_faults(draft, own if isinstance(own, dict) else {})
    if form.terms is not None:
        faults = faults + _ground_faults(form.terms)
    return form.terms, once(faults)


def _meaning_faults(draft: Draft, own: dict[str, Any]) -> list[FieldError]:
    faults = [
        fault(("facts", name), "fact-of-context", name=name)
        for name in own
        if name in STANDARD or name == "ground"
    ]
    faults += document_faults(draft)
    inputs = {
        name: each for name, each in claim_inputs(draft.facts).items() if name not in _FOREIGN
    }
    words = Vocabulary(
        inputs={name: replace(each, source="claim") for name, each in inputs.items()},
        tables=draft.tables,
        benefits=frozenset({RELIEF}),
        in_benefit=True,
        plan=draft.code,
        unclear=frozenset(draft.unclear),
    )
    for at, benefit in draft.benefits.items():
        faults += benefit_faults(at, benefit, words, {})
    return [_here(each) for each in faults]


def _here(found: FieldError) -> FieldError:
    """A fault of the benefit, as one of the formula."""
    if not found.pointer.startswith(_BENEFIT):
        return found
    pointer = found.pointer.removeprefix(_BENEFIT)
    return FieldError(pointer, found.code, found.message, found.fields)


def _ground_faults(terms: FormulaTerms) -> list[FieldError]:
    return [
        FieldError(f"/ground_documents/{ground}", "ground-unknown", NOT_A_GROUND)
        for ground in terms.ground_documents
        if ground not in terms.grounds
    ]

"""Facts of a relief case: every change kept, the newest counts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, Unprocessable
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.plans.facts import read_facts
from app.relief import queries
from app.relief.case_models import ReliefCase, ReliefCaseFacts
from app.relief.formulas import COMPUTED, FormulaTerms

BY_OFFICE = Text("此项由工会核算，不能自行填写", "The office works this out; it cannot be stated.")


async def facts_known(session: AsyncSession, vault: Vault, case: ReliefCase) -> dict[str, Any]:
    """The facts as last given."""
    row = await queries.facts_of(session, case.id)
    return {} if row is None else vault.open("relief_case_facts", row.id, row.sealed)


async def givers_known(session: AsyncSession, case: ReliefCase) -> dict[str, str]:
    """Who gave each fact as it now stands: `member`, `caseworker` or `system`."""
    words = {"member": "member", "staff": "caseworker"}
    givers: dict[str, str] = {}
    for row in await queries.givers_of(session, case.id):
        givers.update(dict.fromkeys(row.names, words.get(row.given_by_kind, "system")))
    return givers


def require_stated(terms: FormulaTerms, facts: Mapping[str, Any], *, by_member: bool) -> None:
    """Raise Unprocessable (422) for facts that the formula does not use, misread or not theirs."""
    asked = tuple(each for each in terms.inputs if each.name != "ground")
    _, faults = read_facts(asked, facts)
    if by_member:
        faults += [
            FieldError(f"/facts/{name}", "fact-of-the-office", BY_OFFICE)
            for name in facts
            if name in COMPUTED
        ]
    if faults:
        raise Unprocessable(errors=faults)


async def give_facts(
    session: AsyncSession,
    vault: Vault,
    giver: Principal,
    case: ReliefCase,
    facts: Mapping[str, Any],
    reason_code: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Add or change facts of a locked case; what was known before stays. Returns all of them."""
    last = await queries.facts_of(session, case.id)
    known = {} if last is None else vault.open("relief_case_facts", last.id, last.sealed)
    changed = sorted(name for name, value in facts.items() if known.get(name) != value)
    merged = {**known, **facts}
    if not changed:
        return merged
    row_id = new_id()
    session.add(
        ReliefCaseFacts(
            id=row_id,
            case_id=case.id,
            version=1 if last is None else last.version + 1,
            names=changed,
            sealed=vault.seal("relief_case_facts", row_id, merged),
            given_by_kind=giver.kind,
            given_by=giver.id,
            given_at=now,
            reason_code=reason_code,
        )
    )
    await session.flush()
    behalf = None if giver.kind == "member" else case.person_id
    given = Fact("relief_case", case.id, "relief_case.give_facts", None, {"names": changed})
    await state(session, [given], actor=giver, at=now, on_behalf_of=behalf)
    return merged

"""Open cases follow the file of their household, whichever of the two came first."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import SYSTEM
from app.kernel.vault import Vault
from app.relief import queries
from app.relief.applying import suggest
from app.relief.case_facts import facts_known, give_facts, givers_known
from app.relief.case_models import ReliefCase
from app.relief.household_models import Household
from app.relief.proposing import facts_of_household
from app.relief.terms import terms_of_case


async def cases_follow(
    session: AsyncSession,
    vault: Vault,
    household: Household,
    person_ids: Iterable[UUID],
    now: datetime,
) -> None:
    """Make the open cases of people in a household the household's.

    What its file says is filled in where no person has said otherwise, until the board has
    the case; kin who work here and what the household was granted count from now on.
    """
    told = await facts_of_household(session, vault, household)
    for person_id in sorted(person_ids):
        for case in await queries.undecided_of(session, person_id):
            case.household_id = household.id
            terms = await terms_of_case(session, case)
            used = {each.name for each in terms.inputs}
            facts = await facts_known(session, vault, case)
            if case.status != "board":
                said = await _said_by_people(session, case)
                new = {name: told[name] for name in told if name in used and name not in said}
                facts = await give_facts(session, vault, SYSTEM, case, new, None, now)
            await suggest(session, case, terms, facts, now)


async def _said_by_people(session: AsyncSession, case: ReliefCase) -> set[str]:
    givers = await givers_known(session, case)
    return {name for name, giver in givers.items() if giver != "system"}

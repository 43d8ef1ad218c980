"""What a survivor with an account of their own may claim under, after a confirmed report."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import death_queries
from app.claims.death_models import DeathReport
from app.claims.death_schemas import ClaimablePolicyView
from app.claims.errors import ClaimNotFound
from app.claims.survivors import Entry, is_named, named_at_death
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.models import Person
from app.plans.benefits import Benefit
from app.plans.schemas import WordsView
from app.plans.service import version_of
from app.policies.models import Policy

# Whoever is of the family may be a legal heir; a reviewer reads in the papers who is.
FAMILY = frozenset(
    {"spouse", "child", "parent", "sibling", "grandparent", "grandchild", "other_relative"}
)


async def claimable(
    session: AsyncSession,
    vault: Vault,
    member: Principal,
    person: Person,
    policy: Policy,
    benefit_code: str,
) -> Entry:
    """The caller as a claimant under a dead member's policy.

    Whom the policy names has the percent that it gives; an heir claims as the only one until
    an office enters others. Raises ClaimNotFound (404) for everybody else, and as long as
    no office has confirmed the caller's report.
    """
    mine = await death_queries.report_of(session, member.id, policy.person_id)
    if mine is None:
        raise ClaimNotFound
    benefit = (await version_of(session, policy.plan_version_id)).terms.benefit(benefit_code)
    entry = await _entry(session, vault, person, policy, benefit, mine)
    if entry is None:
        raise ClaimNotFound
    return entry


async def _entry(
    session: AsyncSession,
    vault: Vault,
    person: Person,
    policy: Policy,
    benefit: Benefit,
    mine: DeathReport,
) -> Entry | None:
    relation = mine.relation or "other"
    named = await named_at_death(session, policy.id, benefit, mine)
    for row in named:
        if is_named(vault, row, person):
            return Entry(person, relation, row.share_percent, row.id)
    if named or relation not in FAMILY:
        return None
    return Entry(person, relation, 100, None)


async def claimable_policies(
    session: AsyncSession, vault: Vault, person: Person, mine: DeathReport
) -> Sequence[ClaimablePolicyView]:
    """Every policy of the dead with a death benefit that the reporter may claim."""
    if mine.status != "confirmed" or mine.person_id is None:
        return ()
    views = []
    for policy in await death_queries.policies_of(session, mine.person_id):
        terms = (await version_of(session, policy.plan_version_id)).terms
        for benefit in terms.benefits:
            if benefit.payee != "beneficiary":
                continue
            if await _entry(session, vault, person, policy, benefit, mine) is None:
                continue
            views.append(
                ClaimablePolicyView(
                    policy_id=policy.id,
                    number=policy.number,
                    plan_code=policy.plan_code,
                    plan_name=WordsView(zh=terms.name.zh, en=terms.name.en),
                    benefit_code=benefit.code,
                    benefit_name=WordsView(zh=benefit.name.zh, en=benefit.name.en),
                )
            )
    return views

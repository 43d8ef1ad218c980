"""Judging a wish for cover: terms, period, price, and every rule that is not met."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.errors import AlreadyRenewed, UpgradesApart
from app.billing.group_rules import faults_in_unit
from app.billing.models import ContributionOrder
from app.billing.offers import Offer, new_offer, renewal_offer, upgrade_offer
from app.billing.order_statements import JUDGE
from app.billing.price_inputs import Buyer, Choice
from app.kernel.clock import business_day
from app.kernel.database import raw_connection
from app.kernel.problems import FieldError
from app.kernel.vault import Vault
from app.members.errors import IdentityRequired, MemberBlocked
from app.plans import service as plans
from app.plans.errors import PlanNotOnSale, PriceFactsMissing
from app.plans.terms import PlanTerms
from app.policies.bulk_looks import holdings_of
from app.policies.calendar import first_covered_day
from app.policies.eligibility import Kind, Wanted, failing_rules
from app.policies.endorsing import endorsed_occupation
from app.policies.errors import NotEligible, PolicyNotFound, SharesOverLimit
from app.policies.models import Policy
from app.policies.slots import available_shares, lock_shares
from app.policies.standing import Standing, standing_of

Channel = Literal["bought", "gifted", "on_site"]
Payer = Literal["member", "sponsor"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is ordered; `price_fen` is what the client showed, if it says so.

    A renewal or an upgrade names the policy that it continues; `automatic` is a renewal
    that a payment agreement makes.
    """

    plan_code: str
    choice: Choice
    kind: Kind = "new"
    policy_id: UUID | None = None
    channel: Channel = "bought"
    payer: Payer = "member"
    price_fen: int | None = None
    enrolled_by: UUID | None = None
    organisation_id: UUID | None = None
    sponsor_id: UUID | None = None
    automatic: bool = False
    # As many shares as there are, whatever the choice says: of a renewal, of a raised option.
    same_shares: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A wish as the plan sees it; `row` has the person and who manages the cover."""

    row: Any
    version_id: UUID
    terms: PlanTerms
    choice: Choice
    offer: Offer
    available: int
    failures: tuple[FieldError, ...]
    at: datetime
    standing: Standing | None = None

    @property
    def extra_from(self) -> date:
        """When shares beyond the renewed ones would begin, paid at the instant judged."""
        return max(self.offer.first_day, first_covered_day(self.at))

    @property
    def open_order_id(self) -> UUID | None:
        """The person's order of this plan that is not paid yet."""
        found: UUID | None = self.row["open_order_id"]
        return found

    def refuse_unless_met(self) -> None:
        """Raise NotEligible or PriceFactsMissing (422), or SharesOverLimit (409) if only that."""
        codes = {failure.code for failure in self.failures}
        if codes == {"shares-over-limit"}:
            raise SharesOverLimit
        if codes == {"fact-missing"}:
            raise PriceFactsMissing(self.offer.price.missing)
        if codes:
            raise NotEligible(errors=list(self.failures))


async def judge(
    session: AsyncSession,
    vault: Vault,
    person_id: UUID,
    wish: Wish,
    now: datetime,
    *,
    lock: bool = False,
) -> Judged:
    """The offer for a wish at `now` and every failing rule.

    With `lock` whoever else orders for this person waits until we are done. Raises
    IdentityRequired, MemberBlocked, PlanNotOnSale, AlreadyRenewed, RenewalNotOpen,
    UpgradeNotOffered and the like (409), PlanNotFound, PolicyNotFound (404).
    """
    if lock:
        await lock_shares(session, person_id)
    connection = await raw_connection(session)
    row = await connection.fetchrow(JUDGE, person_id, wish.plan_code, wish.organisation_id, now)
    if row is None or row["verified_at"] is None:
        raise IdentityRequired
    if row["blocked_at"] is not None:
        raise MemberBlocked(row["blocked_at"])
    standing = await _standing(session, person_id, wish)
    version_id = await _version_id(session, row, standing, wish, now)
    terms = await plans.terms_of(connection, version_id)
    choice = wish.choice
    if standing is not None:
        if wish.same_shares and wish.kind == "renewal":
            choice = replace(choice, shares=standing.policy.shares)
        choice = await _as_before(session, vault, standing.policy, choice)
        choice = _of_upgrade(choice, standing, terms, wish)
    buyer = Buyer(row["birth_on"], row["sex"], row["verified_at"], row["unit_id"] is not None)
    offer = await _offer(session, terms, choice, buyer, standing, wish, now)
    wanted = await _wanted(session, person_id, terms, offer, choice, wish, now)
    failures = failing_rules(terms, buyer.applicant(choice), wanted)
    if wish.kind == "new" and row["unit_id"] is not None:
        failures += await faults_in_unit(session, terms, row["unit_id"], choice.shares)
    return Judged(
        row,
        version_id,
        terms,
        choice,
        offer,
        wanted.available,
        (*failures, *offer.problems()),
        now,
        standing,
    )


async def _version_id(
    session: AsyncSession, row: Any, standing: Standing | None, wish: Wish, now: datetime
) -> UUID:
    """Added shares are of the policy's own version, all else of the one on sale."""
    if wish.kind == "upgrade" and standing is not None:
        return standing.policy.plan_version_id
    on_sale: UUID | None = row["version_id"]
    if on_sale is None:
        await plans.version_on_sale(session, wish.plan_code, now)
        raise PlanNotOnSale
    return on_sale


async def _wanted(
    session: AsyncSession,
    person_id: UUID,
    terms: PlanTerms,
    offer: Offer,
    choice: Choice,
    wish: Wish,
    now: datetime,
) -> Wanted:
    """The offer as the rules see it, beside everything that the person has already."""
    connection = await raw_connection(session)
    held = await holdings_of(connection, [person_id], terms.code, offer.period)
    return Wanted(
        first_day=offer.first_day,
        shares=offer.places,
        available=await available_shares(
            session, person_id, terms.code, terms.max_shares, offer.period
        ),
        kind=offer.kind,
        channel="gifted" if terms.gifted else wish.channel,
        today=business_day(now),
        held=held.get(person_id, ()),
        statements_due=offer.statements_due,
    )


async def _standing(session: AsyncSession, person_id: UUID, wish: Wish) -> Standing | None:
    if wish.kind == "new" or wish.policy_id is None:
        return None
    standing = await standing_of(session, wish.policy_id)
    policy = standing.policy
    if policy.person_id != person_id or policy.plan_code != wish.plan_code:
        raise PolicyNotFound
    if standing.renewed and wish.kind == "renewal":
        raise AlreadyRenewed
    return standing


async def _offer(
    session: AsyncSession,
    terms: PlanTerms,
    choice: Choice,
    buyer: Buyer,
    standing: Standing | None,
    wish: Wish,
    now: datetime,
) -> Offer:
    if standing is None:
        return new_offer(terms, choice, buyer, now)
    if wish.kind == "upgrade":
        return upgrade_offer(terms, choice, buyer, standing, now)
    connection = await raw_connection(session)
    old_terms = await plans.terms_of(connection, standing.policy.plan_version_id)
    return renewal_offer(terms, choice, buyer, standing, old_terms, now, automatic=wish.automatic)


def _of_upgrade(choice: Choice, standing: Standing, terms: PlanTerms, wish: Wish) -> Choice:
    """An option is raised for all shares at once; shares are added in an order of their own.

    Raises UpgradesApart (422) for both at once.
    """
    if wish.kind != "upgrade":
        return choice
    if choice.option in (None, terms.option(standing.option_code).code):
        return choice
    if not wish.same_shares and choice.shares != standing.policy.shares:
        raise UpgradesApart
    return replace(choice, shares=standing.policy.shares)


async def _as_before(session: AsyncSession, vault: Vault, policy: Policy, choice: Choice) -> Choice:
    """What was stated when the policy was bought stands until something else is stated.

    A corrected occupation takes the place of the one stated. Statements of health and the
    like are made anew where they are due.
    """
    record: dict[str, Any] = {}
    if policy.order_id is not None:
        order = await session.get_one(ContributionOrder, policy.order_id)
        if order.sealed is not None:
            record = vault.open("contribution_order", order.id, order.sealed)
    corrected = await endorsed_occupation(session, vault, policy.id)
    return replace(
        choice,
        occupation=choice.occupation or corrected or record.get("occupation"),
        unit_kind=choice.unit_kind or record.get("unit_kind"),
        card_holder=record.get("card_holder") if choice.card_holder is None else choice.card_holder,
    )

"""Group terms: how many of a unit join, alike or not, and what that costs everybody."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.group_joinings import covered_in
from app.billing.group_rules import group_faults
from app.billing.group_schemas import GroupMemberBody, GroupQuoteBody, GroupQuoteView
from app.billing.offers import Offer, new_offer
from app.billing.price_inputs import Buyer, Choice
from app.billing.quotes import rule_view
from app.billing.schemas import PartView
from app.kernel.clock import business_day
from app.kernel.principal import Principal
from app.kernel.problems import FieldError
from app.organisations.models import Organisation
from app.organisations.service import managed_reference
from app.plans import service as plans
from app.plans.models import PlanVersion
from app.plans.terms import Group, PlanTerms
from app.policies.calendar import first_covered_day
from app.policies.eligibility import Wanted, failing_rules
from app.policies.models import Policy


async def group_quote(
    session: AsyncSession, staff: Principal, body: GroupQuoteBody, now: datetime
) -> GroupQuoteView:
    """The plan's group rules, every rule about the people, and the price in total and split.

    Raises PlanNotFound (404), PlanNotOnSale (409), and 422 for an organisation that the
    caller does not manage.
    """
    version = await plans.version_on_sale(session, body.plan_code, now)
    terms = version.terms
    covered: Counter[int] = Counter()
    if body.organisation_id is not None:
        unit = await managed_reference(session, staff, body.organisation_id, "/organisation_id")
        covered = await _covered(session, unit, terms.code, now)
    offers = [_offer(terms, body, member, now) for member in body.members]
    failures = [*_group(terms.joining.group, body, covered)]
    for at, (member, offer) in enumerate(zip(body.members, offers, strict=True)):
        failures += _of_member(terms, member, offer, at, now)
    return _view(version, body, offers, covered, failures)


def _view(
    version: PlanVersion,
    body: GroupQuoteBody,
    offers: list[Offer],
    covered: Counter[int],
    failures: list[FieldError],
) -> GroupQuoteView:
    terms, first = version.terms, offers[0]
    assert first.period.lower is not None and first.period.upper is not None  # noqa: S101, PT018
    known = not any(offer.price.missing for offer in offers)
    parts = _parts(body, offers) if known else {}
    deposits = sum(
        each.count * offer.split.deposit_fen
        for each, offer in zip(body.members, offers, strict=True)
    )
    return GroupQuoteView(
        plan_code=terms.code,
        plan_version_id=version.id,
        option=first.option_code or terms.option().code,
        eligible=not failures,
        reasons=[rule_view(failure) for failure in failures],
        headcount=body.headcount,
        joining=sum(member.count for member in body.members),
        covered_already=covered.total(),
        shares=sum(member.count * member.shares for member in body.members),
        total_fen=sum(parts.values()) if known else None,
        split=[
            PartView.model_validate({"payer": payer, "amount_fen": fen})
            for payer, fen in parts.items()
        ],
        deposit_fen=deposits if known else None,
        first_covered_day=business_day(first.period.lower),
        last_covered_day=business_day(first.period.upper) - timedelta(days=1),
    )


async def _covered(
    session: AsyncSession, unit: Organisation, plan_code: str, now: datetime
) -> Counter[int]:
    """How many people of a unit hold the plan when new cover would begin, by their shares."""
    held = (
        covered_in(unit, plan_code, now).add_columns(func.sum(Policy.shares).label("shares"))
    ).subquery()
    rows = await session.execute(select(held.c.shares, func.count()).group_by(held.c.shares))
    return Counter({int(shares): count for shares, count in rows})


def _group(
    rules: Group | None, body: GroupQuoteBody, covered: Counter[int]
) -> Iterator[FieldError]:
    """The rules about the unit as a whole; who is covered already has joined."""
    joined = covered.total() + sum(member.count for member in body.members)
    kinds = frozenset({member.shares for member in body.members} | set(covered))
    return group_faults(rules, body.headcount, joined, kinds, "/members")


def _offer(terms: PlanTerms, body: GroupQuoteBody, member: GroupMemberBody, now: datetime) -> Offer:
    choice = Choice(
        shares=member.shares,
        option=body.option,
        term_days=body.term_days,
        occupation=member.occupation,
        unit_kind=body.unit_kind,
        card_holder=member.card_holder,
    )
    first_day = first_covered_day(now)
    someone = Buyer(date(1970, 1, 1), member.sex, now, in_unit=True)
    begins_on = new_offer(terms, choice, someone, now).first_day
    born = _born(max(first_day, begins_on), member.age)
    return new_offer(terms, choice, replace(someone, birth_on=born), now)


def _born(day: date, age: int) -> date:
    """A birthday of somebody who is so old on `day`."""
    return date(day.year - age, day.month, min(day.day, 28))


def _of_member(
    terms: PlanTerms, member: GroupMemberBody, offer: Offer, at: int, now: datetime
) -> Iterator[FieldError]:
    """Rules about the people; what they state for themselves is asked when they join."""
    choice = Choice(occupation=member.occupation, card_holder=member.card_holder)
    born = _born(offer.first_day, member.age)
    applicant = replace(
        Buyer(born, member.sex, now, in_unit=True).applicant(choice), vouched_for=True
    )
    wanted = Wanted(offer.first_day, member.shares, terms.max_shares, today=business_day(now))
    for failure in (*failing_rules(terms, applicant, wanted), *offer.problems()):
        yield replace(failure, pointer=f"/members/{at}{failure.pointer}")


def _parts(body: GroupQuoteBody, offers: list[Offer]) -> Counter[str]:
    parts: Counter[str] = Counter()
    for member, offer in zip(body.members, offers, strict=True):
        parts["member"] += member.count * offer.split.member_fen
        for payer, fen in offer.split.others.items():
            parts[payer] += member.count * fen
    return parts

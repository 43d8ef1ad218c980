"""Funds, formulas and households as staff see them."""

from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.models import Person
from app.members.service import name_of
from app.plans.plan_views import fact_view
from app.plans.schemas import WordsView
from app.relief import queries
from app.relief.household_models import Household, HouseholdMember
from app.relief.models import ReliefFormula, ReliefFund
from app.relief.schemas import (
    FormulaLine,
    FormulaView,
    FundView,
    HouseholdLine,
    HouseholdView,
    KinView,
    SituationView,
)
from app.relief.terms import terms_of_formula
from app.relief.views import steps_of


async def fund_view(session: AsyncSession, fund: ReliefFund) -> FundView:
    formula = await queries.formula_in_force(session, fund.id)
    return FundView(
        id=fund.id,
        organisation_id=fund.organisation_id,
        code=fund.code,
        name=WordsView(zh=fund.name_zh, en=fund.name_en),
        status=cast(Any, fund.status),
        quorum=fund.quorum,
        account=fund.account_code,
        contributed_fen=fund.contributed_fen,
        granted_fen=fund.granted_fen,
        balance_fen=fund.balance_fen,
        formula_in_force=None if formula is None else formula.number,
    )


def formula_line(formula: ReliefFormula) -> FormulaLine:
    return FormulaLine(**_formula(formula))


def formula_view(formula: ReliefFormula) -> FormulaView:
    terms = terms_of_formula(formula)
    facts = [fact_view(each) for each in terms.inputs if each.name != "ground"]
    return FormulaView(**_formula(formula), document=formula.document, facts=facts)


def _formula(formula: ReliefFormula) -> dict[str, Any]:
    name = formula.document["name"]
    return {
        "id": formula.id,
        "number": formula.number,
        "status": formula.status,
        "name": WordsView(zh=name["zh"], en=name["en"]),
        "drafted_at": formula.drafted_at,
        "published_at": formula.published_at,
    }


def household_line(household: Household) -> HouseholdLine:
    return HouseholdLine.model_validate(household)


async def household_view(
    session: AsyncSession, vault: Vault, reader: Principal, household: Household
) -> HouseholdView:
    """The whole file; the reading is recorded with everybody it names."""
    members = await queries.members_of(session, household.id)
    shown = [each.person_id for each in members if each.person_id is not None]
    await audit.record(
        session,
        reader,
        "household.read",
        subject="household",
        subject_ids=[household.id, *shown],
    )
    told = vault.open("household", household.id, household.sealed)
    situations = [
        SituationView(
            version=row.version,
            occasion=cast(Any, row.occasion),
            changed=row.names,
            situation=vault.open("household_situation", row.id, row.sealed),
            recorded_by=row.recorded_by,
            recorded_at=row.recorded_at,
        )
        for row in await queries.situations_of(session, household.id)
    ]
    history = await queries.history_of(session, "household", household.id)
    return HouseholdView(
        **household_line(household).model_dump(),
        address=told["address"],
        notes=told.get("notes"),
        exit_reason=household.exit_reason,
        reviewed_at=household.reviewed_at,
        members=[await _kin(session, vault, each) for each in members],
        situation=situations[0].situation if situations else {},
        situations=situations,
        history=steps_of(history),
    )


async def _kin(session: AsyncSession, vault: Vault, member: HouseholdMember) -> KinView:
    if member.person_id is not None:
        name = name_of(vault, await session.get_one(Person, member.person_id))
    else:
        name = str(vault.open("household_member", member.id, member.sealed or b"")["name"])
    return KinView(
        id=member.id,
        relation=cast(Any, member.relation),
        person_id=member.person_id,
        name=name,
        works_here=member.staff_id is not None,
        joined_at=member.joined_at,
    )

"""How a household stands: what its file may say, and each version of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import Unprocessable
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.plans.declarations import FieldDeclaration
from app.plans.facts import read_facts
from app.plans.inputs import Input
from app.relief import queries
from app.relief.formulas import OF_HOUSEHOLD, STANDARD
from app.relief.household_models import Household, HouseholdSituation


def _input(name: str, declared: Mapping[str, Any]) -> Input:
    fact = FieldDeclaration.model_validate(declared)
    words = {word: Text(each.zh, each.en) for word, each in fact.choices.items()}
    text = Text(fact.words.zh, fact.words.en)
    return Input(name, fact.kind, text, least=fact.least, most=fact.most, words=words)


# What a file says of a household, as the formulas know it.
SITUATION = tuple(_input(name, STANDARD[name]) for name in OF_HOUSEHOLD)


def require_situation(situation: Mapping[str, Any]) -> None:
    _, faults = read_facts(SITUATION, situation)
    if faults:
        raise Unprocessable(
            errors=[
                replace(each, pointer=each.pointer.replace("/facts", "/situation", 1))
                for each in faults
            ]
        )


async def record(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    household: Household,
    situation: Mapping[str, Any],
    occasion: str,
    now: datetime,
) -> None:
    known = await queries.situations_of(session, household.id)
    before: dict[str, Any] = {}
    if known:
        before = vault.open("household_situation", known[0].id, known[0].sealed)
    row_id = new_id()
    session.add(
        HouseholdSituation(
            id=row_id,
            household_id=household.id,
            version=len(known) + 1,
            occasion=occasion,
            names=sorted(name for name in situation if before.get(name) != situation[name]),
            sealed=vault.seal("household_situation", row_id, {**before, **situation}),
            recorded_by=caseworker.id,
            recorded_at=now,
        )
    )
    await session.flush()

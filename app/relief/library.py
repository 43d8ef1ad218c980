"""Funds that come with the service: data files, opened and published where an office wants them."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import SYSTEM
from app.relief.checking import check
from app.relief.formulas import FormulaTerms
from app.relief.funds import draft_formula, make_fund, publish_formula
from app.relief.models import ReliefFund


@cache
def shipped() -> dict[str, tuple[int, FormulaTerms]]:
    """Quorum and checked formula of each file, by the fund's code."""
    found: dict[str, tuple[int, FormulaTerms]] = {}
    entries = files("app.relief").joinpath("data").iterdir()
    for entry in sorted(entries, key=lambda file: file.name):
        if entry.name.endswith(".yaml"):
            content: dict[str, Any] = yaml.load(entry.read_text("utf-8"), yaml.CSafeLoader)
            terms = check(content["document"])
            found[terms.code] = (content["quorum"], terms)
    return found


async def open_shipped_fund(
    session: AsyncSession, code: str, organisation_id: UUID, now: datetime
) -> ReliefFund:
    """The fund of this code with its formula in force, empty; one that is there stays."""
    known = await session.scalar(select(ReliefFund).where(ReliefFund.code == code))
    if known is not None:
        return known
    quorum, terms = shipped()[code]
    fund = await make_fund(
        session,
        SYSTEM,
        organisation_id=organisation_id,
        code=code,
        name=(terms.name.zh, terms.name.en),
        quorum=quorum,
        now=now,
    )
    formula = await draft_formula(session, SYSTEM, fund, terms, now)
    await publish_formula(session, SYSTEM, fund, formula.number, now)
    return fund

"""The formula that a case stands under."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.relief import queries
from app.relief.case_models import ReliefCase
from app.relief.errors import NoFormula
from app.relief.formulas import FROZEN_FORMULAS, FormulaTerms
from app.relief.models import ReliefFormula, ReliefFund


def terms_of_formula(formula: ReliefFormula) -> FormulaTerms:
    """The typed document; parsed once per process when it can no longer change."""
    if formula.status == "draft":
        return FormulaTerms.model_validate(formula.document)
    return FROZEN_FORMULAS.read(formula.id, formula.document)


async def terms_of_case(session: AsyncSession, case: ReliefCase) -> FormulaTerms:
    """The formula version that the case was opened under."""
    return terms_of_formula(await session.get_one(ReliefFormula, case.formula_id))


async def terms_in_force(
    session: AsyncSession, fund: ReliefFund
) -> tuple[ReliefFormula, FormulaTerms]:
    """What the fund grants by at present; raises NoFormula (409)."""
    formula = await queries.formula_in_force(session, fund.id)
    if formula is None:
        raise NoFormula
    return formula, terms_of_formula(formula)

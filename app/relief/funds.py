"""Funds and the numbered versions of their formulas; money given to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, InvalidTransition, NotFound
from app.kernel.text import Text
from app.kernel.transitions import begin, move
from app.ledger.models import LedgerReceipt
from app.ledger.receipts import record_receipt
from app.ledger.relief import open_relief_account
from app.ledger.schemas import ReceiptBody
from app.organisations.models import Organisation
from app.organisations.queries import visible_organisations
from app.relief import queries
from app.relief.bodies import ContributionBody, FundBody
from app.relief.errors import (
    FormulaNotFound,
    FundClosed,
    FundCodeTaken,
    FundExhausted,
    FundNotFound,
    InvalidFormula,
)
from app.relief.formulas import FormulaTerms
from app.relief.models import (
    RELIEF_FORMULA,
    RELIEF_FUND,
    ReliefContribution,
    ReliefFormula,
    ReliefFund,
)

OTHER_CODE = Text("编码须与基金一致：{code}", "The code has to be the fund's: {code}.")


async def open_fund(
    session: AsyncSession, administrator: Principal, body: FundBody, now: datetime
) -> ReliefFund:
    """A fund with an account of its own, empty; raises NotFound (404), FundCodeTaken (409)."""
    seen = visible_organisations(administrator).where(Organisation.id == body.organisation_id)
    if await session.scalar(seen) is None:
        raise NotFound
    return await make_fund(
        session,
        administrator,
        organisation_id=body.organisation_id,
        code=body.code,
        name=(body.name_zh, body.name_en),
        quorum=body.quorum,
        now=now,
    )


async def make_fund(
    session: AsyncSession,
    actor: Principal,
    *,
    organisation_id: UUID,
    code: str,
    name: tuple[str, str],
    quorum: int,
    now: datetime,
) -> ReliefFund:
    """The fund and its ledger account; raises FundCodeTaken (409)."""
    if await session.scalar(select(ReliefFund.id).where(ReliefFund.code == code)) is not None:
        raise FundCodeTaken
    account = await open_relief_account(session, code, *name, organisation_id)
    fund = ReliefFund(
        id=new_id(),
        organisation_id=organisation_id,
        code=code,
        name_zh=name[0],
        name_en=name[1],
        status="open",
        quorum=quorum,
        account_code=account,
        contributed_fen=0,
        granted_fen=0,
        created_by_kind=actor.kind,
        created_by=actor.id,
        created_at=now,
    )
    begin(session, RELIEF_FUND, fund, actor=actor, at=now)
    await session.flush()
    opened = Fact("relief_fund", fund.id, "relief_fund.open", None, {"code": code})
    await state(session, [opened], actor=actor, at=now)
    return fund


async def managed_fund(session: AsyncSession, staff: Principal, fund_id: UUID) -> ReliefFund:
    """A fund of the caller's own organisation or below, locked; FundNotFound (404)."""
    found = queries.managed_funds(staff).where(ReliefFund.id == fund_id)
    fund = await session.scalar(found.with_for_update(of=ReliefFund))
    if fund is None:
        raise FundNotFound
    return fund


async def visible_fund(session: AsyncSession, staff: Principal, fund_id: UUID) -> ReliefFund:
    """A fund that the caller manages or that pays for its members; FundNotFound (404)."""
    fund = await session.scalar(queries.visible_funds(staff).where(ReliefFund.id == fund_id))
    if fund is None:
        raise FundNotFound
    return fund


async def change_status(
    session: AsyncSession, administrator: Principal, fund_id: UUID, status: str, now: datetime
) -> ReliefFund:
    """Close a fund to new cases, or open it again; raises InvalidTransition (409)."""
    fund = await managed_fund(session, administrator, fund_id)
    await move(session, RELIEF_FUND, fund, status, actor=administrator, at=now)
    verb = "relief_fund.close" if status == "closed" else "relief_fund.reopen"
    await state(session, [Fact("relief_fund", fund.id, verb)], actor=administrator, at=now)
    return fund


async def contribute(
    session: AsyncSession,
    supervisor: Principal,
    fund_id: UUID,
    body: ContributionBody,
    now: datetime,
) -> ReliefFund:
    """Book money that came in for the fund; raises FundNotFound (404), FundClosed,
    ReceiptRecorded (409)."""
    fund = await managed_fund(session, supervisor, fund_id)
    if fund.status != "open":
        raise FundClosed
    receipt = ReceiptBody.model_validate(
        {
            "bank_reference": body.bank_reference,
            "account": fund.account_code,
            "amount_fen": body.amount_fen,
            "received_on": body.received_on.isoformat(),
        }
    )
    booked = await record_receipt(session, supervisor, receipt, now)
    await take_receipt(session, fund, await session.get_one(LedgerReceipt, booked.id), now)
    return fund


async def take_receipt(
    session: AsyncSession, fund: ReliefFund, receipt: LedgerReceipt, now: datetime
) -> None:
    """What the books received for a locked fund is the fund's, once."""
    # A reversal, too, waits for the fund: only now is it certain that there is none.
    await session.refresh(receipt)
    if receipt.reversed_at is not None or await queries.contribution_of(session, receipt.id):
        return
    session.add(
        ReliefContribution(
            id=new_id(),
            fund_id=fund.id,
            receipt_id=receipt.id,
            amount_fen=receipt.amount_fen,
            received_on=receipt.received_on,
            recorded_by=receipt.recorded_by,
            recorded_at=now,
        )
    )
    fund.contributed_fen += receipt.amount_fen
    await session.flush()


async def lose_receipt(session: AsyncSession, receipt: LedgerReceipt) -> None:
    """A receipt was reversed in this transaction: what a fund had of it, it has no more.

    Raises FundExhausted (409) for what the fund has granted already.
    """
    fund = await queries.fund_by_account(session, receipt.account_code)
    if fund is None or await queries.contribution_of(session, receipt.id) is None:
        return
    if receipt.amount_fen > fund.balance_fen:
        raise FundExhausted(fund.balance_fen)
    fund.contributed_fen -= receipt.amount_fen
    await session.flush()


async def take_transfer(session: AsyncSession, account_code: str, fen: int) -> None:
    """An organisation gives to a relief fund from its own; other accounts are none of relief's.

    Raises FundClosed (409).
    """
    fund = await queries.fund_by_account(session, account_code)
    if fund is None:
        return
    if fund.status != "open":
        raise FundClosed
    fund.contributed_fen += fen
    await session.flush()


async def lose_transfer(session: AsyncSession, account_code: str, fen: int) -> None:
    """A transfer was taken back in this transaction; raises FundExhausted (409)."""
    fund = await queries.fund_by_account(session, account_code)
    if fund is None:
        return
    if fen > fund.balance_fen:
        raise FundExhausted(fund.balance_fen)
    fund.contributed_fen -= fen
    await session.flush()


async def draft_formula(
    session: AsyncSession, author: Principal, fund: ReliefFund, terms: FormulaTerms, now: datetime
) -> ReliefFormula:
    """The fund's next version; raises InvalidFormula (422) for the code of another fund."""
    if terms.code != fund.code:
        raise InvalidFormula(
            errors=[FieldError("/code", "other-code", OTHER_CODE, {"code": fund.code})]
        )
    last = await session.scalar(
        select(func.max(ReliefFormula.number)).where(ReliefFormula.fund_id == fund.id)
    )
    formula = ReliefFormula(
        id=new_id(),
        fund_id=fund.id,
        number=(last or 0) + 1,
        status="draft",
        document=terms.document(),
        drafted_at=now,
    )
    begin(session, RELIEF_FORMULA, formula, actor=author, at=now)
    await session.flush()
    drafted = Fact(
        "relief_formula", formula.id, "relief_formula.draft", None, {"number": formula.number}
    )
    await state(session, [drafted], actor=author, at=now)
    return formula


async def formula_of(session: AsyncSession, fund: ReliefFund, number: int) -> ReliefFormula:
    """One version of a fund's formula; raises FormulaNotFound (404)."""
    formula = await queries.formula_by_number(session, fund.id, number)
    if formula is None:
        raise FormulaNotFound
    return formula


async def publish_formula(
    session: AsyncSession, author: Principal, fund: ReliefFund, number: int, now: datetime
) -> ReliefFormula:
    """Put a draft in force; the version before it is closed in the same act.

    Raises FormulaNotFound (404), InvalidTransition (409). The fund's row is locked.
    """
    formula = await formula_of(session, fund, number)
    if formula.status != "draft":
        raise InvalidTransition(current=formula.status, target="published")
    before = await queries.formula_in_force(session, fund.id)
    if before is not None:
        await move(session, RELIEF_FORMULA, before, "closed", actor=author, at=now)
    formula.published_at = now
    await move(session, RELIEF_FORMULA, formula, "published", actor=author, at=now)
    published = Fact(
        "relief_formula", formula.id, "relief_formula.publish", None, {"number": number}
    )
    await state(session, [published], actor=author, at=now)
    return formula


async def close_formula(
    session: AsyncSession, author: Principal, fund: ReliefFund, number: int, now: datetime
) -> ReliefFormula:
    """Grant by it no more; cases under it go on. Raises InvalidTransition (409)."""
    formula = await formula_of(session, fund, number)
    await move(session, RELIEF_FORMULA, formula, "closed", actor=author, at=now)
    closed = Fact("relief_formula", formula.id, "relief_formula.close", None, {"number": number})
    await state(session, [closed], actor=author, at=now)
    return formula

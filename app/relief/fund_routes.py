"""Funds, what is given to them, and the numbered versions of their formulas."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response

from app.kernel.api_document import refused
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import (
    CursorParameter,
    Page,
    PageSize,
    decode_cursor,
    encode_cursor,
    page_of,
)
from app.kernel.principal import Administrator, Principal, Supervisor, require
from app.kernel.routing import router
from app.relief import funds, listing, queries
from app.relief.bodies import ContributionBody, FundBody
from app.relief.file_views import formula_line, formula_view, fund_view
from app.relief.schemas import FormulaLine, FormulaView, FundView
from app.relief.sending import SentFormulaDep, formula_body

routes = router("relief funds")

Reader = Annotated[Principal, Depends(require("staff"))]
FundId = Annotated[UUID, Path(description="The fund's id.")]
Number = Annotated[int, Path(ge=1, le=1_000_000, description="The formula's number.")]
BODY = formula_body()


@routes.get("/v1/staff/relief-funds")
async def list_relief_funds(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[FundView]:
    """Funds of your organisation and all below it, and those above that pay for your members."""
    return await listing.page_of_funds(session, vault, reader, cursor, limit)


@routes.post(
    "/v1/staff/relief-funds", status_code=201, response_model=FundView, responses=refused(404)
)
async def open_relief_fund(
    administrator: Administrator,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    body: FundBody,
) -> Response:
    """Open a fund with an account of its own; it is empty until something is given to it."""
    fund = await funds.open_fund(session, administrator, body, now)
    return await keyed.reply(201, await fund_view(session, fund))


@routes.get("/v1/staff/relief-funds/{fund_id}")
async def get_relief_fund(reader: Reader, session: SessionDep, fund_id: FundId) -> FundView:
    """One fund, and what it holds."""
    return await fund_view(session, await funds.visible_fund(session, reader, fund_id))


@routes.post("/v1/staff/relief-funds/{fund_id}/closing")
async def close_relief_fund(
    administrator: Administrator, session: SessionDep, now: NowDep, fund_id: FundId
) -> FundView:
    """Take no new cases; those under way are decided."""
    fund = await funds.change_status(session, administrator, fund_id, "closed", now)
    return await fund_view(session, fund)


@routes.post("/v1/staff/relief-funds/{fund_id}/reopening")
async def reopen_relief_fund(
    administrator: Administrator, session: SessionDep, now: NowDep, fund_id: FundId
) -> FundView:
    """Take cases again."""
    fund = await funds.change_status(session, administrator, fund_id, "open", now)
    return await fund_view(session, fund)


@routes.post(
    "/v1/staff/relief-funds/{fund_id}/contributions", status_code=201, response_model=FundView
)
async def contribute_to_relief_fund(
    supervisor: Supervisor,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    fund_id: FundId,
    body: ContributionBody,
) -> Response:
    """Book money that came into the bank account for the fund; a bank reference counts once."""
    fund = await funds.contribute(session, supervisor, fund_id, body, now)
    return await keyed.reply(201, await fund_view(session, fund))


@routes.get("/v1/staff/relief-funds/{fund_id}/formulas")
async def list_relief_formulas(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    fund_id: FundId,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[FormulaLine]:
    """Every version of the fund's formula, newest first."""
    fund = await funds.visible_fund(session, reader, fund_id)
    listing = f"relief-formulas:{fund.id}"
    after = decode_cursor(vault, listing, cursor)
    found = await queries.formulas_of(session, fund.id, after[0] if after else None, limit)
    return page_of(
        found,
        limit,
        formula_line,
        lambda row: encode_cursor(vault, listing, [row.number]),
    )


@routes.post(
    "/v1/staff/relief-funds/{fund_id}/formulas",
    status_code=201,
    response_model=FormulaView,
    openapi_extra=BODY,
)
async def draft_relief_formula(
    administrator: Administrator,
    sent: SentFormulaDep,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    fund_id: FundId,
) -> Response:
    """Draft the next version, in JSON or YAML. A document with faults is refused as a whole,
    with all of them: each has its JSON pointer, a code and plain words.
    """
    fund = await funds.managed_fund(session, administrator, fund_id)
    formula = await funds.draft_formula(session, administrator, fund, sent, now)
    return await keyed.reply(201, formula_view(formula))


@routes.get("/v1/staff/relief-funds/{fund_id}/formulas/{formula_number}")
async def get_relief_formula(
    reader: Reader, session: SessionDep, fund_id: FundId, formula_number: Number
) -> FormulaView:
    """One version with its document and the facts that it asks for."""
    fund = await funds.visible_fund(session, reader, fund_id)
    return formula_view(await funds.formula_of(session, fund, formula_number))


@routes.post("/v1/staff/relief-funds/{fund_id}/formulas/{formula_number}/publication")
async def publish_relief_formula(
    administrator: Administrator,
    session: SessionDep,
    now: NowDep,
    fund_id: FundId,
    formula_number: Number,
) -> FormulaView:
    """Put a draft in force; it never changes again, and the one before it is closed."""
    fund = await funds.managed_fund(session, administrator, fund_id)
    return formula_view(
        await funds.publish_formula(session, administrator, fund, formula_number, now)
    )


@routes.post("/v1/staff/relief-funds/{fund_id}/formulas/{formula_number}/closing")
async def close_relief_formula(
    administrator: Administrator,
    session: SessionDep,
    now: NowDep,
    fund_id: FundId,
    formula_number: Number,
) -> FormulaView:
    """Open no more cases under a version; those under way keep it."""
    fund = await funds.managed_fund(session, administrator, fund_id)
    return formula_view(
        await funds.close_formula(session, administrator, fund, formula_number, now)
    )

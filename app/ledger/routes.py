"""The ledger's door for auditors."""

from typing import Annotated

from fastapi import Query

from app.kernel.database import SessionDep
from app.kernel.principal import Auditor
from app.kernel.routing import router
from app.kernel.schema import Day
from app.ledger import service
from app.ledger.schemas import TrialBalanceView

routes = router("ledger")


@routes.get("/v1/staff/ledger/trial-balance")
async def read_trial_balance(
    auditor: Auditor,
    session: SessionDep,
    on: Annotated[
        Day | None,
        Query(description="Facts up to and including this day.", examples=["2026-03-31"]),
    ] = None,
) -> TrialBalanceView:
    """Every account with its debits, credits and balance; the difference is always zero."""
    return await service.trial_balance(session, auditor, on)

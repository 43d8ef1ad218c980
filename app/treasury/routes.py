"""The municipal office's doors: the month's end, and reconciliation."""

from datetime import date
from typing import Annotated

from fastapi import Path, Response

from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep
from app.kernel.idempotency import KeyedDep
from app.kernel.principal import Auditor
from app.kernel.routing import router
from app.ledger.schemas import LedgerMonthView
from app.treasury import closing

routes = router("treasury")

Month = Annotated[str, Path(pattern=r"^(19|20)\d{2}-(0[1-9]|1[0-2])$", examples=["2026-10"])]


@routes.post(
    "/v1/staff/ledger/months/{month}/closure", status_code=201, response_model=LedgerMonthView
)
async def close_ledger_month(
    auditor: Auditor, session: SessionDep, now: NowDep, keyed: KeyedDep, month: Month
) -> Response:
    """Close the next open month: its trial balance is frozen, and later postings about it get
    a posting day in the following month. Refused while a difference of it is open or a day of
    it has not been compared with gateway and bank.
    """
    view = await closing.close_month(session, auditor, date.fromisoformat(f"{month}-01"), now)
    return await keyed.reply(201, view)

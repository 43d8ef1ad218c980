"""Moratoriums and the months of the books: before, in and after their days."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import update

from app.kernel.clock import business_day, system_now
from app.policies.change_models import Moratorium
from tests.policies.changing import office
from tests.policies.test_moratorium import declare
from tests.treasury_fixtures import Municipal
from tests.walks.walk import Door, Subject, Table

DAY = timedelta(days=1)


def _longer(moratorium: Subject) -> dict[str, Any]:
    until = business_day(system_now()) + 40 * DAY
    headers = {"If-Match": moratorium.ids["etag"]}
    return {"json": {"last_day": until.isoformat()}, "headers": headers}


# What ended in the days of one that is over is extended for a month yet, unless it is withdrawn.
MORATORIUMS = Table(
    "moratorium",
    {"ahe": "ahead", "run": "running", "ove": "over", "wdn": "withdrawn"},
    {"mo": "moratorium-over"},
    {
        "changeMoratorium": Door("supervisor", form=_longer),
        "withdrawMoratorium": Door("supervisor"),
    },
    """
                       ahe run ove wdn
changeMoratorium       +   +   mo  mo
withdrawMoratorium     wdn wdn wdn =
""",
    "select case when withdrawn_at is not null then 'withdrawn'"
    " when last_day < current_date then 'over'"
    " when first_day > current_date then 'ahead' else 'running' end"
    " from moratorium where id = :id",
)
# Of the first and the last day, counted from today.
_DAYS = {"ahe": (10, 20), "run": (-5, 5), "ove": (-9, -3), "wdn": (-5, 5)}


async def moratorium_in_each_status(app: FastAPI, client: httpx.AsyncClient) -> dict[str, Subject]:
    organisation, supervisor = await office(app, "supervisor")
    today, found = business_day(system_now()), {}
    for head in MORATORIUMS.heads:
        made = await declare(client, supervisor, organisation, today, today)
        path = f"/v1/staff/moratoriums/{made['id']}"
        first, last = (today + days * DAY for days in _DAYS[head])
        async with app.state.database.transaction() as session:
            await session.execute(
                update(Moratorium)
                .where(Moratorium.id == UUID(made["id"]))
                .values(first_day=first, last_day=last)
            )
        if head == "wdn":
            answer = await client.post(f"{path}/withdrawal", headers=supervisor.headers)
            assert answer.status_code == 200, answer.text
        shown = await client.get(path, headers=supervisor.headers)
        people, ids = {"supervisor": supervisor}, {"etag": shown.headers["ETag"]}
        found[head] = Subject(made["id"], people, ids)
    return found


_MONTH = (
    "select case when exists (select from ledger_period"
    " where month = cast(:id || '-01' as date)) then 'closed' else 'open' end"
)
_LEGEND = {
    "mc": "ledger-month-closed",
    "oo": "ledger-month-out-of-order",
    "no": "ledger-month-not-over",
}
_CLOSING = {"closeLedgerMonth": Door("auditor")}
# `bef` is before everything that was booked, `nex` the month whose turn it is.
MONTHS = Table(
    "month of the books",
    {"bef": "open", "clo": "closed", "nex": "open", "lat": "open"},
    _LEGEND,
    _CLOSING,
    """
                       bef clo nex lat
closeLedgerMonth       oo  mc  clo oo
""",
    _MONTH,
)
THIS_MONTH = Table(
    "month of the books that is not over, and whose turn it is",
    {"clo": "closed", "now": "open"},
    _LEGEND,
    _CLOSING,
    """
                       clo now
closeLedgerMonth       mc  no
""",
    _MONTH,
)


async def months(office: Municipal) -> dict[str, Subject]:
    """In March, when January is closed."""
    await office.today_is(date(2026, 3, 10))
    await office.book(date(2026, 1, 20), [("unit-receivables", 100), ("suspense", -100)])
    await _close(office, "2026-01")
    wanted = {"bef": "2025-12", "clo": "2026-01", "nex": "2026-02", "lat": "2026-03"}
    return {head: _month(office, month) for head, month in wanted.items()}


async def months_up_to_now(office: Municipal) -> dict[str, Subject]:
    """The same, when February is closed as well."""
    await _close(office, "2026-02")
    return {"clo": _month(office, "2026-02"), "now": _month(office, "2026-03")}


def _month(office: Municipal, month: str) -> Subject:
    return Subject(month, {"auditor": office.auditor})


async def _close(office: Municipal, month: str) -> None:
    answer = await office.close(month)
    assert answer.status_code == 201, answer.text

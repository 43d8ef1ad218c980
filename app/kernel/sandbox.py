"""The business clock of a sandbox: read by anyone, moved by an administrator.

`create_app` leaves these routes out in production.
"""

from datetime import datetime, timedelta

from pydantic import ConfigDict

from app.kernel import audit
from app.kernel.clock import business_offset, move_business_clock, system_now
from app.kernel.database import SessionDep
from app.kernel.principal import Administrator
from app.kernel.problems import FieldError, Unprocessable
from app.kernel.routing import router
from app.kernel.schema import Body, Instant, View
from app.kernel.text import Text

routes = router("sandbox")
FURTHEST = timedelta(days=20 * 366)
TOO_FAR = Text("业务时钟只能在二十年之内调整", "The clock moves within twenty years only.")


class ClockMove(Body):
    """Where the business clock shall stand."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"at": "2026-12-01T00:00:00+08:00"}]},
    )

    at: Instant


class Clocks(View):
    """Both clocks; `business_at` rules cover and deadlines, `system_at` tokens and leases."""

    system_at: datetime
    business_at: datetime


@routes.get("/v1/sandbox/clock")
async def read_clock(session: SessionDep) -> Clocks:
    """Read both clocks of this sandbox."""
    now = system_now()
    return Clocks(system_at=now, business_at=now + await business_offset(session))


@routes.put("/v1/sandbox/clock")
async def move_clock(administrator: Administrator, body: ClockMove, session: SessionDep) -> Clocks:
    """Move the business clock; deadlines that it passes fall due within a second."""
    now = system_now()
    offset = body.at - now
    if abs(offset) > FURTHEST:
        raise Unprocessable(errors=[FieldError("/at", "too-far", TOO_FAR)])
    await move_business_clock(session, offset)
    await audit.record(
        session,
        administrator,
        "business_clock.move",
        subject="business_clock",
        subject_ids=[],
        details={"at": body.at.isoformat()},
    )
    return Clocks(system_at=now, business_at=now + offset)

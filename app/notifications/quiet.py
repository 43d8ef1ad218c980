"""Quiet hours: nobody's phone rings between 20:00 and 08:00 in Asia/Shanghai."""

from datetime import UTC, datetime, time, timedelta

from app.kernel.clock import SHANGHAI

EVENING, MORNING = time(20), time(8)


def after_quiet_hours(at: datetime) -> datetime:
    """`at` itself by day; 08:00 of the morning that follows for 20:00:00 … 07:59:59.

    One-time codes do not come through here: somebody waits for them.
    """
    local = at.astimezone(SHANGHAI)
    if MORNING <= local.time() < EVENING:
        return at
    day = local.date() if local.time() < MORNING else local.date() + timedelta(days=1)
    return datetime.combine(day, MORNING, SHANGHAI).astimezone(UTC)

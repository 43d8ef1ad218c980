"""The outbox's job."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.kernel.jobs import Handler, JobContext
from app.notifications.events import SEND
from app.notifications.sending import send


async def send_delivery(context: JobContext, payload: Mapping[str, Any]) -> None:
    """One message to one phone."""
    await send(context, UUID(payload["subject_id"]))


JOBS: Mapping[str, Handler] = {SEND: send_delivery}

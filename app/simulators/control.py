"""The control door's general part: the clock, and the messages that go to the merchant."""

from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.routing import Route

from app.simulators.outbox import summary
from app.simulators.world import World, control


class ClockForm(msgspec.Struct, forbid_unknown_fields=True):
    """Seconds to move forward; 0 only tells the time."""

    advance_seconds: Annotated[float, Meta(ge=0)] = 0.0


class MessagesForm(msgspec.Struct, forbid_unknown_fields=True):
    """Of which order, transfer or identity check: out_trade_no, out_bill_no or reference."""

    parent: str


class ReplayForm(msgspec.Struct, forbid_unknown_fields=True):
    """Everything once sent for these parents, again, `copies` times and shuffled."""

    parents: list[str]
    copies: Annotated[int, Meta(ge=1, le=1000)] = 1


def control_routes(world: World) -> list[Route]:
    return [
        control("/clock", ClockForm, partial(_clock, world)),
        control("/notices/list", MessagesForm, partial(_list, world)),
        control("/notices/replay", ReplayForm, partial(_replay, world)),
        control("/notices/release", MessagesForm, partial(_release, world)),
    ]


def _clock(world: World, form: ClockForm) -> dict[str, str]:
    if form.advance_seconds:
        world.clock.advance(form.advance_seconds)
        world.timers.wake()
    return {"now": world.clock.now().isoformat()}


def _list(world: World, form: MessagesForm) -> dict[str, Any]:
    return {"notices": [summary(message) for message in world.outbox.messages(form.parent)]}


def _replay(world: World, form: ReplayForm) -> dict[str, int]:
    return {"queued": world.outbox.replay(form.parents, form.copies)}


def _release(world: World, form: MessagesForm) -> dict[str, int]:
    return {"released": world.outbox.release(form.parent)}

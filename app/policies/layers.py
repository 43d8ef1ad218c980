"""How a policy came together: shares that began together, and its contribution options."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from app.kernel.clock import business_day


class Change(NamedTuple):
    """One policy transaction, as far as cover depends on it."""

    status: str
    shares: int
    starts_at: datetime
    ends_at: datetime
    effective_at: datetime
    counted_from: datetime | None = None
    raised_to: str | None = None


class Layer(NamedTuple):
    """Shares that began together; `since_on` is their day 0 for waiting and for stages."""

    shares: int
    since_on: date


class Tier(NamedTuple):
    """A contribution option of a policy; None is the plan's first. `since_on` as of layers."""

    option_code: str | None
    since_on: date


def layers_at(changes: Sequence[Change], instant: datetime) -> tuple[Layer, ...]:
    """The layers of shares that changes effective by `instant` have built, oldest first.

    Before the first one is effective, its shares as they will be. Fewer shares take the
    newest layer first; cover whose start was moved before it began counts from the new
    start.
    """
    effective = [change for change in changes if change.effective_at <= instant] or changes
    layers: list[Layer] = []
    held, starts_at = 0, effective[0].starts_at
    for change in effective:
        if change.starts_at != starts_at:
            layers, held, starts_at = [], 0, change.starts_at
        while held > change.shares:
            newest = layers.pop()
            left = max(0, newest.shares - (held - change.shares))
            held -= newest.shares - left
            if left:
                layers.append(Layer(left, newest.since_on))
        if change.shares > held:
            since = change.counted_from or max(change.effective_at, change.starts_at)
            layers.append(Layer(change.shares - held, business_day(since)))
            held = change.shares
    return tuple(layers)


def tiers_at(changes: Sequence[Change], issued: str | None, instant: datetime) -> tuple[Tier, ...]:
    """The options that changes effective by `instant` have given, oldest first.

    The first change gives the `issued` one, or of a renewal the one that goes on with it.
    """
    first = changes[0]
    since = business_day(first.counted_from or max(first.effective_at, first.starts_at))
    tiers = [Tier(first.raised_to or issued, since)]
    for change in changes[1:]:
        if change.raised_to is not None and change.effective_at <= instant:
            since = business_day(change.counted_from or change.effective_at)
            tiers.append(Tier(change.raised_to, since))
    return tuple(tiers)

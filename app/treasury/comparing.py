"""Matching both sides of a day: what agrees, and what differs with its cause. Nothing is read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from app.kernel.clock import SHANGHAI
from app.treasury.lines import Key, Kind, Ours, Theirs, fees_of

Cause = Literal[
    "missing_here", "missing_there", "amount_differs", "status_differs", "fee", "timing"
]
# Clocks differ: so close to midnight the other side may carry it under the next day.
NEAR_MIDNIGHT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Difference:
    """`difference_fen` is what our account lacks: theirs less what we have booked."""

    kind: Kind
    number: str
    cause: Cause
    difference_fen: int
    subject_id: UUID | None = None
    ours_fen: int | None = None
    theirs_fen: int | None = None
    ours_status: str | None = None
    theirs_status: str | None = None

    @property
    def key(self) -> Key:
        return self.kind, self.number


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a day's comparison found."""

    agreed: frozenset[Key]
    differences: tuple[Difference, ...]


def agrees(ours: Ours | None, theirs_fen: int) -> bool:
    """Whether we have booked what they say."""
    return ours is not None and ours.booked and ours.amount_fen == theirs_fen


def explained(ours: Ours | None, theirs_fen: int | None) -> bool:
    """Whether nothing is left of a difference: both sides say the same, or neither anything."""
    return (0 if ours is None else ours.booked_fen) == (theirs_fen or 0)


def compare(
    theirs: Sequence[Theirs],
    ours: Mapping[Key, Ours],
    our_day: Sequence[Ours],
    agreed_before: Collection[Key],
) -> Comparison:
    """Match a day both ways.

    `ours` are our rows for their numbers, whatever their day; `our_day` what we booked on
    the day; `agreed_before` what another day's bill has shown.
    """
    agreed: set[Key] = set()
    found: list[Difference] = []
    seen = {line.key for line in theirs}
    for line in (*theirs, *fees_of(theirs)):
        if line.kind == "fee":
            found.append(_fee(line))
            continue
        own = ours.get(line.key)
        if own is None:
            found.append(_missing_here(line))
        elif agrees(own, line.amount_fen):
            agreed.add(line.key)
        else:
            found.append(_differs(line, own))
    found += [
        _missing_there(own)
        for own in our_day
        if own.booked and own.key not in seen and own.key not in agreed_before
    ]
    return Comparison(frozenset(agreed), tuple(found))


def _fee(line: Theirs) -> Difference:
    return Difference(
        "fee", line.number, "fee", line.amount_fen, theirs_fen=line.amount_fen, ours_fen=0
    )


def _missing_here(line: Theirs) -> Difference:
    return Difference(
        line.kind,
        line.number,
        "missing_here",
        line.amount_fen,
        theirs_fen=line.amount_fen,
        theirs_status=line.status,
    )


def _differs(line: Theirs, own: Ours) -> Difference:
    return Difference(
        line.kind,
        line.number,
        "amount_differs" if own.booked else "status_differs",
        line.amount_fen - own.booked_fen,
        own.subject_id,
        own.booked_fen,
        line.amount_fen,
        own.status,
        line.status,
    )


def _missing_there(own: Ours) -> Difference:
    return Difference(
        own.kind,
        own.number,
        "timing" if own.at is not None and near_midnight(own.at) else "missing_there",
        -own.amount_fen,
        own.subject_id,
        own.amount_fen,
        None,
        own.status,
    )


def near_midnight(at: datetime) -> bool:
    """Whether an instant is within half an hour before the end of its day in Asia/Shanghai."""
    return (at + NEAR_MIDNIGHT).astimezone(SHANGHAI).date() != at.astimezone(SHANGHAI).date()

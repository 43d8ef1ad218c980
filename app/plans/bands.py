"""The shape of bands and slices: ascending, no gap, no overlap, one edge on each side."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from app.kernel.money import round_half_up, yuan
from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.faults import fault
from app.plans.intervals import Interval, covers, cuts, meets, span
from app.plans.operators.choices import Range
from app.plans.walking import Path

# Beyond this a number is not written out.
_COUNTLESS = 10**18


def edges_faults(bands: Sequence[Range], path: Path) -> list[FieldError]:
    """Bands with two edges on one side, or with a side open that must not be."""
    faults = []
    for at, band in enumerate(bands):
        lows = [edge for edge in (band.from_, band.above) if edge is not None]
        highs = [edge for edge in (band.to, band.below) if edge is not None]
        if len(lows) > 1 or len(highs) > 1:
            faults.append(fault((*path, at), "band-two-edges"))
        elif (not lows and at > 0) or (not highs and at < len(bands) - 1):
            faults.append(fault((*path, at), "band-edge-missing"))
    return faults


def order_faults(bands: Sequence[Range], path: Path, *, whole: bool) -> list[FieldError]:
    """Bands that are empty, leave a gap or overlap.

    Among whole numbers `to: 30` may be followed by `from: 31` as well as by `above: 30`.
    """
    faults = []
    for at, band in enumerate(bands):
        low, high = cuts(band, whole)
        if low >= high:
            faults.append(fault((*path, at), "band-empty"))
    for at, (one, other) in enumerate(pairwise(bands), 1):
        end, start = cuts(one, whole)[1], cuts(other, whole)[0]
        if end != start:
            faults.append(fault((*path, at), "band-gap" if end < start else "band-overlap"))
    return faults


def reach_faults(
    bands: Sequence[Range], path: Path, of: Interval, *, money: bool, open_above: bool
) -> list[FieldError]:
    """Bands that no value reaches, and values that no band covers.

    `open_above`: above the last one nothing counts, and nothing needs to.
    """
    low, high = size(of.low, money), size(of.high, money)
    faults = [
        fault((*path, at), "band-unreachable", from_=low, to=high)
        for at, band in enumerate(bands)
        if not meets(band, of)
    ]
    starts_late = cuts(bands[0], of.whole)[0] > span(of)[0]
    if starts_late or (not open_above and not covers(bands, of)):
        faults.append(fault(path, "bands-not-covering", from_=low, to=high))
    return faults


def size(value: Fraction | None, money: bool) -> Text:
    """A number, or fen as yuan, in words."""
    if value is None:
        return Text("任意大", "any size")
    if value >= _COUNTLESS:
        return Text("极大", "very large")
    if money:
        text = yuan(round_half_up(value))
        return Text(f"{text}元", f"{text} yuan")
    text = f"{float(value):,.10g}"
    return Text(text, text)

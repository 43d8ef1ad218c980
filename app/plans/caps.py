"""Whether an amount can keep within its limits at all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from app.kernel.problems import FieldError
from app.plans.bands import size
from app.plans.faults import fault
from app.plans.intervals import Interval
from app.plans.view import View
from app.plans.walking import Path


def one_share(view: View) -> View:
    """The same place for a person with one share, past its waiting days."""
    return replace(view, known={**view.known, "shares": 1, "layers": ({"shares": 1},)})


def cap_faults(
    pays: Mapping[Path, Interval], caps: Sequence[tuple[Path, Interval]]
) -> list[FieldError]:
    """Branches of an amount that pay more, at the least, than a limit can ever allow."""
    closed: list[tuple[Fraction, Path]] = [
        (cap.high, path) for path, cap in caps if cap.high is not None
    ]
    if not closed:
        return []
    least, where = min(closed)
    limit = "".join(f"/{part}" for part in where)
    return [
        fault(
            path,
            "amount-above-cap",
            amount=size(found.low, money=True),
            cap=size(least, money=True),
            limit=limit,
        )
        for path, found in pays.items()
        if found.low > least
    ]

"""What a replay adds up to: sums that can be added in any order, and the claims at either end."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.claims.replay import JUDGED, Outcome

EXAMPLES = 20

# Nested counts: JSON of words and whole numbers.
Counts = dict[str, Any]
Example = dict[str, Any]
Sums = dict[str, Any]


def nothing() -> Sums:
    """Sums before the first claim."""
    return {"benefits": {}, "worst": [], "best": []}


def summed(outcomes: Iterable[Outcome]) -> Sums:
    """The sums of claims that count; amounts in fen, everything else in claims."""
    sums = nothing()
    examples: list[Example] = []
    for outcome in outcomes:
        of = sums["benefits"].setdefault(outcome.claim.benefit_code, _no_claims())
        if outcome.missing:
            _incomparable(of["not_comparable"], outcome)
            continue
        _compared(of, outcome)
        if outcome.then_fen != outcome.now_fen:
            examples.append(_example(outcome))
    sums["worst"], sums["best"] = _ends(examples)
    return sums


def added(one: Sums, other: Sums) -> Sums:
    """The sums of both."""
    examples = [*one["worst"], *one["best"], *other["worst"], *other["best"]]
    worst, best = _ends(examples)
    return {
        "benefits": _added(one["benefits"], other["benefits"]),
        "worst": worst,
        "best": best,
    }


def _no_claims() -> Counts:
    return {
        **dict.fromkeys(("claims", "paid_now_fen", "paid_then_fen", "up", "down", "same"), 0),
        **dict.fromkeys(("judged", "clouded"), 0),
        "newly_denied": {},
        "newly_paid": {},
        "not_comparable": {"claims": 0, "paid_now_fen": 0, "facts": {}},
    }


def _compared(of: Counts, outcome: Outcome) -> None:
    now, then = outcome.now_fen, outcome.then_fen
    of["claims"] += 1
    of["paid_now_fen"] += now
    of["paid_then_fen"] += then
    of["up" if then > now else "down" if then < now else "same"] += 1
    of["judged"] += outcome.claim.denied_for in JUDGED
    of["clouded"] += outcome.clouded
    if now and not then:
        _count(of["newly_denied"], outcome.reason or "nothing-payable")
    elif then and not now:
        _count(of["newly_paid"], outcome.claim.denied_for or "unknown")


def _incomparable(of: Counts, outcome: Outcome) -> None:
    of["claims"] += 1
    of["paid_now_fen"] += outcome.now_fen
    for name in outcome.missing:
        _count(of["facts"], name)


def _count(words: dict[str, int], word: str) -> None:
    words[word] = words.get(word, 0) + 1


def _added(one: Mapping[str, Any], other: Mapping[str, Any]) -> Counts:
    total: Counts = dict(one)
    for name, value in other.items():
        if isinstance(value, Mapping):
            total[name] = _added(total.get(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value
    return total


def _example(outcome: Outcome) -> Example:
    return {
        "claim_id": str(outcome.claim.id),
        "number": outcome.claim.number,
        "benefit_code": outcome.claim.benefit_code,
        "paid_now_fen": outcome.now_fen,
        "paid_then_fen": outcome.then_fen,
        "reason_now": outcome.claim.denied_for,
        "reason_then": outcome.reason,
        "limits_then": outcome.limits,
    }


def _change(example: Example) -> int:
    return int(example["paid_then_fen"]) - int(example["paid_now_fen"])


def _ends(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Those that lose the most and those that gain the most, each with its largest first."""
    losing = [each for each in examples if _change(each) < 0]
    gaining = [each for each in examples if _change(each) > 0]
    losing.sort(key=lambda each: (_change(each), each["claim_id"]))
    gaining.sort(key=lambda each: (-_change(each), each["claim_id"]))
    return losing[:EXAMPLES], gaining[:EXAMPLES]

"""Plans that unions printed and that are not shipped: every claim worked out by hand, in process.

The first person of each claims over the API as well (`test_unseen_plans_api`).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.plans.checking import check
from app.plans.explanation import explain
from app.plans.yaml_text import parse_yaml
from tests.plans.authors import whole
from tests.plans.published import Person

PRINTED: list[dict[str, Any]] = parse_yaml(
    Path(__file__).with_name("printed_plans.yaml").read_bytes()
)
PEOPLE = [
    pytest.param(plan["document"], person, id=f"{plan['document']['code']}-{at}")
    for plan in PRINTED
    for at, person in enumerate(plan.get("people", ()), 1)
]


def lines(tree: Mapping[str, Any], tongue: str) -> Iterator[str]:
    yield tree[tongue]
    for step in tree["steps"]:
        yield from lines(step, tongue)


@pytest.mark.parametrize(("piece", "said"), PEOPLE)
def test_a_claim_comes_to_what_was_worked_out_by_hand(
    piece: Mapping[str, Any], said: Mapping[str, Any]
) -> None:
    terms = check(whole(piece))
    person = Person(
        terms,
        shares=said.get("shares", 1),
        day_of_cover=said["day"],
        cause=said["cause"],
        sex=said.get("sex", "male"),
        option=said.get("option", terms.contribution.options[0].code),
    )
    for claim in said["claims"]:
        if said["day"] < terms.waiting_days(claim["benefit"], said["cause"]):
            assert claim["expect_fen"] == 0
            continue
        facts = {
            name: date.fromisoformat(fact) if name.endswith("_on") else fact
            for name, fact in claim["facts"].items()
        }
        found = person.claim(claim["benefit"], facts)
        assert found.missing == ()
        assert found.amount_fen == claim["expect_fen"], claim
        assert [each.code for each in found.failed] == claim.get("expect_failed", [])
        tree = explain(terms, found)
        for tongue, line in claim.get("says", {}).items():
            assert line in list(lines(tree, tongue))


@pytest.mark.parametrize("plan", PRINTED, ids=lambda plan: str(plan["document"]["code"]))
def test_a_plan_says_who_printed_it_and_what_nobody_did(plan: Mapping[str, Any]) -> None:
    source = check(whole(plan["document"])).source
    assert source.published_plan not in ("", plan["document"]["code"])
    assert source.demonstration

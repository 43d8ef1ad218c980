"""Every published worked case, to the fen; every shipped document valid."""

import re
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.plans import inputs as known
from app.plans.assessment import program_of
from app.plans.evaluation import compiled
from app.plans.expressions import Node
from app.plans.prices import ContributionOption
from app.plans.pricing import NO_HISTORY
from app.plans.steps import Run, Scope
from app.plans.table_values import table_values
from app.plans.tables import UnknownTables, expand_tables, standard_tables
from app.plans.terms import PlanTerms
from tests.plans.published import CASES, plans, run

PUBLISHED = {
    *(f"D{number:02}" for number in range(1, 36)),
    *("X19", "X22", "X24-M", "X24-F", "X26-110", "X26-20", "X26-60", "X26-100", "X26-40"),
}


def test_no_published_case_is_left_out() -> None:
    assert {case["id"] for cases in CASES.values() for case in cases} >= PUBLISHED


@pytest.mark.parametrize("case", CASES["benefits"], ids=lambda case: str(case["id"]))
def test_benefit_case(case: dict[str, Any]) -> None:
    total = 0
    for step, found in run(case):
        assert found.missing == (), step
        assert found.amount_fen == step["expect_fen"], step
        assert [each.code for each in found.failed] == step.get("expect_failed", []), step
        total += found.amount_fen
    assert total == case.get("expect_total_fen", total)


def option_of(case: dict[str, Any]) -> tuple[ContributionOption, Scope]:
    if "plan" in case:
        terms = plans()[case["plan"]]
        return terms.option(case["option"]), Scope(table_values(terms.tables))
    made = {"code": "X", "term": {"months": 12}, "price": case["price"], "split": case["split"]}
    return ContributionOption.model_validate(made), Scope()


@pytest.mark.parametrize("case", CASES["prices"], ids=lambda case: str(case["id"]))
def test_price_case(case: dict[str, Any]) -> None:
    option, scope = option_of(case)
    assert set(case["inputs"]) <= set(known.PRICE_CONTEXT)
    people = case.get("people", 1)

    def fen(node: Node) -> object:
        step = compiled(node, scope)(Run(case["inputs"], NO_HISTORY))
        assert isinstance(step.value, int | Fraction), step
        return step.value * people

    assert fen(option.price) == case["expect_fen"]
    parts = {part.payer: fen(part.amount) for part in option.split}
    assert parts == case.get("expect_split_fen", {})
    if "expect_deposit_fen" in case:
        assert option.deposit is not None
        assert fen(option.deposit) == case["expect_deposit_fen"]


@pytest.mark.parametrize("code", sorted(plans()))
def test_a_shipped_document_survives_being_stored(code: str) -> None:
    terms = plans()[code]
    assert PlanTerms.model_validate(terms.document()).document() == terms.document()
    for benefit in terms.benefits:
        program_of(terms, benefit.code)
    for table in terms.tables.values():
        assert table.origin in standard_tables()


def test_a_table_that_nobody_has_is_named_with_its_place() -> None:
    document = {"tables": {"mine": {"use": "NOBODYS"}, "a/b": {"use": 3}, "x": {"kind": "list"}}}
    with pytest.raises(UnknownTables) as refused:
        expand_tables(document, standard_tables())
    assert [(each.pointer, each.table) for each in refused.value.faults] == [
        ("/tables/mine/use", "NOBODYS"),
        ("/tables/a~1b/use", "3"),
    ]


def test_a_copied_table_says_what_it_is_a_copy_of() -> None:
    given = {"tables": {"grades": {"use": "JRT0083-2013"}}}
    [(name, table)] = expand_tables(given, standard_tables())["tables"].items()
    assert name == "grades"
    assert table["origin"] == "JRT0083-2013"
    assert table["entries"]["10"] == "0.1"
    assert given == {"tables": {"grades": {"use": "JRT0083-2013"}}}
    assert yaml.safe_load(yaml.safe_dump(table)) == table


def test_the_library_lists_its_plans() -> None:
    folder = Path(str(files("app.plans").joinpath("library")))
    listed = re.findall(r"\]\(([a-z0-9-]+\.yaml)\)", (folder / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(file.name for file in folder.glob("*.yaml"))

"""The random expressions are what the checker of kinds takes for well-typed."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.plans.kind_rules import KIND_RULES
from app.plans.kinds import Kinds, Vocabulary
from tests.plans.engine import benefit, parsed, plan
from tests.plans.strategies import CLAIM_INPUTS, COUNTERS, TABLES, Kind, expressions

TERMS = plan(benefit("PAY", {"yuan": 1}, counters=COUNTERS), tables=TABLES)
WANTED: list[Kind] = ["money", "number", "truth"]
TYPED = st.sampled_from(WANTED).flatmap(lambda kind: st.tuples(st.just(kind), expressions(kind)))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=TYPED)
def test_random_expressions_are_well_typed(made: tuple[Kind, Any]) -> None:
    kind, written = made
    kinds = Kinds(
        Vocabulary(
            inputs=CLAIM_INPUTS,
            tables=TERMS.tables,
            benefits=frozenset({"PAY"}),
            counters=TERMS.benefits[0].counters,
            in_benefit=True,
        ),
        KIND_RULES,
        counters={"visits": "number", "costs": "money"},
        numbered=True,
    )
    found = kinds.kind(parsed(written), (), None)
    assert kinds.faults == []
    assert found in (kind, "zero")

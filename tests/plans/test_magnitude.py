"""The length of a number, estimated without computing it, is never below the number's own."""

from typing import Any

from hypothesis import HealthCheck, given, settings

from app.plans.assessment import assess
from app.plans.facts import vocabulary
from app.plans.history import Past
from app.plans.magnitude import Measure
from app.plans.table_values import table_values
from tests.plans import strategies as some
from tests.plans.engine import here, plan

Facts = dict[str, Any]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=some.benefits(), facts=some.all_facts())
def test_no_amount_is_longer_than_it_was_measured(document: Facts, facts: Facts) -> None:
    terms = plan(document, tables=some.TABLES)
    [benefit] = terms.benefits
    measure = Measure(vocabulary(terms), table_values(terms.tables), benefit.counters)
    found = assess(terms, benefit.code, facts, Past([], here()))
    for step, (_, reached) in zip(benefit.steps, found.steps, strict=True):
        measure.steps[step.name] = measure.of(step.value)
        within(measure, step.value, reached.value)
    within(measure, benefit.pays, found.pays.value)


def within(measure: Measure, node: Any, value: Any) -> None:
    if not isinstance(value, bool) and hasattr(value, "numerator"):
        size = measure.of(node)
        assert int(value) <= 10 ** (size.whole + 1e-6)
        assert len(str(value.denominator)) <= size.decimal + size.other + 1

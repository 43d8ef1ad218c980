"""The JSON Schema of plan documents, made from the models: what an editor completes and checks."""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from app.plans.expressions import Operator, operator_name
from app.plans.terms import PlanTerms

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "/v1/schemas/plan-version"

# Operators are called in the schema as in documents; of other names two need help.
_NAMES: Mapping[str, str] = {
    **{node.__name__: operator_name(node) for node in get_args(Operator)},
    "app__plans__operators__arithmetic__Span": "TwoDays",
    "app__plans__prices__Span": "TermLength",
    "Words_": "WordAmong",
}
_EXPRESSION = (
    "A whole number, an exact decimal as text, money, the name of an input or step, or an"
    " object with exactly one operator."
)
_USE: dict[str, Any] = {
    "title": "Standard table",
    "description": "A standard table of the service; it is copied in when the document is checked.",
    "type": "object",
    "properties": {"use": {"type": "string", "examples": ["JRT0083-2013"]}},
    "required": ["use"],
    "additionalProperties": False,
}
_TEN: Any = {"yuan": 10}
_EXAMPLES: Mapping[str, Any] = {
    "yuan": {"yuan": "62.50"},
    "fen": {"fen": 6250},
    "sum": {"sum": ["self_pay_fen", "own_expense_fen"]},
    "minus": {"minus": ["self_pay_fen", {"yuan": 100}]},
    "times": {"times": [{"yuan": 10000}, "shares"]},
    "percent": {"percent": {"of": "self_pay_fen", "rate": "0.35"}},
    "at_most": {"at_most": {"of": "loss_fen", "limit": {"yuan": 20000}}},
    "at_least": {"at_least": {"of": "loss_fen", "floor": {"yuan": 50}}},
    "pro_rata": {"pro_rata": {"of": {"yuan": 120}, "part": "remaining_days", "whole": "term_days"}},
    "full": {"full": {"of": "loss_fen", "per": {"yuan": 1000}}},
    "band": {
        "band": {
            "of": "day_of_cover",
            "bands": [
                {"to": 30, "gives": {"yuan": 0}},
                {"above": 30, "gives": {"yuan": 10000}},
            ],
        }
    },
    "slices": {
        "slices": {
            "of": "self_pay_fen",
            "slices": [
                {"to": {"yuan": 5000}, "rate": "0.3"},
                {"above": {"yuan": 5000}, "rate": "0.5"},
            ],
        }
    },
    "look_up": {"look_up": {"table": "JRT0083-2013", "of": "disability_grade"}},
    "choose": {"choose": {"by": "severity", "cases": {"mild": _TEN, "severe": {"yuan": 50}}}},
    "when": {"when": {"if": "surgery", "then": {"yuan": 500}, "otherwise": {"yuan": 0}}},
    "each": {"each": {"of": "stays", "gives": {"times": [{"yuan": 50}, "stays.days"]}}},
    "largest": {"largest": {"of": "stays", "gives": {"times": [{"yuan": 50}, "stays.days"]}}},
    "count": {"count": "stays"},
    "occurrence": {"occurrence": {"within": "term"}},
    "paid_before": {"paid_before": {"within": "term"}},
    "before": {"before": "days"},
    "total": {"total": "days"},
    "days_between": {"days_between": {"first": "accident_on", "last": "died_on"}},
    "equals": {"equals": ["hospital_grade", 3]},
    "reaches": {"reaches": ["hospital_grade", 2]},
    "exceeds": {"exceeds": ["self_pay_fen", {"yuan": 200000}]},
    "up_to": {"up_to": [{"days_between": {"first": "accident_on", "last": "died_on"}}, 180]},
    "below": {"below": ["age", 60]},
    "one_of": {"one_of": {"of": "cause", "words": ["accident"]}},
    "listed": {"listed": {"table": "CN-30", "of": "disease"}},
    "holds": {"holds": "RIDER-ACC"},
    "all": {"all": ["first_diagnosis", "inpatient"]},
    "any": {"any": ["inpatient", "surgery"]},
    "not": {"not": "surgery"},
}


@cache
def plan_schema() -> Mapping[str, Any]:
    """The schema (draft 2020-12); whatever `check` accepts is valid by it."""
    schema = _renamed(PlanTerms.model_json_schema(by_alias=True, mode="validation"))
    definitions = schema.pop("$defs")
    for node in get_args(Operator):
        name = operator_name(node)
        definitions[name]["title"] = name
        definitions[name]["examples"] = [_EXAMPLES[name]]
    definitions["Expression"] |= {"title": "Expression", "description": _EXPRESSION}
    tables = schema["properties"]["tables"]["patternProperties"]
    for pattern, table in tables.items():
        tables[pattern] = {"anyOf": [table, _USE]}
    return {
        "$schema": DIALECT,
        "$id": ID,
        **schema,
        "title": "Plan version",
        "$defs": dict(sorted(definitions.items())),
    }


def _renamed(value: Any) -> Any:
    """Without Python's names, and closed where names follow a pattern."""
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: _renamed(each) for key, each in value.items()}
    if "$defs" in found:
        found["$defs"] = {_NAMES.get(name, name): each for name, each in found["$defs"].items()}
    if isinstance(found.get("$ref"), str):
        start, _, name = found["$ref"].rpartition("/")
        found["$ref"] = f"{start}/{_NAMES.get(name, name)}"
    if "patternProperties" in found:
        found.setdefault("additionalProperties", False)
    return found

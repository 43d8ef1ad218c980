"""Documents with faults: each fault with its place and words, all at once, never an exception."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.plans.checking import check, judge
from app.plans.errors import InvalidPlan
from app.plans.faults import FAULTS
from app.plans.mending import UNREAD
from app.plans.relations import relation_faults
from app.plans.terms import Relations
from tests.plans.engine import WORDS, benefit, plan
from tests.plans.faulty import DOCUMENTS, EXPRESSIONS, OPTION, TEN, VALID, Json, document, paying
from tests.plans.published import plans


def found(given_: object) -> set[tuple[str, str]]:
    return {(fault.pointer, fault.code) for fault in judge(given_)[1]}


@pytest.mark.parametrize(
    ("pays", "pointer", "code"),
    [pytest.param(*case, id=name) for name, *case in EXPRESSIONS],
)
def test_faults_of_an_expression(pays: Json, pointer: str, code: str) -> None:
    assert (pointer, code) in found(paying(pays))


@pytest.mark.parametrize(
    ("given_", "pointer", "code"), [pytest.param(*case, id=name) for name, *case in DOCUMENTS]
)
def test_faults_of_a_document(given_: Json, pointer: str, code: str) -> None:
    assert (pointer, code) in found(given_)
    with pytest.raises(InvalidPlan) as refused:
        check(given_)
    answer = {tag: refused.value.document(tag, "r") for tag in ("zh", "en")}
    for tag in ("zh", "en"):
        told = [each for each in answer[tag]["errors"] if each["pointer"] == pointer]
        assert code in [each["code"] for each in told]
        for each in told:
            assert each["message"]
            assert "{" not in each["message"] or each["code"] in WITH_BRACES
    assert answer["zh"]["errors"] != answer["en"]["errors"]


# Their words show how money is written.
WITH_BRACES = {"float-number", "not-money"}
RELATED = ["requires-cycle", "pays-after-cycle", "required-plans-exclude"]


@pytest.mark.parametrize(
    ("given_", "pointer", "words"),
    [
        # YAML reads {zh: 字, en: by halves, at once} so.
        (document(name=WORDS | {"at once": None}), "/name/at once", "must be in quotes"),
        (document(joining={"group": {"minimum_participation": 80}}),
         "/joining/group/minimum_participation", "write a number in quotes"),
        (document(benefit("PAY", {"times": [TEN, "share"]})),
         "/benefits/0/pays/times/1", "perhaps shares"),
        (document(benefit("PAY", {"max": [TEN, TEN]})), "/benefits/0/pays", "at_least, at_most"),
        (document(benefit("PAY", {"percent": {"of": TEN, "rate": "80%"}})),
         "/benefits/0/pays/percent/rate", "80 % is 0.8"),
    ],
)  # fmt: skip
def test_a_fault_tells_an_author_who_is_no_programmer_what_to_write(
    given_: Json, pointer: str, words: str
) -> None:
    with pytest.raises(InvalidPlan) as refused:
        check(given_)
    [told] = [
        each for each in refused.value.document("en", "r")["errors"] if each["pointer"] == pointer
    ]
    assert words in told["message"]


def test_every_fault_there_is_has_a_case() -> None:
    shown = {code for *_, code in (*EXPRESSIONS, *DOCUMENTS)} | set(RELATED)
    assert set(FAULTS) - shown == set()


@pytest.mark.parametrize("given_", [pytest.param(each, id=name) for name, each in VALID])
def test_documents_without_faults(given_: Json) -> None:
    assert [(each.pointer, each.code) for each in judge(given_)[1]] == []
    assert check(given_).code == "PLAN-A"


@pytest.mark.parametrize("code", sorted(plans()))
def test_every_plan_that_comes_with_the_service_is_without_faults(code: str) -> None:
    # Not the models: beside the terms they hold programs once somebody has needed them.
    assert check(plans()[code].document()).document() == plans()[code].document()


def test_one_fault_does_not_hide_the_others() -> None:
    given_ = document(
        benefit("PAY", {"sum": [{"yuan": 1.5}, "nobody"]}),
        benefit("PAY2", "nobody_fen", excludes=["NOBODY", "PAY"]),
        facts={"rooms": {"kind": "number"}},
        joining={"opens_on": "2026-02-01", "closes_on": "2026-01-31"},
    )
    assert found(given_) == {
        ("/benefits/0/pays/sum/0/yuan", "float-number"),
        ("/benefits/0/pays/sum/1", "unknown-input"),
        ("/benefits/1/pays", "unknown-input"),
        ("/benefits/1/excludes/0", "unknown-benefit"),
        ("/facts/rooms/words", "missing"),
        ("/joining/closes_on", "window-order"),
    }


def test_what_can_be_read_of_a_part_is_judged_beside_its_faults() -> None:
    given_ = document(
        benefit(
            "PAY",
            {
                "sum": [
                    {"percent": {"of": {"yuan": -1}, "rate": "1.2"}},
                    {"percent": {"of": "nobody_fen", "rate": 0.5}},
                    {"slices": {"of": "loss_fen", "slices": [
                        {"to": TEN, "rate": "0.1"}, {"above": {"yuan": 11}, "rate": "0.2"}
                    ]}},
                    {"times": [{"look_up": {"table": "NONE", "of": "age"}}, 1.5]},
                ]
            },
            conditions=[
                {"code": "Bad Code", "require": {"reaches": ["nobody"]}},
                {"code": "late", "require": {"up_to": ["nobody", 3]}, "words": WORDS},
            ],
            colour="red",
        ),
        contribution={
            "max_shares": 1,
            "colour": "red",
            "options": [{**OPTION, "price": {"times": [TEN, "share"]}, "colour": "red"}],
        },
        cancellation={"before_start": "paid", "after_start": 0.5},
    )  # fmt: skip
    pays, option = "/benefits/0/pays/sum", "/contribution/options/0"
    assert found(given_) == {
        (f"{pays}/0/percent/of/yuan", "greater-than-equal"),
        (f"{pays}/0/percent/rate", "rate-above-one"),
        (f"{pays}/1/percent/of", "unknown-input"),
        (f"{pays}/1/percent/rate", "float-number"),
        (f"{pays}/2/slices/slices/1", "band-gap"),
        (f"{pays}/3/times/0/look_up/table", "unknown-table"),
        (f"{pays}/3/times/1", "float-number"),
        ("/benefits/0/conditions/0/code", "string-pattern-mismatch"),
        ("/benefits/0/conditions/0/words", "missing"),
        ("/benefits/0/conditions/0/require/reaches/1", "missing"),
        ("/benefits/0/conditions/1/require/up_to/0", "unknown-input"),
        ("/benefits/0/colour", "extra-forbidden"),
        ("/contribution/colour", "extra-forbidden"),
        (f"{option}/colour", "extra-forbidden"),
        (f"{option}/price/times/1", "unknown-input"),
        ("/cancellation/before_start", "unknown-input"),
        ("/cancellation/after_start", "float-number"),
    }


def test_what_stands_for_a_fault_is_no_name_that_a_document_may_use() -> None:
    assert found(document(benefit("PAY", UNREAD))) == {("/benefits/0/pays", "unknown-input")}


def test_what_cannot_be_read_is_not_called_unknown() -> None:
    given_ = document(
        benefit("PAY", {"times": [TEN, "rooms"]}, excludes=["PAY2"]),
        benefit("PAY2", []),
        benefit("PAY3", {"look_up": {"table": "T", "of": "age"}}),
        facts={"rooms": {"kind": "number"}},
        tables={"T": {"kind": "amounts", "entries": {}}},
    )
    assert {code for _, code in found(given_)} == {"missing", "not-an-expression", "too-short"}


def test_a_document_that_contains_itself_is_refused() -> None:
    given_ = document()
    given_["benefits"].append(given_)
    [fault] = judge(given_)[1]
    assert fault.code in ("too-deep", "too-large")


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ({"requires": ["B"]}, {"B": {"requires": ["A"]}}, {("requires/0", "requires-cycle")}),
        (
            {"requires": ["C", "B"]},
            {"B": {"requires": ["D"]}, "D": {"requires": ["A"]}},
            {("requires/1", "requires-cycle")},
        ),
        (
            {"pays_after": ["B"]},
            {"B": {"pays_after": ["A"]}},
            {("pays_after/0", "pays-after-cycle")},
        ),
        ({"excludes": ["B"]}, {"B": {"excludes": ["A"]}}, set()),
        ({"requires": ["B"]}, {"B": {"pays_after": ["A"]}}, set()),
        (
            {"requires": ["B"], "excludes": ["C"]},
            {"B": {"requires": ["C"]}},
            {("excludes/0", "excluded-and-required")},
        ),
        (
            {"excludes": ["C"]},
            {"C": {"requires": ["A"]}},
            {("excludes/0", "excluded-and-required")},
        ),
        (
            {"requires": ["B"]},
            {"B": {"excludes": ["A"]}},
            {("requires/0", "required-plans-exclude")},
        ),
        (
            {"requires": ["B", "C"]},
            {"B": {"excludes": ["C"]}},
            {("requires/0", "required-plans-exclude")},
        ),
        ({"requires": ["B"]}, {"A": {"requires": ["Z"]}, "B": {}}, set()),
        ({"requires": ["B"]}, {"B": {"requires": ["C"]}, "C": {"requires": ["B"]}}, set()),
    ],
)
def test_relations_between_plans(
    own: Json, others: Mapping[str, Json], expected: set[tuple[str, str]]
) -> None:
    def codes(relations: Json) -> Relations:
        named = {name: [f"PLAN-{code}" for code in each] for name, each in relations.items()}
        return Relations.model_validate(named)

    terms = plan(benefit("PAY", TEN), relations=codes(own).model_dump(exclude_unset=True))
    known = {f"PLAN-{code}": codes(each) for code, each in others.items()}
    faults = relation_faults(terms, known)
    prefix = len("/relations/")
    assert {(each.pointer[prefix:], each.code) for each in faults} == expected


def nodes(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document."""
    here = [path] if path else []
    if isinstance(value, dict):
        return here + [each for key, inner in value.items() for each in nodes(inner, (*path, key))]
    if isinstance(value, list):
        return here + [each for at, inner in enumerate(value) for each in nodes(inner, (*path, at))]
    return here


STRANGE: list[Json] = [
    None,
    True,
    -1,
    0,
    7,
    1.5,
    10**30,
    "",
    "0.35",
    "nobody",
    "stays.days",
    [],
    {},
    [[]],
    {"yuan": -3},
    {"yuan": 5},
    {"magic": 1},
    {"not": "surgery"},
    {"sum": [1, {"yuan": 1}]},
    {"each": {"of": "stays", "gives": "stays.days"}},
    {"count": "stays"},
    {"total": "days"},
    {"zh": "字", "en": "words"},
    date(2026, 1, 1),
    "a/b~c",
    {"": {}},
    {1: 2},
]


def exists(pointer: str, value: Json) -> bool:
    """Whether a pointer, or at least its parent, is in the document."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if isinstance(value, dict):
            known = {str(key): inner for key, inner in value.items()}
            if part not in known:
                return last
            value = known[part]
        elif isinstance(value, list):
            if not part.isdigit() or int(part) >= len(value):
                return last and part.isdigit()
            value = value[int(part)]
        else:
            return False
    return True


@st.composite
def damaged(draw: st.DrawFn) -> Json:
    """A published document with some of its nodes taken out, replaced or renamed."""
    given_: Json = deepcopy(plans()[draw(st.sampled_from(sorted(plans())))].document())
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(nodes(given_)))
        place = given_
        for part in path[:-1]:
            place = place[part]
        match draw(st.sampled_from(["delete", "replace", "rename", "repeat"])):
            case "delete":
                del place[path[-1]]
            case "replace":
                place[path[-1]] = deepcopy(draw(st.sampled_from(STRANGE)))
            case "rename" if isinstance(place, dict):
                others = ["sum", "minus", "of", "gives", "nobody", "to", "above", "when"]
                place[draw(st.sampled_from(others))] = place.pop(path[-1])
            case _:
                place[path[-1]] = [deepcopy(place[path[-1]])] * 2
        if not nodes(given_):
            break
    return given_


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(given_=damaged())
def test_damaged_documents_are_told_apart(given_: Json) -> None:
    terms, faults = judge(given_)
    if not faults:
        assert terms is not None
        assert check(given_) == terms
    for fault in faults:
        assert exists(fault.pointer, given_), fault
        assert fault.message.zh
        assert fault.message.en


FATAL: list[Json] = [None, -1, 1.5, "", [], {}, {"magic": 1}, "Bad Name", {"yuan": -3}]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_broken_expression_is_always_found(data: st.DataObject) -> None:
    given_: Json = deepcopy(plans()[data.draw(st.sampled_from(sorted(plans())))].document())
    inside = [path for path in nodes(given_) if "pays" in path or "require" in path]
    path = data.draw(st.sampled_from([each for each in inside if each[-1] not in _OPTIONAL]))
    place = given_
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = deepcopy(data.draw(st.sampled_from(FATAL)))
    faults = judge(given_)[1]
    assert faults
    assert all(exists(each.pointer, given_) for each in faults)


# Members that may be null.
_OPTIONAL = {"otherwise", "from", "above", "to", "below"}

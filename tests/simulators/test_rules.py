"""Documented test numbers: which identity numbers pass, and that generators can rely on it."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.simulators import bank, identity, sms
from app.simulators.signed_door import DoorError
from tests.simulators_fixture import id_number

DOCUMENT = Path(__file__).parents[2] / "docs" / "simulators.md"


@settings(max_examples=50)
@given(
    area=st.integers(110000, 659999),
    birth=st.dates(date(1940, 1, 1), date(2010, 12, 31)),
    sequence=st.integers(1, 899),
)
def test_every_number_below_sequence_900_passes(area: int, birth: date, sequence: int) -> None:
    number = id_number(f"{sequence:03d}", str(area), f"{birth:%Y%m%d}")
    assert identity.course(number) == "pass"


def test_published_example_passes() -> None:
    assert identity.course("11010519491231002X") == "pass"


@settings(max_examples=50)
@given(st.one_of(st.text(max_size=20), st.from_regex(r"\A\d{17}[A-WYZ]\Z")))
def test_anything_else_is_refused_in_words(number: str) -> None:
    with pytest.raises(DoorError) as refused:
        identity.course(number)
    assert refused.value.code in ("invalid_number", "unsupported_document")


def test_documented_numbers_are_true() -> None:
    text = DOCUMENT.read_text("utf-8")
    rows = re.findall(r"`(\d{17}[\dX])` \| (\w+) ", text)
    assert {course for _, course in rows} == {"pass", *identity.COURSES.values()}
    for number, course in rows:
        assert identity.course(number) == course


@pytest.mark.parametrize(
    "word", [*sms.TROUBLE.values(), *bank.REJECTED, *bank.REJECTED.values(), bank.SLOW, bank.NEVER]
)
def test_every_rule_is_documented(word: str) -> None:
    assert word in DOCUMENT.read_text("utf-8")

"""Strict JSON: what is refused, and with which status."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.kernel.clock import business_day, day_start
from app.kernel.problems import MalformedBody, Unprocessable
from app.kernel.rendering import validation_problem
from app.kernel.schema import Day, Instant, parse_json


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff\xfe", b'"\xed\xa0\x80"', b"[" * 100_000, b"nul", b'{"a":1}x'],
)
def test_what_is_not_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse_json(raw)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"a": 1, "a": 2}', "duplicate-key"),
        (b'{"a": NaN}', "not-a-number"),
        (b'{"a": -Infinity}', "not-a-number"),
        (b'{"a": "x\\u0000"}', "unstorable-text"),
        (b'{"a": ["\\ud800"]}', "unstorable-text"),
        (b'{"\\udc00": 1}', "unstorable-text"),
    ],
)
def test_json_that_cannot_be_meant_is_unprocessable(raw: bytes, code: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        parse_json(raw)
    assert [error.code for error in refused.value.errors] == [code]


def test_a_surrogate_pair_and_a_byte_order_mark_are_fine() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


@pytest.mark.parametrize("text", ["0001-01-01", "1899-12-31", "2900-01-01", "9999-12-31"])
def test_days_that_no_calculation_reaches_are_refused(text: str) -> None:
    for kind, value in ((Day, text), (Instant, f"{text}T00:00:00+14:00")):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        (Day, "12/01/2026", "not-a-day"),
        (Day, "2026-02-30", "date-from-datetime-parsing"),
        (Day, "0202-12-01", "day-out-of-range"),
        (Instant, "2026-12-01", "not-an-instant"),
        (Instant, "2026-12-01T25:00:00Z", "datetime-from-date-parsing"),
        (Instant, "2026-12-01T08:00:00", "time-zone-missing"),
        (Instant, "0202-12-01T08:00:00Z", "day-out-of-range"),
    ],
)
def test_a_wrong_day_or_instant_is_told_what_is_wrong(kind: Any, text: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(text)
    unknown = validation_problem([{"type": "no_such_type", "loc": ("query", "on")}]).errors[0]
    [told] = validation_problem(refused.value.errors()).errors
    assert (told.code, told.message == unknown.message) == (code, False)


@pytest.mark.parametrize("text", ["1900-01-01", "2899-12-31"])
def test_the_first_and_last_day_can_be_calculated_with(text: str) -> None:
    day = TypeAdapter(Day).validate_python(text)
    assert business_day(day_start(day)) == day

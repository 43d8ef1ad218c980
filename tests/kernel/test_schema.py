"""Strict JSON: what is refused, and with which status."""

import pytest
from pydantic import TypeAdapter, ValidationError

from app.kernel.clock import business_day, day_start
from app.kernel.problems import MalformedBody, Unprocessable
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


@pytest.mark.parametrize("text", ["1900-01-01", "2899-12-31"])
def test_the_first_and_last_day_can_be_calculated_with(text: str) -> None:
    day = TypeAdapter(Day).validate_python(text)
    assert business_day(day_start(day)) == day

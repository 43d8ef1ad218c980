"""Bodies: strict models, strict JSON, and the field types the API speaks."""

import json
import re
from datetime import date, datetime
from typing import Annotated, Any, NoReturn
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from app.kernel.problems import FieldError, MalformedBody, Unprocessable
from app.kernel.text import Text

MAX_FEN = 10**12


class Body(BaseModel):
    """A request body: nothing is coerced, nothing unknown is accepted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class View(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


def _text_only(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a string is expected")
    return value


# Sums of days and changes of the time zone stay inside what a date can be.
_YEARS = range(1900, 2900)
_REACH = Field(json_schema_extra={"pattern": "^(19|2[0-8])[0-9]{2}-"})


def _in_reach(value: date) -> date:
    if value.year not in _YEARS:
        raise PydanticCustomError("day_out_of_range", "a year from 1900 to 2899 is expected")
    return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise PydanticCustomError("time_zone_missing", "a time zone offset is expected")
    _in_reach(value)
    return value


_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*")


def _instant_text(value: object) -> object:
    """Pydantic would also take a number of seconds, as text."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise PydanticCustomError("not_an_instant", "an RFC 3339 date and time is expected")
    return value


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day_text(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("not_a_day", "a date as YYYY-MM-DD is expected")
    return value


Id = Annotated[
    UUID,
    Strict(False),
    BeforeValidator(_text_only),
    Field(examples=["0192f0c1-7a10-7c3e-8a44-51d8ac9ec001"]),
]
Day = Annotated[date, Strict(False), BeforeValidator(_day_text), AfterValidator(_in_reach), _REACH]
Instant = Annotated[
    datetime, Strict(False), BeforeValidator(_instant_text), AfterValidator(_aware), _REACH
]
Fen = Annotated[int, Field(ge=0, le=MAX_FEN, description="Money in fen (1 yuan = 100 fen).")]
PositiveFen = Annotated[int, Field(ge=1, le=MAX_FEN, description="Money in fen, above zero.")]


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _refusal(f"/{name}", "duplicate-key", DUPLICATE_KEY)
            seen.add(name)
    return members


def _no_constant(_name: str) -> NoReturn:
    raise _refusal("", "not-a-number", NOT_FINITE)


def _refusal(pointer: str, code: str, message: Text) -> Unprocessable:
    return Unprocessable(errors=[FieldError(pointer, code, message)])


DUPLICATE_KEY = Text("同一字段出现了两次", "The same member appears twice.")
NOT_FINITE = Text("数字必须有限（不可为 NaN 或 Infinity）", "NaN and Infinity are not JSON.")
UNSTORABLE = Text("文字含有不可存储的字符", "The text holds characters that cannot be stored.")

# A NUL or half of a surrogate pair can only arrive as an escape in valid UTF-8.
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89abAB][0-9a-fA-F]{2}|[dD][c-fC-F][0-9a-fA-F]{2})")


def _refuse_unstorable(value: object, pointer: str = "") -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise _refusal(pointer, "unstorable-text", UNSTORABLE)
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_unstorable(name, pointer)
            _refuse_unstorable(member, f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            _refuse_unstorable(member, f"{pointer}/{index}")


_decode = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant).decode


def parse_json(raw: bytes) -> Any:
    """JSON without duplicate members, NaN, NUL or lone surrogates.

    Raises MalformedBody (400) for bytes that are not UTF-8 JSON or are nested beyond
    reason, Unprocessable (422) for the rest.
    """
    try:
        value = _decode(raw.decode("utf-8-sig"))
        if _SUSPECT.search(raw):
            _refuse_unstorable(value)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError) as error:
        raise MalformedBody from error
    return value

"""Faults of a document's form: what pydantic refuses, told by pointer and in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.expressions import OPERATORS
from app.plans.faults import fault, pointer
from app.plans.form_words import (
    EDGE,
    EXPRESSION,
    FORMS,
    KEY,
    MONEY,
    NOTHING_IN_IT,
    NUMBER_AS_TEXT,
    SAID,
    SEVERAL,
    UNKNOWN_OPERATOR,
    WORDS,
)

MAX_DEPTH = 110
MAX_NODES = 100_000


def raw_faults(document: object) -> list[FieldError]:
    """What makes a document unfit to be read at all: too deep, too large, no JSON.

    YAML's anchors can make a document that contains itself, or is endless when written out.
    """
    faults: list[FieldError] = []
    seen = 0
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        seen += 1
        if seen > MAX_NODES:
            return [fault((), "too-large")]
        if len(path) > MAX_DEPTH:
            return [fault(path, "too-deep")]
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if isinstance(key, str) and _unstorable(key):
                    faults.append(fault(path, "unstorable-text"))
                waiting.append(((*path, key if isinstance(key, int) else str(key)), inner))
        elif isinstance(value, list | tuple):
            waiting += [((*path, at), inner) for at, inner in enumerate(value)]
        elif isinstance(value, str):
            if _unstorable(value):
                faults.append(fault(path, "unstorable-text"))
        elif value is not None and type(value) not in (int, float, bool, date):
            faults.append(fault(path, "not-json"))
    return faults


def _unstorable(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text)


def form_faults(error: ValidationError, document: object) -> list[FieldError]:
    """Pydantic's errors as faults, without those that only follow from others."""
    found: dict[tuple[str, str], FieldError] = {}
    for each, path, value in located(error, document):
        code, words = _told(each, value)
        found.setdefault((pointer(path), code), FieldError(pointer(path), code, words))
    return list(found.values())


def located(error: ValidationError, document: object) -> Iterator[tuple[Any, list[str | int], Any]]:
    """Each error that does not only follow from others, its place, and what stands there."""
    for each in error.errors(include_url=False, include_input=False):
        path, value = _place(each["loc"], each["type"], document)
        if each["type"] == "too_short" and _long_enough(value, each["ctx"]["min_length"]):
            continue
        yield each, path, value


def _place(
    location: Sequence[int | str], kind: str, document: object
) -> tuple[list[str | int], Any]:
    """The place in the document that an error is about, and what stands there.

    Pydantic's location also names members of unions and the word [key]: what the
    document does not have is left out.
    """
    path: list[str | int] = []
    value: Any = document
    for part in location:
        if _has(value, part):
            value = value[part]
            path.append(part)
    if kind == "missing":
        path.append(location[-1])
    return path, value


def _has(value: object, part: int | str) -> bool:
    if isinstance(value, list | tuple):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, Mapping) and part in value


def _long_enough(value: object, least: int) -> bool:
    """Pydantic also calls a list too short whose entries are at fault."""
    return isinstance(value, list | tuple | Mapping) and len(value) >= least


def _told(error: Any, value: object) -> tuple[str, Text]:
    kind, location = str(error["type"]), error["loc"]
    if kind == "not-an-expression":
        return _not_an_expression(error["msg"], value)
    if location and location[-1] == "[key]":
        return ("key-not-text", KEY) if kind == "string_type" else ("key-form", _filled(error))
    if error["msg"] in SAID:
        return SAID[error["msg"]]
    if kind == "value_error":
        said = str(error["ctx"]["error"])
        return SAID.get(said, ("not-valid", Text(f"内容不符合要求：{said}", said)))
    if kind.startswith("date"):
        return SAID["a date as YYYY-MM-DD is expected"]
    if kind == "extra_forbidden" and value is None:
        return "extra-forbidden", NOTHING_IN_IT
    if kind == "string_type" and isinstance(value, int | float):
        return "string-type", NUMBER_AS_TEXT
    return kind.replace("_", "-"), _filled(error)


def _filled(error: Any) -> Text:
    ruled = FORMS.get(str((error.get("ctx") or {}).get("pattern")))
    if ruled is not None:
        return ruled
    template = WORDS.get(str(error["type"]))
    if template is None:
        return Text(f"内容不符合要求：{error['msg']}", str(error["msg"]))
    fields = dict(error.get("ctx") or {})
    fields["expected_zh"] = str(fields.get("expected")).replace(", ", "、").replace(" or ", "、")
    return Text(template.zh.format(**fields), template.en.format(**fields))


def _not_an_expression(expected: str, value: object) -> tuple[str, Text]:
    if expected.startswith("expected money"):
        return "not-money", Text(MONEY.zh.format(), MONEY.en.format())
    if "operator" not in expected:
        return "not-an-edge", EDGE
    if isinstance(value, Mapping) and len(value) == 1:
        name = str(next(iter(value)))[:60]
        unknown = UNKNOWN_OPERATOR
        known = sorted(OPERATORS)
        return "unknown-operator", Text(
            unknown.zh.format(name=name, known="、".join(known)),
            unknown.en.format(name=name, known=", ".join(known)),
        )
    if isinstance(value, Mapping) and OPERATORS & {str(key) for key in value}:
        return "several-operators", SEVERAL
    return "not-an-expression", EXPRESSION

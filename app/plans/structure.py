"""Faults of a document's form: what pydantic refuses, told by pointer and in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.expressions import OPERATORS
from app.plans.faults import fault, pointer
from app.plans.literals import CODE, EXACT, NAME, PLAN_CODE

MAX_DEPTH = 110
MAX_NODES = 100_000

# By pydantic's type; the code is the type with hyphens unless a code is given.
_WORDS: Mapping[str, Text] = {
    "missing": Text("必填", "This field is required."),
    "extra_forbidden": Text("未知字段", "This field is not known."),
    "string_type": Text("应为文字", "A text is expected."),
    "int_type": Text("应为整数", "A whole number is expected."),
    "bool_type": Text("应为 true 或 false", "true or false is expected."),
    "list_type": Text("应为列表", "A list is expected."),
    "tuple_type": Text("应为列表", "A list is expected."),
    "dict_type": Text("应为对象", "An object is expected."),
    "model_type": Text("应为对象", "An object is expected."),
    "string_too_short": Text("过短", "Too short."),
    "string_too_long": Text("最长 {max_length} 个字符", "At most {max_length} characters."),
    "too_short": Text("至少 {min_length} 项", "At least {min_length} entries."),
    "too_long": Text("最多 {max_length} 项", "At most {max_length} entries."),
    "string_pattern_mismatch": Text("格式应为 {pattern}", "The form is {pattern}."),
    "literal_error": Text("应为以下之一：{expected_zh}", "One of these is expected: {expected}."),
    "greater_than_equal": Text("不得小于 {ge}", "At least {ge}."),
    "less_than_equal": Text("不得大于 {le}", "At most {le}."),
    "float-number": Text(
        "小数请写成文字，例如 '0.35'，金额请写成 {{yuan: '62.50'}}",
        "Write a decimal as text, for example '0.35', and money as {{yuan: '62.50'}}.",
    ),
    "share-above-one": Text(
        "比例为 0 至 1，例如 '0.35'", "A rate is from 0 to 1, for example '0.35'."
    ),
    "below-one-fen": Text("金额最小单位为分", "Money has no smaller unit than the fen."),
    "not-an-amount": Text(
        "请写整数元，或带分的文字，例如 '62.50'",
        "Whole yuan are expected, or yuan and fen as text, for example '62.50'.",
    ),
    "not-an-entry": Text(
        "应为整数、文字形式的小数、金额，或中英文文字",
        "A whole number, a decimal as text, money, or words in both languages are expected.",
    ),
    "int_from_float": Text("应为整数", "A whole number is expected."),
}
_EXPRESSION = Text(
    "应为整数、文字形式的小数、金额、输入名称，或只含一个运算的对象",
    "Expected a whole number, a decimal as text, money, the name of an input, or an object"
    " with exactly one operator.",
)
_EDGE = Text(
    "应为整数、文字形式的小数或金额", "A whole number, a decimal as text, or money is expected."
)
_MONEY = Text(
    "应为金额：{{yuan: 100}} 或 {{fen: 10000}}",
    "Money is expected: {{yuan: 100}} or {{fen: 10000}}.",
)
_UNKNOWN_OPERATOR = Text("没有运算 {name}", "There is no operator {name}.")
_SEVERAL = Text("对象只能含一个运算", "An object has exactly one operator.")
# Forms of whole kinds of values, in words instead of their pattern.
_FORMS: Mapping[str, Text] = {
    EXACT: Text(
        "应为数字：整数部分至多15位，小数部分至多9位",
        "A number is expected, of at most 15 digits before the point and 9 after it.",
    ),
    NAME: Text(
        "应为数字（至多9位小数），或以小写字母开头的名称",
        "Expected a number (9 digits after the point at most), or a name that begins with a"
        " small letter.",
    ),
    PLAN_CODE: Text(
        "应为大写字母开头的编码，只含大写字母、数字和连字符，最长32个字符",
        "A code is expected: capital letters, digits and hyphens, a letter first, at most 32.",
    ),
    CODE: Text(
        "应为大写字母开头的编码，只含大写字母、数字和下划线，最长32个字符",
        "A code is expected: capital letters, digits and underscores, a letter first, at most 32.",
    ),
}
_KEY = Text("键应为文字，数字请加引号", "A key is text: write a number in quotes.")
# What the models' own validators say.
_SAID: Mapping[str, tuple[str, Text]] = {
    "the minimum age is above the maximum age": (
        "ages-order",
        Text("最低年龄高于最高年龄", "The minimum age is above the maximum age."),
    ),
    "give months, or days, or days_from and days_to, or both fixed days": (
        "term-kind",
        Text(
            "请写月数、天数、可选天数范围或固定起止日之一",
            "Give months, or days, or days_from and days_to, or both fixed days.",
        ),
    ),
    "days_from and days_to go together, in this order": (
        "term-order",
        Text("days_from 与 days_to 须成对且依次", "days_from and days_to go together, in order."),
    ),
    "first_day and last_day go together, in this order": (
        "term-order",
        Text("first_day 与 last_day 须成对且依次", "first_day and last_day go together, in order."),
    ),
    "a date as YYYY-MM-DD is expected": (
        "not-a-day",
        Text("日期应为 YYYY-MM-DD", "A date as YYYY-MM-DD is expected."),
    ),
    "a text without control characters is expected": (
        "control-character",
        Text(
            "文字含有控制字符或不可见字符",
            "The text has control characters, or characters that cannot be seen.",
        ),
    ),
    "a text that can be seen is expected": (
        "blank-text",
        Text("文字为空白", "The text is blank."),
    ),
    "a year from 1900 to 2899 is expected": (
        "day-out-of-range",
        Text("年份须在 1900 至 2899 之间", "A year from 1900 to 2899 is expected."),
    ),
}


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
        return ("key-not-text", _KEY) if kind == "string_type" else ("key-form", _filled(error))
    if kind == "value_error":
        said = str(error["ctx"]["error"])
        return _SAID.get(said, ("not-valid", Text(f"内容不符合要求：{said}", said)))
    if kind.startswith("date"):
        return _SAID["a date as YYYY-MM-DD is expected"]
    return kind.replace("_", "-"), _filled(error)


def _filled(error: Any) -> Text:
    ruled = _FORMS.get(str((error.get("ctx") or {}).get("pattern")))
    if ruled is not None:
        return ruled
    template = _WORDS.get(str(error["type"]))
    if template is None:
        return Text(f"内容不符合要求：{error['msg']}", str(error["msg"]))
    fields = dict(error.get("ctx") or {})
    fields["expected_zh"] = str(fields.get("expected")).replace(", ", "、").replace(" or ", "、")
    return Text(template.zh.format(**fields), template.en.format(**fields))


def _not_an_expression(expected: str, value: object) -> tuple[str, Text]:
    if expected.startswith("expected money"):
        return "not-money", Text(_MONEY.zh.format(), _MONEY.en.format())
    if "operator" not in expected:
        return "not-an-edge", _EDGE
    if isinstance(value, Mapping) and len(value) == 1:
        name = str(next(iter(value)))[:60]
        unknown = _UNKNOWN_OPERATOR
        return "unknown-operator", Text(unknown.zh.format(name=name), unknown.en.format(name=name))
    if isinstance(value, Mapping) and OPERATORS & {str(key) for key in value}:
        return "several-operators", _SEVERAL
    return "not-an-expression", _EXPRESSION

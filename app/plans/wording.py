"""How values of a plan are said in both languages: money, days, grades, rates, words."""

from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from typing import Any, Literal, NamedTuple

from app.kernel.money import round_half_up, yuan
from app.kernel.text import Text
from app.plans.literals import Within, edge_value
from app.plans.operators.choices import Range

Unit = Literal["fen", "number", "truth", "word", "day"]
Said = tuple[str, str]
Say = Callable[[Any], Said]

UNKNOWN: Said = ("？", "?")


class Form(NamedTuple):
    """How one sort of value is said.

    `say` is for what was computed ("1,400.00 元"), `short` for what the plan says
    ("1,400 元"), `bare` the number alone in English. `gap` stands between a name and
    its value; `lead` before a value that follows Chinese words.
    """

    unit: Unit
    say: Say
    short: Say
    bare: Callable[[Any], str]
    gap: Said = ("", " ")
    lead: str = ""


def exact(value: Any) -> int | str | bool | None:
    """A value as JSON without loss: whole numbers as such, others as exact text.

    A number is a decimal where it has an end ("0.35"), otherwise a fraction ("1/3").
    """
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else number_text(value)
    if isinstance(value, date):
        return value.isoformat()
    known: int | str | bool | None = value
    return known


def number_text(value: int | Fraction, *, grouped: bool = False) -> str:
    """An exact number for people: `12`, `0.35`, `1/3`; with `grouped`, `1,234.5`."""
    whole, below = value.numerator, value.denominator
    if below == 1:
        return f"{whole:,}" if grouped else str(whole)
    places = decimal_places(below)
    if places is None:
        return f"{whole}/{below}"
    before, after = divmod(whole * 10**places // below, 10**places)
    return f"{before:,}.{after:0{places}d}" if grouped else f"{before}.{after:0{places}d}"


@lru_cache(maxsize=1_024)
def decimal_places(denominator: int) -> int | None:
    """How many decimals a reduced fraction needs; None where it has no end, or a far one."""
    for places in range(10):
        if 10**places % denominator == 0:
            return places
    return None


def _money(value: Any) -> Said:
    if value is None:
        return UNKNOWN
    if value.denominator == 1:
        text = yuan(value.numerator)
        return f"{text} 元", f"{text} yuan"
    places = decimal_places(value.denominator)
    if places is not None and places <= 4:
        unit = 100 * 10**places
        before, after = divmod(value.numerator * 10**places // value.denominator, unit)
        text = f"{before:,}.{after:0{places + 2}d}"
        return f"{text} 元", f"{text} yuan"
    text = yuan(round_half_up(value))
    return f"约 {text} 元", f"about {text} yuan"


def _short_yuan(value: Any) -> str:
    fen = Fraction(value)
    if fen.denominator != 1:
        return number_text(fen / 100, grouped=True)
    return yuan(fen.numerator).removesuffix(".00")


def _short_money(value: Any) -> Said:
    text = _short_yuan(value)
    return f"{text} 元", f"{text} yuan"


def _number(value: Any) -> Said:
    if value is None:
        return UNKNOWN
    text = number_text(value)
    return text, text


def _rate(value: Any) -> Said:
    if value is None:
        return UNKNOWN
    text = rate_text(value)
    return text, text


def rate_text(value: int | Fraction) -> str:
    """A share of one as percent: `35%`; one without an end as a fraction."""
    percent = Fraction(value) * 100
    if decimal_places(percent.denominator) is None:
        return number_text(value)
    return f"{number_text(percent)}%"


def _truth(value: Any) -> Said:
    if value is None:
        return UNKNOWN
    return ("是", "yes") if value else ("否", "no")


def _day(value: Any) -> Said:
    if value is None:
        return UNKNOWN
    return f"{value.year}年{value.month}月{value.day}日", str(value.isoformat())


def _measured(zh: str, one: str, many: str) -> Form:
    def say(value: Any) -> Said:
        if value is None:
            return UNKNOWN
        text = str(value) if type(value) is int else number_text(value)
        return f"{text}{zh}", f"{text} {one if value == 1 else many}".rstrip()

    return Form("number", say, say, number_text)


MONEY = Form("fen", _money, _short_money, _short_yuan, (" ", " "), " ")
NUMBER = Form("number", _number, _number, number_text)
RATE = Form("number", _rate, _rate, rate_text)
TRUTH = Form("truth", _truth, _truth, lambda value: _truth(value)[1], ("：", ": "))
DAY = Form("day", _day, _day, lambda value: _day(value)[1], ("：", ": "))
DAYS = _measured("天", "day", "days")
TIMES = _measured("次", "time", "times")
GRADE = _measured("级", "", "")
SHARES = _measured("份", "share", "shares")

ORDINAL = Form(
    "number",
    lambda value: (f"第{value}次", f"number {value}"),
    lambda value: (f"第{value}次", f"number {value}"),
    str,
)

# What a number counts, by the last word of its name.
_BY_NAME: Mapping[str, Form] = {
    "days": DAYS,
    "cover": DAYS,
    "months": _measured("个月", "month", "months"),
    "years": _measured("年", "year", "years"),
    "hours": _measured("小时", "hour", "hours"),
    "age": _measured("岁", "year", "years"),
    "shares": SHARES,
    "members": _measured("人", "person", "people"),
    "people": _measured("人", "person", "people"),
    "grade": GRADE,
    "held": _measured("期", "term", "terms"),
    "times": TIMES,
}


def number_form(name: str) -> Form:
    """How a number of this name is said: `stays.days` are days."""
    return _BY_NAME.get(name.rpartition(".")[2].rpartition("_")[2], NUMBER)


def word_form(words: Mapping[str, Text]) -> Form:
    """Words by their names; one that has none stands for itself."""

    def say(value: Any) -> Said:
        if value is None:
            return UNKNOWN
        text = words.get(value)
        return (str(value), str(value)) if text is None else (text.zh, text.en)

    return Form("word", say, say, lambda value: say(value)[1], ("：", ": "))


def unified(forms: list[Form | None]) -> Form | None:
    """The form of what is made from several; None are plain literals, which fit any."""
    settled = [form for form in forms if form is not None]
    if not settled:
        return None
    if MONEY in settled:
        return MONEY
    # A decimal that could be a rate is a plain number among measured ones.
    settled = [form for form in settled if form is not RATE] or settled
    first = settled[0]
    if first.unit != "number" or all(form is first for form in settled):
        return first
    return NUMBER


def range_words(band: Range, form: Form) -> Said:
    """A band's edges: "超过30天至90天", "above 30 up to 90 days"."""
    if form is ORDINAL:
        return _ordinals(band)
    low = band.from_ if band.from_ is not None else band.above
    high = band.to if band.to is not None else band.below
    if low is None:
        return _no_low(band, form)
    least = edge_value(low)
    zh_low, en_low = form.short(least)
    if high is None:
        if band.from_ is not None:
            return f"{zh_low}及以上", f"{en_low} and above"
        return f"超过{form.gap[0]}{zh_low}", f"above {en_low}"
    most = edge_value(high)
    zh_high, en_high = form.short(most)
    if least == most:
        return zh_low, en_low
    zh_low = zh_low if band.from_ is not None else f"超过{form.gap[0]}{zh_low}"
    en_low = form.bare(least) if band.from_ is not None else f"above {form.bare(least)}"
    if band.to is not None:
        return f"{zh_low}至{form.gap[0]}{zh_high}", _up_to(en_low, en_high, band)
    return f"{zh_low}至不满{form.gap[0]}{zh_high}", f"{en_low} to below {en_high}"


def _ordinals(band: Range) -> Said:
    """A band of whole numbers that say which one it is: "第2次", "第3次及以后"."""
    low, high = 1, None
    if band.from_ is not None:
        low = max(1, ceil(edge_value(band.from_)))
    elif band.above is not None:
        low = floor(edge_value(band.above)) + 1
    if band.to is not None:
        high = floor(edge_value(band.to))
    elif band.below is not None:
        high = ceil(edge_value(band.below)) - 1
    if high is None:
        return f"第{low}次及以后", f"number {low} and after"
    if high <= low:
        return f"第{low}次", f"number {low}"
    return f"第{low}至{high}次", f"numbers {low} to {high}"


def _no_low(band: Range, form: Form) -> Said:
    if band.to is not None:
        zh, en = form.short(edge_value(band.to))
        return (f"{zh}及以下", f"up to {en}") if edge_value(band.to) else (zh, en)
    if band.below is not None:
        zh, en = form.short(edge_value(band.below))
        return f"不满{form.gap[0]}{zh}", f"below {en}"
    return "不限", "any"


def _up_to(low: str, high: str, band: Range) -> str:
    return f"{low} to {high}" if band.from_ is not None else f"{low} up to {high}"


WITHIN: Mapping[Within, Said] = {
    "claim": ("本次申领", "in this claim"),
    "incident": ("同一事故", "for the same incident"),
    "year": ("本保障年度", "in this year of cover"),
    "term": ("本保障期", "in this term"),
    "lifetime": ("历年", "over all years"),
}

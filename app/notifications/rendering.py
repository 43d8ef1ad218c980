"""Messages as people read them: parameters put into words, in one language or the other."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from app.kernel.clock import SHANGHAI
from app.kernel.money import yuan
from app.kernel.text import Language
from app.notifications.template import Kind, Template

Values = Mapping[str, Any]

# WeChat's limit for a field called `thing…`.
THING = 20


def texts(template: Template, values: Values, language: Language) -> dict[str, str]:
    """The parameters as they are read in a language; KeyError for one that is missing."""
    return {
        name: FORMATS[kind](values[name], language) for name, kind in template.parameters.items()
    }


def render(template: Template, values: Values, language: Language) -> tuple[str, str]:
    """Title and body in a language."""
    filled = texts(template, values, language)
    return template.title.in_language(language), template.body.in_language(language, **filled)


def wechat_fields(template: Template, values: Values, language: Language) -> dict[str, str]:
    """WeChat's form, with what is too long for a `thing` cut off."""
    filled = texts(template, values, language)
    return {
        name: filled[parameter][:THING] if name.startswith("thing") else filled[parameter]
        for name, parameter in template.fields.items()
    }


def _words(value: Any, language: Language) -> str:
    return str(value[language])


def _amount(value: Any, _: Language) -> str:
    return yuan(int(value))


def _day(value: Any, language: Language) -> str:
    return day_text(date.fromisoformat(value), language)


def _moment(value: Any, language: Language) -> str:
    at = datetime.fromisoformat(value).astimezone(SHANGHAI)
    return f"{day_text(at.date(), language)} {at:%H:%M}"


def day_text(day: date, language: Language) -> str:
    """`2026年3月1日`, `1 March 2026`; never by the machine's locale."""
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
FORMATS: Mapping[Kind, Callable[[Any, Language], str]] = {
    "words": _words,
    "number": lambda value, _: str(value),
    "amount": _amount,
    "day": _day,
    "moment": _moment,
}

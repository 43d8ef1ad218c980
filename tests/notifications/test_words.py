"""Quiet hours to the second, and every template in both languages."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.kernel.clock import SHANGHAI
from app.kernel.text import Language
from app.notifications.quiet import after_quiet_hours
from app.notifications.rendering import THING, day_text, render, texts, wechat_fields
from app.notifications.template import Kind
from app.notifications.templates import TEMPLATES
from tests.cover_fixtures import Rider, make_rider
from tests.notifications.outbox import PLAN, sms_of, tell, work
from tests.simulators_fixture import Simulators

MOMENT = "2026-12-31T16:30:00+00:00"
BY_KIND: Mapping[Kind, Any] = {
    "words": PLAN,
    "number": "P4T9K2M7XQ1B",
    "amount": 123_456,
    "day": "2028-02-29",
    "moment": MOMENT,
}
LANGUAGES: tuple[Language, Language] = ("zh", "en")


def values_of(code: str) -> dict[str, Any]:
    return {name: BY_KIND[kind] for name, kind in TEMPLATES[code].parameters.items()}


@pytest.mark.parametrize(
    ("at", "moved_to"),
    [
        ("2026-12-31 07:59:59.999999", "2026-12-31 08:00:00"),
        ("2026-12-31 08:00:00", "2026-12-31 08:00:00"),
        ("2026-12-31 19:59:59.999999", "2026-12-31 19:59:59.999999"),
        ("2026-12-31 20:00:00", "2027-01-01 08:00:00"),
        ("2026-12-31 23:59:59", "2027-01-01 08:00:00"),
        ("2027-01-01 00:00:00", "2027-01-01 08:00:00"),
        ("2028-02-28 20:00:00", "2028-02-29 08:00:00"),
    ],
)
def test_the_edges_of_quiet_hours(at: str, moved_to: str) -> None:
    local = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
    assert after_quiet_hours(local) == datetime.fromisoformat(moved_to).replace(tzinfo=SHANGHAI)


def test_quiet_hours_are_shanghais_wherever_the_instant_was_written() -> None:
    late = datetime.fromisoformat("2026-12-31T12:00:00+00:00")
    assert after_quiet_hours(late) - late == timedelta(hours=12)


@pytest.mark.parametrize("code", TEMPLATES)
def test_a_template_uses_what_it_names_and_nothing_else(code: str) -> None:
    template = TEMPLATES[code]
    for words in (template.body.zh, template.body.en):
        assert set(re.findall(r"{(\w+)}", words)) == set(template.parameters), code
    assert set(template.fields.values()) <= set(template.parameters)
    for field in template.fields:
        assert re.fullmatch(r"(thing|time|amount|character_string)\d", field), field
    for language in LANGUAGES:
        title, body = render(template, values_of(code), language)
        assert title
        assert "{" not in body
        # Three SMS at most, and nobody reads longer ones.
        assert len(body) <= 200, (code, language)
        fields = wechat_fields(template, values_of(code), language)
        assert all(len(text) <= THING for name, text in fields.items() if name.startswith("thing"))
        assert all(fields.values())


@pytest.mark.parametrize("code", TEMPLATES)
def test_no_template_tells_who_or_what_for(code: str) -> None:
    """A phone lies on tables: no name, no diagnosis, no document kind, no number of a person."""
    allowed = {"words", "number", "amount", "day", "moment"}
    assert set(TEMPLATES[code].parameters.values()) <= allowed
    assert not {"name", "person", "phone", "reason", "benefit"} & set(TEMPLATES[code].parameters)


def test_a_missing_parameter_is_an_error_before_anything_is_written() -> None:
    with pytest.raises(KeyError):
        texts(TEMPLATES["claim_paid"], {"number": "C1"}, "zh")


def test_days_and_moments_are_read_in_shanghai() -> None:
    until = {"amount": 100, "until": MOMENT}
    _, zh = render(TEMPLATES["payout_waiting"], until, "zh")
    _, en = render(TEMPLATES["payout_waiting"], until, "en")
    assert "2027年1月1日 00:30" in zh
    assert "1.00元" in zh
    assert "1 January 2027 00:30" in en
    assert "CNY 1.00" in en
    assert day_text(datetime(2028, 2, 29, tzinfo=SHANGHAI).date(), "en") == "29 February 2028"


@pytest.mark.anyio
@pytest.mark.usefixtures("daytime")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_template_arrives_in_both_languages(
    app: FastAPI, client: Any, simulators: Simulators, language: Language
) -> None:
    rider: Rider = await make_rider(app)
    chosen = await client.put(
        "/v1/me/message-preferences", headers=rider.headers, json={"language": language}
    )
    assert chosen.json() == {"language": language}
    for code in TEMPLATES:
        assert await tell(app, rider.person.id, template=code, parameters=values_of(code))
    assert await work(app) == 0
    came = {each["template"]: each["parameters"] for each in sms_of(simulators, rider)}
    assert came.keys() == {f"{code}_{language}" for code in TEMPLATES}
    for code, template in TEMPLATES.items():
        assert came[f"{code}_{language}"] == texts(template, values_of(code), language)

"""Documents sent over HTTP: YAML and JSON, every fault at its place; what the public sees."""

from importlib.resources import files
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI

from tests.cover_fixtures import load_plans, scalar
from tests.plans.authors import PATH, Authors, faults, make_authors, version

pytestmark = pytest.mark.anyio


@pytest.fixture
async def authors(app: FastAPI, client: httpx.AsyncClient) -> Authors:
    return await make_authors(app, client)


async def test_yaml_in_and_out(authors: Authors, client: httpx.AsyncClient) -> None:
    """A file of the library is a request; what is given out can be sent in again."""
    text = files("app.plans").joinpath("library/hn-yy-2014.yaml").read_bytes()
    yaml_type = {"Content-Type": "application/yaml"}
    answer = await client.post(PATH, headers=authors.agency.keyed | yaml_type, content=text)
    assert answer.status_code == 201, answer.text
    drafted = answer.json()
    assert (drafted["plan_code"], drafted["effective_from"]) == ("HN-YY-2014", "2026-01-01")
    export = await authors.get(f"/{drafted['id']}", Accept="application/yaml")
    assert export.headers["content-type"].startswith("application/yaml")
    assert yaml.safe_load(export.content)["document"] == drafted["document"]
    replaced = await client.put(
        f"{PATH}/{drafted['id']}",
        headers=authors.agency.headers | yaml_type | {"If-Match": export.headers["etag"]},
        content=export.content,
    )
    assert replaced.status_code == 200, replaced.text
    assert replaced.json() == drafted
    dropped = await client.delete(
        f"{PATH}/{drafted['id']}",
        headers=authors.agency.headers | {"If-Match": replaced.headers["etag"]},
    )
    assert dropped.status_code == 204
    assert (await authors.get(f"/{drafted['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("content", "status", "code", "pointer"),
    [
        (b"effective_from: [", 400, "malformed-yaml", None),
        (b"document: {code: A, code: B}", 422, "invalid", "/document/code"),
        (b"document: {code: !!python/name:os.system x}", 422, "invalid", "/document/code"),
        (b"document: &a [*a]", 422, "invalid", "/document/0"),
        (b"", 422, "plan-document-invalid", ""),
        (b"- 1", 422, "plan-document-invalid", ""),
    ],
)
async def test_yaml_that_cannot_be_meant(
    authors: Authors, content: bytes, status: int, code: str, pointer: str | None
) -> None:
    headers = authors.agency.keyed | {"Content-Type": "application/yaml"}
    answer = await authors.client.post(PATH, headers=headers, content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_all_faults_come_at_once_each_with_its_place(authors: Authors) -> None:
    body = version(colour="red", relations={"requires": ["T-ITSELF"]})
    document = body["document"]
    document["code"] = "T-ITSELF"
    document["tables"] = {"mine": {"use": "NOBODYS"}}
    document["eligibility"]["ages"]["male"]["minimum"] = -1
    document["contribution"]["options"][0]["price"] = {"yuan": -30}
    [benefit] = document["benefits"]
    benefit["limits"][0]["max"] = {"yuan": 0.5}
    benefit["steps"] = [
        {
            "name": "share",
            "words": {"zh": "比例", "en": "Rate"},
            "value": {"percent": {"of": "self_pay_fen", "rate": "1.2"}},
        },
        {
            "name": "band",
            "words": {"zh": "分段", "en": "Bands"},
            "value": {
                "band": {
                    "of": "self_pay_fen",
                    "bands": [
                        {"to": {"yuan": 100}, "gives": {"yuan": 1}},
                        {"above": {"yuan": 200}, "gives": {"yuan": 2}},
                    ],
                }
            },
        },
    ]
    body["effective_to"] = "2025-01-01"
    found = faults(await authors.post("", body))
    assert found >= {
        ("/effective_to", "not-later"),
        ("/document/colour", "extra-forbidden"),
        ("/document/tables/mine/use", "unknown-table"),
        ("/document/eligibility/ages/male/minimum", "greater-than-equal"),
        ("/document/contribution/options/0/price/yuan", "greater-than-equal"),
        ("/document/benefits/0/limits/0/max/yuan", "float-number"),
        ("/document/relations/requires/0", "plan-itself"),
    }


async def fault_of(authors: Authors, change: Any) -> set[tuple[str, str]]:
    body = version()
    change(body["document"])
    return faults(await authors.post("", body))


def _pays(expression: Any) -> Any:
    def change(document: dict[str, Any]) -> None:
        document["benefits"][0]["pays"] = expression

    return change


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        (lambda d: d.update(colour="red"), "/document/colour", "extra-forbidden"),
        (_pays({"yuan": -5}), "/document/benefits/0/pays/yuan", "greater-than-equal"),
        (_pays({"yuan": 62.5}), "/document/benefits/0/pays/yuan", "float-number"),
        (
            _pays({"percent": {"of": "self_pay_fen", "rate": "1.01"}}),
            "/document/benefits/0/pays/percent/rate",
            "rate-above-one",
        ),
        (
            _pays(
                {
                    "band": {
                        "of": "self_pay_fen",
                        "bands": [
                            {"to": {"yuan": 100}, "gives": {"yuan": 1}},
                            {"above": {"yuan": 200}, "gives": {"yuan": 2}},
                        ],
                    }
                }
            ),
            "/document/benefits/0/pays/band/bands/1",
            "band-gap",
        ),
        (
            _pays({"look_up": {"table": "NOBODYS", "of": "disability_grade"}}),
            "/document/benefits/0/pays/look_up/table",
            "unknown-table",
        ),
        (
            lambda d: d.update(tables={"A": {"use": "NOBODYS"}}),
            "/document/tables/A/use",
            "unknown-table",
        ),
    ],
)
async def test_bad_documents(authors: Authors, change: Any, pointer: str, code: str) -> None:
    assert (pointer, code) in await fault_of(authors, change)


async def test_validation_keeps_nothing(authors: Authors, app: FastAPI) -> None:
    body = version(colour="red")
    versions = "select count(*) from plan_version"
    before = await scalar(app.state.database, versions)
    [fault] = await authors.validate(body)
    assert (fault["pointer"], fault["code"]) == ("/document/colour", "extra-forbidden")
    assert fault["message"]["zh"]
    assert await authors.validate(version()) == []
    assert await scalar(app.state.database, versions) == before


async def test_a_standard_table_is_copied_into_the_version(
    authors: Authors, client: httpx.AsyncClient
) -> None:
    body = version(tables={"grades": {"use": "JRT0083-2013"}})
    body["document"]["benefits"][0] |= {
        "pays": {
            "percent": {
                "of": {"yuan": 40000},
                "rate": {"look_up": {"table": "grades", "of": "disability_grade"}},
            }
        },
        "limits": [],
    }
    drafted = await authors.draft(body)
    copied = drafted["document"]["tables"]["grades"]
    assert copied["origin"] == "JRT0083-2013"
    shown = await client.get("/v1/plan-tables/JRT0083-2013")
    assert shown.json()["entries"] == copied["entries"]
    listed = (await client.get("/v1/plan-tables")).json()["items"]
    assert {"code": "JRT0083-2013", "size": 10}.items() <= {
        key: each[key] for each in listed if each["code"] == "JRT0083-2013" for key in each
    }.items()
    again = await client.get(
        "/v1/plan-tables/JRT0083-2013", headers={"If-None-Match": shown.headers["etag"]}
    )
    assert again.status_code == 304
    assert (await client.get("/v1/plan-tables/NOBODYS")).status_code == 404


async def test_a_price_says_what_it_depends_on(authors: Authors, client: httpx.AsyncClient) -> None:
    body = version()
    body["document"]["eligibility"]["ages"]["female"] = {"minimum": 16, "maximum": 60}
    body["document"]["contribution"]["options"][0]["price"] = {
        "choose": {"by": "sex", "cases": {"male": {"yuan": 40}, "female": {"yuan": 30}}}
    }
    published = await authors.published(body)
    plan = (await client.get(f"/v1/plans/{published['plan_code']}")).json()
    [option] = plan["options"]
    assert option["price_per_share_fen"] is None
    [sex] = option["depends_on"]
    assert (sex["name"], set(sex["choices"])) == ("sex", {"male", "female"})
    assert "40" in option["price_words"]["zh"]


async def test_the_schema_is_public(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/schemas/plan-version")
    assert answer.headers["content-type"].startswith("application/schema+json")
    assert answer.json()["$schema"].endswith("2020-12/schema")
    again = await client.get(
        "/v1/schemas/plan-version", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


async def test_a_plan_shows_words_for_every_benefit(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await load_plans(app)
    for item in (await client.get("/v1/plans")).json()["items"]:
        plan = (await client.get(f"/v1/plans/{item['code']}")).json()
        for benefit in plan["benefits"]:
            assert benefit["words"]["pays"]["zh"]
            assert benefit["words"]["pays"]["en"]
        for option in plan["options"]:
            assert option["price_words"]["zh"]


async def test_a_plans_page_says_by_which_rules_it_is_joined_renewed_and_cancelled(
    authors: Authors, client: httpx.AsyncClient
) -> None:
    body = version()
    document = body["document"]
    document["eligibility"]["statements"] = [
        {"code": "healthy", "words": {"zh": "身体健康", "en": "Healthy"}}
    ]
    document["joining"] = {
        "opens_on": "2026-01-05",
        "channels": ["bought"],
        "group": {"minimum_participation": "0.75", "everybody_up_to": 10, "equal_shares": True},
    }
    document["renewal"] = {"modes": ["manual"], "grace_days": 12, "covered_in_grace": True}
    [option] = document["contribution"]["options"]
    document["contribution"]["options"] = [option, {**option, "code": "B"}]
    document["contribution"]["max_shares"] = 2
    document["upgrade"] = {
        "price": {"times": [{"yuan": 7}, "added_shares"]},
        "options": [{"from": option["code"], "to": "B", "price": {"yuan": 13}}],
    }
    document["cancellation"] = {"before_start": "paid_fen"}
    document["relations"] = {"excludes": ["RIDER-ACC"]}
    published = await authors.published(body)
    page = (await client.get(f"/v1/plans/{published['plan_code']}")).json()
    assert page["statements"] == [{"code": "healthy", "words": {"zh": "身体健康", "en": "Healthy"}}]
    assert page["joining"]["opens_on"] == "2026-01-05"
    assert page["joining"]["group"] == {
        "minimum_participation": "0.75",
        "everybody_up_to": 10,
        "equal_shares": True,
    }
    assert (page["renewal"]["grace_days"], page["renewal"]["covered_in_grace"]) == (12, True)
    assert "7" in page["upgrade"]["shares"]["zh"]
    [raised] = page["upgrade"]["options"]
    assert (raised["held"], raised["wanted"]) == (option["code"], "B")
    assert "13" in raised["price"]["en"]
    assert page["cancellation"]["before_start"]["zh"]
    assert page["cancellation"]["after_start"] is None
    assert page["relations"]["excludes"] == ["RIDER-ACC"]

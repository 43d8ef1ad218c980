"""The certificate: real files for its holder, nothing personal for everybody else."""

import io

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from app.kernel.database import Database
from tests.cover_fixtures import Rider, make_rider, order, scalar

pytestmark = pytest.mark.anyio


@pytest.fixture
async def policy(client: httpx.AsyncClient, rider: Rider) -> dict[str, str]:
    view: dict[str, str] = (await order(client, rider, "SH-GIG-C"))["policy"]
    return view


async def test_pdf_and_png_for_the_holder(
    client: httpx.AsyncClient, rider: Rider, policy: dict[str, str], database: Database
) -> None:
    path = f"/v1/me/policies/{policy['id']}/certificate"
    pdf = await client.get(f"{path}.pdf", headers=rider.headers)
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    png = await client.get(f"{path}.png", headers=rider.headers)
    image = Image.open(io.BytesIO(png.content))
    assert image.format == "PNG"
    assert image.width > image.height > 1000
    looked = (
        "select count(*) from audit_entry where action = 'certificate.read'"
        " and :id = any(subject_ids)"
    )
    assert await scalar(database, looked, id=policy["id"]) == 2


async def test_only_the_holder_downloads_it(
    client: httpx.AsyncClient, app: FastAPI, rider: Rider, policy: dict[str, str]
) -> None:
    other = await make_rider(app)
    path = f"/v1/me/policies/{policy['id']}/certificate"
    assert (await client.get(f"{path}.pdf", headers=other.headers)).status_code == 404
    assert (await client.get(f"{path}.pdf")).status_code == 401
    assert (await client.get(f"{path}.svg", headers=rider.headers)).status_code == 422


async def test_anybody_may_check_it_and_learns_nothing_personal(
    client: httpx.AsyncClient, policy: dict[str, str], rider: Rider, app: FastAPI
) -> None:
    answer = await client.get(f"/v1/certificates/{policy['number'].lower()}")
    assert answer.json()["holder"] == "张**"
    assert answer.json()["state"] == "not_started"
    page = await client.get(f"/certificates/{policy['number']}")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    record = app.state.vault.open("person", rider.person.id, rider.person.sealed)
    for shown in (answer.text, page.text):
        assert record["name"] not in shown
        assert record["document_number"] not in shown
        assert str(rider.person.id) not in shown
        assert str(rider.person.birth_on) not in shown
    assert "保障凭证核验" in page.text
    english = await client.get(
        f"/certificates/{policy['number']}", headers={"Accept-Language": "en"}
    )
    assert "Certificate check" in english.text


@pytest.mark.parametrize("number", ["P0000000000X", "nothing", "P' or 1=1", "M4T9K2M7XQ1B"])
async def test_numbers_that_nobody_has(client: httpx.AsyncClient, number: str) -> None:
    assert (await client.get(f"/v1/certificates/{number}")).status_code == 404
    page = await client.get(f"/certificates/{number}")
    assert (page.status_code, "未查到该凭证" in page.text) == (404, True)

"""P3 where secrets are shown, files received and payments begun: one effect, one answer."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.database import Database
from tests.access_fixtures import SignedIn, staff_token
from tests.api.storm import storm
from tests.api.world import Tenant
from tests.claims.factories import make_case
from tests.cover_fixtures import Rider, make_rider, order, scalar
from tests.enrolment.factories import enrol, item

pytestmark = pytest.mark.anyio

COPIES = 8


@dataclass(frozen=True)
class Wish:
    """A request, another one that its key is not for, and where one row more is to be seen."""

    path: str
    who: SignedIn | Rider
    body: Any
    other: Any
    rows: str


@dataclass(frozen=True)
class Scene:
    """Where a request is prepared."""

    app: FastAPI
    client: httpx.AsyncClient
    tenant: Tenant

    @property
    def administrator(self) -> SignedIn:
        return self.tenant.single["administrator"]


async def create_organisation(scene: Scene) -> Wish:
    body = {"parent_id": str(scene.tenant.agency.id), "kind": "unit", "name": _word()}
    other = body | {"name": _word()}
    return Wish("/v1/staff/organisations", scene.administrator, body, other, "organisation")


async def create_partner(scene: Scene) -> Wish:
    body = {
        "organisation_id": str(scene.tenant.agency.id),
        "name": _word(),
        "uscc": "91110000600037341L",
    }
    other = body | {"name": _word()}
    return Wish("/v1/staff/partners", scene.administrator, body, other, "partner")


async def create_partner_client(scene: Scene) -> Wish:
    path = f"/v1/staff/partners/{scene.tenant.partner.account_id}/clients"
    other = {"expires_at": "2099-01-01T00:00:00Z"}
    return Wish(path, scene.administrator, {}, other, "partner_client")


async def rotate_partner_secret(scene: Scene) -> Wish:
    path = f"/v1/staff/partners/{scene.tenant.partner.account_id}/clients"
    made = await scene.client.post(path, headers=scene.administrator.keyed, json={})
    return Wish(
        f"{path}/{made.json()['client']['id']}/rotate",
        scene.administrator,
        {"overlap_hours": 24},
        {"overlap_hours": 0},
        "audit_entry where action = 'partner_client.rotate'",
    )


async def create_staff_account(scene: Scene) -> Wish:
    body = {
        "organisation_id": str(scene.tenant.agency.id),
        "username": f"n{secrets.token_hex(6)}",
        "display_name": "新员工",
        "roles": ["caseworker"],
    }
    other = body | {"roles": ["reviewer"]}
    return Wish("/v1/staff/accounts", scene.administrator, body, other, "staff_account")


async def rekey_staff_account(scene: Scene) -> Wish:
    colleague = await staff_token(scene.app, scene.tenant.site.id)
    return Wish(
        f"/v1/staff/accounts/{colleague.account_id}/rekey",
        scene.administrator,
        None,
        {"another": "body"},
        "audit_entry where action = 'staff_account.rekey'",
    )


async def open_claim_upload(scene: Scene) -> Wish:
    body = {"kind": "receipt", "bytes": 10}
    path = f"/v1/me/claims/{scene.tenant.ids['claim_id']}/uploads"
    return Wish(path, scene.tenant.rider, body, body | {"bytes": 11}, "upload")


async def open_received_upload(scene: Scene) -> Wish:
    body = {"kind": "receipt", "bytes": 10}
    path = f"/v1/staff/claims/{scene.tenant.ids['claim_id']}/uploads"
    return Wish(path, scene.tenant.single["caseworker"], body, body | {"bytes": 11}, "upload")


def _receipt() -> dict[str, Any]:
    return {"number": secrets.token_hex(6).upper(), "amount_fen": 100, "issued_on": "2026-11-20"}


async def add_claim_receipt(scene: Scene) -> Wish:
    path = f"/v1/me/claims/{scene.tenant.ids['claim_id']}/receipts"
    return Wish(path, scene.tenant.rider, _receipt(), _receipt(), "claim_receipt")


async def add_reviewed_receipt(scene: Scene) -> Wish:
    case = await make_case(scene.app, scene.client)
    await case.submitted()
    assert (await case.lease()).status_code == 200
    path = f"{case.staff_path}/receipts"
    return Wish(path, case.office.reviewer, _receipt(), _receipt(), "claim_receipt")


async def start_payment(scene: Scene) -> Wish:
    rider = await make_rider(scene.app, openid=f"o-{secrets.token_hex(10)}")
    made = await order(scene.client, rider)
    path = f"/v1/me/orders/{made['id']}/payments"
    jsapi, native = {"trade_type": "jsapi"}, {"trade_type": "native"}
    return Wish(path, rider, jsapi, native, "payment_attempt")


async def start_payment_on_site(scene: Scene) -> Wish:
    caseworker = scene.tenant.staff
    standing = item(enrolment_code=scene.tenant.ids["code"], order={"plan_code": "RIDER-ACC"})
    [enrolled] = await enrol(scene.client, caseworker, standing)
    path = f"/v1/staff/orders/{enrolled['order']['id']}/payments"
    return Wish(path, caseworker, None, {"another": "body"}, "payment_attempt")


WISHES: list[Callable[[Scene], Awaitable[Wish]]] = [
    create_organisation,
    create_partner,
    create_partner_client,
    rotate_partner_secret,
    create_staff_account,
    rekey_staff_account,
    open_claim_upload,
    open_received_upload,
    add_claim_receipt,
    add_reviewed_receipt,
    start_payment,
    start_payment_on_site,
]


def _word() -> str:
    return f"测试{secrets.token_hex(6)}"


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.__name__)
async def test_copies_are_one_effect_and_one_answer(
    app: FastAPI,
    client: httpx.AsyncClient,
    another_process: httpx.AsyncClient,
    database: Database,
    tenants: tuple[Tenant, Tenant],
    wish: Callable[[Scene], Awaitable[Wish]],
) -> None:
    """Whatever was shown only once is shown again to its key, and to nobody else's."""
    wanted = await wish(Scene(app, client, tenants[0]))
    count = f"select count(*) from {wanted.rows}"
    before = await scalar(database, count)
    await storm(
        [client, another_process],
        wanted.path,
        wanted.who.headers,
        wanted.body,
        other=wanted.other,
        copies=COPIES,
    )
    assert await scalar(database, count) == before + 1

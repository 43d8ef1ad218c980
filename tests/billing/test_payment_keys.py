"""A payment is begun under a key: asked again it is the same, also after the gateway failed."""

from collections.abc import Iterator

import httpx
import pytest

from app.kernel.database import Database
from tests.cover_fixtures import Gateway, Rider, order, scalar

pytestmark = pytest.mark.anyio

NATIVE, JSAPI = {"trade_type": "native"}, {"trade_type": "jsapi"}
ATTEMPTS = "select count(*) from payment_attempt where order_id = :id"


@pytest.fixture(autouse=True)
def healed(gateway: Gateway) -> Iterator[None]:
    yield
    gateway.simulators.control("faults/clear")


async def test_the_same_key_is_the_same_answer_and_a_new_one_resumes(
    client: httpx.AsyncClient, rider: Rider, database: Database
) -> None:
    made = await order(client, rider)
    path, headers = f"/v1/me/orders/{made['id']}/payments", rider.keyed
    first = await client.post(path, headers=headers, json=NATIVE)
    assert first.status_code == 201, first.text
    again = await client.post(path, headers=headers, json=NATIVE)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    other = await client.post(path, headers=headers, json=JSAPI)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    anew = await client.post(path, headers=rider.keyed, json=NATIVE)
    assert (anew.json(), "idempotency-replayed" in anew.headers) == (first.json(), False)
    assert await scalar(database, ATTEMPTS, id=made["id"]) == 1


async def test_a_key_goes_on_where_the_gateway_failed(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    """The key is bound to its request before the gateway is asked, not by the answer."""
    made = await order(client, rider)
    path, headers = f"/v1/me/orders/{made['id']}/payments", rider.keyed
    gateway.simulators.control("faults", system="wechat-pay", mode="refuse", calls=9)
    failed = await client.post(path, headers=headers, json=NATIVE)
    assert (failed.status_code, failed.json()["code"]) == (503, "unavailable")
    other = await client.post(path, headers=headers, json=JSAPI)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    gateway.simulators.control("faults/clear")
    done = await client.post(path, headers=headers, json=NATIVE)
    assert (done.status_code, "idempotency-replayed" in done.headers) == (201, False)
    again = await client.post(path, headers=headers, json=NATIVE)
    assert (again.content, again.headers["idempotency-replayed"]) == (done.content, "true")
    assert await scalar(database, ATTEMPTS, id=made["id"]) == 1


async def test_a_refused_beginning_leaves_the_key_free(
    client: httpx.AsyncClient, rider: Rider
) -> None:
    """Nothing was asked of the gateway: the other way of paying may use the key."""
    made = await order(client, rider)
    path, headers = f"/v1/me/orders/{made['id']}/payments", rider.keyed
    refused = await client.post(path, headers=headers, json=JSAPI)
    assert (refused.status_code, refused.json()["code"]) == (409, "wechat-login-needed")
    assert (await client.post(path, headers=headers, json=NATIVE)).status_code == 201

"""Plans made for one test, and members who quote, order, pay and move through the calendar."""

import itertools
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any
from uuid import UUID

import httpx
import yaml
from fastapi import FastAPI

from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.plans import service
from app.plans.tables import expand_tables, standard_tables
from tests.cover_fixtures import Gateway, Rider, at_business_time, scalar

_serial = itertools.count()
DAY = timedelta(days=1)
TICK = timedelta(seconds=1)
WAITING = {"accident_days": 0, "illness_days": 30}
ILLNESS = {
    "code": "ILL",
    "name": {"zh": "疾病互助金", "en": "Illness"},
    "trigger": {"zh": "患病", "en": "Falling ill"},
    "causes": ["illness", "accident"],
    "documents": ["identity"],
    "pays": {"times": [{"yuan": 100}, "shares"]},
}


def document(**changes: Any) -> dict[str, Any]:
    """The riders' plan under a code of its own; `changes` replace whole sections."""
    text = files("app.plans").joinpath("data/rider-acc.yaml").read_text("utf-8")
    content = expand_tables(yaml.load(text, yaml.CSafeLoader)["document"], standard_tables())
    code = f"T{next(_serial)}-{secrets.token_hex(3).upper()}"
    return {**content, "code": code, **changes}


async def publish(
    app: FastAPI, content: dict[str, Any], effective_from: datetime | None = None
) -> str:
    """Put a document on sale; its code."""
    now = system_now()
    async with app.state.database.transaction() as session:
        version = await service.draft_version(
            session,
            content,
            effective_from=effective_from or now - timedelta(days=1),
            effective_to=None,
            actor=SYSTEM,
            now=now,
        )
        await service.publish_version(session, version, actor=SYSTEM, now=now)
    return str(content["code"])


async def close(app: FastAPI, version_id: str) -> None:
    """Sell a version no longer."""
    async with app.state.database.transaction() as session:
        version = await service.version_of(session, UUID(version_id))
        await service.close_version(session, version, actor=SYSTEM, now=system_now())


def options(*chosen: dict[str, Any], max_shares: int = 3, **more: Any) -> dict[str, Any]:
    """A contribution section."""
    return {"max_shares": max_shares, "options": list(chosen), **more}


def option(code: str = "A", **more: Any) -> dict[str, Any]:
    """A year at 25 yuan a share, unless said otherwise."""
    return {
        "code": code,
        "term": {"months": 12},
        "price": {"times": [{"yuan": 25}, "shares"]},
        **more,
    }


async def quote(client: httpx.AsyncClient, rider: Rider, plan: str, **body: Any) -> dict[str, Any]:
    """A quote that is answered."""
    answer = await client.post(
        "/v1/me/quotes", headers=rider.headers, json={"plan_code": plan, **body}
    )
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def refusal(
    client: httpx.AsyncClient, rider: Rider, plan: str, path: str = "/v1/me/orders", **body: Any
) -> tuple[int, dict[str, Any]]:
    """What an order or a quote that is refused says."""
    answer = await client.post(path, headers=rider.keyed, json={"plan_code": plan, **body})
    return answer.status_code, answer.json()


async def order(client: httpx.AsyncClient, rider: Rider, plan: str, **body: Any) -> dict[str, Any]:
    """An open order; the answer."""
    status, view = await refusal(client, rider, plan, **body)
    assert status == 201, view
    return view


async def buy(
    client: httpx.AsyncClient, gateway: Gateway, rider: Rider, plan: str, **body: Any
) -> dict[str, Any]:
    """Order and pay; the order with its policy."""
    view = await gateway.settle(rider, await order(client, rider, plan, **body))
    assert view["status"] == "paid", view
    return view


def codes(view: dict[str, Any]) -> set[str]:
    """Codes of the rules that are not met."""
    return {reason["code"] for reason in view.get("reasons") or view.get("errors") or ()}


async def cover(client: httpx.AsyncClient, rider: Rider, plan: str, at: datetime) -> dict[str, Any]:
    """One plan at an instant, as its member is told."""
    answer = await client.get("/v1/me/cover", headers=rider.headers, params={"at": iso(at)})
    [found] = [each for each in answer.json()["plans"] if each["plan_code"] == plan]
    view: dict[str, Any] = found
    return view


def iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@asynccontextmanager
async def on_day(
    database: Database, day: date, after: timedelta = timedelta(hours=9)
) -> AsyncIterator[datetime]:
    """The sandbox's business clock stands at 09:00 of a day, or so long after its midnight."""
    moment = day_start(day) + after
    await at_business_time(database, moment)
    try:
        yield moment
    finally:
        await at_business_time(database, system_now())


def waiting_plan(**changes: Any) -> dict[str, Any]:
    """A plan whose illness benefit waits 30 days."""
    return document(**{"waiting": WAITING, "benefits": [ILLNESS], **changes})


async def bought(
    client: httpx.AsyncClient, gateway: Gateway, rider: Rider, plan: str, **body: Any
) -> dict[str, Any]:
    """Cover that begins tomorrow: its policy."""
    view = await buy(client, gateway, rider, plan, **body)
    policy: dict[str, Any] = view["policy"]
    return policy


def end_day(policy: dict[str, Any]) -> date:
    """The first day that is no longer covered."""
    return business_day(instant(policy["ends_at"]))


async def entries(database: Database, order_id: str) -> dict[str, int]:
    """What was posted for an order, by account."""
    found: dict[str, int] = await scalar(
        database,
        "select jsonb_object_agg(account_code, e.amount_fen) from ledger_entry e"
        " join ledger_transaction t on t.id = e.transaction_id"
        " left join payment_attempt a on a.id = t.reference_id"
        " where cast(:id as uuid) in (t.reference_id, a.order_id)",
        id=order_id,
    )
    return found

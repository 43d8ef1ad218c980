"""Plans with rules of their own, riders who paid, and a business clock that is put back."""

import copy
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import business_day, day_start, move_business_clock, system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.organisations.models import Organisation
from app.plans import catalogue, service
from app.policies.events import POLICY_CANCELLED
from app.policies.issue import issue_policy
from app.policies.models import Policy
from app.policies.recording import Change, locked_policy, record_change
from app.policies.slots import release_shares
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.cover_fixtures import Gateway, Rider, make_rider, order

INVARIANTS = sorted((Path(__file__).parents[1] / "invariants").glob("*.sql"))

BY_DAY: dict[str, Any] = {
    "minus": [
        {"pro_rata": {"of": "paid_fen", "part": "remaining_days", "whole": "term_days"}},
        "claimed_fen",
    ]
}
BY_MONTH: dict[str, Any] = {"pro_rata": {"of": "paid_fen", "part": "remaining_months", "whole": 12}}


async def publish(app: FastAPI, change: Callable[[dict[str, Any]], None]) -> str:
    """A plan like RIDER-ACC with something changed; its code."""
    [document] = [each for _, each in catalogue.documents() if each["code"] == "RIDER-ACC"]
    document = copy.deepcopy(document)
    document["code"] = f"T{secrets.token_hex(6).upper()}"
    change(document)
    now = system_now()
    async with app.state.database.transaction() as session:
        version = await service.draft_version(
            session,
            document,
            effective_from=now - timedelta(days=900),
            effective_to=None,
            actor=SYSTEM,
            now=now,
        )
        await service.publish_version(session, version, actor=SYSTEM, now=now)
    return str(document["code"])


def cancellable(**rules: Any) -> Callable[[dict[str, Any]], None]:
    """The plan's rules for cancelling, instead of those of RIDER-ACC."""

    def change(document: dict[str, Any]) -> None:
        document["cancellation"] = rules

    return change


def lasting(**term: Any) -> Callable[[dict[str, Any]], None]:
    """A plan whose only option lasts so long, with one share and five days of grace."""

    def change(document: dict[str, Any]) -> None:
        document["contribution"]["options"][0]["term"] = term
        document["contribution"]["max_shares"] = 1
        document.pop("upgrade", None)
        document["renewal"] = {"grace_days": 5, "opens_days_before": 20}

    return change


@asynccontextmanager
async def business_time(database: Database, instant: datetime) -> AsyncIterator[None]:
    """The sandbox's business clock at an instant, and back."""
    async with database.transaction() as session:
        await move_business_clock(session, instant - system_now())
    try:
        yield
    finally:
        async with database.transaction() as session:
            await move_business_clock(session, timedelta())


async def bought(
    client: httpx.AsyncClient,
    gateway: Gateway,
    rider: Rider,
    plan_code: str,
    *,
    shares: int = 1,
    **more: Any,
) -> dict[str, Any]:
    """A paid order with its policy; the order's view."""
    if more:
        answer = await client.post(
            "/v1/me/orders",
            headers=rider.keyed,
            json={"plan_code": plan_code, "shares": shares, **more},
        )
        assert answer.status_code == 201, answer.text
        made = answer.json()
    else:
        made = await order(client, rider, plan_code, shares)
    view = await gateway.settle(rider, made)
    assert view["status"] == "paid", view
    return view


async def given(
    app: FastAPI,
    rider: Rider,
    plan_code: str,
    *,
    starts_in: int = 1,
    start_on: date | None = None,
    organisation_id: UUID | None = None,
    shares: int = 1,
) -> Policy:
    """Cover that nobody paid for, from so many days ahead or ago."""
    now = system_now()
    async with app.state.database.transaction() as session:
        return await issue_policy(
            session,
            person=rider.person,
            version=await service.version_on_sale(session, plan_code, now),
            shares=shares,
            start_on=start_on or business_day(now) + timedelta(days=starts_in),
            channel="gifted",
            organisation_id=organisation_id,
            actor=SYSTEM,
            now=now,
        )


async def broken_invariants(database: Database) -> list[str]:
    """Invariants that something violates; rows of other tests count as well."""
    found = []
    async with database.transaction() as session:
        for file in INVARIANTS:
            rows = (await session.execute(text(file.read_text("utf-8").replace(":", "\\:")))).all()
            found += [f"{file.stem}: {row}" for row in rows]
    return found


async def balance_of(database: Database, account: str, references: Sequence[Any]) -> int:
    """What the postings about these facts left on an account."""
    async with database.transaction() as session:
        value = await session.scalar(
            text(
                "select coalesce(sum(e.amount_fen), 0) from ledger_entry e"
                " join ledger_transaction t on t.id = e.transaction_id"
                " where e.account_code = :account and t.reference_id = any(:references)"
            ),
            {"account": account, "references": [UUID(str(each)) for each in references]},
        )
    return int(value or 0)


async def fetch(database: Database, sql: str, **values: Any) -> list[Any]:
    async with database.transaction() as session:
        return list((await session.execute(text(sql), values)).all())


async def office(app: FastAPI, *roles: str) -> tuple[Organisation, SignedIn]:
    """An agency and somebody who works there."""
    organisation = await make_organisation(app)
    return organisation, await staff_token(app, organisation.id, list(roles))


async def colleague_rider(app: FastAPI, organisation: Organisation, **more: Any) -> Rider:
    """A member whom the organisation manages."""
    return await make_rider(app, organisation_id=organisation.id, **more)


def midnight(day_offset: int = 0) -> datetime:
    """00:00 in Shanghai, some days from today."""
    return day_start(business_day(system_now()) + timedelta(days=day_offset))


async def cancelled_from_its_start(database: Database, policy_id: UUID) -> None:
    """Cover that never was, as the history says from now on."""
    async with database.transaction() as session:
        policy = await locked_policy(session, policy_id)
        await release_shares(session, policy_id, system_now())
        await record_change(
            session,
            policy,
            Change("cancel", "test", "policy.cancel", POLICY_CANCELLED, "cancelled"),
            effective_at=policy.starts_at,
            actor=SYSTEM,
            now=system_now(),
        )

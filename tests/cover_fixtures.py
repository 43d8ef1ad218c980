"""Riders who can buy cover, a gateway whose notices are made here, and jobs run on demand."""

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
from fastapi import FastAPI
from sqlalchemy import text

from app.integrations.outside import Outside
from app.kernel.clock import SHANGHAI, move_business_clock, system_now
from app.kernel.database import Database
from app.kernel.ids import new_id, new_number
from app.kernel.jobs import JobContext
from app.members.consent_models import REQUIRED_TO_REGISTER, Consent
from app.members.models import Member, Person
from app.plans import catalogue
from app.simulators import config
from app.simulators.wechat_pay import notices
from app.simulators.wechat_pay.keys import PayKeys
from tests.access_fixtures import SignedIn, member_token
from tests.simulators_fixture import Simulators

_serial = itertools.count()


async def load_plans(app: FastAPI) -> None:
    """The catalogue that comes with the service."""
    async with app.state.database.transaction() as session:
        await catalogue.load(session, system_now())


async def make_person(
    app: FastAPI,
    *,
    birth_on: date = date(1990, 5, 17),
    sex: str = "male",
    verified: bool = True,
    verified_at: datetime | None = None,
    organisation_id: UUID | None = None,
    name: str = "张小明",
) -> Person:
    """A person, proven unless said otherwise, with a membership."""
    vault, now = app.state.vault, system_now()
    person_id = new_id()
    number = f"T{next(_serial)}{secrets.token_hex(6)}"
    person = Person(
        id=person_id,
        sealed=vault.seal(
            "person",
            person_id,
            {
                "name": name,
                "document_type": "passport",
                "document_number": number,
                "issuing_country": "CHN",
                "phone": None,
            },
        ),
        document_type="passport",
        document_index=vault.blind_index("document", number),
        name_index=vault.blind_index("name", name.casefold()),
        phone_index=None,
        birth_on=birth_on,
        sex=sex,
        verified_at=(verified_at or now - timedelta(days=1)) if verified else None,
        verified_by="vendor" if verified else None,
        merged_into_id=None,
        erased_at=None,
        created_at=now,
    )
    async with app.state.database.transaction() as session:
        session.add(person)
        await session.flush()
        session.add(
            Member(
                id=new_id(),
                number=new_number("M"),
                person_id=person_id,
                organisation_id=organisation_id,
                channel="self",
                enrolled_by=None,
                enrolment_code_id=None,
                joined_at=now,
            )
        )
    return person


@dataclass(frozen=True)
class Rider:
    """A member who is logged in and proven."""

    person: Person
    caller: SignedIn

    @property
    def headers(self) -> dict[str, str]:
        return self.caller.headers

    @property
    def keyed(self) -> dict[str, str]:
        return self.caller.keyed


async def make_rider(app: FastAPI, *, openid: str | None = None, **person: Any) -> Rider:
    return await log_in(app, await make_person(app, **person), openid=openid)


async def log_in(app: FastAPI, made: Person, *, openid: str | None = None) -> Rider:
    """A person who is there already, with a phone and the consents of a registration."""
    caller = await member_token(app, person_id=made.id, openid=openid)
    async with app.state.database.transaction() as session:
        session.add_all(
            Consent(
                id=new_id(),
                purpose=purpose,
                version=1,
                account_id=caller.account_id,
                registration_id=None,
                person_id=made.id,
                given_via="self",
                recorded_by=None,
                given_at=system_now() - timedelta(days=1),
                withdrawn_at=None,
            )
            for purpose in REQUIRED_TO_REGISTER
        )
    return Rider(made, caller)


async def order(
    client: httpx.AsyncClient, rider: Rider, plan_code: str = "RIDER-ACC", shares: int = 1
) -> dict[str, Any]:
    """An open order; the answer."""
    answer = await client.post(
        "/v1/me/orders", headers=rider.keyed, json={"plan_code": plan_code, "shares": shares}
    )
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


@dataclass
class Gateway:
    """Pays at the simulator and delivers the notices that the test wants delivered."""

    client: httpx.AsyncClient
    simulators: Simulators
    keys: PayKeys
    delivered: list[int] = field(default_factory=list)

    async def pay(self, rider: Rider, order_id: str) -> dict[str, Any]:
        """Start a native payment and pay it; the notice is left to the test."""
        started = await self.client.post(
            f"/v1/me/orders/{order_id}/payments",
            headers=rider.keyed,
            json={"trade_type": "native"},
        )
        assert started.status_code == 201, started.text
        return self.take_money(started.json()["code_url"])

    def take_money(self, code_url: str) -> dict[str, Any]:
        return self.simulators.control("pay", code_url=code_url, behaviour="dropped")

    def payment_notice(
        self, paid: dict[str, Any], amount_fen: int, **more: Any
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a genuine notice that an amount was paid."""
        loaded = config.load(self.simulators.directory)
        resource = {
            "mchid": loaded.mchid,
            "appid": loaded.appid,
            "out_trade_no": paid["out_trade_no"],
            "transaction_id": paid["transaction_id"],
            "trade_type": "NATIVE",
            "trade_state": "SUCCESS",
            "success_time": datetime.now(SHANGHAI).isoformat(timespec="seconds"),
            "payer": {"openid": "o-test-payer"},
            "amount": {
                "total": amount_fen,
                "payer_total": amount_fen,
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        } | more.pop("resource", {})
        return self.notice("TRANSACTION.SUCCESS", "transaction", resource, **more)

    def notice(
        self,
        event_type: str,
        original_type: str,
        resource: dict[str, Any],
        *,
        notice_id: str | None = None,
        foreign: bool = False,
        offset_seconds: float = 0,
    ) -> tuple[dict[str, str], bytes]:
        content = {
            "notice_id": notice_id or secrets.token_hex(16),
            "create_time": system_now().isoformat(timespec="seconds"),
            "event_type": event_type,
            "original_type": original_type,
            "resource": resource,
            "signature": "foreign" if foreign else "ours",
            "timestamp_offset_seconds": offset_seconds,
        }
        return notices.make(self.keys, content)

    async def deliver(self, made: tuple[dict[str, str], bytes]) -> int:
        headers, body = made
        answer = await self.client.post(
            "/v1/gateway/wechat-pay/payments", headers=headers, content=body
        )
        self.delivered.append(answer.status_code)
        return answer.status_code

    async def settle(self, rider: Rider, order_view: dict[str, Any]) -> dict[str, Any]:
        """Pay and be told: the order as it is then."""
        paid = await self.pay(rider, order_view["id"])
        made = self.payment_notice(paid, order_view["amount_fen"])
        assert await self.deliver(made) == 204
        answer = await self.client.get(f"/v1/me/orders/{order_view['id']}", headers=rider.headers)
        view: dict[str, Any] = answer.json()
        return view


def make_gateway(client: httpx.AsyncClient, simulators: Simulators) -> Gateway:
    return Gateway(client, simulators, _pay_keys(simulators.directory))


@cache
def _pay_keys(directory: Path) -> PayKeys:
    """Checking an RSA key takes a tenth of a second, and the run has one."""
    return PayKeys(config.load(directory))


def context_of(app: FastAPI, outside: Outside | None = None) -> JobContext:
    """What the worker gives to handlers."""
    state = app.state
    return JobContext(state.database, state.vault, state.settings, outside or state.outside)


async def jobs_of(database: Database, name: str, subject_id: UUID | str) -> list[dict[str, Any]]:
    """Payloads of the queued jobs of a name and subject."""
    async with database.transaction() as session:
        rows = await session.execute(
            text(
                "select payload from pgqueuer.pgqueuer where entrypoint = :name"
                " and status = 'queued' and convert_from(payload, 'utf8') like :subject"
            ),
            {"name": name, "subject": f"%{subject_id}%"},
        )
        return [msgspec.json.decode(row.payload) for row in rows]


async def at_business_time(database: Database, instant: datetime) -> None:
    """Move the sandbox's business clock to an instant; the caller moves it back."""
    async with database.transaction() as session:
        await move_business_clock(session, instant - system_now())


async def scalar(database: Database, sql: str, **values: Any) -> Any:
    async with database.transaction() as session:
        return await session.scalar(text(sql), values)

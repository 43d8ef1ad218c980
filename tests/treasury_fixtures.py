"""A municipal office with a database of its own: months close for good, days are compared whole."""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import business_now, day_start, move_business_clock, system_now
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.ledger.service import post
from app.main import create_app
from app.organisations.models import Kind, Organisation
from app.payouts.models import Payout
from app.payouts.service import Destination, request_refund_payout
from app.settings import Settings
from app.treasury.running import run_comparison
from app.worker import JOBS
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.claims.factories import poll, run_jobs
from tests.cover_fixtures import Rider, context_of, make_gateway, make_rider, order, scalar
from tests.simulators_fixture import Simulators

INVARIANTS = Path(__file__).parent / "invariants"


@dataclass(frozen=True)
class Municipal:
    """The office, its people, and a client of a service over its own database."""

    app: FastAPI
    client: httpx.AsyncClient
    city: Organisation
    auditor: SignedIn
    supervisor: SignedIn
    another_supervisor: SignedIn

    async def get(self, path: str, who: SignedIn | None = None, /, **params: Any) -> httpx.Response:
        headers = (who or self.auditor).headers
        return await self.client.get(f"/v1/staff/{path}", headers=headers, params=params)

    async def post(
        self, path: str, body: Any = None, who: SignedIn | None = None
    ) -> httpx.Response:
        headers = (who or self.supervisor).keyed
        return await self.client.post(f"/v1/staff/{path}", headers=headers, json=body)

    async def close(self, month: str) -> httpx.Response:
        return await self.post(f"ledger/months/{month}/closure", who=self.auditor)

    async def book(
        self,
        on: date,
        entries: Sequence[tuple[str, int]],
        kind: str = "test.book",
        reference_id: UUID | None = None,
    ) -> UUID:
        async with self.app.state.database.transaction() as session:
            return await post(
                session,
                kind,
                entries,
                event_on=on,
                reference_id=reference_id or new_id(),
                actor=SYSTEM,
            )

    async def owe(self, fen: int, ending: str = "1234", *, rider: Rider | None = None) -> Payout:
        """A payout to a bank account whose last digits decide its fate; not sent yet."""
        rider = rider or await make_rider(self.app)
        number = f"62220200{secrets.randbelow(10**6):06d}{ending}"
        body = {"account_number": number, "account_name": "张小明", "bank_code": "ICBC"}
        recorded = await self.client.post("/v1/me/payout-accounts", headers=rider.keyed, json=body)
        assert recorded.status_code == 201, recorded.text
        destination = Destination("bank", payout_account_id=UUID(recorded.json()["id"]))
        async with self.app.state.database.transaction() as session:
            return await request_refund_payout(
                session,
                refund_id=new_id(),
                plan_code="RIDER-ACC",
                person_id=rider.person.id,
                amount_fen=fen,
                destination=destination,
                actor=SYSTEM,
                now=await business_now(session, sandbox=True),
            )

    async def payout(self, payout_id: UUID) -> Payout:
        """As it stands now."""
        async with self.app.state.database.transaction() as session:
            found: Payout = await session.get_one(Payout, payout_id)
            return found

    async def unhealthy(self) -> dict[str, list[Any]]:
        """Rows that the invariants of books, batches and reconciliation find."""
        faults = {}
        for file in sorted(INVARIANTS.glob("1[2-9]_*.sql")):
            async with self.app.state.database.transaction() as session:
                if rows := (await session.execute(text(file.read_text("utf-8")))).all():
                    faults[file.stem] = list(rows)
        return faults

    async def today_is(self, day: date) -> None:
        """Noon of a day on the business clock."""
        offset = day_start(day) + timedelta(hours=12) - system_now()
        async with self.app.state.database.transaction() as session:
            await move_business_clock(session, offset)


@asynccontextmanager
async def municipal(
    settings: Settings, clone_database: Callable[[str], str]
) -> AsyncIterator[Municipal]:
    """Everything started; ends with the context."""
    own = settings.model_copy(
        update={"database_url": clone_database(f"office_{uuid.uuid4().hex[:12]}")}
    )
    app = create_app(own)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
            yield Municipal(
                app,
                client,
                city,
                await staff_token(app, city.id, ["auditor"]),
                await staff_token(app, city.id, ["supervisor"]),
                await staff_token(app, city.id, ["supervisor"]),
            )


@dataclass
class World:
    """An office and outside systems of its own; `day` is the day on which money moves."""

    office: Municipal
    simulators: Simulators
    day: date
    passed: int = 0

    async def day_passes(self) -> None:
        """For everybody: the business clock and the outside systems'."""
        self.passed += 1
        self.simulators.control("clock", advance_seconds=86_400)
        await self.office.today_is(self.day + timedelta(days=self.passed))

    def on(self, days: int = 0) -> str:
        return (self.day + timedelta(days=days)).isoformat()

    async def pays(self, *, told: bool = True) -> dict[str, Any]:
        """A rider pays 25 yuan; the notice comes, or is lost."""
        office = self.office
        rider = await make_rider(office.app)
        gateway = make_gateway(office.client, self.simulators)
        opened = await order(office.client, rider)
        paid = await gateway.pay(rider, opened["id"])
        if told:
            made = gateway.payment_notice(paid, opened["amount_fen"])
            assert await gateway.deliver(made) == 204
        return paid | {"amount_fen": opened["amount_fen"], "order_id": opened["id"]}

    async def transfers(self, fen: int = 10_000) -> Payout:
        """Money that reached a wallet."""
        office = self.office
        rider = await make_rider(office.app, openid=f"o-{secrets.token_hex(10)}")
        destination = Destination("wechat", account_id=rider.caller.account_id)
        async with office.app.state.database.transaction() as session:
            payout = await request_refund_payout(
                session,
                refund_id=new_id(),
                plan_code="RIDER-ACC",
                person_id=rider.person.id,
                amount_fen=fen,
                destination=destination,
                actor=SYSTEM,
                now=await business_now(session, sandbox=True),
            )
        await run_jobs(office.app)
        self.simulators.control(
            "transfers/confirm", out_bill_no=payout.out_bill_no, behaviour="dropped"
        )
        await poll(office.app)
        assert (await office.payout(payout.id)).status == "paid"
        return payout

    async def sends(self, fen: int = 20_000) -> Payout:
        """Money that reached a bank account."""
        payout = await self.office.owe(fen)
        await run_jobs(self.office.app)
        for _ in range(60):
            await poll(self.office.app)
            if (await self.office.payout(payout.id)).status == "paid":
                return payout
            await asyncio.sleep(0.03)
        raise AssertionError("the bank never paid")

    async def compare(self, source: str, day: str | None = None) -> dict[str, Any]:
        """Compare a day; the run with its items."""
        office = self.office
        body = {"source": source, "day": day or self.on()}
        answer = await office.post("reconciliations", body)
        assert answer.status_code == 201, answer.text
        run_id = answer.json()["id"]
        await run_comparison(context_of(office.app), {"run_id": run_id})
        return await self.run(run_id)

    async def run(self, run_id: str) -> dict[str, Any]:
        path = f"reconciliations/{run_id}"
        items = await self.office.get(f"{path}/items")
        view: dict[str, Any] = (await self.office.get(path)).json()
        return view | {"items": items.json()["items"]}

    async def settle(
        self, run: dict[str, Any], way: str, who: SignedIn | None = None, place: int = 0
    ) -> httpx.Response:
        item = run["items"][place]["id"]
        path = f"reconciliations/{run['id']}/items/{item}/settlement"
        return await self.office.post(path, {"way": way, "note": "测试"}, who)

    async def works(self) -> None:
        """The worker hears what the books said, and compares what has to be."""
        context = context_of(self.office.app)
        while jobs := await self._taken():
            for name, payload in jobs:
                await JOBS[name](context, payload)

    async def _taken(self) -> list[tuple[str, dict[str, Any]]]:
        async with self.office.app.state.database.transaction() as session:
            rows = await session.execute(
                text(
                    "delete from pgqueuer.pgqueuer where status = 'queued'"
                    " and entrypoint like 'treasury.%' returning entrypoint, payload"
                )
            )
            return [(row.entrypoint, msgspec.json.decode(row.payload)) for row in rows]

    async def balance(self, account: str) -> int:
        sum_of = "select coalesce(sum(amount_fen), 0) from ledger_entry where account_code = :code"
        return int(await scalar(self.office.app.state.database, sum_of, code=account))

"""A fund with money and a board, riders who need it, and cases at every stage."""

import secrets
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import business_day, system_now
from app.kernel.ids import new_id, random_code
from app.members.consent_models import Consent
from app.organisations.models import Organisation
from app.relief.library import shipped
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.claims.factories import picture
from tests.cover_fixtures import Rider, make_rider
from tests.queued_jobs import run

NAMES = ("claims.", "payouts.", "relief.")


def formula(code: str, shipped_code: str = "CQ-RELIEF-DEMO", **changes: Any) -> dict[str, Any]:
    """A shipped formula under another fund's code."""
    document = deepcopy(shipped()[shipped_code][1].document())
    return document | {"code": code} | changes


def random_fund_code() -> str:
    return f"T-{random_code(8)}"


@dataclass
class Board:
    """An agency with its people, and a fund of its own."""

    app: FastAPI
    client: httpx.AsyncClient
    organisation: Organisation
    caseworker: SignedIn
    reviewer: SignedIn
    supervisor: SignedIn
    administrator: SignedIn
    members: list[SignedIn]
    code: str = field(default_factory=random_fund_code)
    fund: dict[str, Any] = field(default_factory=dict)

    async def post(
        self, path: str, who: SignedIn | Rider, body: Any = None, expect: int | None = None
    ) -> dict[str, Any]:
        answer = await self.client.post(path, headers=who.keyed, json=body)
        if expect is None:
            assert answer.status_code < 300, answer.text
        else:
            assert answer.status_code == expect, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def get(self, path: str, who: SignedIn | Rider, expect: int = 200) -> dict[str, Any]:
        answer = await self.client.get(path, headers=who.headers)
        assert answer.status_code == expect, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def open_fund(self, *, yuan: int = 1_000_000, quorum: int = 3, **changes: Any) -> None:
        """Opened, given money, with a formula in force."""
        body = {
            "organisation_id": str(self.organisation.id),
            "code": self.code,
            "name_zh": "测试基金",
            "name_en": "Test fund",
            "quorum": quorum,
        }
        self.fund = await self.post("/v1/staff/relief-funds", self.administrator, body)
        if yuan:
            await self.give(yuan)
        await self.publish(formula(self.code, **changes))

    @property
    def path(self) -> str:
        return f"/v1/staff/relief-funds/{self.fund['id']}"

    async def give(self, yuan: int) -> dict[str, Any]:
        body = {
            "amount_fen": yuan * 100,
            "bank_reference": f"B{secrets.token_hex(8).upper()}",
            "received_on": business_day(system_now()).isoformat(),
        }
        return await self.post(f"{self.path}/contributions", self.supervisor, body)

    async def publish(self, document: dict[str, Any]) -> dict[str, Any]:
        drafted = await self.post(f"{self.path}/formulas", self.administrator, document)
        number = drafted["number"]
        return await self.post(f"{self.path}/formulas/{number}/publication", self.administrator)

    async def balance(self) -> int:
        view = await self.get(self.path, self.supervisor)
        return int(view["balance_fen"])

    async def rider(self, *, consent: bool = True) -> Rider:
        rider = await make_rider(
            self.app,
            openid=f"o-{secrets.token_hex(10)}",
            organisation_id=self.organisation.id,
        )
        if consent:
            await agree(self.app, rider)
        return rider

    async def opened(
        self, rider: Rider, facts: dict[str, Any], ground: str = "illness"
    ) -> dict[str, Any]:
        """A case opened by hand."""
        body = {
            "person_id": str(rider.person.id),
            "fund_id": self.fund["id"],
            "ground": ground,
            "facts": facts,
        }
        return await self.post("/v1/staff/relief-cases", self.caseworker, body)

    async def send(self, case_id: str, kind: str) -> httpx.Response:
        return await self.client.post(
            f"/v1/staff/relief-cases/{case_id}/documents",
            headers=self.caseworker.keyed,
            data={"kind": kind},
            files={"file": ("a.jpg", picture(), "image/jpeg")},
        )

    async def complete(self, case: dict[str, Any]) -> None:
        for paper in case["papers"]:
            if paper["state"] == "missing":
                answer = await self.send(case["id"], paper["kind"])
                assert answer.status_code == 201, answer.text

    async def referred(self, rider: Rider, facts: dict[str, Any], **more: Any) -> str:
        """A case on the board's list; its id."""
        case = await self.opened(rider, facts, **more)
        await self.complete(case)
        await self.post(f"/v1/staff/relief-cases/{case['id']}/referral", self.caseworker)
        return str(case["id"])

    def votes(self, *words: str) -> list[dict[str, str]]:
        return [
            {"staff_id": str(member.account_id), "vote": word}
            for member, word in zip(self.members, words or ("for",) * 3, strict=False)
        ]

    async def decide(
        self, case_id: str, body: dict[str, Any] | None = None, who: SignedIn | None = None
    ) -> httpx.Response:
        body = body or {"verdict": "grant", "votes": self.votes()}
        return await self.client.post(
            f"/v1/staff/relief-cases/{case_id}/decision",
            headers=(who or self.supervisor).keyed,
            json=body,
        )

    async def seen(self, case_id: str) -> dict[str, Any]:
        return await self.get(f"/v1/staff/relief-cases/{case_id}", self.caseworker)


async def agree(app: FastAPI, rider: Rider) -> None:
    """The member's own consent to the use of health papers."""
    async with app.state.database.transaction() as session:
        session.add(
            Consent(
                id=new_id(),
                purpose="health",
                version=1,
                account_id=rider.caller.account_id,
                registration_id=None,
                person_id=rider.person.id,
                given_via="self",
                recorded_by=None,
                given_at=system_now() - timedelta(days=1),
                withdrawn_at=None,
            )
        )


async def make_board(
    app: FastAPI, client: httpx.AsyncClient, organisation: Organisation | None = None
) -> Board:
    organisation = organisation or await make_organisation(app)
    return Board(
        app,
        client,
        organisation,
        await staff_token(app, organisation.id, ["caseworker"]),
        await staff_token(app, organisation.id, ["reviewer"]),
        await staff_token(app, organisation.id, ["supervisor"]),
        await staff_token(app, organisation.id, ["administrator"]),
        [
            await staff_token(app, organisation.id, ["supervisor"], display_name=f"委员{n}")
            for n in range(3)
        ],
    )


async def work(app: FastAPI, *, rounds: int = 8) -> list[str]:
    """Run what claims, payouts and relief enqueued, until nothing is left; names in order."""
    return await run(app, *NAMES, rounds=rounds)


async def entries_of(app: FastAPI, account: str) -> int:
    """What a ledger account stands at: debit less credit."""
    async with app.state.database.transaction() as session:
        found = await session.scalar(
            text("select coalesce(sum(amount_fen), 0) from ledger_entry where account_code = :a"),
            {"a": account},
        )
    return int(found or 0)


def fund_id(board: Board) -> UUID:
    return UUID(board.fund["id"])

"""A rider with cover, an office with its people, and claims at every stage."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import business_day, system_now
from app.kernel.principal import SYSTEM, Role
from app.organisations.models import Organisation
from app.plans.service import version_on_sale
from app.policies.issue import issue_policy
from app.policies.models import Policy
from app.worker import JOBS
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.cover_fixtures import Rider, context_of, load_plans, make_rider
from tests.documents import corpus
from tests.queued_jobs import run
from tests.simulators_fixture import Simulators

MINE = ("claims.", "payouts.")


@dataclass(frozen=True)
class Office:
    """An agency with one of each."""

    organisation: Organisation
    caseworker: SignedIn
    reviewer: SignedIn
    another_reviewer: SignedIn
    supervisor: SignedIn


async def make_office(app: FastAPI) -> Office:
    organisation = await make_organisation(app)
    return Office(
        organisation,
        await staff_token(app, organisation.id, ["caseworker"]),
        await staff_token(app, organisation.id, ["reviewer"]),
        await staff_token(app, organisation.id, ["reviewer"]),
        await staff_token(app, organisation.id, ["supervisor"]),
    )


async def make_policy(
    app: FastAPI,
    rider: Rider,
    organisation_id: UUID,
    *,
    plan_code: str = "RIDER-ACC",
    started_days_ago: int = 30,
    shares: int = 1,
    enrolled_by: UUID | None = None,
) -> Policy:
    """Cover that began some days ago."""
    now = system_now()
    async with app.state.database.transaction() as session:
        return await issue_policy(
            session,
            person=rider.person,
            version=await version_on_sale(session, plan_code, now),
            shares=shares,
            start_on=business_day(now) - timedelta(days=started_days_ago),
            channel="gifted",
            organisation_id=organisation_id,
            enrolled_by=enrolled_by,
            actor=SYSTEM,
            now=now - timedelta(days=started_days_ago + 1),
        )


@dataclass
class Case:
    """One rider's claim and everybody who has to do with it."""

    app: FastAPI
    client: httpx.AsyncClient
    office: Office
    rider: Rider
    policy: Policy
    id: str = ""
    views: list[dict[str, Any]] = field(default_factory=list)

    def body(self, benefit_code: str = "MED", **incident: Any) -> dict[str, Any]:
        told = {
            "cause": "accident",
            "occurred_at": (system_now() - timedelta(days=1)).isoformat(),
            "place": "CANARY-PLACE 某路口",
            "description": "CANARY-DIAGNOSIS 摔倒骨折",
        }
        return {
            "policy_id": str(self.policy.id),
            "benefit_code": benefit_code,
            "incident": told | incident,
        }

    async def post(
        self, path: str, who: SignedIn | Rider, body: Any = None, **more: Any
    ) -> httpx.Response:
        return await self.client.post(path, headers=who.keyed, json=body, **more)

    async def open(self, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = await self.post("/v1/me/claims", self.rider, body or self.body())
        assert answer.status_code == 201, answer.text
        view: dict[str, Any] = answer.json()
        self.id = view["id"]
        return view

    @property
    def path(self) -> str:
        return f"/v1/me/claims/{self.id}"

    @property
    def staff_path(self) -> str:
        return f"/v1/staff/claims/{self.id}"

    async def send(self, kind: str, content: bytes | None = None) -> httpx.Response:
        content = picture() if content is None else content
        return await self.client.post(
            f"{self.path}/documents",
            headers=self.rider.keyed,
            data={"kind": kind},
            files={"file": ("../../etc/passwd", content, "image/jpeg")},
        )

    async def complete(self, kinds: tuple[str, ...] = ("medical_record", "receipt")) -> None:
        for kind in kinds:
            answer = await self.send(kind)
            assert answer.status_code == 201, answer.text

    async def submit(self) -> dict[str, Any]:
        answer = await self.client.post(f"{self.path}/submission", headers=self.rider.headers)
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def submitted(self, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Opened, with every document the plan asks for, and handed in."""
        view = await self.open(body)
        await self.complete(
            tuple(each["kind"] for each in view["documents"] if each["state"] == "missing")
        )
        return await self.submit()

    async def lease(self, reviewer: SignedIn | None = None) -> httpx.Response:
        return await self.post(f"{self.staff_path}/lease", reviewer or self.office.reviewer)

    async def seen(self, who: SignedIn | None = None) -> dict[str, Any]:
        who = who or self.office.reviewer
        answer = await self.client.get(self.staff_path, headers=who.headers)
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def own(self) -> dict[str, Any]:
        answer = await self.client.get(self.path, headers=self.rider.headers)
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def accept_all(self, reviewer: SignedIn | None = None) -> None:
        """Every file accepted, and of receipts one captured, unless somebody had done so."""
        seen = await self.seen()
        for document in seen["documents"]:
            for file in document["files"]:
                answer = await self.post(
                    f"{self.staff_path}/documents/{file['id']}/acceptance",
                    reviewer or self.office.reviewer,
                )
                assert answer.status_code == 200, answer.text
            if document["kind"] == "receipt" and document["files"] and not seen["receipts"]:
                answer = await self.capture(reviewer, issued_on=event_day(seen))
                assert answer.status_code == 200, answer.text

    async def capture(self, reviewer: SignedIn | None = None, **more: Any) -> httpx.Response:
        """A receipt typed in by who reviews."""
        path = f"{self.staff_path}/receipts"
        return await self.post(path, reviewer or self.office.reviewer, receipt_body() | more)

    async def signals(self, who: SignedIn | None = None) -> list[dict[str, Any]]:
        who = who or self.office.reviewer
        answer = await self.client.get(f"{self.staff_path}/signals", headers=who.headers)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def judge(
        self, signal_id: str, verdict: str = "harmless", reviewer: SignedIn | None = None
    ) -> httpx.Response:
        return await self.client.put(
            f"{self.staff_path}/signals/{signal_id}/judgement",
            headers=(reviewer or self.office.reviewer).headers,
            json={"verdict": verdict, "note": "已电话核实"},
        )

    async def judge_all(self, reviewer: SignedIn | None = None) -> None:
        for signal in (await self.seen())["signals"]:
            if signal["verdict"] is None:
                answer = await self.judge(signal["id"], reviewer=reviewer)
                assert answer.status_code == 200, answer.text

    async def decide(
        self, body: dict[str, Any], reviewer: SignedIn | None = None
    ) -> httpx.Response:
        return await self.post(
            f"{self.staff_path}/decision", reviewer or self.office.reviewer, body
        )

    async def approved(self, **facts: Any) -> dict[str, Any]:
        """Reviewed and approved by the first reviewer with these facts."""
        assert (await self.lease()).status_code == 200
        await self.accept_all()
        await self.judge_all()
        answer = await self.decide({"verdict": "approve", "facts": facts})
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def denied(self, reason_code: str = "not-an-accident") -> dict[str, Any]:
        """Reviewed and denied by the first reviewer."""
        assert (await self.lease()).status_code == 200
        answer = await self.decide({"verdict": "deny", "reason_code": reason_code})
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def received(self, simulators: Simulators) -> dict[str, Any]:
        """What is being paid, confirmed in WeChat and arrived."""
        await run_jobs(self.app)
        package = (await self.payout())["confirmation"]["package"]
        simulators.control("transfers/confirm", package_info=package, behaviour="dropped")
        await poll(self.app)
        view = await self.own()
        assert view["status"] == "paid", view["status"]
        return view

    async def appeal(self, text: str = "请重新核定") -> httpx.Response:
        return await self.post(f"{self.path}/appeal", self.rider, {"text": text})

    async def reopen(self, supervisor: SignedIn | None = None) -> httpx.Response:
        return await self.post(
            f"{self.staff_path}/reopening",
            supervisor or self.office.supervisor,
            {"reason_code": "new-evidence", "note": "补交结算单"},
        )

    async def receipt(self, **more: Any) -> httpx.Response:
        """A receipt of yesterday, typed in by the member."""
        return await self.post(f"{self.path}/receipts", self.rider, receipt_body() | more)

    async def above(self, *roles: Role) -> SignedIn:
        """Somebody of the organisation above the office."""
        parent_id = self.office.organisation.parent_id
        assert parent_id is not None
        return await staff_token(self.app, parent_id, list(roles or ("reviewer",)))

    async def payout(self) -> dict[str, Any]:
        answer = await self.client.get(f"{self.path}/payout", headers=self.rider.headers)
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view


def receipt_body() -> dict[str, Any]:
    """A receipt of yesterday with a number that no other has."""
    return {
        "code": "050001900104",
        "number": secrets.token_hex(5),
        "amount_fen": 50_000,
        "issued_on": business_day(system_now() - timedelta(days=1)).isoformat(),
    }


def event_day(view: dict[str, Any]) -> str:
    """The day of what a claim is about: a receipt of that day is not odd."""
    return business_day(datetime.fromisoformat(view["incident"]["occurred_at"])).isoformat()


def picture() -> bytes:
    """A small photograph that looks like no other."""
    return corpus.patches()


def bank_account() -> dict[str, str]:
    """An account in the rider's name that nobody else has, of a kind that the bank pays to."""
    number = f"6222{secrets.randbelow(10**8):08d}1234"
    return {"account_number": number, "account_name": "张小明", "bank_code": "ICBC"}


async def make_case(
    app: FastAPI, client: httpx.AsyncClient, office: Office | None = None, **policy: Any
) -> Case:
    """A rider with WeChat and cover at an office; nothing claimed yet."""
    await load_plans(app)
    office = office or await make_office(app)
    rider = await make_rider(
        app, openid=f"o-{secrets.token_hex(10)}", organisation_id=office.organisation.id
    )
    made = await make_policy(app, rider, office.organisation.id, **policy)
    return Case(app, client, office, rider, made)


async def run_jobs(app: FastAPI, *, rounds: int = 6) -> list[str]:
    """Run what the features enqueued, until nothing is left; names in order."""
    return await run(app, *MINE, rounds=rounds)


async def poll(app: FastAPI) -> list[str]:
    """Look after every unsettled payout now."""
    async with app.state.database.transaction() as session:
        await session.execute(
            text("update payout set next_poll_at = now() where settled_at is null")
        )
    await JOBS["payouts.poll"](context_of(app), {})
    return await run_jobs(app)


def days_ago(days: int) -> datetime:
    return system_now() - timedelta(days=days)

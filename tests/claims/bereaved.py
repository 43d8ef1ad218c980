"""A member who has died, survivors with and without accounts, and what an office does for them."""

import secrets
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx
from fastapi import FastAPI

from app.kernel.clock import business_day, system_now
from app.kernel.principal import SYSTEM
from app.members.documents import DocumentNumber, parse_document_number
from app.members.matching import Identity, Joining, ensure_member, prove_person
from tests.access_fixtures import SignedIn, member_token
from tests.claims.factories import Case, picture
from tests.cover_fixtures import Rider
from tests.rosters.factories import document_number

PAPERS = ("death_certificate", "kinship_proof")


@dataclass(frozen=True)
class Somebody:
    """A name and a card; `rider` has an account where they have one."""

    name: str
    number: str = field(default_factory=document_number)
    rider: Rider | None = None

    @property
    def document(self) -> dict[str, str]:
        return {"type": "resident_id", "number": self.number}

    def beneficiary(self, percent: int, relation: str = "spouse") -> dict[str, Any]:
        return {
            "name": self.name,
            "document": self.document,
            "relation": relation,
            "share_percent": percent,
        }

    def claimant(self, relation: str = "spouse", **more: Any) -> dict[str, Any]:
        return {
            "name": self.name,
            "document": self.document,
            "relation": relation,
            "card_seen": True,
        } | more

    def account(self) -> dict[str, str]:
        return {
            "account_number": f"6222{secrets.randbelow(10**12):012d}1",
            "account_name": self.name,
            "bank_code": "ICBC",
        }


async def with_account(app: FastAPI, name: str, **joining: Any) -> Somebody:
    """Somebody proven, with a membership and a login."""
    number = document_number()
    parsed = parse_document_number(number, today=date(2026, 1, 1))
    assert isinstance(parsed, DocumentNumber)
    async with app.state.database.transaction() as session:
        person = await prove_person(
            session,
            app.state.vault,
            Identity(name, parsed),
            verified_by="attestation",
            actor=SYSTEM,
            now=system_now(),
        )
        await ensure_member(
            session, person.id, Joining("self", **joining), actor=SYSTEM, now=system_now()
        )
    caller = await member_token(app, person_id=person.id, openid=f"o-{secrets.token_hex(10)}")
    return Somebody(name, number, Rider(person, caller))


@dataclass
class Bereaved:
    """A case whose member dies, with the office that looks after it."""

    case: Case
    app: FastAPI
    anna: Somebody = field(default_factory=lambda: Somebody("王梅"))
    ben: Somebody = field(default_factory=lambda: Somebody("李小"))
    clara: Somebody = field(default_factory=lambda: Somebody("李大"))

    @property
    def client(self) -> httpx.AsyncClient:
        return self.case.client

    @property
    def caseworker(self) -> SignedIn:
        return self.case.office.caseworker

    async def name(self, *given: dict[str, Any]) -> None:
        """Beneficiaries, named by the member while alive."""
        answer = await self.client.put(
            f"/v1/me/policies/{self.case.policy.id}/beneficiaries",
            headers=self.case.rider.headers,
            json={"beneficiaries": list(given)},
        )
        assert answer.status_code == 200, answer.text

    def report_body(self, **more: Any) -> dict[str, Any]:
        return {
            "person_id": str(self.case.rider.person.id),
            "died_on": business_day(system_now()).isoformat(),
            "evidence": "CANARY-EVIDENCE 死亡医学证明",
        } | more

    async def report(self, who: SignedIn | None = None, **more: Any) -> httpx.Response:
        body = self.report_body(**more)
        return await self.case.post("/v1/staff/death-reports", who or self.caseworker, body)

    async def died(self, **more: Any) -> dict[str, Any]:
        answer = await self.report(**more)
        assert answer.status_code == 201, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def withdraw(self, report_id: str, who: SignedIn | None = None) -> httpx.Response:
        path = f"/v1/staff/death-reports/{report_id}/withdrawal"
        return await self.case.post(
            path, who or self.case.office.supervisor, {"reason": "同名误登记"}
        )

    async def open(self, benefit_code: str = "DEATH", **incident: Any) -> dict[str, Any]:
        """A claim for the survivors, received at the office."""
        body = self.case.body(benefit_code, **incident)
        answer = await self.case.post("/v1/staff/claims", self.caseworker, body)
        assert answer.status_code == 201, answer.text
        view: dict[str, Any] = answer.json()
        self.case.id = view["id"]
        return view

    async def enter(
        self, *claimants: dict[str, Any], note: str | None = None, who: SignedIn | None = None
    ) -> httpx.Response:
        return await self.client.put(
            f"{self.case.staff_path}/claimants",
            headers=(who or self.caseworker).headers,
            json={"claimants": list(claimants), "note": note},
        )

    async def send(self, *kinds: str) -> None:
        for kind in kinds:
            answer = await self.client.post(
                f"{self.case.staff_path}/documents",
                headers=self.caseworker.keyed,
                data={"kind": kind},
                files={"file": ("paper.jpg", picture(), "image/jpeg")},
            )
            assert answer.status_code == 201, answer.text

    async def submit(self) -> httpx.Response:
        return await self.client.post(
            f"{self.case.staff_path}/submission", headers=self.caseworker.headers
        )

    async def prove(self, who: SignedIn | None = None) -> None:
        """The lease holder reads everybody's kinship in the one proof."""
        view = await self.case.seen()
        [proof] = [
            file["id"]
            for each in view["documents"]
            if each["kind"] == "kinship_proof"
            for file in each["files"]
        ]
        for claimant in view["claimants"]:
            answer = await self.client.put(
                f"{self.case.staff_path}/claimants/{claimant['id']}/kinship",
                headers=(who or self.case.office.reviewer).headers,
                json={"document_id": proof},
            )
            assert answer.status_code == 200, answer.text

    async def account(self, place: int, somebody: Somebody, **more: Any) -> httpx.Response:
        claimant = (await self.case.seen())["claimants"][place]
        return await self.case.post(
            f"{self.case.staff_path}/claimants/{claimant['id']}/payout-account",
            self.caseworker,
            somebody.account() | more,
        )

    async def approved(self) -> dict[str, Any]:
        """Handed in, reviewed, kinship proven, agreed to by two."""
        answer = await self.submit()
        assert answer.status_code == 200, answer.text
        assert (await self.case.lease()).status_code == 200
        await self.case.accept_all()
        await self.prove()
        answer = await self.case.decide({"verdict": "approve"})
        assert answer.status_code == 200, answer.text
        if answer.json()["status"] == "awaiting_second_approval":
            answer = await self.case.post(
                f"{self.case.staff_path}/second-approval",
                self.case.office.supervisor,
                {"verdict": "approve"},
            )
            assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

"""Where claims are lived in tests: the application over ASGI, its people, and one member."""

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import anyio
import anyio.from_thread
import httpx
from fastapi import FastAPI
from hypothesis.stateful import RuleBasedStateMachine, invariant

from app.organisations.models import Kind
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.claims.factories import make_policy
from tests.claims.model import ModelClaim, ModelMember
from tests.claims.model_state import ABOVE, ELSEWHERE, STAFF
from tests.cover_fixtures import Rider, load_plans, make_rider
from tests.simulators_fixture import Simulators

COVERED_DAYS = 200
# How often an answer that the service is busy is waited for.
PATIENCE = 10


@dataclass
class World:
    """The application, its outside, and everybody but the member."""

    app: FastAPI
    client: httpx.AsyncClient
    simulators: Simulators
    people: Mapping[str, SignedIn]
    stranger: Rider
    organisation_id: Any
    steps: int = 0
    acts: Counter[str] = field(default_factory=Counter)


async def make_world(app: FastAPI, client: httpx.AsyncClient, simulators: Simulators) -> World:
    """An agency under its municipal office, another agency, and a member of another person."""
    await load_plans(app)
    office = await make_organisation(app)
    elsewhere = await make_organisation(app, Kind.AGENCY)
    places = {"office": office.id, ABOVE: office.parent_id, ELSEWHERE: elsewhere.id}
    people = {
        name: await staff_token(app, places[place], sorted(roles))  # type: ignore[arg-type]
        for name, (place, roles) in STAFF.items()
    }
    stranger = await make_rider(app, openid=f"o-{secrets.token_hex(10)}")
    return World(app, client, simulators, people, stranger, office.id)


class Member(RuleBasedStateMachine):
    """A member with a year's cover; every answer is held against the model."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.model = ModelMember()
        self.rider, self.policy_id = anyio.from_thread.run(self._covered_rider)

    async def _covered_rider(self) -> tuple[Rider, str]:
        world = self.world
        rider = await make_rider(
            world.app,
            openid=f"o-{secrets.token_hex(10)}",
            organisation_id=world.organisation_id,
        )
        policy = await make_policy(
            world.app,
            rider,
            world.organisation_id,
            started_days_ago=COVERED_DAYS,
            enrolled_by=world.people["enroller"].account_id,
        )
        return rider, str(policy.id)

    @invariant()
    def is_counted(self) -> None:
        self.world.steps += 1

    # Talking to the application.

    def ask(self, method: str, path: str, who: Any, **more: Any) -> httpx.Response:
        """What was asked, and asked again as Retry-After says while the service is busy."""
        headers = who.keyed

        async def send() -> httpx.Response:
            for _ in range(PATIENCE):
                answer = await self.world.client.request(method, path, headers=headers, **more)
                if answer.status_code != 503:
                    break
                await anyio.sleep(float(answer.headers["Retry-After"]))
            return answer

        answer = anyio.from_thread.run(send)
        assert answer.status_code < 500, answer.text
        return answer

    def of(self, claim: ModelClaim, who: str, path: str, body: Any = None) -> httpx.Response:
        """A POST of somebody of the staff."""
        path = f"/v1/staff/claims/{claim.id}{path}"
        return self.ask("POST", path, self.world.people[who], json=body)

    def own(self, claim: ModelClaim, path: str, body: Any = None) -> httpx.Response:
        """A POST of the member."""
        return self.ask("POST", f"/v1/me/claims/{claim.id}{path}", self.rider, json=body)

    def agreed(self, claim: ModelClaim, answer: httpx.Response, refusal: str | None) -> None:
        """The answer is the expected one, and the claim is now as the model has it."""
        told = None if answer.is_success else answer.json()["code"]
        assert told == refusal, f"{told} instead of {refusal}: {answer.text[:500]}"
        self.world.acts[refusal or "done"] += 1
        self.same(claim)

    def same(self, claim: ModelClaim) -> None:
        path = f"/v1/staff/claims/{claim.id}"
        view = self.ask("GET", path, self.world.people["chief"]).json()
        holder = claim.holder and str(self.world.people[claim.holder].account_id)
        wanted = {
            "status": claim.status,
            "round": claim.round,
            "stage": claim.stage,
            "verdict": claim.verdict,
            "lease_holder_id": holder,
            "amount_fen": claim.amount_fen if claim.outcome else None,
            "paid_before_fen": claim.paid_before_fen,
            "decided_by_rule": claim.by_rule,
        }
        assert {name: view[name] for name in wanted} == wanted
        states = {each["kind"]: each["state"] for each in view["documents"]}
        assert states == {"identity": "verified", **claim.states()}
        assert [each["verdict"] for each in view["signals"]] == claim.signals
        assert (view["appeal"] is not None) is claim.appealed
        if claim.payouts:
            seen = self.ask("GET", f"{path}/payout", self.world.people["chief"]).json()
            last = claim.payouts[-1]
            paid = (seen["status"], seen["amount_fen"], seen["method"])
            assert paid == (last.status, last.amount_fen, last.method)

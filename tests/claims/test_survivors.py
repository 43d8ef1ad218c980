"""Survivors' claims: who is one, what proves it, whose share is what, and the same accident."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import system_now
from app.kernel.database import Database
from tests.access_fixtures import staff_token
from tests.claims.bereaved import PAPERS, Bereaved, with_account
from tests.claims.factories import make_case, poll, run_jobs
from tests.claims.test_invariants import faults
from tests.cover_fixtures import scalar
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

WHOLE = 4_000_000


@pytest.fixture
async def bereaved(app: FastAPI, client: httpx.AsyncClient) -> Bereaved:
    return Bereaved(await make_case(app, client), app)


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["code"] for error in answer.json()["errors"]]


async def settled(app: FastAPI) -> None:
    """Every payout is sent, and asked about until the bank has an answer."""
    await run_jobs(app)
    for _ in range(3):
        await poll(app)


class TestWhoClaims:
    async def test_the_named_with_the_policys_percents(self, bereaved: Bereaved) -> None:
        await bereaved.name(bereaved.anna.beneficiary(60), bereaved.ben.beneficiary(40, "child"))
        await bereaved.died()
        await bereaved.open()
        assert codes(await bereaved.enter(bereaved.clara.claimant())) == ["not-named"]
        assert codes(await bereaved.enter(bereaved.anna.claimant())) == ["beneficiary-left-out"]
        own = bereaved.anna.claimant(share_percent=100)
        assert codes(await bereaved.enter(own, note="x")) == ["percent-fixed"]
        twice = await bereaved.enter(bereaved.anna.claimant(), bereaved.anna.claimant())
        assert "claimant-twice" in codes(twice)
        unseen = await bereaved.enter({**bereaved.anna.claimant(), "card_seen": False})
        assert unseen.status_code == 422
        answer = await bereaved.enter(bereaved.ben.claimant("child"), bereaved.anna.claimant())
        assert answer.status_code == 200, answer.text
        shares = [(each["name"], each["share_percent"]) for each in answer.json()["claimants"]]
        assert shares == [(bereaved.ben.name, 40), (bereaved.anna.name, 60)]

    async def test_a_beneficiary_named_after_the_death_is_none(
        self, bereaved: Bereaved, database: Database
    ) -> None:
        """The phone was in other hands before the office knew: the day of death counts."""
        await bereaved.name(bereaved.anna.beneficiary(100))
        await bereaved.died(died_on=(system_now() - timedelta(days=2)).date().isoformat())
        view = await bereaved.open(occurred_at=(system_now() - timedelta(days=3)).isoformat())
        assert view["survivors"]["beneficiaries"] == []
        assert codes(await bereaved.enter(bereaved.anna.claimant())) == ["percent-missing"]

    async def test_heirs_agree_on_the_whole(self, bereaved: Bereaved) -> None:
        await bereaved.died()
        await bereaved.open()
        heirs = (
            bereaved.anna.claimant(share_percent=50),
            bereaved.ben.claimant("child", share_percent=49),
        )
        assert codes(await bereaved.enter(*heirs)) == ["percents-not-whole"]
        missing = (bereaved.anna.claimant(share_percent=50), bereaved.ben.claimant("child"))
        assert codes(await bereaved.enter(*missing)) == ["percent-missing"]
        assert (await bereaved.submit()).json()["code"] == "claimants-missing"

    async def test_the_living_claim_for_themselves(self, bereaved: Bereaved) -> None:
        await bereaved.case.open()
        answer = await bereaved.enter(bereaved.anna.claimant(share_percent=100))
        assert answer.json()["code"] == "not-for-survivors"

    async def test_nobody_dies_before_the_accident(self, bereaved: Bereaved) -> None:
        await bereaved.died(died_on=(system_now() - timedelta(days=9)).date().isoformat())
        body = bereaved.case.body("DEATH")
        answer = await bereaved.case.post("/v1/staff/claims", bereaved.caseworker, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "died-before-incident")


class TestReview:
    async def test_each_kinship_is_proven_before_anybody_approves(self, bereaved: Bereaved) -> None:
        await bereaved.died()
        await bereaved.open()
        await bereaved.enter(
            bereaved.anna.claimant(share_percent=50),
            bereaved.ben.claimant("child", share_percent=50),
        )
        await bereaved.send(*PAPERS)
        assert (await bereaved.submit()).status_code == 200
        case = bereaved.case
        await case.lease()
        await case.accept_all()
        refused = await case.decide({"verdict": "approve"})
        assert (refused.status_code, refused.json()["code"]) == (409, "kinship-not-proven")
        seen = await case.seen()
        assert refused.json()["claimants"] == [each["id"] for each in seen["claimants"]]
        certificate = seen["documents"][1]["files"][0]["id"]
        path = f"{case.staff_path}/claimants/{seen['claimants'][0]['id']}/kinship"
        headers = case.office.reviewer.headers
        wrong = await bereaved.client.put(path, headers=headers, json={"document_id": certificate})
        assert wrong.json()["code"] == "not-a-kinship-proof"
        await bereaved.prove()
        assert (await case.decide({"verdict": "approve"})).status_code == 200

    async def test_kinship_falls_with_the_paper_that_proved_it(self, bereaved: Bereaved) -> None:
        await bereaved.died()
        await bereaved.open()
        await bereaved.enter(bereaved.anna.claimant(share_percent=100))
        await bereaved.send(*PAPERS)
        await bereaved.submit()
        case, reviewer = bereaved.case, bereaved.case.office.reviewer
        await case.lease()
        await bereaved.prove()
        [claimant] = (await case.seen())["claimants"]
        proof = claimant["kinship_document_id"]
        path = f"{case.staff_path}/documents/{proof}/return"
        returned = await case.post(path, reviewer, {"reason_code": "unreadable"})
        assert returned.json()["claimants"][0]["kinship_document_id"] is None
        await bereaved.send("kinship_proof")
        await bereaved.submit()
        await case.lease()
        await case.accept_all()
        refused = await case.decide({"verdict": "approve"})
        assert (refused.status_code, refused.json()["code"]) == (409, "kinship-not-proven")

    async def test_who_entered_the_claimants_does_not_decide(
        self, bereaved: Bereaved, app: FastAPI
    ) -> None:
        office = bereaved.case.office
        both = await staff_token(app, office.organisation.id, ["caseworker", "reviewer"])
        await bereaved.died()
        await bereaved.open()
        answer = await bereaved.enter(bereaved.anna.claimant(share_percent=100), who=both)
        assert answer.status_code == 200, answer.text
        await bereaved.send(*PAPERS)
        assert (await bereaved.submit()).status_code == 200
        refused = await bereaved.case.lease(both)
        assert (refused.status_code, refused.json()["code"]) == (403, "conflict-of-interest")


class TestMoney:
    async def test_each_is_paid_their_own_share(
        self, bereaved: Bereaved, app: FastAPI, database: Database, simulators: Simulators
    ) -> None:
        """Three named, one left out: the others in proportion, and one account is wrong."""
        await bereaved.name(
            bereaved.anna.beneficiary(34),
            bereaved.ben.beneficiary(33, "child"),
            bereaved.clara.beneficiary(33, "child"),
        )
        await bereaved.died()
        await bereaved.open()
        await bereaved.enter(
            bereaved.anna.claimant(), bereaved.ben.claimant("child"), note="放弃继承"
        )
        await bereaved.send(*PAPERS)
        assert (await bereaved.account(0, bereaved.anna)).status_code == 201
        view = await bereaved.approved()
        # One share is on its way; the other has nowhere to go, and the promise waits for it.
        assert view["status"] == "approved"
        assert [each["amount_fen"] for each in view["claimants"]] == [2_029_851, 1_970_149]
        assert view["promises"][-1]["stops"][0]["reason_code"] == "account-needed"
        await settled(app)
        assert (await bereaved.case.seen())["status"] == "approved"
        foreign = await bereaved.account(1, bereaved.ben, account_name=bereaved.anna.name)
        assert foreign.json()["code"] == "account-name-differs"
        closed = await bereaved.account(1, bereaved.ben, account_number="6222000000009992")
        assert closed.status_code == 201
        await settled(app)
        seen = await bereaved.case.seen()
        assert (seen["status"], seen["claimants"][1]["payout"]["status"]) == ("approved", "failed")
        assert seen["claimants"][0]["payout"]["status"] == "paid"
        assert await faults(app) == {}

    async def test_all_arrive_and_the_books_agree(
        self, bereaved: Bereaved, app: FastAPI, database: Database, simulators: Simulators
    ) -> None:
        await bereaved.died()
        await bereaved.open()
        await bereaved.enter(
            bereaved.anna.claimant(share_percent=67),
            bereaved.ben.claimant("child", share_percent=33),
        )
        await bereaved.send(*PAPERS)
        for place, somebody in enumerate((bereaved.anna, bereaved.ben)):
            assert (await bereaved.account(place, somebody)).status_code == 201
        assert (await bereaved.approved())["status"] == "paying"
        await settled(app)
        seen = await bereaved.case.seen()
        assert seen["status"] == "paid"
        paid = [each["payout"]["amount_fen"] for each in seen["claimants"]]
        assert (paid, sum(paid)) == ([2_680_000, 1_320_000], WHOLE)
        booked = (
            "select sum(e.amount_fen) from ledger_entry e"
            " join ledger_transaction t on t.id = e.transaction_id"
            " join payout p on p.id = t.reference_id"
            " where t.kind = :kind and e.amount_fen > 0 and p.claim_id = :id"
        )
        for kind in ("benefit.approved", "benefit.paid"):
            assert await scalar(database, booked, kind=kind, id=seen["id"]) == WHOLE
        assert await faults(app) == {}

    async def test_a_claim_under_way_becomes_the_heirs(
        self, bereaved: Bereaved, app: FastAPI, simulators: Simulators
    ) -> None:
        """What waits in the dead member's wallet is taken back and paid to the heir."""
        case = bereaved.case
        await case.submitted()
        await case.approved(self_pay_fen=1_000_000, hospital_grade=2)
        await run_jobs(app)
        assert (await case.payout())["status"] == "waiting_confirm"
        await bereaved.died()
        await settled(app)
        # The gateway takes its time to cancel.
        for _ in range(200):
            if (seen := await case.seen())["status"] != "paying":
                break
            await asyncio.sleep(0.05)
            await poll(app)
        assert (seen["status"], seen["for_survivors"]) == ("approved", True)
        answer = await bereaved.enter(bereaved.anna.claimant(share_percent=100))
        assert answer.status_code == 200, answer.text
        await bereaved.send("kinship_proof")
        assert (await bereaved.account(0, bereaved.anna)).status_code == 201
        assert (await case.seen())["claimants"][0]["payout"] is None
        await bereaved.prove()
        await settled(app)
        seen = await case.seen()
        assert seen["status"] == "paid"
        assert seen["claimants"][0]["payout"]["amount_fen"] == 990_000
        assert await faults(app) == {}


class TestOwnAccount:
    async def test_a_survivor_claims_alone_and_sees_their_own(
        self, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        case = await make_case(app, client)
        bereaved = Bereaved(case, app)
        spouse = await with_account(app, "王梅")
        stranger = await with_account(app, "赵四")
        assert spouse.rider is not None
        assert stranger.rider is not None
        await bereaved.name(spouse.beneficiary(50), bereaved.ben.beneficiary(50, "child"))
        await bereaved.died()
        body = case.body("DEATH")
        for somebody in (spouse, stranger):
            # Nobody who has not reported it finds the policy.
            assert somebody.rider is not None
            answer = await case.post("/v1/me/claims", somebody.rider, body)
            assert answer.status_code == 404
        await bereaved.open()
        answer = await bereaved.enter(spouse.claimant(), bereaved.ben.claimant("child"))
        assert answer.status_code == 200, answer.text
        seen = await client.get(case.path, headers=spouse.rider.headers)
        assert [each["own"] for each in seen.json()["claimants"]] == [True, False]
        assert "*" in seen.json()["claimants"][1]["name"]
        listed = await client.get("/v1/me/claims", headers=spouse.rider.headers)
        assert [each["id"] for each in listed.json()["items"]] == [case.id]
        assert (await client.get(case.path, headers=stranger.rider.headers)).status_code == 404
        await bereaved.send(*PAPERS)
        seen = await client.get(case.path, headers=spouse.rider.headers)
        file = next(file["id"] for each in seen.json()["documents"] for file in each["files"])
        view = f"{case.path}/documents/{file}/view"
        other = await client.post(view, headers=spouse.rider.headers, json={"variant": "content"})
        assert (other.status_code, other.json()["code"]) == (404, "claim-document-not-found")
        withdrawn = await client.post(f"{case.path}/withdrawal", headers=spouse.rider.headers)
        assert withdrawn.status_code == 403


class TestUnderWay:
    async def test_a_claim_in_review_waits_for_the_heirs(self, bereaved: Bereaved) -> None:
        """Its promise stands until somebody may be paid; nothing is decided by rule."""
        case = bereaved.case
        await case.submitted()
        await bereaved.died()
        stopped = (await case.seen())["promises"][-1]["stops"][-1]
        assert (stopped["reason_code"], stopped["until"]) == ("payee-died", None)
        # No reviewer paused it: none can say that the answer is there.
        pause, reviewer = f"{case.staff_path}/pause", case.office.reviewer
        answer = await case.client.delete(pause, headers=reviewer.headers)
        assert answer.json()["promises"][-1]["stops"][-1]["until"] is None
        heir = bereaved.anna.claimant(share_percent=100)
        assert (await bereaved.enter(heir)).status_code == 200
        assert (await case.seen())["promises"][-1]["stops"][-1]["until"] is not None
        await bereaved.send("kinship_proof")
        # Nothing else is taken any more, and who claims is settled.
        late = await case.client.post(
            f"{case.staff_path}/documents",
            headers=bereaved.caseworker.keyed,
            data={"kind": "receipt"},
            files={"file": ("a.jpg", b"x", "image/jpeg")},
        )
        assert (late.status_code, late.json()["code"]) == (409, "documents-closed")
        assert (await bereaved.enter(heir)).json()["code"] == "claimants-closed"
        assert (await case.lease()).status_code == 200
        await case.accept_all()
        await bereaved.prove()
        facts = {"self_pay_fen": 1_000_000, "hospital_grade": 2}
        answer = await case.decide({"verdict": "approve", "facts": facts})
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "approved"

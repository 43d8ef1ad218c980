"""Reports of deaths: who may make them, what is blocked from then on, and how a mistake ends."""

import httpx
import pytest
from fastapi import FastAPI

from app.access.errors import AccountBlocked
from app.access.member_accounts import account_of_phone
from app.kernel.clock import business_day, system_now
from app.kernel.database import Database
from app.members.blocking import blocked_since
from app.members.errors import MemberBlocked
from app.notifications.service import notify
from app.worker import JOBS
from tests.claims.bereaved import Bereaved, Somebody, with_account
from tests.claims.factories import make_case, make_policy, run_jobs
from tests.claims.test_invariants import faults
from tests.cover_fixtures import context_of, order, scalar
from tests.rosters.factories import document_number, make_platform
from tests.rosters.factories import rider as roster_rider

pytestmark = pytest.mark.anyio

DEAD = "李阳"


@pytest.fixture
async def bereaved(app: FastAPI, client: httpx.AsyncClient) -> Bereaved:
    return Bereaved(await make_case(app, client), app)


async def code_of(answer: httpx.Response, status: int = 409) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["code"])


class TestBlocking:
    async def test_every_door_but_the_claims_is_shut(
        self, bereaved: Bereaved, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        case, staff = bereaved.case, bereaved.caseworker
        member_id = await scalar(
            app.state.database,
            "select id from member where person_id = :id",
            id=str(case.rider.person.id),
        )
        reads = (
            f"/v1/staff/members/{member_id}",
            f"/v1/staff/policies/{case.policy.id}/beneficiaries",
        )
        for path in reads:
            assert (await client.get(path, headers=staff.headers)).status_code == 200, path
        assert (await client.get(f"/v1/certificates/{case.policy.number}")).status_code == 200
        await bereaved.died()
        for path in reads:
            answer = await client.get(path, headers=staff.headers)
            assert await code_of(answer) == "member-blocked", path
            assert answer.json()["reason"] == "death"
        assert (await client.get(f"/v1/certificates/{case.policy.number}")).status_code == 404
        quote = {"plan_code": "RIDER-ACC", "shares": 1}
        path = f"/v1/staff/members/{case.rider.person.id}/quotes"
        answer = await client.post(path, headers=staff.headers, json=quote)
        assert await code_of(answer) == "member-blocked"
        # Somebody else's organisation learns nothing at all.
        elsewhere = (await make_case(app, client)).office.caseworker
        for path in reads:
            assert (await client.get(path, headers=elsewhere.headers)).status_code == 404
        assert await faults(app) == {}

    async def test_nobody_logs_in_and_nothing_more_is_sold(
        self, bereaved: Bereaved, app: FastAPI, client: httpx.AsyncClient, database: Database
    ) -> None:
        rider = bereaved.case.rider
        waiting = await order(client, rider)
        await bereaved.died()
        async with database.transaction() as session:
            with pytest.raises(AccountBlocked):
                await account_of_phone(session, app.state.vault, rider.caller.phone, system_now())
        subject = {"subject_id": str(rider.person.id)}
        await JOBS["billing.end_after_death"](context_of(app), subject)
        await JOBS["billing.end_after_death"](context_of(app), subject)
        closed = "select status from contribution_order where id = :id"
        assert await scalar(database, closed, id=waiting["id"]) == "closed"
        why = (
            "select reason_code from status_history where subject_id = :id and to_status = 'closed'"
        )
        assert await scalar(database, why, id=waiting["id"]) == "death"
        with pytest.raises(MemberBlocked):
            await make_policy(app, rider, bereaved.case.office.organisation.id)

    async def test_no_message_is_written(
        self, bereaved: Bereaved, app: FastAPI, database: Database
    ) -> None:
        await bereaved.died()
        async with database.transaction() as session:
            told = await notify(
                session,
                app.state.vault,
                person_id=bereaved.case.rider.person.id,
                template="death_report_withdrawn",
                subject="person",
                subject_id=bereaved.case.rider.person.id,
                parameters={},
                once_key="to the dead",
                now=system_now(),
            )
        assert told is None

    async def test_a_dead_member_is_served_for_a_claim_alone(
        self, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        case = await make_case(app, client)
        dead = await with_account(app, DEAD, organisation_id=case.office.organisation.id)
        assert dead.rider is not None
        case.rider = dead.rider
        await Bereaved(case, app).died()
        elsewhere = (await make_case(app, client)).office.caseworker
        body = {"document": dead.document, "reason": "correction"}
        answer = await case.post("/v1/staff/serve-grants", elsewhere, body)
        assert await code_of(answer) == "member-blocked"
        answer = await case.post("/v1/staff/serve-grants", elsewhere, body | {"reason": "claim"})
        assert answer.status_code == 201

    async def test_nobody_becomes_the_dead(
        self, bereaved: Bereaved, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        """Not as a claimant for somebody else, and not by showing a card."""
        dead = await with_account(app, DEAD, organisation_id=bereaved.case.office.organisation.id)
        assert dead.rider is not None
        await bereaved.died(person_id=str(dead.rider.person.id))
        await bereaved.died()
        await bereaved.open()
        answer = await bereaved.enter(dead.claimant(share_percent=100))
        assert await code_of(answer) == "member-blocked"

    async def test_a_roster_enrols_nobody_who_is_dead(
        self, bereaved: Bereaved, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        dead = await with_account(app, DEAD, organisation_id=bereaved.case.office.organisation.id)
        assert dead.rider is not None
        await bereaved.died(person_id=str(dead.rider.person.id))
        platform = await make_platform(app, client)
        await platform.agree()
        await platform.push([roster_rider(name=dead.name, document_number=dead.number)])
        [row] = await platform.rows()
        assert (row["answer"], [each["code"] for each in row["errors"]]) == (
            "refused",
            ["person-not-enrollable"],
        )


class TestReports:
    async def test_an_office_reports_once_and_not_the_future(self, bereaved: Bereaved) -> None:
        answer = await bereaved.report(died_on="2799-01-01")
        assert answer.status_code == 422
        view = await bereaved.died()
        assert view["status"] == "confirmed"
        assert view["evidence"].startswith("CANARY")
        assert await code_of(await bereaved.report()) == "death-reported-before"
        listed = await bereaved.client.get(
            "/v1/staff/death-reports?status=confirmed", headers=bereaved.caseworker.headers
        )
        assert [each["id"] for each in listed.json()["items"]] == [view["id"]]

    async def test_another_office_neither_reports_nor_reads(
        self, bereaved: Bereaved, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        elsewhere = (await make_case(app, client)).office.caseworker
        assert (await bereaved.report(elsewhere)).status_code == 404
        view = await bereaved.died()
        path = f"/v1/staff/death-reports/{view['id']}"
        assert (await client.get(path, headers=elsewhere.headers)).status_code == 404

    async def test_a_claimants_report_tells_nothing_and_blocks_nobody(
        self, app: FastAPI, client: httpx.AsyncClient, database: Database
    ) -> None:
        case = await make_case(app, client)
        dead = await with_account(app, DEAD, organisation_id=case.office.organisation.id)
        spouse = await with_account(app, "王梅")
        assert dead.rider is not None
        assert spouse.rider is not None
        body = {
            "name": dead.name,
            "document": dead.document,
            "died_on": business_day(system_now()).isoformat(),
            "relation": "spouse",
        }
        path = "/v1/me/death-reports"
        views = []
        for typed in (
            body,
            body | {"name": "别人"},
            body | {"document": {"type": "resident_id", "number": document_number()}},
        ):
            answer = await case.post(path, spouse.rider, typed)
            assert answer.status_code == 201, answer.text
            views.append(answer.json())
        blanks = [{**each, "id": 0, "reported_at": 0} for each in views]
        assert blanks[0] == blanks[1] == blanks[2]
        async with database.transaction() as session:
            assert await blocked_since(session, dead.rider.person.id) is None
        answers = "/v1/staff/death-reports/{}/answer"
        confirm = {"verdict": "confirm", "note": "证明原件"}
        # Those who are known by nothing came to the municipal office; ours to its own.
        done = await case.post(answers.format(views[0]["id"]), case.office.caseworker, confirm)
        assert done.status_code == 200, done.text
        async with database.transaction() as session:
            assert await blocked_since(session, dead.rider.person.id) is not None
        again = await case.post(answers.format(views[0]["id"]), case.office.caseworker, confirm)
        assert await code_of(again) == "death-report-answered"
        assert await faults(app) == {}

    async def test_numbers_are_not_tried_out(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        case = await make_case(app, client)
        spouse = await with_account(app, "王梅")
        assert spouse.rider is not None
        statuses = []
        for _ in range(6):
            body = {
                "name": DEAD,
                "document": {"type": "resident_id", "number": document_number()},
                "died_on": "2026-01-01",
                "relation": "spouse",
            }
            answer = await case.post("/v1/me/death-reports", spouse.rider, body)
            statuses.append(answer.status_code)
        assert statuses == [201] * 5 + [429]


class TestMistakes:
    async def test_a_supervisor_undoes_it_and_the_member_is_back(
        self, bereaved: Bereaved, app: FastAPI, client: httpx.AsyncClient, database: Database
    ) -> None:
        rider = bereaved.case.rider
        report = await bereaved.died()
        opened = await bereaved.open()
        assert (await bereaved.withdraw(report["id"], bereaved.caseworker)).status_code == 403
        answer = await bereaved.withdraw(report["id"])
        assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn"), answer.text
        async with database.transaction() as session:
            account = await account_of_phone(
                session, app.state.vault, rider.caller.phone, system_now()
            )
            assert account.status == "active"
        status = "select status from claim where id = :id"
        assert await scalar(database, status, id=opened["id"]) == "withdrawn"
        await run_jobs(app)
        told = "select count(*) from message where template = 'death_report_withdrawn'"
        assert await scalar(database, told + " and person_id = :id", id=str(rider.person.id)) == 1
        again = await bereaved.withdraw(report["id"])
        assert await code_of(again) == "death-report-answered"
        # And it may be reported anew.
        assert (await bereaved.report()).status_code == 201
        assert await faults(app) == {}

    async def test_not_once_a_claim_that_rests_on_it_is_decided(self, bereaved: Bereaved) -> None:
        report = await bereaved.died()
        await bereaved.open()
        heir = Somebody("王梅")
        assert (await bereaved.enter(heir.claimant(share_percent=100))).status_code == 200
        await bereaved.send("death_certificate", "kinship_proof")
        await bereaved.approved()
        answer = await bereaved.withdraw(report["id"])
        assert await code_of(answer) == "claims-rest-on-report"
        assert answer.json()["claims"] == [(await bereaved.case.seen())["number"]]

    async def test_a_claim_that_stood_still_for_it_goes_on(self, bereaved: Bereaved) -> None:
        await bereaved.case.submitted()
        report = await bereaved.died()
        assert (await bereaved.withdraw(report["id"])).status_code == 200
        [stop] = (await bereaved.case.seen())["promises"][-1]["stops"]
        assert stop["reason_code"] == "payee-died"
        assert stop["until"] is not None

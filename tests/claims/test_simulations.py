"""A draft replayed against decided claims: exact sums, history, resuming, whose it is."""

import asyncio
from copy import deepcopy
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.claims import simulation_queries, simulation_run
from app.claims.jobs import JOBS
from app.kernel.database import Database
from app.organisations.models import Kind
from tests.access_fixtures import make_organisation, staff_token
from tests.claims.simulated import PATH, Desk, benefit, born, condition, make_desk
from tests.cover_fixtures import context_of
from tests.policies.changing import cancelled_from_its_start

pytestmark = pytest.mark.anyio

ONE_YUAN = 100
HALF = {"percent": {"of": "self_pay_fen", "rate": "0.5"}}
PUBLISHED: dict[str, Any] = {
    "eligibility": {
        "ages": {"male": {"minimum": 16, "maximum": 60}, "female": {"minimum": 16, "maximum": 60}}
    },
    "contribution": {
        "max_shares": 3,
        "options": [
            {"code": "A", "term": {"months": 12}, "price": {"times": [{"yuan": 30}, "shares"]}}
        ],
    },
    "benefits": [
        benefit("MED", {"at_most": {"of": HALF, "limit": {"yuan": 10000}}}),
        benefit("LOSS", "loss_fen", limits=[{"max": {"yuan": 3000}, "per": "term"}]),
        benefit("SURG", {"when": {"if": "surgery", "then": {"yuan": 2000}, "otherwise": 0}}),
    ],
}
DRAFT: dict[str, Any] = deepcopy(PUBLISHED) | {
    "benefits": [
        # Another rate and another cap.
        benefit(
            "MED",
            {
                "at_most": {
                    "of": {"percent": {"of": "self_pay_fen", "rate": "0.6"}},
                    "limit": {"yuan": 4000},
                }
            },
        ),
        # Less for a term, and nothing for what is small.
        benefit(
            "LOSS",
            "loss_fen",
            limits=[{"max": {"yuan": 1500}, "per": "term"}],
            conditions=[condition("loss-too-small", {"reaches": ["loss_fen", {"yuan": 100}]})],
        ),
        # Something that nobody was asked for.
        benefit("SURG", {"times": [{"yuan": 100}, "family_members"]}),
    ]
}


@pytest.fixture
async def desk(app: FastAPI, client: httpx.AsyncClient) -> Desk:
    return await make_desk(app, client)


def yuan(amount: int) -> int:
    return amount * ONE_YUAN


async def past(desk: Desk) -> dict[str, Any]:
    """Ten decided claims of four people."""
    version_id = await desk.publish(**PUBLISHED)
    one, two, three, four = [await desk.cover(version_id) for _ in range(4)]

    def paid(fen: int) -> dict[str, Any]:
        return {"self_pay_fen": fen}

    def lost(fen: int) -> dict[str, Any]:
        return {"loss_fen": fen}

    return {
        "dearer": await desk.decided(one, "MED", paid(yuan(1_000)), days_ago=20),
        "capped": await desk.decided(one, "MED", paid(yuan(30_000)), days_ago=19),
        "first": await desk.decided(two, "LOSS", lost(yuan(1_000)), days_ago=30),
        "second": await desk.decided(two, "LOSS", lost(yuan(1_000)), days_ago=20),
        "third": await desk.decided(two, "LOSS", lost(yuan(1_000)), days_ago=10),
        "small": await desk.decided(three, "LOSS", lost(yuan(50)), days_ago=9),
        "unclear": await desk.decided(three, "SURG", {"surgery": True}, days_ago=8),
        "refused": await desk.decided(
            four, "MED", paid(yuan(200)), days_ago=7, denied_for="condition-not-met"
        ),
        "forged": await desk.decided(
            four, "MED", paid(yuan(500)), days_ago=6, denied_for="not-genuine"
        ),
        # Refused before anybody had stated a fact: nothing to replay.
        "empty": await desk.decided(four, "MED", {}, days_ago=5, denied_for="not-covered"),
    }


async def test_exact_sums_of_caps_rates_conditions_history_and_missing_facts(desk: Desk) -> None:
    claims = await past(desk)
    uses = await desk.uses()
    view = await desk.simulated(await desk.draft(**DRAFT))
    found = {each["benefit_code"]: each for each in view["result"]["benefits"]}
    assert found["MED"] == {
        "benefit_code": "MED",
        "claims": 4,
        "paid_now_fen": yuan(500 + 10_000),
        "paid_then_fen": yuan(600 + 4_000 + 120),
        "difference_fen": yuan(-5_780),
        "up": 2,
        "down": 1,
        "same": 1,
        "judged": 1,
        "clouded": 0,
        "newly_denied": {},
        "newly_paid": {"condition-not-met": 1},
        "not_comparable": {"claims": 0, "paid_now_fen": 0, "facts": {}},
    }
    # 1,000 + 500 + 0 of the replay's own history, and 50 yuan are below the condition.
    assert found["LOSS"] == {
        "benefit_code": "LOSS",
        "claims": 4,
        "paid_now_fen": yuan(3_050),
        "paid_then_fen": yuan(1_500),
        "difference_fen": yuan(-1_550),
        "up": 0,
        "down": 3,
        "same": 1,
        "judged": 0,
        "clouded": 0,
        "newly_denied": {"used-up": 1, "loss-too-small": 1},
        "newly_paid": {},
        "not_comparable": {"claims": 0, "paid_now_fen": 0, "facts": {}},
    }
    assert found["SURG"]["claims"] == 0
    assert found["SURG"]["not_comparable"] == {
        "claims": 1,
        "paid_now_fen": yuan(2_000),
        "facts": {"family_members": 1},
    }
    totals = view["result"]["totals"]
    assert totals["claims"] == 8
    assert totals["difference_fen"] == yuan(-5_780 - 1_550)
    assert totals["not_comparable_paid_now_fen"] == yuan(2_000)
    assert view["progress"]["claims_done"] == view["progress"]["claims_total"] == 9
    worst, best = view["result"]["worst"], view["result"]["best"]
    assert [each["claim_id"] for each in worst] == [
        str(claims[name].id) for name in ("capped", "third", "second", "small")
    ]
    assert [each["claim_id"] for each in best] == [
        str(claims[name].id) for name in ("refused", "dearer")
    ]
    assert worst[1] == {
        "claim_id": str(claims["third"].id),
        "number": claims["third"].number,
        "benefit_code": "LOSS",
        "paid_now_fen": yuan(1_000),
        "paid_then_fen": 0,
        "difference_fen": yuan(-1_000),
        "reason_now": None,
        "reason_then": "used-up",
        "limits_now": [],
        "limits_then": ["term"],
    }
    assert best[0]["reason_now"] == "condition-not-met"
    assert await desk.uses() == uses


async def test_the_published_version_pays_what_it_paid(desk: Desk) -> None:
    """The replay's history is the real one then, limit for limit."""
    version_id = await desk.publish(**PUBLISHED)
    policy = await desk.cover(version_id, shares=2)
    for nth, fen in enumerate((yuan(1_234), yuan(999), yuan(2_000))):
        await desk.decided(policy, "LOSS", {"loss_fen": fen}, days_ago=9 - nth)
    await desk.decided(policy, "MED", {"self_pay_fen": 333}, days_ago=3)
    view = await desk.simulated(version_id)
    totals = view["result"]["totals"]
    assert (totals["claims"], totals["same"], totals["difference_fen"]) == (4, 4, 0)
    assert totals["paid_then_fen"] == yuan(3_000) + 167
    assert view["result"]["worst"] == view["result"]["best"] == []


async def test_history_before_the_days_counts_against_limits_and_in_no_sum(desk: Desk) -> None:
    version_id = await desk.publish(**PUBLISHED)
    policy = await desk.cover(version_id)
    early = await desk.decided(policy, "LOSS", {"loss_fen": yuan(1_400)}, days_ago=40)
    late = await desk.decided(policy, "LOSS", {"loss_fen": yuan(1_400)}, days_ago=4)
    assert early.decided_at is not None
    assert late.decided_at is not None
    body = desk.body(await desk.draft(**DRAFT), from_on=str(late.decided_at.date()))
    simulation_id = await desk.asked(body)
    await desk.work(simulation_id)
    totals = (await desk.read(simulation_id))["result"]["totals"]
    assert (totals["claims"], totals["paid_now_fen"]) == (1, yuan(1_400))
    assert totals["paid_then_fen"] == yuan(100)


async def test_what_follows_an_unclear_claim_rests_on_what_it_was_paid(desk: Desk) -> None:
    version_id = await desk.publish(**PUBLISHED)
    policy = await desk.cover(version_id)
    await desk.decided(policy, "SURG", {"surgery": True}, days_ago=9)
    await desk.decided(policy, "LOSS", {"loss_fen": yuan(300)}, days_ago=8)
    changed = deepcopy(DRAFT)
    changed["limits"] = [{"max": {"yuan": 2100}, "per": "term"}]
    view = await desk.simulated(await desk.draft(**changed))
    [loss, surgery] = view["result"]["benefits"]
    assert (loss["clouded"], loss["paid_then_fen"]) == (1, yuan(100))
    assert surgery["not_comparable"]["claims"] == 1


async def test_renamed_and_dropped_benefits(desk: Desk) -> None:
    await past(desk)
    changed = deepcopy(DRAFT)
    changed["benefits"] = [changed["benefits"][0] | {"code": "MEDICAL"}]
    view = await desk.simulated(await desk.draft(**changed), benefits={"MED": "MEDICAL"})
    found = {each["benefit_code"]: each for each in view["result"]["benefits"]}
    assert found["MED"]["paid_then_fen"] == yuan(4_720)
    assert found["LOSS"]["newly_denied"] == {"no-such-benefit": 4}


async def test_waiting_days_causes_and_deadlines_of_the_draft(desk: Desk) -> None:
    version_id = await desk.publish(**PUBLISHED)
    policy = await desk.cover(version_id, started_days_ago=60)
    paid = {"self_pay_fen": yuan(100)}
    await desk.decided(policy, "MED", paid, days_ago=40, happened_days_ago=50, cause="illness")
    await desk.decided(policy, "MED", paid, days_ago=9, happened_days_ago=10, cause="illness")
    waiting = deepcopy(PUBLISHED) | {"waiting": {"illness_days": 30}}
    view = await desk.simulated(await desk.draft(**waiting))
    assert view["result"]["benefits"][0]["newly_denied"] == {"waiting": 1}
    accidents = deepcopy(PUBLISHED)
    accidents["benefits"][0]["causes"] = ["accident"]
    view = await desk.simulated(await desk.draft(**accidents))
    assert view["result"]["benefits"][0]["newly_denied"] == {"cause": 2}


async def test_cover_that_was_cancelled_afterwards_was_cover(
    desk: Desk, database: Database
) -> None:
    version_id = await desk.publish(**PUBLISHED)
    policy = await desk.cover(version_id)
    await desk.decided(policy, "MED", {"self_pay_fen": yuan(100)}, days_ago=9)
    await cancelled_from_its_start(database, policy.id)
    view = await desk.simulated(version_id)
    assert view["result"]["totals"]["same"] == 1


async def test_members_of_today_their_contributions_and_who_may_stay(desk: Desk) -> None:
    version_id = await desk.publish(**PUBLISHED)
    await desk.cover(version_id, birth_on=born(30))
    await desk.cover(version_id, birth_on=born(58), shares=2)
    await desk.cover(version_id, birth_on=born(58), sex="female")
    # Over already: neither a member nor income.
    await desk.cover(version_id, started_days_ago=380)
    changed = deepcopy(PUBLISHED)
    changed["eligibility"]["ages"] = {
        "male": {"minimum": 16, "maximum": 55},
        "female": {"minimum": 16, "maximum": 60},
    }
    changed["contribution"]["max_shares"] = 1
    changed["contribution"]["options"][0] = {
        "code": "A",
        "term": {"months": 6},
        "price": {
            "choose": {
                "by": "sex",
                "cases": {"female": {"yuan": 20}},
                "otherwise": {"times": [{"yuan": 25}, "shares"]},
            }
        },
    }
    members = (await desk.simulated(await desk.draft(**changed)))["result"]["membership"]
    assert (members["policies"], members["members"]) == (3, 3)
    assert members["now_fen_per_year"] == yuan(30 + 60 + 30)
    assert members["then_fen_per_year"] == 2 * yuan(25 + 50 + 20)
    assert members["difference_fen_per_year"] == yuan(70)
    assert [(each["shares"], each["policies"]) for each in members["options"]] == [(1, 2), (2, 1)]
    assert members["no_longer_eligible"] == {
        "members": 1,
        "rules": {"age-above-maximum": 1, "shares-over-limit": 1},
    }


async def test_a_price_that_nobody_can_tell_here_is_not_guessed(desk: Desk) -> None:
    version_id = await desk.publish(**PUBLISHED)
    await desk.cover(version_id)
    changed = deepcopy(PUBLISHED)
    changed["contribution"]["options"][0]["price"] = {
        "choose": {
            "by": "occupation",
            "cases": {"courier": {"yuan": 20}},
            "otherwise": {"yuan": 25},
        }
    }
    members = (await desk.simulated(await desk.draft(**changed)))["result"]["membership"]
    assert members["not_priced"] == {"occupation": 1}
    assert members["now_fen_per_year"] == members["then_fen_per_year"] == 0


class Killed(BaseException):
    """What a worker sees of kill -9."""


async def test_a_killed_run_goes_on_and_counts_nothing_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await past(desk)
    draft = await desk.draft(**DRAFT)
    whole = await desk.simulated(draft)
    monkeypatch.setattr(simulation_queries, "SLICE_CLAIMS", 1)
    simulation_id = await desk.asked(desk.body(draft))
    keep, kept = simulation_run.keep, 0

    async def killed(*arguments: Any) -> None:
        nonlocal kept
        if kept in (1, 3):
            kept += 1
            raise Killed
        await keep(*arguments)
        kept += 1

    monkeypatch.setattr(simulation_run, "keep", killed)
    with pytest.raises(Killed):
        await desk.work(simulation_id)
    halfway = await desk.read(simulation_id)
    assert halfway["status"] == "running"
    assert 0 < halfway["progress"]["claims_done"] < 9
    with pytest.raises(Killed):
        await desk.work(simulation_id)
    await desk.work(simulation_id)
    resumed = await desk.read(simulation_id)
    assert resumed["status"] == "done"
    assert resumed["result"] == whole["result"]
    # A job may run more than once.
    await desk.work(simulation_id)
    assert await desk.read(simulation_id) == resumed


@pytest.mark.long
async def test_processes_of_their_own_find_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await past(desk)
    draft = await desk.draft(**DRAFT)
    whole = await desk.simulated(draft)
    monkeypatch.setattr(simulation_queries, "SLICE_CLAIMS", 2)
    monkeypatch.setattr(simulation_run, "processes", lambda _claims: 2)
    assert (await desk.simulated(draft))["result"] == whole["result"]


async def test_two_workers_on_one_simulation_count_nothing_twice(
    desk: Desk, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was thought dead comes back: it finds its place taken and stops."""
    await past(desk)
    draft = await desk.draft(**DRAFT)
    whole = await desk.simulated(draft)
    monkeypatch.setattr(simulation_queries, "SLICE_CLAIMS", 1)
    simulation_id = await desk.asked(desk.body(draft))

    async def another_worker() -> None:
        monkeypatch.setattr(simulation_run, "_one_at_a_time", asyncio.Lock())
        await JOBS["claims.simulate"](context_of(app), {"simulation_id": simulation_id})

    await asyncio.gather(*[another_worker() for _ in range(3)])
    view = await desk.read(simulation_id)
    if view["status"] != "done":
        await desk.work(simulation_id)
        view = await desk.read(simulation_id)
    assert view["result"] == whole["result"]


async def test_cancelled_between_slices_and_not_cancelled_when_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await past(desk)
    simulation_id = await desk.asked(desk.body(await desk.draft(**DRAFT)))
    monkeypatch.setattr(simulation_queries, "SLICE_CLAIMS", 1)
    cancellation = f"{PATH}/{simulation_id}/cancellation"
    keep = simulation_run.keep

    async def cancelled(*arguments: Any) -> None:
        await keep(*arguments)
        await desk.client.post(cancellation, headers=desk.chief.headers)

    monkeypatch.setattr(simulation_run, "keep", cancelled)
    await desk.work(simulation_id)
    view = await desk.read(simulation_id)
    assert (view["status"], view["result"]) == ("cancelled", None)
    assert 0 < view["progress"]["claims_done"] < 9
    again = await desk.client.post(cancellation, headers=desk.chief.headers)
    assert again.status_code == 409
    await desk.work(simulation_id)
    assert await desk.read(simulation_id) == view


async def test_a_record_that_does_not_open_fails_the_simulation(
    desk: Desk, database: Database
) -> None:
    claims = await past(desk)
    async with database.transaction() as session:
        await session.execute(text("reset role"))
        await session.execute(
            text("update claim_facts set sealed = '\\x0001ff' where claim_id = :id"),
            {"id": claims["small"].id},
        )
    simulation_id = await desk.asked(desk.body(await desk.draft(**DRAFT)))
    await desk.work(simulation_id)
    view = await desk.read(simulation_id)
    assert (view["status"], view["failure_code"]) == ("failed", "record-unreadable")
    assert view["result"] is None


async def test_a_run_that_always_stops_fails_in_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await past(desk)
    simulation_id = await desk.asked(desk.body(await desk.draft(**DRAFT)))

    async def killed(*_arguments: Any) -> None:
        raise Killed

    monkeypatch.setattr(simulation_run, "keep", killed)
    for _ in range(simulation_run.MAX_STARTS):
        with pytest.raises(Killed):
            await desk.work(simulation_id)
    await desk.work(simulation_id)
    view = await desk.read(simulation_id)
    assert (view["status"], view["failure_code"]) == ("failed", "keeps-stopping")


async def test_a_draft_that_goes_meanwhile_changes_nothing(desk: Desk) -> None:
    await past(desk)
    made = await desk.draft(**DRAFT)
    simulation_id = await desk.asked(desk.body(made))
    found = await desk.authors.get(f"/{made}")
    path = f"/v1/staff/plan-versions/{made}"
    headers = desk.authors.agency.headers | {"If-Match": found.headers["etag"]}
    assert (await desk.client.delete(path, headers=headers)).status_code == 204
    await desk.work(simulation_id)
    view = await desk.read(simulation_id)
    assert (view["status"], view["version_id"]) == ("done", made)


async def test_examples_are_explained_on_both_sides_and_the_look_is_recorded(
    desk: Desk, database: Database
) -> None:
    claims = await past(desk)
    simulation_id = (await desk.simulated(await desk.draft(**DRAFT)))["id"]
    claim = claims["second"]
    path = f"{PATH}/{simulation_id}/examples"
    answer = await desk.client.get(f"{path}/{claim.id}", headers=desk.chief.headers)
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert (view["paid_now_fen"], view["paid_then_fen"]) == (yuan(1_000), yuan(500))
    assert view["explanation_now"]["value"] == yuan(1_000)
    assert view["explanation_then"]["value"] == yuan(500)
    async with database.transaction() as session:
        seen = await session.scalar(
            text(
                "select count(*) from audit_entry where action = 'plan_simulation.read_example'"
                " and :claim = any(subject_ids) and :person = any(subject_ids)"
                " and actor_id = :who"
            ),
            {"claim": claim.id, "person": claim.person_id, "who": desk.chief.account_id},
        )
    assert seen == 1
    # Only what the result names: a simulation is no way to look at any claim.
    other = await desk.client.get(f"{path}/{claims['forged'].id}", headers=desk.chief.headers)
    assert other.status_code == 404


async def test_whose_it_is(desk: Desk, app: FastAPI) -> None:
    """The office's own claims, and nobody else's simulations."""
    await past(desk)
    made = await desk.draft(**DRAFT)
    view = await desk.simulated(made)
    another = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    foreign = await staff_token(app, another.id, ["administrator"])
    supervisor = await staff_token(app, desk.office.id, ["supervisor"])
    reviewer = await staff_token(app, desk.office.id, ["reviewer"])
    own = f"{PATH}/{view['id']}"
    assert (await desk.read(view["id"], supervisor))["id"] == view["id"]
    for who, status in ((foreign, 404), (desk.authors.agency, 403), (reviewer, 403)):
        claim_id = view["result"]["worst"][0]["claim_id"]
        for path in (own, f"{own}/examples/{claim_id}"):
            assert (await desk.client.get(path, headers=who.headers)).status_code == status
        gone = await desk.client.post(f"{own}/cancellation", headers=who.headers)
        assert gone.status_code == status
    # A draft of one's own agency, but not the office that manages plans.
    assert (await desk.ask(desk.body(made), desk.authors.agency)).status_code == 403
    assert (await desk.ask(desk.body(made), foreign)).status_code == 404
    listed = await desk.client.get(PATH, headers=foreign.headers)
    assert listed.json()["items"] == []
    listed = await desk.client.get(PATH, headers=desk.chief.headers)
    assert [each["id"] for each in listed.json()["items"]] == [view["id"]]
    # Another city tries the published version out: it has no such claims.
    published = await desk.authors.get(f"?plan={desk.code}&status=published")
    version_id = published.json()["items"][0]["id"]
    asked = await desk.ask(desk.body(version_id), foreign)
    assert asked.status_code == 202
    await desk.work(asked.json()["id"])
    theirs = (await desk.read(asked.json()["id"], foreign))["result"]
    assert theirs["totals"]["claims"] == 0
    assert theirs["membership"]["members"] == 0


async def test_an_unchanged_simulation_is_not_sent_again(desk: Desk) -> None:
    await past(desk)
    simulation_id = await desk.asked(desk.body(await desk.draft(**DRAFT)))
    path = f"{PATH}/{simulation_id}"
    first = await desk.client.get(path, headers=desk.chief.headers)
    same = desk.chief.headers | {"If-None-Match": first.headers["etag"]}
    assert (await desk.client.get(path, headers=same)).status_code == 304
    await desk.work(simulation_id)
    done = await desk.client.get(path, headers=same)
    assert done.status_code == 200
    assert done.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"from_on": "2026-02-01", "to_on": "2026-01-01"}, 422, "/from_on"),
        ({"benefits": {"MED": "NOBODY"}}, 422, "/benefits/MED"),
        ({"benefits": {"med": "MED"}}, 422, "/benefits/med/[key]"),
        ({"against": "NO-SUCH-PLAN"}, 404, None),
        ({"version_id": "0192f0c1-7a10-7c3e-8a44-51d8ac9ec001"}, 404, None),
        ({"from_on": None}, 422, "/from_on"),
    ],
)
async def test_what_cannot_be_simulated(
    desk: Desk, change: dict[str, Any], status: int, pointer: str | None
) -> None:
    await desk.publish(**PUBLISHED)
    answer = await desk.ask(desk.body(await desk.draft(**DRAFT)) | change)
    assert answer.status_code == status, answer.text
    if pointer is not None:
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_the_same_request_twice_is_one_simulation(desk: Desk) -> None:
    await desk.publish(**PUBLISHED)
    body, headers = desk.body(await desk.draft(**DRAFT)), desk.chief.keyed
    first = await desk.client.post(PATH, headers=headers, json=body)
    second = await desk.client.post(PATH, headers=headers, json=body)
    assert first.json()["id"] == second.json()["id"]
    assert len(await desk.jobs(first.json()["id"])) == 1

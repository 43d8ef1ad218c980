"""Cancelling: amounts by the plan's rule, when cover ends, races, and money that travels back."""

import asyncio
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.billing import queries, refunds
from app.billing.cancelling import cancel
from app.billing.deposits import return_deposits
from app.claims.decision_models import BenefitUse, Decision
from app.claims.models import Claim
from app.kernel.clock import business_day, system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.members.models import Person
from app.payouts.jobs import poll
from app.policies.cover import cover_at
from app.policies.errors import RenewedAlready
from app.policies.models import Policy
from app.policies.recording import locked_policy
from tests.claims.factories import Case, bank_account, make_case, make_office
from tests.cover_fixtures import Gateway, Rider, context_of, make_rider, scalar
from tests.policies.changing import (
    BY_DAY,
    BY_MONTH,
    balance_of,
    bought,
    broken_invariants,
    business_time,
    cancellable,
    colleague_rider,
    fetch,
    given,
    office,
    publish,
)
from tests.queued_jobs import run

pytestmark = pytest.mark.anyio


class Fits(Exception):
    """Raised when everything was taken, so that nothing of it stays."""


def path_of(policy_id: Any, door: str = "me") -> str:
    return f"/v1/{door}/policies/{policy_id}/cancellation"


def half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


async def reasons(database: Database, person: Person, instant: datetime, **known: Any) -> list[str]:
    async with database.transaction() as session:
        covers = await cover_at(session, person.id, instant, **known)
    return [policy.reason for cover in covers for policy in cover.policies]


async def test_a_rule_above_what_was_paid_says_that_it_is_cut(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(before_start={"times": ["paid_fen", 2]}))
    rider = await make_rider(app)
    paid = await bought(client, gateway, rider, code, shares=2)
    preview = await client.get(path_of(paid["policy"]["id"]), headers=rider.headers)
    told = preview.json()["explanation"]
    assert (preview.json()["refund_fen"], told["value"]) == (5000, 5000)
    assert told["zh"] == "退还互助费 50.00 元"
    (cut,) = told["steps"]
    assert (cut["value"], cut["unit"]) == (5000, "fen")
    assert "100.00" in cut["zh"]
    assert "100.00" in cut["en"]
    assert [each["code"] for each in cut["steps"]] == ["times"]


async def test_before_the_start_everything_goes_back(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(before_start="paid_fen"))
    rider = await make_rider(app)
    paid = await bought(client, gateway, rider, code, shares=2)
    policy_id = paid["policy"]["id"]
    preview = (await client.get(path_of(policy_id), headers=rider.headers)).json()
    assert (preview["started"], preview["paid_fen"], preview["refund_fen"]) == (False, 5000, 5000)
    known_at = system_now()
    done = await client.post(path_of(policy_id), headers=rider.keyed)
    assert done.status_code == 201, done.text
    assert {**done.json(), "ends_at": None} == {**preview, "ends_at": None}
    assert done.json()["explanation"]["code"] == "price"
    starts_at = datetime.fromisoformat(paid["policy"]["starts_at"])
    assert await reasons(database, rider.person, starts_at) == ["cancelled"]
    assert await reasons(database, rider.person, starts_at, known_at=known_at) == ["covered"]
    held = "select count(*) from share_slot where policy_id = :id and released_at is null"
    assert await scalar(database, held, id=policy_id) == 0
    assert "billing.request_refund" in await run(app, "billing.request_refund")
    view = (await client.get(f"/v1/me/orders/{paid['id']}", headers=rider.headers)).json()
    assert (view["refund"]["amount_fen"], view["refund"]["reason_code"]) == (
        5000,
        "member_cancelled",
    )
    audited = (
        "select count(*) from audit_entry where action = 'policy.cancel' and :id = any(subject_ids)"
    )
    assert await scalar(database, audited, id=UUID(policy_id)) == 1


@pytest.mark.parametrize(
    ("rule", "day", "expected"),
    [
        ({"fen": 0}, 100, 0),
        (BY_DAY, 100, lambda paid, left, term: half_up(paid * left, term)),
        (BY_DAY, 0, lambda paid, left, term: half_up(paid * left, term)),
        (BY_MONTH, 100, lambda paid, left, term: half_up(paid * 8, 12)),
        ("paid_fen", 100, lambda paid, left, term: paid),
    ],
)
async def test_after_the_start_the_rule_decides(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    gateway: Gateway,
    rule: Any,
    day: int,
    expected: Any,
) -> None:
    """Cover goes on to the end of the day; never more than what was paid goes back."""
    code = await publish(app, cancellable(after_start=rule))
    rider = await make_rider(app)
    paid = await bought(client, gateway, rider, code, shares=3)
    starts_at, ends_at = (
        datetime.fromisoformat(paid["policy"][name]) for name in ("starts_at", "ends_at")
    )
    now = starts_at + timedelta(days=day, hours=9)
    known_at = system_now()
    async with business_time(database, now):
        done = await client.post(path_of(paid["policy"]["id"]), headers=rider.keyed)
    assert done.status_code == 201, done.text
    ends = starts_at + timedelta(days=day + 1)
    left, term = (ends_at - ends).days, (ends_at - starts_at).days
    amount = expected(7500, left, term) if callable(expected) else expected
    assert (done.json()["refund_fen"], done.json()["started"]) == (amount, True)
    assert datetime.fromisoformat(done.json()["ends_at"]) == ends
    last = ends - timedelta(microseconds=1)
    assert await reasons(database, rider.person, last) == ["covered"]
    assert await reasons(database, rider.person, ends) == ["cancelled"]
    assert await reasons(database, rider.person, ends, known_at=known_at) == ["covered"]
    rows = await fetch(
        database, "select amount_fen from refund where order_id = :id", id=UUID(paid["id"])
    )
    assert [row.amount_fen for row in rows] == ([amount] if amount else [])


async def test_claims_paid_are_taken_off_and_open_ones_stand_in_the_way(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    code = await publish(app, cancellable(after_start=BY_DAY))
    case = await make_case(app, client, await make_office(app), plan_code=code)
    await case.open()
    for answer in (
        await client.get(path_of(case.policy.id), headers=case.rider.headers),
        await client.post(path_of(case.policy.id), headers=case.rider.keyed),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "claim-open")
        assert answer.json()["claim_ids"] == [case.id]
    withdrawn = await client.post(f"{case.path}/withdrawal", headers=case.rider.headers)
    assert withdrawn.status_code == 200, withdrawn.text
    answer = await client.post(path_of(case.policy.id), headers=case.rider.keyed)
    assert (answer.status_code, answer.json()["refund_fen"]) == (201, 0)


async def test_what_was_claimed_is_taken_off(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(before_start={"minus": ["paid_fen", "claimed_fen"]}))
    case = await make_case(app, client, await make_office(app), plan_code=code)
    rider = case.rider
    paid = await bought(client, gateway, rider, code, shares=2)
    await case.open()
    await client.post(f"{case.path}/withdrawal", headers=rider.headers)
    await use_benefit(database, case, UUID(paid["policy"]["id"]), 300)
    done = await client.post(path_of(paid["policy"]["id"]), headers=rider.keyed)
    assert done.status_code == 201, done.text
    assert (done.json()["claimed_fen"], done.json()["refund_fen"]) == (300, 4700)


async def use_benefit(database: Database, case: Case, policy_id: UUID, fen: int) -> None:
    """What a paid claim leaves behind, for a policy that no time has to pass for."""
    now = system_now()
    async with database.transaction() as session:
        claim = await session.get_one(Claim, UUID(case.id))
        decision = Decision(
            id=new_id(),
            claim_id=claim.id,
            round=1,
            step="first",
            verdict="approve",
            amount_fen=fen,
            sealed=b"",
            decided_by=case.office.reviewer.account_id,
            decided_at=now,
        )
        session.add(decision)
        await session.flush()
        session.add(
            BenefitUse(
                id=new_id(),
                person_id=claim.person_id,
                claim_id=claim.id,
                decision_id=decision.id,
                incident_id=claim.incident_id,
                policy_id=policy_id,
                plan_code=claim.plan_code,
                benefit_code=claim.benefit_code,
                event_on=business_day(now),
                amount_fen=fen,
                recorded_at=now,
            )
        )


async def test_without_a_rule_it_is_not_offered(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(before_start="paid_fen"))
    organisation, caseworker = await office(app, "caseworker")
    rider = await colleague_rider(app, organisation)
    paid = await bought(client, gateway, rider, code)
    policy_id = paid["policy"]["id"]
    body = {"reason": "member_asked"}
    async with business_time(database, system_now() + timedelta(days=40)):
        for answer in (
            await client.get(path_of(policy_id), headers=rider.headers),
            await client.post(path_of(policy_id), headers=rider.keyed),
            await client.get(path_of(policy_id, "staff"), headers=caseworker.headers),
            await client.post(path_of(policy_id, "staff"), headers=caseworker.keyed, json=body),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "cancellation-not-offered")
    status = await scalar(database, "select status from policy where id = :id", id=policy_id)
    assert status == "in_force"


async def test_on_its_last_day_it_ends_anyway(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(after_start=BY_DAY))
    rider = await make_rider(app)
    paid = await bought(client, gateway, rider, code)
    ends_at = datetime.fromisoformat(paid["policy"]["ends_at"])
    for now in (ends_at - timedelta(hours=1), ends_at + timedelta(days=3)):
        async with business_time(database, now):
            answer = await client.post(path_of(paid["policy"]["id"]), headers=rider.keyed)
        assert (answer.status_code, answer.json()["code"]) == (409, "cover-has-ended")


async def test_fifty_at_once_cancel_once(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(before_start="paid_fen"))
    rider = await make_rider(app)
    paid = await bought(client, gateway, rider, code)
    policy_id = paid["policy"]["id"]
    order_path = f"/v1/me/orders/{paid['id']}/refund"
    answers = await asyncio.gather(
        *(client.post(path_of(policy_id), headers=rider.keyed) for _ in range(40)),
        *(client.post(order_path, headers=rider.keyed) for _ in range(10)),
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] in (201, 202)
    assert statuses[1:] == [409] * 49
    refunds = "select count(*) from refund where order_id = :id"
    assert await scalar(database, refunds, id=UUID(paid["id"])) == 1
    changes = "select count(*) from policy_transaction where policy_id = :id and kind = 'cancel'"
    assert await scalar(database, changes, id=policy_id) == 1


async def test_of_several_payments_the_newest_gives_first(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    """An upgrade was paid later: it goes back before anything of the first payment does."""
    code = await publish(
        app, cancellable(after_start={"at_most": {"of": "paid_fen", "limit": {"yuan": 30}}})
    )
    rider = await make_rider(app)
    paid = await bought(client, gateway, rider, code)
    policy_id = paid["policy"]["id"]
    starts_at = datetime.fromisoformat(paid["policy"]["starts_at"])
    async with business_time(database, starts_at + timedelta(hours=9)):
        upgrade = await bought(client, gateway, rider, code, kind="upgrade", policy_id=policy_id)
    async with business_time(database, starts_at + timedelta(days=9)):
        done = await client.post(path_of(policy_id), headers=rider.keyed)
    assert done.status_code == 201, done.text
    newest = upgrade["amount_fen"]
    assert 0 < newest < 2500
    assert [(each["order_id"], each["amount_fen"]) for each in done.json()["payments"]] == [
        (upgrade["id"], newest),
        (paid["id"], 3000 - newest),
    ]
    assert done.json()["paid_fen"] == 2500 + newest


async def test_more_than_a_payment_never_goes_back(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    """The database says so, whoever asks."""
    code = await publish(app, cancellable(before_start=BY_DAY))
    rider = await make_rider(app)
    paid = await bought(client, gateway, rider, code)
    attempt = (
        await fetch(
            database, "select id from payment_attempt where order_id = :id", id=UUID(paid["id"])
        )
    )[0].id
    insert = (
        "insert into refund (id, order_id, attempt_id, out_refund_no, amount_fen, status,"
        " reason_code, requested_at) values (:id, :order, :attempt, :number, :fen, 'requested',"
        " 'test', now())"
    )

    async def refund_all(*amounts: int) -> None:
        async with database.transaction() as session:
            for fen in amounts:
                values = {
                    "id": new_id(),
                    "order": UUID(paid["id"]),
                    "attempt": attempt,
                    "number": secrets.token_hex(8),
                    "fen": fen,
                }
                await session.execute(text(insert), values)
            raise Fits

    for amounts in ((2501,), (1250, 1251)):
        with pytest.raises(IntegrityError, match="refund"):
            await refund_all(*amounts)
    with pytest.raises(Fits):
        await refund_all(1250, 1250)


async def test_a_refund_that_the_gateway_refuses_stays_a_debt(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(before_start="paid_fen"))
    rider = await make_rider(app)
    paid = await bought(client, gateway, rider, code)
    await client.post(path_of(paid["policy"]["id"]), headers=rider.keyed)
    [refund] = await fetch(
        database, "select id from refund where order_id = :id", id=UUID(paid["id"])
    )
    async with database.transaction() as session:
        row = await queries.refund(session, refund.id, lock=True)
        await refunds.reject_refund(session, row, "abnormal", system_now())
    assert await balance_of(database, "refunds-payable", [refund.id]) == -2500
    status = "select status from contribution_order where id = :id"
    assert await scalar(database, status, id=UUID(paid["id"])) == "refunding"
    told = "select count(*) from event_log where name = 'refund.rejected' and subject_id = :id"
    assert await scalar(database, told, id=refund.id) == 1


@pytest.mark.long
def after_a_year(document: dict[str, Any]) -> None:
    document["cancellation"] = {"after_start": BY_DAY}
    document["contribution"]["options"][0]["term"] = {"months": 36}


async def test_after_a_year_it_goes_to_an_account(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    """The gateway pays back for a year only; without an account the debt waits for one."""
    code = await publish(app, after_a_year)
    rider = await make_rider(app)
    paid = await bought(client, gateway, rider, code)
    starts_at = datetime.fromisoformat(paid["policy"]["starts_at"])
    async with business_time(database, starts_at + timedelta(days=500)):
        done = await client.post(path_of(paid["policy"]["id"]), headers=rider.keyed)
        assert done.status_code == 201, done.text
        [back] = done.json()["payments"]
        assert back["method"] == "payout"
        assert "billing.pay_back" in await run(app, "billing.pay_back")
        [refund] = await fetch(
            database,
            "select id, status, sent_at from refund where order_id = :id",
            id=UUID(paid["id"]),
        )
        assert (refund.status, refund.sent_at) == ("requested", None)
        waiting = (
            "select count(*) from event_log where name = 'refund.waiting' and subject_id = :id"
        )
        assert await scalar(database, waiting, id=refund.id) == 1
        recorded = await client.post(
            "/v1/me/payout-accounts", headers=rider.keyed, json=bank_account()
        )
        assert recorded.status_code == 201, recorded.text
        names = await run(app, "billing.", "payouts.", "claims.pay")
        assert "payouts.send" in names
        await settle_payouts(app, database)
    assert await scalar(database, "select status from refund where id = :id", id=refund.id) == (
        "succeeded"
    )
    payout = await scalar(database, "select id from payout where refund_id = :id", id=refund.id)
    assert await balance_of(database, "refunds-payable", [refund.id, payout]) == 0
    assert await balance_of(database, "bank", [payout]) == -back["amount_fen"]
    status = "select status from contribution_order where id = :id"
    assert await scalar(database, status, id=UUID(paid["id"])) == "refunded"


@pytest.mark.parametrize("word", [None, "confirmed", "harmless"])
async def test_it_goes_to_no_account_of_strangers(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    gateway: Gateway,
    word: str | None,
) -> None:
    """It waits for another account, unless a claim's reviewer found nothing wrong with this."""
    case, account = await make_case(app, client), bank_account()
    code = await publish(app, after_a_year)
    paid = await bought(client, gateway, case.rider, code)
    # The wallet is another way, and not what this is about.
    untied = "update member_account set openid_index = null where id = :id returning 1"
    await scalar(database, untied, id=case.rider.caller.account_id)
    stranger = await make_rider(app)
    for who in (stranger, case.rider):
        recorded = await client.post("/v1/me/payout-accounts", headers=who.keyed, json=account)
        assert recorded.status_code == 201, recorded.text
    shared = recorded.json()["id"]
    if word is not None:
        await case.submitted()
        assert (await case.lease()).status_code == 200
        [signal] = [each for each in await case.signals() if each["kind"] == "shared-account"]
        assert (await case.judge(signal["id"], word)).status_code == 200
    starts_at = datetime.fromisoformat(paid["policy"]["starts_at"])
    async with business_time(database, starts_at + timedelta(days=500)):
        done = await client.post(path_of(paid["policy"]["id"]), headers=case.rider.keyed)
        assert done.status_code == 201, done.text
        await run(app, "billing.pay_back$")
        payouts = (
            "select p.payout_account_id::text from payout p join refund r on r.id = p.refund_id"
            " where r.order_id = :id"
        )
        sent = await scalar(database, payouts, id=UUID(paid["id"]))
        assert sent == (shared if word == "harmless" else None)
        if sent is None:
            own = await client.post(
                "/v1/me/payout-accounts", headers=case.rider.keyed, json=bank_account()
            )
            cooled = "update payout_account set usable_from = now() where id = :id returning 1"
            await scalar(database, cooled, id=own.json()["id"])
            await run(app, "billing.pay_back")
            assert await scalar(database, payouts, id=UUID(paid["id"])) == own.json()["id"]


async def test_it_goes_on_when_somebody_found_nothing_wrong_with_the_account(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    case, account = await make_case(app, client), bank_account()
    paid = await bought(client, gateway, case.rider, await publish(app, after_a_year))
    untied = "update member_account set openid_index = null where id = :id returning 1"
    await scalar(database, untied, id=case.rider.caller.account_id)
    for who in (await make_rider(app), case.rider):
        recorded = await client.post("/v1/me/payout-accounts", headers=who.keyed, json=account)
        assert recorded.status_code == 201, recorded.text
    await case.submitted()
    sent = (
        "select count(*) from payout p join refund r on r.id = p.refund_id where r.order_id = :id"
    )
    starts_at = datetime.fromisoformat(paid["policy"]["starts_at"])
    async with business_time(database, starts_at + timedelta(days=500)):
        done = await client.post(path_of(paid["policy"]["id"]), headers=case.rider.keyed)
        assert done.status_code == 201, done.text
        await run(app, "billing.")
        assert await scalar(database, sent, id=UUID(paid["id"])) == 0
        assert (await case.lease()).status_code == 200
        [signal] = [each for each in await case.signals() if each["kind"] == "shared-account"]
        assert (await case.judge(signal["id"], "harmless")).status_code == 200
        await run(app, "billing.")
        assert await scalar(database, sent, id=UUID(paid["id"])) == 1


async def settle_payouts(app: FastAPI, database: Database) -> None:
    for _ in range(20):
        await fetch(
            database,
            "update payout set next_poll_at = now() where settled_at is null returning 1",
        )
        await poll(context_of(app), {})
        await run(app, "payouts.", "billing.")
        if not await fetch(database, "select 1 from payout where settled_at is null"):
            return
        await asyncio.sleep(0.2)


async def test_a_deposit_goes_back_when_the_term_ends(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    """Once, however many look, and not before; a short term still goes by the gateway."""

    def deposited(document: dict[str, Any]) -> None:
        [option] = document["contribution"]["options"]
        option["term"] = {"days": 30}
        option["price"] = {"times": [{"yuan": 410}, "shares"]}
        option["deposit"] = {"times": [{"yuan": 400}, "shares"]}
        document["cancellation"] = {"before_start": "paid_fen"}

    code = await publish(app, deposited)
    rider, other = await make_rider(app), await make_rider(app)
    paid = await bought(client, gateway, rider, code)
    cancelled = await bought(client, gateway, other, code)
    done = await client.post(path_of(cancelled["policy"]["id"]), headers=other.keyed)
    assert (done.json()["paid_fen"], done.json()["deposit_fen"]) == (1000, 40000)
    assert done.json()["refund_fen"] == 41000
    starts_at = datetime.fromisoformat(paid["policy"]["starts_at"])
    refunds = "select amount_fen, reason_code, method from refund where order_id = :id"
    for days, expected in ((29, []), (30, [(40000, "deposit", "gateway")])):
        async with business_time(database, starts_at + timedelta(days=days, minutes=1)):
            await asyncio.gather(*(return_deposits(context_of(app), {}) for _ in range(4)))
        rows = await fetch(database, refunds, id=UUID(paid["id"]))
        assert [tuple(row) for row in rows] == expected
    refund = await scalar(
        database, "select id from refund where order_id = :id", id=UUID(paid["id"])
    )
    assert await balance_of(database, "deposits-held", [refund]) == 40000


async def test_only_who_may_cancels(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(before_start="paid_fen"))
    organisation, caseworker = await office(app, "caseworker")
    _, stranger = await office(app, "caseworker")
    _, auditor = await office(app, "auditor")
    rider = await colleague_rider(app, organisation)
    other = await make_rider(app)
    paid = await bought(client, gateway, rider, code)
    policy_id, body = paid["policy"]["id"], {"reason": "member_asked"}
    for answer, status in (
        (await client.get(path_of(policy_id), headers=other.headers), 404),
        (await client.post(path_of(policy_id), headers=other.keyed), 404),
        (await client.get(path_of(policy_id, "staff"), headers=stranger.headers), 404),
        (await client.post(path_of(policy_id, "staff"), headers=stranger.keyed, json=body), 404),
        (await client.post(path_of(policy_id, "staff"), headers=auditor.keyed, json=body), 403),
    ):
        assert answer.status_code == status, answer.text
    looked = await client.get(path_of(policy_id, "staff"), headers=caseworker.headers)
    done = await client.post(path_of(policy_id, "staff"), headers=caseworker.keyed, json=body)
    assert (looked.status_code, done.status_code) == (200, 201)
    rows = await fetch(
        database,
        "select action, on_behalf_of from audit_entry"
        " where :id = any(subject_ids) and actor_id = :staff order by position",
        id=UUID(policy_id),
        staff=caseworker.account_id,
    )
    assert [tuple(row) for row in rows] == [
        ("cancellation.preview", rider.person.id),
        ("policy.cancel", rider.person.id),
    ]


async def test_a_renewed_policy_is_not_cancelled(app: FastAPI, database: Database) -> None:
    code = await publish(app, cancellable(before_start="paid_fen"))
    rider = await make_rider(app)
    first = await given(app, rider, code, starts_in=1)
    follower = await given(app, await make_rider(app), code, starts_in=400)
    async with database.transaction() as session:
        row = await session.get_one(Policy, follower.id)
        row.follows_id = first.id
    async with database.transaction() as session:
        policy = await locked_policy(session, first.id)
        with pytest.raises(RenewedAlready):
            await cancel(session, policy, reason_code="x", actor=SYSTEM, now=system_now())


async def test_the_books_are_whole_after_all_of_it(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    # Rows of other tests of this process are theirs to answer for.
    known = await broken_invariants(database)
    code = await publish(app, cancellable(before_start="paid_fen", after_start=BY_DAY))
    riders = [await make_rider(app) for _ in range(3)]

    async def one(rider: Rider) -> None:
        paid = await bought(client, gateway, rider, code, shares=2)
        await client.post(path_of(paid["policy"]["id"]), headers=rider.keyed)

    await asyncio.gather(*(one(rider) for rider in riders))
    await run(app, "billing.request_refund")
    found = [fault for fault in await broken_invariants(database) if fault not in known]
    assert [fault for fault in found if fault[:2] in OURS] == []


OURS = {"01", "02", "04", "05", "12"}

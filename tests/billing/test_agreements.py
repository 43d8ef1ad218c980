"""Automatic renewal: agreements signed and ended, charges that succeed, fail, and stay silent."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.billing import charging
from app.billing.contracts import ask_about_unanswered
from app.billing.reconciliation import reconcile
from app.billing.reminders import last_day_of
from app.integrations.wechat_pay import Contract
from app.kernel.clock import SHANGHAI
from app.kernel.database import Database
from tests.billing.buying import buy, close, document, instant, option, options, order, publish
from tests.cover_fixtures import Gateway, Rider, context_of, make_rider, scalar
from tests.notifications.outbox import go_to, messages_of, work
from tests.policies.changing import office
from tests.simulators_fixture import Simulators

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("daytime")]

DAY = timedelta(days=1)
ENOUGH = 10_000
JOBS = ("billing.", "notifications.")
NOTICES = "/v1/gateway/wechat-pay"


@dataclass
class Cover:
    """A rider with WeChat, whose policy has begun, and the world around."""

    app: FastAPI
    client: httpx.AsyncClient
    gateway: Gateway
    simulators: Simulators
    rider: Rider
    plan: str
    policy: dict[str, Any]

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    @property
    def path(self) -> str:
        return f"/v1/me/policies/{self.policy['id']}/renewal-agreement"

    async def request(
        self, most_fen: int = ENOUGH, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        keyed = self.rider.keyed | (headers or {})
        return await self.client.post(self.path, headers=keyed, json={"most_fen": most_fen})

    async def show(self) -> dict[str, Any]:
        answer = await self.client.get(self.path, headers=self.rider.headers)
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def sign(self, most_fen: int = ENOUGH) -> dict[str, Any]:
        """Asked for, confirmed on the phone, and heard of by asking."""
        answer = await self.request(most_fen)
        assert answer.status_code == 201, answer.text
        ticket = answer.json()["signing"]["path"].rpartition("=")[2]
        self.simulators.control("agreements/sign", pre_entrustweb_id=ticket, behaviour="dropped")
        view = await self.show()
        assert view["status"] == "active"
        await work(self.app, *JOBS)
        return view

    async def contract_code(self) -> str:
        code: str = await scalar(
            self.database,
            "select contract_code from payment_agreement where person_id = :p"
            " order by id desc limit 1",
            p=self.rider.person.id,
        )
        return code

    async def contract_notice(self, event: str, **more: Any) -> int:
        """Deliver the gateway's notice as it now stands; the status we answer."""
        known = await self.app.state.outside.wechat_pay.query_contract(await self.contract_code())
        made = self.gateway.notice(event, "contract", contract_resource(known, self) | more)
        headers, body = made
        answer = await self.client.post(f"{NOTICES}/agreements", headers=headers, content=body)
        return answer.status_code

    async def charge_day(self, policy: dict[str, Any] | None = None, at: time = time(11)) -> None:
        """The day of the charge, and everything that is due is done."""
        last_day = last_day_of(instant((policy or self.policy)["ends_at"]))
        await go_to(self.app, datetime.combine(last_day - 3 * DAY, at, SHANGHAI))
        await work(self.app, *JOBS)

    async def ask(self) -> None:
        """Ask the gateway about every attempt that is still open, now."""
        await asyncio.sleep(0.15)
        async with self.database.transaction() as session:
            await session.execute(
                text("update payment_attempt set asked_at = asked_at - interval '10 min'")
            )
        await reconcile(self.database, self.app.state.outside.wechat_pay)
        await work(self.app, *JOBS)

    async def out_trade_no(self) -> str:
        """The newest charge's number."""
        number: str = await scalar(
            self.database,
            "select a.out_trade_no from payment_attempt a"
            " join contribution_order o on o.id = a.order_id"
            " where o.person_id = :p and a.trade_type = 'agreement' order by a.id desc limit 1",
            p=self.rider.person.id,
        )
        return number

    async def finish_charge(self) -> None:
        """The bank takes the money at last."""
        self.simulators.control("charges/finish", out_trade_no=await self.out_trade_no())
        await asyncio.sleep(0.1)

    async def attempts(self) -> list[tuple[str, str, int]]:
        """Trade type, status and amount of all attempts at renewals, oldest first."""
        async with self.database.transaction() as session:
            rows = await session.execute(
                text(
                    "select a.trade_type, a.status, a.amount_fen from payment_attempt a"
                    " join contribution_order o on o.id = a.order_id"
                    " where o.person_id = :p and o.kind = 'renewal' order by a.id"
                ),
                {"p": self.rider.person.id},
            )
            return [tuple(row) for row in rows]

    async def orders(self) -> list[str]:
        async with self.database.transaction() as session:
            rows = await session.scalars(
                text(
                    "select status from contribution_order where person_id = :p"
                    " and kind = 'renewal' order by id"
                ),
                {"p": self.rider.person.id},
            )
            return list(rows.all())

    async def told(self) -> list[str]:
        return await messages_of(self.database, self.rider.person.id)

    async def follower(self) -> dict[str, Any] | None:
        async with self.database.transaction() as session:
            row = (
                await session.execute(
                    text(
                        "select id, lower(period) as starts_at, upper(period) as ends_at,"
                        " term_number from policy where follows_id = :id"
                    ),
                    {"id": self.policy["id"]},
                )
            ).one_or_none()
        if row is None:
            return None
        return {
            "id": str(row.id),
            "starts_at": row.starts_at.isoformat(),
            "ends_at": row.ends_at.isoformat(),
            "term_number": row.term_number,
        }


def contract_resource(known: Contract, cover: Cover) -> dict[str, Any]:
    gateway = cover.app.state.outside.wechat_pay
    return {
        "mchid": gateway.mchid,
        "appid": gateway.appid,
        "contract_id": known.contract_id,
        "plan_id": 12535,
        "out_contract_code": known.contract_code,
        "contract_display_account": "P",
        "contract_state": known.state,
        "openid": known.openid,
    }


@pytest.fixture
async def cover(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, simulators: Simulators
) -> Cover:
    return await covered(app, client, gateway, simulators)


async def covered(
    app: FastAPI,
    client: httpx.AsyncClient,
    gateway: Gateway,
    simulators: Simulators,
    office_id: UUID | None = None,
    **changes: Any,
) -> Cover:
    rider = await make_rider(app, openid=f"o{secrets.token_hex(13)}", organisation_id=office_id)
    plan = await publish(app, document(**changes))
    view = await buy(client, gateway, rider, plan)
    await work(app, *JOBS)
    return Cover(app, client, gateway, simulators, rider, plan, view["policy"])


async def test_it_is_asked_for_confirmed_and_shown(cover: Cover) -> None:
    missing = await cover.client.get(cover.path, headers=cover.rider.headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "renewal-agreement-not-found")
    asked = await cover.request(6000)
    view = asked.json()
    assert (view["status"], view["most_fen"], view["signed_at"]) == ("requested", 6000, None)
    again = await cover.request(6000)
    assert again.json()["id"] == view["id"]
    assert again.json()["signing"] == view["signing"]
    ticket = view["signing"]["path"].rpartition("=")[2]
    cover.simulators.control("agreements/sign", pre_entrustweb_id=ticket, behaviour="dropped")
    assert await cover.contract_notice("PAPAY.SIGN") == 204
    assert await cover.contract_notice("PAPAY.SIGN") == 204
    signed = await cover.show()
    assert (signed["status"], signed["signing"]) == ("active", None)
    exists = await cover.request(7000)
    assert (exists.status_code, exists.json()["code"]) == (409, "renewal-agreement-exists")


async def test_another_amount_before_confirming_is_another_agreement(cover: Cover) -> None:
    first = (await cover.request(6000)).json()
    second = (await cover.request(7000)).json()
    assert first["id"] != second["id"]
    ticket = first["signing"]["path"].rpartition("=")[2]
    code = await scalar(
        cover.database,
        "select contract_code from payment_agreement where id = :id",
        id=first["id"],
    )
    cover.simulators.control("agreements/sign", pre_entrustweb_id=ticket, behaviour="dropped")
    gateway = cover.app.state.outside.wechat_pay
    known = await gateway.query_contract(code)
    made = cover.gateway.notice("PAPAY.SIGN", "contract", contract_resource(known, cover))
    taken = await cover.client.post(f"{NOTICES}/agreements", headers=made[0], content=made[1])
    assert taken.status_code == 204
    await work(cover.app, *JOBS)
    # Confirmed after all, the one that was given up is ended at the gateway.
    assert (await gateway.query_contract(code)).state == "TERMINATED"
    assert (await cover.show())["id"] == second["id"]


async def test_one_live_agreement_however_many_ask_at_once(cover: Cover) -> None:
    answers = await asyncio.gather(*(cover.request(5000 + each) for each in range(6)))
    assert {each.status_code for each in answers} <= {201, 409}
    live = "select count(*) from payment_agreement where person_id = :p and status <> 'ended'"
    assert await scalar(cover.database, live, p=cover.rider.person.id) == 1


async def test_what_is_not_offered_is_refused(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, simulators: Simulators
) -> None:
    manual = await covered(app, client, gateway, simulators, renewal={"modes": ["manual"]})
    answer = await manual.request()
    assert (answer.status_code, answer.json()["code"]) == (409, "renewal-not-offered")
    other = await make_rider(app, openid=f"o{secrets.token_hex(13)}")
    for method in ("GET", "DELETE"):
        foreign = await client.request(method, manual.path, headers=other.headers)
        assert foreign.status_code == 404
    without = await make_rider(app)
    plan = await publish(app, document())
    policy = (await buy(client, gateway, without, plan))["policy"]
    path = f"/v1/me/policies/{policy['id']}/renewal-agreement"
    answer = await client.post(path, headers=without.keyed, json={"most_fen": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "wechat-login-needed")


async def test_a_gateway_that_does_not_answer_is_asked_again_under_the_same_code(
    cover: Cover,
) -> None:
    key = {"Idempotency-Key": secrets.token_hex(12)}
    cover.simulators.control("faults", system="wechat-pay", mode="silent", path="pre-entrust-sign")
    failed = await cover.request(headers=key)
    assert failed.status_code == 503
    code = await cover.contract_code()
    done = await cover.request(headers=key)
    assert done.status_code == 201
    assert await cover.contract_code() == code


async def test_the_member_ends_it_here_and_the_gateway_hears(cover: Cover) -> None:
    await cover.sign()
    for _ in range(2):
        ended = await cover.client.delete(cover.path, headers=cover.rider.headers)
        assert ended.status_code == 204
    await work(cover.app, *JOBS)
    known = await cover.app.state.outside.wechat_pay.query_contract(await cover.contract_code())
    assert (known.state, known.ended_by) == ("TERMINATED", "MCH_TERMINATE")
    view = await cover.show()
    assert (view["status"], view["ended_because"]) == ("ended", "member")
    await cover.charge_day()
    assert await cover.orders() == []
    assert (await cover.told())[1] == "agreement_ended"


async def test_the_member_ends_it_in_wechat(cover: Cover) -> None:
    await cover.sign()
    code = await cover.contract_code()
    cover.simulators.control("agreements/end", out_contract_code=code, behaviour="dropped")
    for _ in range(2):
        assert await cover.contract_notice("PAPAY.TERMINATE") == 204
    await work(cover.app, *JOBS)
    view = await cover.show()
    assert (view["status"], view["ended_because"]) == ("ended", "wechat")
    assert (await cover.told()).count("agreement_ended") == 1
    assert (await cover.request()).status_code == 201


async def test_notices_are_proven_and_name_their_payer(cover: Cover) -> None:
    await cover.sign()
    assert await cover.contract_notice("PAPAY.TERMINATE", openid="o-somebody-else") == 409
    assert await cover.contract_notice("PAPAY.TERMINATE", out_contract_code="A-nobodys") == 404
    made = cover.gateway.notice("PAPAY.SIGN", "contract", {}, foreign=True)
    unproven = await cover.client.post(f"{NOTICES}/agreements", headers=made[0], content=made[1])
    assert unproven.status_code == 401
    assert (await cover.show())["status"] == "active"


async def test_a_request_that_nobody_confirms_is_given_up(cover: Cover) -> None:
    await cover.request()
    async with cover.database.transaction() as session:
        await session.execute(
            text("update payment_agreement set confirm_before = now() - interval '1 min'")
        )
    await ask_about_unanswered(context_of(cover.app), {})
    await work(cover.app, *JOBS)
    view = await cover.show()
    assert (view["status"], view["ended_because"]) == ("ended", "not_confirmed")
    assert "agreement_ended" not in await cover.told()


async def test_two_terms_renew_themselves(cover: Cover) -> None:
    await cover.sign()
    await cover.charge_day(at=time(10, 30))
    assert await cover.orders() == []
    assert (await cover.told())[-1] == "renewal_automatic"
    await cover.charge_day()
    assert await cover.attempts() == [("agreement", "prepared", 2500)]
    await cover.ask()
    assert await cover.attempts() == [("agreement", "succeeded", 2500)]
    second = await cover.follower()
    assert second is not None
    assert (second["starts_at"], second["term_number"]) == (
        instant(cover.policy["ends_at"]).isoformat(),
        2,
    )
    assert (await cover.told())[-1] == "policy_renewed"
    assert (await cover.show())["status"] == "active"
    # A day later the agreement has found its next term.
    last_day = last_day_of(instant(cover.policy["ends_at"]))
    await go_to(cover.app, datetime.combine(last_day, time(12), SHANGHAI))
    await work(cover.app, *JOBS)
    await cover.charge_day(second)
    await cover.ask()
    assert await cover.attempts() == [("agreement", "succeeded", 2500)] * 2
    assert await cover.orders() == ["paid", "paid"]
    reminders = [each for each in await cover.told() if each.startswith("renewal_")]
    assert set(reminders) == {"renewal_automatic"}


async def test_a_refused_charge_leaves_the_manual_way(cover: Cover) -> None:
    await cover.sign()
    cover.simulators.control("charges/next", refusal="NOTENOUGH", behaviour="dropped")
    await cover.charge_day()
    await cover.ask()
    assert await cover.attempts() == [("agreement", "failed", 2500)]
    assert (await cover.told())[-1] == "charge_refused"
    assert await cover.orders() == ["open"]
    listed = await cover.client.get("/v1/me/orders", headers=cover.rider.headers)
    [open_order] = [each for each in listed.json()["items"] if each["status"] == "open"]
    view = await cover.gateway.settle(cover.rider, open_order)
    assert view["status"] == "paid"
    await work(cover.app, *JOBS)
    assert await cover.follower() is not None
    await cover.charge_day(at=time(19))
    assert len(await cover.attempts()) == 2


async def test_cover_that_a_moratorium_extends_is_charged_for_again_before_its_new_end(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, simulators: Simulators
) -> None:
    """The charge of the old end was refused; the reminder of the new end promises another."""
    organisation, supervisor = await office(app, "supervisor")
    cover = await covered(app, client, gateway, simulators, office_id=organisation.id)
    await cover.sign()
    cover.simulators.control("charges/next", refusal="NOTENOUGH", behaviour="dropped")
    await cover.charge_day()
    await cover.ask()
    assert await cover.attempts() == [("agreement", "failed", 2500)]
    last_day = last_day_of(instant(cover.policy["ends_at"]))
    await go_to(app, datetime.combine(last_day - DAY, time(15), SHANGHAI))
    await work(app, "billing.", "policies.")
    declared = await client.post(
        "/v1/staff/moratoriums",
        headers=supervisor.keyed,
        json={
            "organisation_id": str(organisation.id),
            "first_day": last_day.isoformat(),
            "last_day": (last_day + 30 * DAY).isoformat(),
            "reason": "防汛",
        },
    )
    assert declared.status_code == 201, declared.text
    await work(app, *JOBS, "policies.")
    extended = await client.get(
        f"/v1/me/policies/{cover.policy['id']}", headers=cover.rider.headers
    )
    assert last_day_of(instant(extended.json()["ends_at"])) == last_day + 30 * DAY
    await cover.charge_day(extended.json())
    await cover.ask()
    assert [each[1] for each in await cover.attempts()] == ["failed", "succeeded"]
    follower = await cover.follower()
    assert follower is not None
    assert instant(follower["starts_at"]) == instant(extended.json()["ends_at"])


async def test_a_refusal_is_heard_by_notice_as_well_and_told_once(cover: Cover) -> None:
    await cover.sign()
    cover.simulators.control("charges/next", refusal="NOTENOUGH", behaviour="dropped")
    await cover.charge_day()
    await asyncio.sleep(0.15)
    number = await cover.out_trade_no()
    gateway = cover.app.state.outside.wechat_pay
    resource = {
        "mchid": gateway.mchid,
        "appid": gateway.appid,
        "out_trade_no": number,
        "trade_state": "PAYERROR",
    }
    for _ in range(3):
        made = cover.gateway.notice("TRANSACTION.PAY_FAIL", "transaction", resource)
        assert await cover.gateway.deliver(made) == 204
    await cover.ask()
    assert await cover.attempts() == [("agreement", "failed", 2500)]
    assert (await cover.told()).count("charge_refused") == 1


async def test_an_unknown_charge_is_asked_about_and_never_made_again(cover: Cover) -> None:
    """No answer to the request, the outcome late: one number, one payment."""
    await cover.sign()
    cover.simulators.control("charges/next", seconds=3600, behaviour="dropped")
    cover.simulators.control(
        "faults", system="wechat-pay", mode="silent", path="transactions/apply"
    )
    await cover.charge_day()
    assert await cover.attempts() == [("agreement", "created", 2500)]
    await cover.ask()
    assert await cover.attempts() == [("agreement", "created", 2500)]
    await cover.finish_charge()
    await cover.ask()
    assert await cover.attempts() == [("agreement", "succeeded", 2500)]
    assert await cover.follower() is not None


async def test_a_worker_killed_after_the_charge_charges_once(
    cover: Cover, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: Any) -> None:
        raise asyncio.CancelledError

    await cover.sign()
    with monkeypatch.context() as broken:
        broken.setattr(charging, "_accepted", killed)
        with pytest.raises(asyncio.CancelledError):
            await cover.charge_day()
    sql = "select id from payment_attempt where out_trade_no = :n"
    attempt_id = await scalar(cover.database, sql, n=await cover.out_trade_no())
    payload = {"subject_id": str(attempt_id)}
    await asyncio.gather(*(charging.charge(context_of(cover.app), payload) for _ in range(3)))
    await cover.ask()
    assert await cover.attempts() == [("agreement", "succeeded", 2500)]


async def test_two_workers_open_one_order(cover: Cover) -> None:
    view = await cover.sign()
    last_day = last_day_of(instant(cover.policy["ends_at"]))
    await go_to(cover.app, datetime.combine(last_day - 3 * DAY, time(11), SHANGHAI))
    payload = {"subject_id": view["id"]}
    await asyncio.gather(*(charging.renew_due(context_of(cover.app), payload) for _ in range(4)))
    assert await cover.orders() == ["open"]
    assert await cover.attempts() == [("agreement", "created", 2500)]


async def test_a_late_payment_of_a_closed_order_goes_back(cover: Cover) -> None:
    await cover.sign()
    cover.simulators.control("charges/next", seconds=3600, behaviour="dropped")
    await cover.charge_day()
    last_day = last_day_of(instant(cover.policy["ends_at"]))
    await go_to(cover.app, datetime.combine(last_day - 2 * DAY, time(11, 5), SHANGHAI))
    await work(cover.app, *JOBS)
    assert await cover.orders() == ["closed"]
    await cover.finish_charge()
    await cover.ask()
    assert await cover.orders() == ["refunding"]
    assert await cover.follower() is None


async def test_a_repeated_notice_of_the_payment_changes_nothing(cover: Cover) -> None:
    await cover.sign()
    await cover.charge_day()
    await asyncio.sleep(0.15)
    number = await cover.out_trade_no()
    payment = await cover.app.state.outside.wechat_pay.query_order(number)
    paid = {"out_trade_no": number, "transaction_id": payment.transaction_id}
    for _ in range(3):
        assert await cover.gateway.deliver(cover.gateway.payment_notice(paid, 2500)) == 204
    assert await cover.orders() == ["paid"]
    posted = "select count(*) from ledger_transaction t join payment_attempt a"
    posted += " on a.id = t.reference_id where a.out_trade_no = :n"
    assert await scalar(cover.database, posted, n=number) == 1


async def test_a_price_above_what_was_agreed_is_not_charged(cover: Cover) -> None:
    await cover.sign(2499)
    await cover.charge_day()
    assert await cover.attempts() == []
    assert await cover.orders() == ["closed"]
    assert (await cover.told())[-1] == "charge_above_agreed"
    manual = {"kind": "renewal", "policy_id": cover.policy["id"]}
    assert (await order(cover.client, cover.rider, cover.plan, **manual))["status"] == "open"
    await go_to(cover.app, instant(cover.policy["ends_at"]) + timedelta(hours=12))
    await work(cover.app, *JOBS)
    assert (await cover.told()).count("charge_above_agreed") == 1


async def test_what_stands_in_the_way_is_told(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, simulators: Simulators
) -> None:
    """A plan that is sold no longer renews nothing by itself."""
    cover = await covered(app, client, gateway, simulators)
    await cover.sign()
    version_id = await scalar(
        cover.database, "select id from plan_version where plan_code = :code", code=cover.plan
    )
    await close(app, str(version_id))
    await cover.charge_day()
    assert await cover.orders() == []
    assert (await cover.told())[-1] == "renewal_by_hand"


async def test_who_is_paying_by_hand_is_left_alone(cover: Cover) -> None:
    await cover.sign()
    await cover.charge_day(at=time(10, 45))
    manual = {"kind": "renewal", "policy_id": cover.policy["id"]}
    made = await order(cover.client, cover.rider, cover.plan, **manual)
    await cover.charge_day()
    assert await cover.attempts() == []
    paid = await cover.gateway.settle(cover.rider, made)
    assert paid["status"] == "paid"
    await cover.charge_day(at=time(12))
    assert await cover.orders() == ["paid"]
    assert (await cover.show())["status"] == "active"


async def test_an_agreement_that_wechat_ended_unseen_is_noticed_by_the_charge(
    cover: Cover,
) -> None:
    await cover.sign()
    code = await cover.contract_code()
    cover.simulators.control("agreements/end", out_contract_code=code, behaviour="dropped")
    await cover.charge_day()
    await work(cover.app, *JOBS)
    assert await cover.attempts() == [("agreement", "failed", 2500)]
    view = await cover.show()
    assert (view["status"], view["ended_because"]) == ("ended", "wechat")
    assert {"charge_refused", "agreement_ended"} <= set(await cover.told())


async def test_cover_that_lapsed_ends_its_agreement(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, simulators: Simulators
) -> None:
    renewal = {"modes": ["manual", "automatic"], "grace_days": 0}
    contribution = options(option(term={"days": 10}))
    cover = await covered(
        app, client, gateway, simulators, renewal=renewal, contribution=contribution
    )
    await cover.sign()
    simulators.control("charges/next", refusal="NOTENOUGH", behaviour="dropped")
    await cover.charge_day()
    await cover.ask()
    await go_to(app, instant(cover.policy["ends_at"]) + timedelta(hours=12))
    await work(app, *JOBS)
    view = await cover.show()
    assert (view["status"], view["ended_because"]) == ("ended", "policy_over")
    known = await app.state.outside.wechat_pay.query_contract(await cover.contract_code())
    assert known.state == "TERMINATED"


async def test_neither_openid_nor_contract_is_kept_in_plain(cover: Cover) -> None:
    await cover.sign()
    await cover.charge_day()
    known = await cover.app.state.outside.wechat_pay.query_contract(await cover.contract_code())
    async with cover.database.transaction() as session:
        tables = ("payment_agreement", "payment_attempt", "event_log", "audit_entry")
        rows = [
            str(row)
            for table in (*tables, "pgqueuer.pgqueuer", "due_thing", "status_history")
            for row in (await session.execute(text(f"select t::text from {table} t"))).all()
        ]
    for secret in (known.openid, known.contract_id):
        assert secret not in "\n".join(rows)
        assert secret.encode().hex() not in "\n".join(rows)

"""Each day's bills against the books: every difference found, named, and ended one way."""

import secrets
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from app.integrations.wechat_pay import OrderRequest
from app.kernel.clock import system_now
from app.kernel.jobs import RetryLater
from app.organisations.models import Kind
from app.treasury.events import ASK_ITEM, COMPARE, REFUND_ITEM
from app.treasury.jobs import every_morning
from app.treasury.settling import ask_item, refund_item
from app.worker import JOBS
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.cover_fixtures import context_of, make_gateway, scalar
from tests.treasury_fixtures import World

pytestmark = pytest.mark.anyio


def causes(run: dict[str, Any]) -> list[tuple[str, str, int]]:
    return sorted((each["kind"], each["cause"], each["difference_fen"]) for each in run["items"])


async def test_days_without_a_difference(world: World) -> None:
    await world.pays()
    await world.pays()
    await world.transfers(10_000)
    await world.sends(20_000)
    await world.day_passes()
    context = context_of(world.office.app)
    await every_morning(context, {})
    runs = (await world.office.get("reconciliations")).json()["items"]
    assert {run["source"] for run in runs} == {"gateway_trade", "gateway_transfer", "bank"}
    for run in runs:
        assert run["state"] == "requested"
        await JOBS[COMPARE](context, {"run_id": run["id"]})
    runs = (await world.office.get("reconciliations", state="balanced")).json()["items"]
    seen = {run["source"]: (run["their_rows"], run["their_fen"], run["matched"]) for run in runs}
    assert seen["gateway_transfer"] == (1, -10_000, 1)
    assert seen["bank"] == (1, -20_000, 1)
    assert (seen["gateway_trade"][0], seen["gateway_trade"][2]) == (2, 2)
    assert all(run["our_fen"] == run["their_fen"] for run in runs)
    await every_morning(context, {})
    assert len((await world.office.get("reconciliations")).json()["items"]) == 3
    assert await world.office.unhealthy() == {}


async def test_what_the_gateways_bill_can_say(world: World) -> None:
    lost, other, charged = [await world.pays() for _ in range(3)]
    fen = lost["amount_fen"]
    for what, number, amount in (
        ("omit", lost["out_trade_no"], 0),
        ("amount", other["out_trade_no"], fen + 1),
        ("fee", charged["out_trade_no"], 15),
        ("extra", "", 700),
    ):
        world.simulators.control(
            "bills/change", day=world.on(), what=what, number=number, amount_fen=amount
        )
    await world.day_passes()
    run = await world.compare("gateway_trade")
    assert (run["state"], run["open_items"], run["matched"]) == ("open", 4, 1)
    found = {each["cause"]: each for each in run["items"]}
    missing = found.get("missing_there") or found["timing"]
    assert (missing["number"], missing["difference_fen"]) == (lost["out_trade_no"], -fen)
    assert (found["amount_differs"]["ours_fen"], found["amount_differs"]["theirs_fen"]) == (
        fen,
        fen + 1,
    )
    assert found["fee"]["difference_fen"] == -15
    assert found["missing_here"]["difference_fen"] == 700
    again = await world.compare("gateway_trade")
    assert again == run | {"finished_at": again["finished_at"]}


async def test_what_the_banks_statement_can_say(world: World) -> None:
    lost, other = await world.sends(20_000), await world.sends(30_000)
    body = {
        "bank_reference": "B777777777777777",
        "account": "suspense",
        "amount_fen": 900,
        "received_on": world.on(),
    }
    assert (await world.office.post("ledger/receipts", body)).status_code == 201
    for what, reference, amount in (
        ("omit", lost.out_bill_no, 1),
        ("amount", other.out_bill_no, 30_001),
        ("extra", "", 444),
        ("fee", "", 6),
        ("receipt", "", 55_000),
    ):
        world.simulators.control(
            "bank/statement",
            day=world.on(),
            what=what,
            reference=reference,
            amount_fen=amount,
        )
    await world.day_passes()
    run = await world.compare("bank")
    [missing] = [each for each in run["items"] if each["number"] == lost.out_bill_no]
    assert (missing["cause"] in ("missing_there", "timing"), missing["difference_fen"]) == (
        True,
        20_000,
    )
    rest = [each for each in causes(run) if each[2] != 20_000]
    assert rest[:-1] == [
        ("bank_transfer", "amount_differs", -1),
        ("bank_transfer", "missing_here", -444),
        ("fee", "fee", -6),
        ("receipt", "missing_here", 55_000),
    ]
    # The receipt that we booked is on no line of the bank's.
    assert rest[-1] == ("receipt", "missing_there", -900)


async def test_a_transfer_nobody_asked_for_and_one_that_is_missing(world: World) -> None:
    paid = await world.transfers(10_000)
    for what, number in (("omit", paid.out_bill_no), ("extra", "")):
        world.simulators.control(
            "bills/change", bill="fund", day=world.on(), what=what, number=number, amount_fen=321
        )
    await world.day_passes()
    run = await world.compare("gateway_transfer")
    assert {each["difference_fen"] for each in run["items"]} == {10_000, -321}


@pytest.mark.parametrize("source", ["gateway_trade", "gateway_transfer", "bank"])
async def test_what_the_next_day_brings_closes_by_itself(world: World, source: str) -> None:
    if source == "gateway_trade":
        number = (await world.pays())["out_trade_no"]
        world.simulators.control("bills/change", day=world.on(), what="next_day", number=number)
    elif source == "gateway_transfer":
        number = (await world.transfers()).out_bill_no
        world.simulators.control(
            "bills/change", bill="fund", day=world.on(), what="next_day", number=number
        )
    else:
        number = (await world.sends()).out_bill_no
        world.simulators.control(
            "bank/statement", day=world.on(), what="next_day", reference=number
        )
    await world.day_passes()
    first = await world.compare(source)
    assert [each["number"] for each in first["items"]] == [number]
    await world.day_passes()
    second = await world.compare(source, world.on(1))
    assert (second["state"], second["items"]) == ("balanced", [])
    first = await world.run(first["id"])
    assert first["state"] == "balanced"
    [item] = first["items"]
    assert (item["status"], item["way"], item["cause"]) == ("settled", "itself", "timing")
    assert (await world.compare(source))["state"] == "balanced"
    assert await world.office.unhealthy() == {}


async def test_a_notice_that_was_lost_is_found_by_the_bill(world: World) -> None:
    paid = await world.pays(told=False)
    await world.day_passes()
    run = await world.compare("gateway_trade")
    [item] = run["items"]
    assert (item["cause"], item["ours_fen"], item["theirs_fen"]) == (
        "status_differs",
        0,
        paid["amount_fen"],
    )
    asked = await world.settle(run, "ask")
    assert (asked.status_code, asked.json()["status"]) == (200, "asked"), asked.text
    assert await queued(world, ASK_ITEM) == 1
    await ask_item(context_of(world.office.app), {"item_id": item["id"]})
    run = await world.run(run["id"])
    assert (run["state"], run["items"][0]["way"]) == ("balanced", "itself")
    booked = "select status from payment_attempt where out_trade_no = :number"
    database = world.office.app.state.database
    assert await scalar(database, booked, number=paid["out_trade_no"]) == "succeeded"
    assert await world.office.unhealthy() == {}


async def queued(world: World, name: str) -> int:
    count = "select count(*) from pgqueuer.pgqueuer where entrypoint = :name"
    return int(await scalar(world.office.app.state.database, count, name=name))


async def test_a_fee_is_booked_once(world: World) -> None:
    paid = await world.pays()
    world.simulators.control(
        "bills/change", day=world.on(), what="fee", number=paid["out_trade_no"], amount_fen=15
    )
    await world.day_passes()
    run = await world.compare("gateway_trade")
    for wrong in ("suspend", "refund", "keep_open", "ask"):
        refused = await world.settle(run, wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "way-not-fitting"), wrong
    settled = await world.settle(run, "post_fee")
    assert (settled.status_code, settled.json()["status"]) == (200, "settled"), settled.text
    again = await world.settle(run, "post_fee")
    assert (again.status_code, again.json()["code"]) == (409, "difference-settled")
    assert await world.balance("fees") == 15
    assert await world.balance("gateway-clearing") == paid["amount_fen"] - 15
    assert (await world.compare("gateway_trade"))["state"] == "balanced"
    assert await world.office.unhealthy() == {}


async def settle_all(
    world: World, run: dict[str, Any], cause: str, way: str, who: SignedIn | None = None
) -> httpx.Response:
    body = {"cause": cause, "way": way, "note": "账单手续费"}
    return await world.office.post(f"reconciliations/{run['id']}/settlement", body, who)


async def test_the_fees_of_a_day_are_booked_in_one_act(world: World) -> None:
    paid = [await world.pays() for _ in range(3)]
    for each, fen in zip(paid, (15, 20, -5), strict=True):
        world.simulators.control(
            "bills/change", day=world.on(), what="fee", number=each["out_trade_no"], amount_fen=fen
        )
    await unknown_payment(world)
    await world.day_passes()
    run = await world.compare("gateway_trade")
    by_cause = [each["cause"] for each in run["items"]]
    assert sorted(by_cause) == ["fee", "fee", "fee", "missing_here"]
    headers, path = world.office.supervisor.keyed, f"reconciliations/{run['id']}/settlement"
    body = {"cause": "fee", "way": "post_fee", "note": "账单手续费"}
    answers = [
        await world.office.client.post(f"/v1/staff/{path}", headers=headers, json=body)
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [200, 200], answers[0].text
    assert answers[0].json() == answers[1].json()
    view = answers[0].json()
    taken = {each["difference_fen"]: each for each in view["taken"]}
    assert set(taken) == {-15, -20}
    assert {each["status"] for each in taken.values()} == {"settled"}
    assert {each["note"] for each in taken.values()} == {"账单手续费"}
    # They gave something back: that is no fee, and stays as it was.
    [refused] = view["refused"]
    assert (refused["code"], refused["ways"]) == ("way-not-fitting", ["write_off"])
    assert refused["reason"]["zh"]
    assert (view["taken_fen"], view["left"]) == (-35, 0)
    rest = {each["id"]: each for each in (await world.run(run["id"]))["items"]}
    assert (rest[refused["id"]]["status"], rest[refused["id"]]["note"]) == ("open", None)
    assert await world.balance("fees") == 35
    again = await settle_all(world, run, "fee", "post_fee")
    assert (again.json()["taken"], len(again.json()["refused"])) == ([], 1)
    assert await world.balance("fees") == 35
    assert await world.office.unhealthy() == {}


async def test_many_at_once_meet_the_same_rules_as_one(world: World) -> None:
    for fen in (444, 555):
        reference = secrets.token_hex(16).upper()
        world.simulators.control(
            "bank/statement", day=world.on(), what="extra", amount_fen=fen, reference=reference
        )
    await world.day_passes()
    run = await world.compare("bank")
    for way in ("refund", "keep_open"):
        assert (await settle_all(world, run, "missing_here", way)).status_code == 422
    proposed = (await settle_all(world, run, "missing_here", "write_off")).json()
    assert [each["status"] for each in proposed["taken"]] == ["proposed", "proposed"]
    alone = (await settle_all(world, run, "missing_here", "write_off")).json()
    assert [each["code"] for each in alone["refused"]] == ["another-person-needed"] * 2
    other = world.office.another_supervisor
    done = (await settle_all(world, run, "missing_here", "write_off", other)).json()
    assert [each["status"] for each in done["taken"]] == ["settled", "settled"]
    assert await world.balance("write-offs") == 999
    nowhere = {"id": str(uuid4())}
    assert (await settle_all(world, nowhere, "fee", "post_fee")).status_code == 404
    assert (await settle_all(world, run, "fee", "ask", world.office.auditor)).status_code == 403
    assert await world.office.unhealthy() == {}


async def test_a_write_off_takes_two_people(world: World) -> None:
    world.simulators.control("bank/statement", day=world.on(), what="extra", amount_fen=444)
    await world.day_passes()
    run = await world.compare("bank")
    proposed = await world.settle(run, "write_off")
    assert proposed.json()["status"] == "proposed"
    unfit = await world.settle(run, "suspend")
    assert (unfit.status_code, unfit.json()["ways"]) == (422, ["write_off", "keep_open"])
    alone = await world.settle(run, "write_off")
    assert (alone.status_code, alone.json()["code"]) == (403, "another-person-needed")
    other = world.office.another_supervisor
    kept = await world.settle(run, "keep_open", other)
    assert (kept.json()["status"], kept.json()["proposed_by"]) == ("open", None)
    await world.settle(run, "write_off", other)
    done = await world.settle(run, "write_off")
    assert (done.json()["status"], done.json()["way"]) == ("settled", "write_off")
    assert (await world.balance("write-offs"), await world.balance("bank")) == (444, -444)
    assert await world.office.unhealthy() == {}


async def unknown_payment(world: World) -> str:
    """Money at the gateway for an order that we do not have."""
    number = f"ZZ{secrets.token_hex(12)}"
    pay = world.office.app.state.outside.wechat_pay
    ordered = OrderRequest(
        number, "?", 800, "https://example.invalid/notices", system_now() + timedelta(hours=1)
    )
    code_url = await pay.prepay_native(ordered)
    world.simulators.control("pay", code_url=code_url, behaviour="dropped")
    return number


async def test_money_of_nobodys_order_goes_back(world: World) -> None:
    number = await unknown_payment(world)
    await world.day_passes()
    run = await world.compare("gateway_trade")
    [item] = run["items"]
    assert (item["number"], item["cause"], item["theirs_fen"]) == (number, "missing_here", 800)
    refunding = await world.settle(run, "refund")
    assert refunding.json()["status"] == "refunding", refunding.text
    assert (await world.balance("suspense"), await world.balance("gateway-clearing")) == (-800, 800)
    assert await queued(world, REFUND_ITEM) == 1
    context = context_of(world.office.app)
    for _ in range(40):
        try:
            await refund_item(context, {"item_id": item["id"]})
            break
        except RetryLater:
            continue
    run = await world.run(run["id"])
    assert (run["state"], run["items"][0]["way"]) == ("balanced", "refund")
    assert (await world.balance("suspense"), await world.balance("gateway-clearing")) == (0, 0)
    # The refund is on the next bill, and known there.
    await world.day_passes()
    following = await world.compare("gateway_trade", world.on(1))
    assert (following["state"], following["their_rows"]) == ("balanced", 1), following
    assert await world.office.unhealthy() == {}


async def test_what_cannot_go_back_stays_in_suspense(world: World) -> None:
    world.simulators.control("bills/change", day=world.on(), what="extra", amount_fen=700)
    await world.day_passes()
    run = await world.compare("gateway_trade")
    await world.settle(run, "refund")
    await refund_item(context_of(world.office.app), {"item_id": run["items"][0]["id"]})
    [item] = (await world.run(run["id"]))["items"]
    assert (item["status"], item["way"], item["ways"]) == (
        "open",
        "suspend",
        ["suspend", "refund"],
    )
    # It is on our account already: writing it off as well would carry it twice.
    assert (await world.settle(run, "write_off")).status_code == 422
    assert (await world.settle(run, "suspend")).json()["status"] == "settled"
    assert await world.balance("suspense") == -700
    assert await world.office.unhealthy() == {}


async def test_a_month_closes_when_every_difference_is_settled(world: World) -> None:
    await world.sends()
    world.simulators.control("bank/statement", day=world.on(), what="fee", amount_fen=6)
    await world.day_passes()
    run = await world.compare("bank")
    first_of_next = (world.day.replace(day=1) + timedelta(days=32)).replace(day=1)
    await world.office.today_is(first_of_next)
    month = f"{world.day:%Y-%m}"
    refused = await world.office.close(month)
    assert (refused.status_code, refused.json()["code"]) == (409, "open-differences")
    assert refused.json()["items"] == [run["items"][0]["id"]]
    await world.settle(run, "post_fee")
    closed = await world.office.close(month)
    assert closed.status_code == 201, closed.text
    lines = {line["account"]: line["closing_fen"] for line in closed.json()["lines"]}
    assert (lines["fees"], lines["bank"]) == (6, -20_006)
    assert await world.office.unhealthy() == {}


async def test_a_gateway_without_a_bill_is_asked_again(world: World) -> None:
    await world.pays()
    # Our day is over, theirs is not.
    await world.office.today_is(world.day + timedelta(days=1))
    answer = await world.office.post(
        "reconciliations", {"source": "gateway_trade", "day": world.on()}
    )
    with pytest.raises(RetryLater):
        await JOBS[COMPARE](context_of(world.office.app), {"run_id": answer.json()["id"]})
    early = await world.office.post(
        "reconciliations", {"source": "gateway_trade", "day": world.on(1)}
    )
    assert (early.status_code, early.json()["code"]) == (422, "day-not-over")


async def test_reconciliation_is_the_municipal_offices(world: World) -> None:
    office = world.office
    agency = await make_organisation(office.app, Kind.AGENCY, office.city)
    below = await staff_token(office.app, agency.id, ["supervisor", "auditor"])
    assert (await office.get("reconciliations", below)).status_code == 403
    body = {"source": "bank", "day": date(2026, 1, 5).isoformat()}
    assert (await office.post("reconciliations", body, below)).status_code == 403
    async with office.app.state.database.transaction() as session:
        made = await session.scalar(text("select count(*) from reconciliation_run"))
    assert made == 0


async def _suspended_receipt(world: World, fen: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A line that nobody booked, put in suspense; and the body that books it after all."""
    world.simulators.control("bank/statement", day=world.on(), what="receipt", amount_fen=fen)
    await world.day_passes()
    run = await world.compare("bank")
    assert (await world.settle(run, "suspend")).json()["status"] == "settled"
    body = {
        "bank_reference": run["items"][0]["number"],
        "account": "platform-receivables",
        "amount_fen": fen,
        "received_on": world.on(),
    }
    return run, body


async def test_what_was_in_suspense_is_booked_once(world: World) -> None:
    run, body = await _suspended_receipt(world, 70_000)
    assert run["items"][0]["ways"] == ["suspend", "write_off"]
    unfit = await world.settle(await world.run(run["id"]), "keep_open")
    assert unfit.status_code == 409
    assert (await world.balance("bank"), await world.balance("suspense")) == (70_000, -70_000)
    assert (await world.office.post("ledger/receipts", body)).status_code == 201
    await world.works()
    assert (await world.balance("bank"), await world.balance("suspense")) == (70_000, 0)
    [item] = (await world.run(run["id"]))["items"]
    assert (item["way"], item["released_at"] is not None) == ("suspend", True)
    assert (await world.compare("bank"))["state"] == "balanced"
    assert await world.office.unhealthy() == {}


async def test_a_receipt_on_the_wrong_account_is_put_right(world: World) -> None:
    run, body = await _suspended_receipt(world, 70_000)
    booked = (await world.office.post("ledger/receipts", body)).json()
    await world.works()
    path = f"ledger/transactions/{booked['posting_id']}/reversal"
    office = world.office
    assert (await office.post(path, {"reason": "科目有误"})).json()["status"] == "posted"
    # The day is compared anew: its line is on nobody's account.
    await world.works()
    open_ones = [each for each in (await world.run(run["id"]))["items"] if not each["way"]]
    assert [(each["cause"], each["difference_fen"]) for each in open_ones] == [
        ("missing_here", 70_000)
    ]
    again = await office.post("ledger/receipts", body | {"account": "unit-receivables"})
    assert again.status_code == 201
    assert (await office.post("ledger/receipts", body)).status_code == 409
    await world.works()
    assert (await world.run(run["id"]))["state"] == "balanced"
    accounts = ("bank", "suspense", "platform-receivables", "unit-receivables")
    assert [await world.balance(each) for each in accounts] == [70_000, 0, 0, -70_000]
    assert await world.office.unhealthy() == {}


@pytest.mark.parametrize("way", ["suspend", "write_off"])
async def test_what_the_next_day_shows_gives_its_booking_back(world: World, way: str) -> None:
    paid = await world.sends(20_000)
    world.simulators.control(
        "bank/statement", day=world.on(), what="next_day", reference=paid.out_bill_no, amount_fen=1
    )
    await world.day_passes()
    run = await world.compare("bank")
    for who in (world.office.supervisor, world.office.another_supervisor):
        await world.settle(run, way, who)
    assert await world.balance("bank") == 0
    await world.day_passes()
    assert (await world.compare("bank", world.on(1)))["state"] == "balanced"
    assert await world.balance("bank") == -20_000
    assert await world.balance({"suspend": "suspense", "write_off": "write-offs"}[way]) == 0
    assert await world.office.unhealthy() == {}


@pytest.mark.parametrize("way", ["suspend", "write_off"])
async def test_a_difference_that_is_none_any_more_is_not_booked(world: World, way: str) -> None:
    paid = await world.pays(told=False)
    await world.day_passes()
    run = await world.compare("gateway_trade")
    [item] = run["items"]
    if way == "write_off":
        assert (await world.settle(run, way)).json()["status"] == "proposed"
    gateway = make_gateway(world.office.client, world.simulators)
    assert await gateway.deliver(gateway.payment_notice(paid, paid["amount_fen"])) == 204
    settled = (await world.settle(run, way, world.office.another_supervisor)).json()
    assert (settled["id"], settled["status"], settled["way"]) == (item["id"], "settled", "itself")
    assert await world.balance("gateway-clearing") == paid["amount_fen"]
    assert await world.office.unhealthy() == {}


async def test_a_fee_taken_back_is_a_difference_again(world: World) -> None:
    world.simulators.control("bank/statement", day=world.on(), what="fee", amount_fen=6)
    await world.day_passes()
    run = await world.compare("bank")
    assert (await world.settle(run, "post_fee")).is_success
    span = {"from": world.on()}
    entries = (await world.office.get("ledger/accounts/fees/entries", **span)).json()["items"]
    path = f"ledger/transactions/{entries[-1]['transaction_id']}/reversal"
    assert (await world.office.post(path, {"reason": "误记"})).status_code == 201
    await world.works()
    again = await world.run(run["id"])
    assert [each["status"] for each in again["items"]] == ["settled", "open"]
    assert (await world.settle(again, "post_fee", place=1)).is_success
    assert (await world.compare("bank"))["state"] == "balanced"
    assert await world.balance("bank") == -6
    assert await world.office.unhealthy() == {}

"""Relief without asking: 440,000 yuan self-paid, two benefits, a board, and its grant.

The three amounts arise from two plans and a fund's formula whose parameters are a
demonstration's: nobody published the terms of the year in which this was paid.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from app.journey.claim import Case, Claim, accident_after
from app.journey.claim_review import agree, review
from app.journey.office import Desk, business_clock, move_clock
from app.journey.rider import Phone
from app.journey.transport import Caller, Miss, until

DATA = Path(__file__).resolve().parents[1] / "relief" / "data"
YAML = {"Content-Type": "application/yaml"}
FUND = "CQ-RELIEF-DEMO"
SELF_PAY_FEN = 44_000_000
RELIEF_FEN = 12_500_000
# (plan, shares, what is claimed, what it has to come to)
CLAIMS: tuple[tuple[str, int, Case, int], ...] = (
    (
        "CQ-DEMO-CI",
        5,
        Case(
            "a critical illness, 440,000 yuan self-paid 重病自付44万元",
            "CI",
            ("medical_record", "receipt"),
            {"first_diagnosis": True, "self_pay_fen": SELF_PAY_FEN},
            to_bank=True,
            cause="illness",
        ),
        12_500_000,
    ),
    (
        "CQ-DEMO-IP",
        1,
        Case(
            "105 days in hospital for it 住院105日",
            "HOSP_DAY",
            ("medical_record", "receipt"),
            {"stays": [{"days": 105}]},
            cause="illness",
        ),
        1_000_000,
    ),
)


@dataclass
class Office:
    """Everybody of the staff, by role."""

    desks: Mapping[str, Desk]

    def __getitem__(self, role: str) -> Desk:
        return self.desks[role]

    def call(self, role: str) -> Caller:
        return self.desks[role].caller


async def play(desks: Mapping[str, Desk], phone: Phone) -> None:
    """The whole story of one enrolled rider; raises Miss at the first thing that is wrong."""
    office, report = Office(desks), phone.report
    report.heading("Plans and fund, with demonstration parameters 演示参数的活动与基金")
    for role in ("administrator", "caseworker", "reviewer", "supervisor", "auditor"):
        if office.call(role).token is None:
            with report.step("office 办公室", f"{role} logs in"):
                await office[role].log_in()
    for plan, _, _, _ in CLAIMS:
        await _publish_plan(office, plan)
    fund = await _fund(office)
    report.heading("Covered by both 两项保障")
    policies = {plan: await _buy(phone, plan, shares) for plan, shares, _, _ in CLAIMS}
    starts = max(datetime.fromisoformat(each["starts_at"]) for each in policies.values())
    with report.step("sandbox 时钟", "lets the night pass 到次日"):
        later = max(starts, await business_clock(office.call("administrator")))
        await move_clock(office["administrator"], later + timedelta(hours=12))
    report.heading("Two claims, then relief that nobody asked for 两次申领, 主动救助")
    paid = [await _claim(phone, office, policies[plan], case, due) for plan, _, case, due in CLAIMS]
    case = await _proposal(phone, sum(paid))
    await _decide(phone, office, fund, case)
    await _receive(phone, office, fund, case, paid)


async def _publish_plan(office: Office, code: str) -> None:
    """Draft and publish a demonstration plan, unless an earlier journey did."""
    caller = office.call("administrator")
    with office["administrator"].report.step("administrator 管理", f"publishes {code}") as remarks:
        found = await caller.json("GET", f"/v1/staff/plan-versions?plan={code}&status=published")
        if found["items"]:
            remarks.append("an earlier journey did")
            return
        drafted = await caller.json(
            "POST",
            "/v1/staff/plan-versions",
            content=(DATA / "plans" / f"{code.lower()}.yaml").read_bytes(),
            headers=YAML,
            expect=201,
            keyed=True,
        )
        await caller.call(
            "POST", f"/v1/staff/plan-versions/{drafted['id']}/publication", keyed=True
        )


async def _fund(office: Office) -> dict[str, Any]:
    """The city's demonstration fund with its formula, and money enough for this journey."""
    report, caller = office["administrator"].report, office.call("administrator")
    with report.step("administrator 管理", f"opens the fund {FUND} 开立基金") as remarks:
        page = await caller.json("GET", "/v1/staff/relief-funds?limit=100")
        fund = next((each for each in page["items"] if each["code"] == FUND), None)
        if fund is None:
            fund = await _open_fund(caller)
        remarks.append(f"holds {fund['balance_fen']} fen, {fund['quorum']} have to sit")
    with report.step("supervisor 主管", "books a contribution to it 入账捐款") as remarks:
        today = (await business_clock(caller)) + timedelta(hours=8)
        body = {
            "amount_fen": 2 * RELIEF_FEN,
            "bank_reference": f"B{secrets.token_hex(8).upper()}",
            "received_on": today.date().isoformat(),
        }
        path = f"/v1/staff/relief-funds/{fund['id']}/contributions"
        given: dict[str, Any] = await office.call("supervisor").json(
            "POST", path, body=body, expect=201, keyed=True
        )
        remarks.append(f"balance {given['balance_fen']} fen")
    return given


async def _open_fund(caller: Caller) -> dict[str, Any]:
    shipped = yaml.load((DATA / f"{FUND.lower()}.yaml").read_text("utf-8"), yaml.CSafeLoader)
    document = shipped["document"]
    offices = await caller.json("GET", "/v1/staff/organisations?kind=municipal_office")
    body = {
        "organisation_id": offices["items"][0]["id"],
        "code": FUND,
        "name_zh": document["name"]["zh"],
        "name_en": document["name"]["en"],
        "quorum": shipped["quorum"],
    }
    opened = await caller.json("POST", "/v1/staff/relief-funds", body=body, expect=201, keyed=True)
    path = f"/v1/staff/relief-funds/{opened['id']}/formulas"
    drafted = await caller.json("POST", path, body=document, expect=201, keyed=True)
    await caller.call("POST", f"{path}/{drafted['number']}/publication", after_loss=(409,))
    fund: dict[str, Any] = await caller.json("GET", f"/v1/staff/relief-funds/{opened['id']}")
    return fund


async def _buy(phone: Phone, plan: str, shares: int) -> dict[str, Any]:
    """Order, pay in WeChat, and wait for the policy."""
    with phone.report.step("rider 骑手", f"buys {shares} × {plan} 参保缴费") as remarks:
        wanted = {"plan_code": plan, "shares": shares, "occupation": "delivery_rider"}
        order = await phone.caller.json(
            "POST", "/v1/me/orders", body=wanted, expect=201, keyed=True
        )
        path = f"/v1/me/orders/{order['id']}"
        payment = await phone.caller.json(
            "POST", f"{path}/payments", body={"trade_type": "jsapi"}, expect=201, keyed=True
        )
        await phone.world.control(
            "pay",
            parameters=payment["client_parameters"],
            openid=phone.openid,
            behaviour=phone.world.notices,
        )

        async def ask() -> Any:
            return await phone.caller.json("GET", path)

        paid = await until("the policy", ask, lambda view: view["policy"] is not None)
        remarks.append(f"{order['amount_fen']} fen, policy {paid['policy']['number']}")
    policy: dict[str, Any] = paid["policy"]
    return policy


async def _claim(
    phone: Phone, office: Office, policy: dict[str, Any], case: Case, due_fen: int
) -> int:
    """Submit, review, agree, be paid; the amount has to be what the plan's data gives."""
    phone.known["policy"] = policy
    claim = Claim(phone, case)
    await claim.submit(accident_after(datetime.fromisoformat(policy["starts_at"])))
    await review(office["reviewer"], claim)
    await agree(office["supervisor"], claim)
    if case.to_bank:
        await _bank_day(office, phone, claim.path)
    await claim.receive_money()
    amount = int((claim.view or {})["amount_fen"])
    if amount != due_fen:
        raise Miss(f"{case.words}: {amount} fen were paid, {due_fen} are due")
    return amount


async def _bank_day(office: Office, phone: Phone, path: str) -> None:
    """Large sums go to the bank in the day's batch, for which a timer looks once a minute."""
    desk = office["administrator"]
    with desk.report.step("sandbox 时钟", "lets the hour of the bank's batch come 银行批次"):
        await move_clock(desk, await business_clock(desk.caller) + timedelta(days=1))

        async def ask() -> Any:
            return await phone.caller.json("GET", path)

        await until("the bank's batch", ask, lambda view: view["status"] == "paid", seconds=120.0)


async def _proposal(phone: Phone, paid_fen: int) -> dict[str, Any]:
    """Nobody asked: the case is there, with what the year left."""
    with phone.report.step(
        "rider 骑手", "finds relief proposed, without asking 主动救助"
    ) as remarks:

        async def ask() -> Any:
            return (await phone.caller.json("GET", "/v1/me/relief-cases"))["items"]

        cases = await until(
            "the proposal", ask, lambda found: any(c["suggested_fen"] == RELIEF_FEN for c in found)
        )
        if len(cases) != 1 or cases[0]["status"] != "proposed" or cases[0]["amount_fen"]:
            raise Miss(f"one proposal and no grant were expected: {cases}")
        view: dict[str, Any] = await phone.caller.json(
            "GET", f"/v1/me/relief-cases/{cases[0]['id']}"
        )
        left = view["facts"]["net_self_pay_fen"]
        if left != SELF_PAY_FEN - paid_fen:
            raise Miss(f"the residue is {left} fen, not {SELF_PAY_FEN - paid_fen}")
        remarks.append(f"{view['number']}: {view['explanation']['zh']}")
        remarks.extend(step["zh"] for step in view["explanation"]["steps"])
        remarks.append(f"papers: { {p['kind']: p['state'] for p in view['papers']} }")
    with phone.report.step("rider 骑手", "agrees and applies 同意并申请"):
        await phone.caller.call(
            "POST",
            f"/v1/me/relief-cases/{view['id']}/application",
            body={
                "consent": {"purpose": "health", "version": 1},
                "statements": [each["code"] for each in view["statements"]],
            },
            keyed=True,
        )
    return view


async def _decide(phone: Phone, office: Office, fund: dict[str, Any], case: dict[str, Any]) -> None:
    """The caseworker refers, the board sits by name, the supervisor records its word."""
    report, path = phone.report, f"/v1/staff/relief-cases/{case['id']}"
    with report.step("caseworker 经办", "puts it before the board 提交评议"):
        await office.call("caseworker").call("POST", f"{path}/referral", after_loss=(409,))
    with report.step("supervisor 主管", "records the board's word 评议") as remarks:
        page = await office.call("administrator").json("GET", "/v1/staff/accounts?limit=100")
        ids = {each["username"]: each["id"] for each in page["items"]}
        names = [office[role].credentials.username for role in ("reviewer", "auditor")]
        names.append(office["administrator"].credentials.username)
        votes = [{"staff_id": ids[name], "vote": "for"} for name in names]
        too_few = {"verdict": "grant", "votes": votes[: fund["quorum"] - 1]}
        supervisor = office.call("supervisor")
        await supervisor.call("POST", f"{path}/decision", body=too_few, expect=409, keyed=True)
        decided = await supervisor.json(
            "POST", f"{path}/decision", body={"verdict": "grant", "votes": votes}, keyed=True
        )
        seats = ", ".join(seat["name"] for seat in decided["decision"]["seats"])
        remarks.append(f"{decided['amount_fen']} fen; sat: {seats}")
        if decided["amount_fen"] != RELIEF_FEN:
            raise Miss(f"the board granted {decided['amount_fen']} fen, the formula {RELIEF_FEN}")


async def _receive(
    phone: Phone,
    office: Office,
    fund: dict[str, Any],
    case: dict[str, Any],
    paid: list[int],
) -> None:
    """The money arrives, and the fund holds so much less."""
    await _bank_day(office, phone, f"/v1/me/relief-cases/{case['id']}")
    with phone.report.step("rider 骑手", "has the relief 救助金到账") as remarks:

        async def ask() -> Any:
            return await phone.caller.json("GET", f"/v1/me/relief-cases/{case['id']}")

        view = await until("the relief", ask, lambda found: found["status"] == "paid")
        amounts = [*paid, view["amount_fen"]]
        remarks.append(
            f"self-paid {SELF_PAY_FEN} fen: critical illness {amounts[0]} + inpatient"
            f" {amounts[1]} + relief {amounts[2]} (demonstration parameters 演示参数)"
        )
        phone.report.facts["relief"] = {"self_pay_fen": SELF_PAY_FEN, "amounts_fen": amounts}
    left = await office.call("supervisor").json("GET", f"/v1/staff/relief-funds/{fund['id']}")
    if fund["balance_fen"] - left["balance_fen"] < RELIEF_FEN:
        raise Miss(f"the fund holds {left['balance_fen']} fen after {fund['balance_fen']}")

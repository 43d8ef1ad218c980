"""Payouts, batches, differences, transfers and reversals in each status, and their doors."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from app.kernel.clock import business_day, system_now
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.kernel.transitions import Lifecycle, begin, move
from app.payouts.batch_models import BATCH, PayoutBatch
from app.payouts.models import PAYOUT, Payout
from app.payouts.service import Destination, request_refund_payout
from app.treasury.models import ITEM, RUN, ReconciliationItem, ReconciliationRun
from tests.claims.factories import run_jobs
from tests.cover_fixtures import make_rider
from tests.treasury.test_transfers import District
from tests.treasury_fixtures import Municipal
from tests.walks.walk import Door, Person, Subject, Table

LARGE = 6_000_000
STOP = {"reason": "wrong_payee"}
PAYOUT_HEADS = {
    "req": "requested",
    "snd": "sending",
    "unk": "unknown",
    "acc": "accepted",
    "wcf": "waiting_confirm",
    "pai": "paid",
    "fai": "failed",
    "stp": "waiting_confirm",
}
PAYOUT_LEGEND = {"ns": "payout-not-stoppable", "nw": "payout-not-waiting-for-batch"}
PAYOUT_DOORS = {"stopPayout": Door("supervisor", STOP), "dispatchPayout": Door("supervisor")}
# What nobody has confirmed in WeChat the gateway takes back; what a bank has, it keeps. Of `stp`
# that was asked before.
TO_WALLETS = Table(
    "payout",
    PAYOUT_HEADS,
    PAYOUT_LEGEND,
    PAYOUT_DOORS,
    """
                        req snd unk acc wcf stp pai fai
stopPayout              fai +   +   +   +   =   ns  ns
dispatchPayout          nw  nw  nw  nw  nw  nw  nw  nw
""",
)
TO_BANKS = Table(
    "payout to a bank, in the batch's lane",
    PAYOUT_HEADS,
    PAYOUT_LEGEND,
    PAYOUT_DOORS,
    """
                        req snd unk acc pai fai
stopPayout              fai ns  ns  ns  ns  ns
dispatchPayout          +   nw  nw  nw  nw  nw
""",
    "payout",
)
WAYS = {
    "req": (),
    "snd": ("sending",),
    "unk": ("sending", "unknown"),
    "acc": ("sending", "accepted"),
    "wcf": ("sending", "waiting_confirm"),
    "stp": ("sending", "waiting_confirm"),
    "pai": ("sending", "accepted", "paid"),
    "fai": ("sending", "accepted", "failed"),
}


async def brought(
    office: Municipal, lifecycle: Lifecycle, model: Any, row_id: UUID, way: Sequence[str]
) -> None:
    """Moved along real edges, as the worker would."""
    async with office.app.state.database.transaction() as session:
        row = await session.get_one(model, row_id, with_for_update=True)
        if {"paid", "failed", "settled"} & {*way}:
            row.settled_at = system_now()
        for status in way:
            await move(session, lifecycle, row, status, actor=SYSTEM, at=system_now())


def supervisors(office: Municipal) -> dict[str, Person]:
    return {"supervisor": office.supervisor, "another": office.another_supervisor}


async def payout_in_each_status(office: Municipal, table: Table) -> dict[str, Subject]:
    found = {}
    for head in table.heads:
        to_bank = "bank" in table.subject
        payout = await office.owe(LARGE) if to_bank else await _to_wallet(office)
        if to_bank:
            await run_jobs(office.app)
        await brought(office, PAYOUT, Payout, payout.id, WAYS[head])
        if head == "stp":
            asked = await office.post(f"payouts/{payout.id}/stop", STOP)
            assert asked.status_code == 200, asked.text
        found[head] = Subject(str(payout.id), supervisors(office))
    return found


async def _to_wallet(office: Municipal) -> Payout:
    rider = await make_rider(office.app, openid=f"o-{new_id().hex}")
    async with office.app.state.database.transaction() as session:
        return await request_refund_payout(
            session,
            refund_id=new_id(),
            plan_code="RIDER-ACC",
            person_id=rider.person.id,
            amount_fen=10_000,
            destination=Destination("wechat", account_id=rider.caller.account_id),
            actor=SYSTEM,
            now=system_now(),
        )


BATCH_HEADS = {
    "pre": "prepared",
    "sbg": "submitting",
    "unk": "unknown",
    "sub": "submitted",
    "ref": "refused",
    "set": "settled",
}
BATCH_LEGEND = {
    "it": "invalid-transition",
    "bh": "batch-not-by-hand",
    "bn": "batch-not-submitted",
    "ru": "result-unreadable",
}
BATCH_DOORS = {
    "submitPayoutBatchByHand": Door("supervisor"),
    "uploadPayoutBatchResult": Door("supervisor", b"not a result"),
}
BY_THE_DOOR = Table(
    "payout_batch",
    BATCH_HEADS,
    BATCH_LEGEND,
    BATCH_DOORS,
    """
                        pre sbg unk sub ref set
submitPayoutBatchByHand bh  bh  bh  bh  bh  bh
uploadPayoutBatchResult bn  bn  bn  ru  bn  ru
""",
)
BY_HAND = Table(
    "batch by hand",
    BATCH_HEADS,
    BATCH_LEGEND,
    BATCH_DOORS,
    """
                        pre sub set
submitPayoutBatchByHand sub it  it
uploadPayoutBatchResult bn  ru  ru
""",
    "payout_batch",
)
BATCH_WAYS = {
    "pre": (),
    "sbg": ("submitting",),
    "unk": ("submitting", "unknown"),
    "sub": ("submitted",),
    "ref": ("submitting", "refused"),
    "set": ("submitted", "settled"),
}


async def batch_in_each_status(office: Municipal, table: Table) -> dict[str, Subject]:
    channel, found = "hand" if "hand" in table.subject else "door", {}
    for head in table.heads:
        await _waits_for_a_batch(office)
        answer = await office.post("payout-batches", {"channel": channel})
        assert answer.status_code == 201, answer.text
        batch_id = UUID(answer.json()["id"])
        await brought(office, BATCH, PayoutBatch, batch_id, BATCH_WAYS[head])
        found[head] = Subject(str(batch_id), supervisors(office))
    return found


async def _waits_for_a_batch(office: Municipal) -> None:
    """Without the worker, who would hand in the batch before it."""
    payout = await office.owe(LARGE)
    async with office.app.state.database.transaction() as session:
        (await session.get_one(Payout, payout.id)).lane = "batch"


def _way(way: str) -> dict[str, str]:
    return {"way": way, "note": "测试"}


# A payment at the gateway of nobody's order. Both people may settle it; the first proposed to
# write it off.
ITEMS = Table(
    "reconciliation_item",
    {"ope": "open", "ask": "asked", "pro": "proposed", "rfg": "refunding", "set": "settled"},
    {"wn": "way-not-fitting", "ds": "difference-settled", "an": "another-person-needed"},
    {
        "settleDifference:ask": Door("another", _way("ask")),
        "settleDifference:post_fee": Door("another", _way("post_fee")),
        "settleDifference:suspend": Door("another", _way("suspend")),
        "settleDifference:refund": Door("another", _way("refund")),
        "settleDifference:write_off": Door("another", _way("write_off")),
        "settleDifference:alone": Door("supervisor", _way("write_off")),
        "settleDifference:keep_open": Door("another", _way("keep_open")),
        "settleDifferencesOfDay:suspend": Door(
            "another", _way("suspend") | {"cause": "missing_here"}
        ),
        "settleDifferencesOfDay:write_off": Door(
            "another", _way("write_off") | {"cause": "missing_here"}
        ),
        "settleDifferencesOfDay:alone": Door(
            "supervisor", _way("write_off") | {"cause": "missing_here"}
        ),
    },
    """
                                 ope ask pro rfg set
settleDifference:ask             ask wn  wn  ds  ds
settleDifference:post_fee        wn  wn  wn  ds  ds
settleDifference:suspend         set set wn  ds  ds
settleDifference:refund          rfg rfg wn  ds  ds
settleDifference:write_off       pro pro set ds  ds
settleDifference:alone           pro pro an  ds  ds
settleDifference:keep_open       wn  wn  ope ds  ds
settleDifferencesOfDay:suspend   set set =   =   =
settleDifferencesOfDay:write_off pro pro set =   =
settleDifferencesOfDay:alone     pro pro =   =   =
""",
)


async def difference_in_each_status(office: Municipal) -> dict[str, Subject]:
    """Each on a day of its own, by the acts of the first supervisor."""
    found = {}
    for back, head in enumerate(ITEMS.heads):
        day = business_day(system_now()) - timedelta(days=back + 2)
        run_id = await _compared(office, day)
        item_id = await _difference(office, run_id, day)
        path = f"reconciliations/{run_id}/items/{item_id}/settlement"
        ways = {"ask": "ask", "pro": "write_off", "rfg": "refund", "set": "suspend"}
        if head in ways:
            answer = await office.post(path, _way(ways[head]))
            assert answer.status_code == 200, answer.text
        ids = {"run_id": run_id, "item_id": str(item_id)}
        found[head] = Subject(str(item_id), supervisors(office), ids)
    return found


async def _compared(office: Municipal, day: date, source: str = "gateway_trade") -> str:
    answer = await office.post("reconciliations", {"source": source, "day": day.isoformat()})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _difference(office: Municipal, run_id: str, day: date) -> UUID:
    item = ReconciliationItem(
        id=new_id(),
        run_id=UUID(run_id),
        source="gateway_trade",
        kind="payment",
        number=f"ZZ{new_id().hex}",
        day=day,
        subject_id=new_id(),
        theirs_fen=800,
        difference_fen=800,
        cause="missing_here",
        status="open",
        found_at=system_now(),
    )
    async with office.app.state.database.transaction() as session:
        begin(session, ITEM, item, actor=SYSTEM, at=system_now())
    return item.id


RUNS = Table(
    "reconciliation_run",
    {"req": "requested", "don": "done"},
    {},
    {"compareDay": Door("supervisor", lambda run: {"source": "bank", "day": run.ids["day"]})},
    """
           req don
compareDay +   +
""",
)


async def run_in_each_status(office: Municipal) -> dict[str, Subject]:
    found = {}
    for back, head in enumerate(RUNS.heads):
        day = business_day(system_now()) - timedelta(days=back + 2)
        run_id = await _compared(office, day, "bank")
        way = ("done",) if head == "don" else ()
        await brought(office, RUN, ReconciliationRun, UUID(run_id), way)
        found[head] = Subject(run_id, supervisors(office), {"day": day.isoformat()})
    return found


VERDICTS: Mapping[str, dict[str, str]] = {
    "approve": {"verdict": "approve"},
    "decline": {"verdict": "decline"},
}
PROPOSALS = {"pro": "proposed", "pos": "posted", "dec": "declined"}
TRANSFERS = Table(
    "fund_transfer",
    PROPOSALS,
    {"td": "fund-transfer-decided", "sp": "second-person-needed"},
    {
        "decideFundTransfer:approve": Door("two", VERDICTS["approve"]),
        "decideFundTransfer:decline": Door("two", VERDICTS["decline"]),
        "decideFundTransfer:alone": Door("one", VERDICTS["approve"]),
    },
    """
                              pro pos dec
decideFundTransfer:approve    pos td  td
decideFundTransfer:decline    dec td  td
decideFundTransfer:alone      sp  td  td
""",
)
REVERSALS = Table(
    "ledger_reversal",
    PROPOSALS,
    {"np": "no-reversal-proposed", "sp": "second-person-needed", "ar": "already-reversed"},
    {
        "reverseLedgerTransaction": Door("another", {"reason": "重复入账"}),
        "decideLedgerReversal:approve": Door("another", VERDICTS["approve"]),
        "decideLedgerReversal:decline": Door("another", VERDICTS["decline"]),
        "decideLedgerReversal:alone": Door("supervisor", VERDICTS["approve"]),
    },
    """
                              pro pos dec
reverseLedgerTransaction      ar  ar  +
decideLedgerReversal:approve  pos np  np
decideLedgerReversal:decline  dec np  np
decideLedgerReversal:alone    sp  np  np
""",
)


async def transfer_in_each_status(district: District) -> dict[str, Subject]:
    found = {}
    for head, verdict in (("pro", None), ("pos", "approve"), ("dec", "decline")):
        proposed = await district.propose(10_000)
        if verdict is not None:
            assert (await district.decide(proposed, verdict)).status_code == 200
        people: dict[str, Person] = {"one": district.one, "two": district.two}
        found[head] = Subject(proposed.json()["id"], people)
    return found


async def reversal_in_each_status(office: Municipal) -> dict[str, Subject]:
    """Of bookings that take two people."""
    found = {}
    for head, verdict in (("pro", None), ("pos", "approve"), ("dec", "decline")):
        booked = await office.book(
            date(2026, 1, 5), [("bank", 3_000_000), ("suspense", -3_000_000)]
        )
        path = f"ledger/transactions/{booked}/reversal"
        made = await office.post(path, {"reason": "金额有误"})
        if verdict is not None:
            answer = await office.post(
                f"{path}/decision", VERDICTS[verdict], office.another_supervisor
            )
            assert answer.status_code == 200, answer.text
        ids = {"transaction_id": str(booked)}
        found[head] = Subject(made.json()["id"], supervisors(office), ids)
    return found

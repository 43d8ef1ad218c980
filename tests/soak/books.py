"""After the storm: nothing left to do, no invariant broken, and both sides' books agree."""

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from app.journey.invariants import FOLDER
from app.kernel.database import asyncpg_dsn

DRAIN_SECONDS = 120.0

Known = dict[str, dict[str, dict[str, Any]]]


async def connect(url: str) -> asyncpg.Connection:
    """A connection, as soon as the database is up again."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return await asyncpg.connect(asyncpg_dsn(url))
        except (OSError, asyncpg.PostgresError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def drained(database: asyncpg.Connection) -> list[str]:
    """Wait until no job is left to do; a held one, or one that never ends, is a fault."""
    began, faults = time.monotonic(), []
    left = "select entrypoint, count(*) from pgqueuer.pgqueuer where {} group by 1"
    waiting = left.format(
        "status in ('queued', 'picked') and execute_after < now() + interval '1 hour'"
        " and coalesce(dedupe_key, '') not like 'timer:%'"
    )
    while rows := await database.fetch(waiting):
        if time.monotonic() - began > DRAIN_SECONDS:
            faults += [f"not drained: {tuple(row)}" for row in rows]
            break
        await asyncio.sleep(0.5)
    held = await database.fetch(left.format("status = 'failed'"))
    return faults + [f"held: {tuple(row)}" for row in held]


async def invariants(database: asyncpg.Connection) -> list[str]:
    """The rows of every SQL file that must have none."""
    return [
        f"invariant {file.stem}: {tuple(row)}"
        for file in sorted(FOLDER.glob("*.sql"))
        for row in await database.fetch(file.read_text("utf-8"))
    ]


def world(state: Path) -> Known:
    """What the outside systems know, by kind and key."""
    known: Known = {"order": {}, "refund": {}, "transfer": {}, "bank": {}}
    connection = sqlite3.connect(f"file:{state}?mode=ro", uri=True)
    try:
        for kind, key, body in connection.execute("select kind, key, body from records"):
            if kind in known:
                known[kind][key] = msgspec.json.decode(body)
    finally:
        connection.close()
    return known


# What became of each payment: a policy, or money that goes or went back.
SETTLED = """
select a.out_trade_no, a.status = 'succeeded' and (
    exists (select from policy_transaction t where t.order_id = a.order_id)
    or exists (select from refund r where r.attempt_id = a.id)) as settled
from payment_attempt a
"""
PAID = "select out_bill_no, claim_id, round, method, amount_fen, status from payout"
BALANCES = """
select account_code, sum(amount_fen)::bigint as fen from ledger_entry
where account_code in ('gateway-clearing', 'bank') group by 1
"""


async def compared(database: asyncpg.Connection, state: Path) -> list[str]:
    """Money as the outside systems saw it against money as the database has it."""
    known, faults = world(state), []
    ours = {row["out_trade_no"]: row["settled"] for row in await database.fetch(SETTLED)}
    received = {
        number: order["total"]
        for number, order in known["order"].items()
        if order["trade_state"] in ("SUCCESS", "REFUND")
    }
    faults += [
        f"order {number} was paid and has neither policy nor refund"
        for number in received
        if not ours.get(number)
    ]
    by_wallet = _ended(known["transfer"], "SUCCESS", "transfer_amount")
    by_bank = _ended(known["bank"], "paid", "amount_fen")
    faults += _payouts(by_wallet | by_bank, await database.fetch(PAID))
    back = _ended(known["refund"], "SUCCESS", "refund", status="status")
    balances = {row["account_code"]: row["fen"] for row in await database.fetch(BALANCES)}
    for account, outside in (
        ("gateway-clearing", sum(received.values()) - sum(back.values()) - sum(by_wallet.values())),
        ("bank", -sum(by_bank.values())),
    ):
        if balances.get(account, 0) != outside:
            faults.append(f"{account}: {balances.get(account, 0)} here, {outside} there")
    return faults


def _ended(
    records: dict[str, dict[str, Any]], as_: str, amount: str, *, status: str = "state"
) -> dict[str, int]:
    return {number: each[amount] for number, each in records.items() if each[status] == as_}


def _payouts(sent: dict[str, int], rows: list[asyncpg.Record]) -> list[str]:
    paid = {row["out_bill_no"]: row for row in rows}
    faults = [
        f"payout {row['out_bill_no']} is booked and never left"
        for row in rows
        if row["status"] == "paid" and row["out_bill_no"] not in sent
    ]
    for number, amount in sent.items():
        row = paid.get(number)
        if row is None or (row["status"], row["amount_fen"]) != ("paid", amount):
            faults.append(f"transfer {number} left and is not in the books")
    rounds = [(paid[each]["claim_id"], paid[each]["round"]) for each in sent if each in paid]
    if len(rounds) != len(set(rounds)):
        faults.append("a round of a claim was paid twice")
    return faults

"""A journey while API, worker and database are killed again and again; nothing may be lost.

`make soak`, or `python -m tests.soak.chaos --riders 60 --concurrency 10`. The short form
runs in `tests/launcher/test_chaos.py`.
"""

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec

from app.journey.invariants import FOLDER
from app.kernel.database import asyncpg_dsn
from app.launcher import instance
from app.simulators.main import STATE_FILE

REDUMBRELLA = Path(sys.executable).with_name("redumbrella")
START_SECONDS = 90.0
DRAIN_SECONDS = 90.0
JOURNEY_SECONDS = 1800.0


@dataclass
class Outcome:
    """What happened, and everything that should not have happened."""

    kills: dict[str, int] = field(default_factory=dict)
    journey: dict[str, Any] = field(default_factory=dict)
    replayed: int = 0
    drained_after: float = 0.0
    faults: list[str] = field(default_factory=list)


@dataclass
class House:
    """One `redumbrella run` and its processes, known by the log that each of them writes."""

    data_dir: Path
    process: subprocess.Popen[bytes]
    running: instance.Instance

    def pid_of(self, name: str) -> int | None:
        """The child that serves as `name` now, if it is up."""
        log = str(self.data_dir.absolute() / "logs" / f"{name}.log")
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.process.pid and os.readlink(folder / "fd" / "1") == log:
                    return int(folder.name)
            except (OSError, ValueError):
                continue
        return None

    def postmaster(self) -> int | None:
        try:
            file = self.data_dir / "postgres" / "cluster" / "postmaster.pid"
            return int(file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def kill(self, name: str) -> bool:
        """SIGKILL; False when there is nothing to kill at this moment."""
        pid = self.postmaster() if name == "postgres" else self.pid_of(name)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


@contextmanager
def house(data_dir: Path) -> Iterator[House]:
    """Start everything on a free port; stopped cleanly at the end."""
    ours = ("REDUMBRELLA_", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "run.out").open("wb") as output:
        process = subprocess.Popen(
            [str(REDUMBRELLA), "run", "--data-dir", str(data_dir), "--port", "0"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield House(data_dir, process, _wait_until_ready(data_dir, process))
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(data_dir: Path, process: subprocess.Popen[bytes]) -> instance.Instance:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = instance.find(data_dir)
        if found is not None:
            return found
        time.sleep(0.1)
    raise AssertionError((data_dir / "run.out").read_text(errors="replace"))


def journey(there: House, riders: int, concurrency: int) -> subprocess.Popen[bytes]:
    """The load, in a process of its own."""
    return subprocess.Popen(
        [
            *(str(REDUMBRELLA), "journey", "--json", "--data-dir", str(there.data_dir)),
            *("--riders", str(riders), "--concurrency", str(concurrency)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def harass(
    there: House, load: subprocess.Popen[bytes], outcome: Outcome, *, every: float, most: int
) -> None:
    """Kill API and worker in turn until the load ends; the database's postmaster once."""
    turn = 0
    while load.poll() is None and sum(outcome.kills.values()) < most:
        time.sleep(every)
        name = "postgres" if turn == 4 else ("api", "worker")[turn % 2]
        if load.poll() is None and there.kill(name):
            outcome.kills[name] = outcome.kills.get(name, 0) + 1
        turn += 1


async def storm(
    data_dir: Path, *, riders: int, concurrency: int, every: float, most: int = 10_000
) -> Outcome:
    """The whole performance; the outcome's `faults` must be empty."""
    outcome = Outcome()
    with house(data_dir) as there:
        load = journey(there, riders, concurrency)
        await asyncio.to_thread(harass, there, load, outcome, every=every, most=most)
        told, _ = await asyncio.to_thread(load.communicate, timeout=JOURNEY_SECONDS)
        outcome.journey = json.loads(told or b"{}")
        outcome.faults += outcome.journey.get("misses", ["the journey said nothing"])
        await replay(there, outcome, copies=100)
        database = await _connect(there.running.database_url)
        try:
            await drained(database, outcome)
            await invariants(database, outcome)
            await compared(database, data_dir / "simulators" / STATE_FILE, outcome)
        finally:
            await database.close()
    return outcome


async def _connect(url: str) -> asyncpg.Connection:
    deadline = time.monotonic() + 30
    while True:
        try:
            return await asyncpg.connect(asyncpg_dsn(url))
        except (OSError, asyncpg.PostgresError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def replay(there: House, outcome: Outcome, *, copies: int) -> None:
    """Every payment notice of two orders and transfers again, many times and shuffled."""
    known = world(there.data_dir / "simulators" / STATE_FILE)
    parents = [*list(known["order"])[:2], *list(known["transfer"])[:2]]
    async with httpx.AsyncClient(base_url=there.running.simulator_url, trust_env=False) as outside:
        answer = await outside.post(
            "/control/notices/replay", json={"parents": parents, "copies": copies}
        )
    outcome.replayed = answer.json()["queued"]


async def drained(database: asyncpg.Connection, outcome: Outcome) -> None:
    """Until no job is left to do; a held one, or one that never ends, is a fault."""
    began = time.monotonic()
    left = "select entrypoint, count(*) from pgqueuer.pgqueuer where {} group by 1"
    waiting = left.format(
        "status in ('queued', 'picked') and execute_after < now() + interval '1 hour'"
        " and coalesce(dedupe_key, '') not like 'timer:%'"
    )
    while rows := await database.fetch(waiting):
        if time.monotonic() - began > DRAIN_SECONDS:
            outcome.faults += [f"not drained: {tuple(row)}" for row in rows]
            break
        await asyncio.sleep(0.5)
    outcome.drained_after = round(time.monotonic() - began, 1)
    held = await database.fetch(left.format("status = 'failed'"))
    outcome.faults += [f"held: {tuple(row)}" for row in held]


async def invariants(database: asyncpg.Connection, outcome: Outcome) -> None:
    for file in sorted(FOLDER.glob("*.sql")):
        rows = await database.fetch(file.read_text("utf-8"))
        outcome.faults += [f"invariant {file.stem}: {tuple(row)}" for row in rows]


def world(state: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """What the outside systems know, by kind and key."""
    known: dict[str, dict[str, dict[str, Any]]] = {
        "order": {},
        "refund": {},
        "transfer": {},
        "bank": {},
    }
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
PAID = """
select p.out_bill_no, p.claim_id, p.method, p.amount_fen, p.status, c.status as claim_status
from payout p join claim c on c.id = p.claim_id
"""


async def compared(database: asyncpg.Connection, state: Path, outcome: Outcome) -> None:
    """Money as the outside systems saw it against money as the database has it."""
    known = world(state)
    ours = {row["out_trade_no"]: row["settled"] for row in await database.fetch(SETTLED)}
    for number, order in known["order"].items():
        if order["trade_state"] in ("SUCCESS", "REFUND") and not ours.get(number):
            outcome.faults.append(f"order {number} was paid and has neither policy nor refund")
    sent = {
        number: transfer["transfer_amount"]
        for number, transfer in known["transfer"].items()
        if transfer["state"] == "SUCCESS"
    } | {
        number: transfer["amount_fen"]
        for number, transfer in known["bank"].items()
        if transfer["state"] == "paid"
    }
    rows = await database.fetch(PAID)
    paid = {row["out_bill_no"]: row for row in rows}
    for number, amount in sent.items():
        row = paid.get(number)
        if row is None or (row["status"], row["amount_fen"]) != ("paid", amount):
            outcome.faults.append(f"transfer {number} left and is not in the books")
    for row in rows:
        if row["status"] == "paid" and row["out_bill_no"] not in sent:
            outcome.faults.append(f"payout {row['out_bill_no']} is booked and never left")
        if row["claim_status"] != "paid":
            outcome.faults.append(f"claim {row['claim_id']} is {row['claim_status']}")
    claims = [row["claim_id"] for row in rows if row["out_bill_no"] in sent]
    if len(claims) != len(set(claims)):
        outcome.faults.append("a claim was paid twice")
    unpaid = await database.fetch(
        "select number, status from claim where status not in ('paid', 'draft')"
    )
    outcome.faults += [f"claim {tuple(row)}" for row in unpaid]


def main() -> None:
    """Run it for long, and say what happened."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--riders", type=int, default=60)
    arguments.add_argument("--concurrency", type=int, default=10)
    arguments.add_argument("--every", type=float, default=2.0, help="seconds between kills")
    arguments.add_argument("--data-dir", type=Path)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="redumbrella-soak-") as folder:
        outcome = asyncio.run(
            storm(
                chosen.data_dir or Path(folder),
                riders=chosen.riders,
                concurrency=chosen.concurrency,
                every=chosen.every,
            )
        )
    journey_facts = {
        name: outcome.journey.get(name)
        for name in ("ok", "riders", "seconds", "requests", "repeats", "p50_ms", "p99_ms")
    }
    summary = {
        "kills": outcome.kills,
        "journey": journey_facts,
        "replayed_notices": outcome.replayed,
        "drained_after_seconds": outcome.drained_after,
        "faults": outcome.faults,
    }
    sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=2, default=str) + "\n")
    raise SystemExit(1 if outcome.faults else 0)


if __name__ == "__main__":
    main()

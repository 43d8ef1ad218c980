"""A journey while API, worker and database are killed again and again; nothing may be lost.

`make soak ARGS=journey`, or `python -m tests.soak.chaos --riders 200 --concurrency 10`.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from app.simulators.main import STATE_FILE
from tests.soak import books
from tests.soak.house import House, harass, house

REDUMBRELLA = Path(sys.executable).with_name("redumbrella")
JOURNEY_SECONDS = 1800.0
VICTIMS = ("api", "worker", "api", "worker", "postgres")


@dataclass
class Outcome:
    """What happened, and everything that should not have happened."""

    kills: Counter[str] = field(default_factory=Counter)
    journey: dict[str, Any] = field(default_factory=dict)
    replayed: int = 0
    faults: list[str] = field(default_factory=list)


def journey(there: House, riders: int, concurrency: int) -> subprocess.Popen[bytes]:
    """The load, in a process of its own."""
    return subprocess.Popen(
        [
            *(str(REDUMBRELLA), "journey", "--json", "--data-dir", str(there.data_dir)),
            *("--riders", str(riders), "--concurrency", str(concurrency)),
        ],
        # Waited for before it is read: its one line fits into the pipe.
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _ended(load: subprocess.Popen[bytes], within: float) -> bool:
    try:
        load.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


async def storm(data_dir: Path, *, riders: int, concurrency: int, every: float) -> Outcome:
    """The whole performance; the outcome's `faults` must be empty."""
    outcome = Outcome()
    state = data_dir / "simulators" / STATE_FILE
    with house(data_dir) as there:
        load = journey(there, riders, concurrency)
        await asyncio.to_thread(
            harass, there, partial(_ended, load), outcome.kills, every=every, victims=cycle(VICTIMS)
        )
        told, _ = await asyncio.to_thread(load.communicate, timeout=JOURNEY_SECONDS)
        outcome.journey = json.loads(told or b"{}")
        outcome.faults += outcome.journey.get("misses", ["the journey said nothing"])
        outcome.replayed = await replay(there, state, copies=100)
        database = await books.connect(there.running.database_url)
        try:
            outcome.faults += await books.drained(database)
            outcome.faults += await books.invariants(database)
            outcome.faults += await books.compared(database, state)
            unpaid = "select number, status from claim where status not in ('paid', 'draft')"
            outcome.faults += [f"claim {tuple(row)}" for row in await database.fetch(unpaid)]
        finally:
            await database.close()
    return outcome


async def replay(there: House, state: Path, *, copies: int) -> int:
    """Every payment notice of two orders and transfers again, many times and shuffled."""
    known = books.world(state)
    parents = [*list(known["order"])[:2], *list(known["transfer"])[:2]]
    async with httpx.AsyncClient(base_url=there.running.simulator_url, trust_env=False) as outside:
        answer = await outside.post(
            "/control/notices/replay", json={"parents": parents, "copies": copies}
        )
    return int(answer.json()["queued"])


def main() -> None:
    """Run it for long, and say what happened."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--riders", type=int, default=30)
    arguments.add_argument("--concurrency", type=int, default=10)
    arguments.add_argument("--every", type=float, default=2.0, help="seconds between kills")
    chosen = vars(arguments.parse_args())
    folder = Path(tempfile.mkdtemp(prefix="redumbrella-soak-"))
    outcome = asyncio.run(storm(folder, **chosen))
    if outcome.faults:
        sys.stderr.write(f"logs and database are kept in {folder}\n")
    else:
        shutil.rmtree(folder)
    facts = ("ok", "riders", "seconds", "requests", "repeats", "p50_ms", "p99_ms")
    said = vars(outcome) | {"journey": {name: outcome.journey.get(name) for name in facts}}
    sys.stdout.write(json.dumps(said, ensure_ascii=False, indent=2, default=str) + "\n")
    raise SystemExit(1 if outcome.faults else 0)


if __name__ == "__main__":
    main()

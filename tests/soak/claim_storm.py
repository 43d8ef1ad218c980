"""Hundreds of mixed claims at once while API and worker are killed and notices come again.

`make soak ARGS=claims`, or `python -m tests.soak.claim_storm --mixed 1000`. The short form
runs in `tests/launcher/test_chaos.py`.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from app.journey.claim import accident_after
from app.journey.office import Credentials, Desk, move_clock
from app.journey.people import make_rider
from app.journey.report import Report
from app.journey.rider import Phone
from app.journey.transport import Miss
from app.journey.world import World
from app.simulators.main import STATE_FILE
from tests.soak import books
from tests.soak.house import House, harass, house
from tests.soak.life import Life, Patient, Person
from tests.soak.stories import MIXED, WORTH, Story, duel

# So many claims of one rider stay within the limits of the plan's term.
CLAIMS_OF_A_RIDER = 5
# Each claim of a rider has an accident of its own day, none of them in the first days of
# cover: those are odd, and the rule decides nothing that is.
FIRST_ACCIDENT = timedelta(days=4)
TODAY = FIRST_ACCIDENT + timedelta(days=CLAIMS_OF_A_RIDER)
ENROLLING_AT_ONCE = 8
REQUESTS_AT_ONCE = 24
REPLAY_EVERY = 3.0


@dataclass
class Storm:
    """What happened, and everything that should not have happened."""

    claims: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    duels_won: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    replayed: int = 0
    requests: int = 0
    repeats: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass
class Stage:
    """The house, its outside, and everybody who plays."""

    there: House
    world: World
    report: Report
    turn: asyncio.Semaphore
    # A replay is a message as well: replayed again and again they would have no end.
    replayed: set[str] = field(default_factory=set)

    def device(self, address: str = "127.0.0.1") -> Patient:
        return Patient(self.world.api, self.report.tally, address=address, turn=self.turn)

    def staff(self, role: str) -> Person:
        account = next(each for each in self.there.running.accounts if each.role == role)
        known = Credentials(account.username, account.password, account.totp_secret)
        return Person(Desk(known, self.device(), self.report))

    def rider(self) -> Person:
        rider = make_rider()
        return Person(Phone(self.world, rider, self.device(rider.address), self.report))


@asynccontextmanager
async def stage(there: House) -> AsyncIterator[Stage]:
    options = {"timeout": httpx.Timeout(30.0, pool=None), "trust_env": False}
    async with (
        httpx.AsyncClient(base_url=there.running.base_url, **options) as api,  # type: ignore[arg-type]
        httpx.AsyncClient(base_url=there.running.simulator_url, **options) as outside,  # type: ignore[arg-type]
    ):
        world = World(api, outside, there.running.enrolment_code)
        report = Report(machine=True, alone=False)
        yield Stage(there, world, report, asyncio.Semaphore(REQUESTS_AT_ONCE))


async def storm(
    data_dir: Path,
    *,
    mixed: int,
    duels: int,
    every: float,
    victims: Callable[[], Iterable[str]] = lambda: itertools.cycle(("api", "worker")),
) -> Storm:
    """The whole performance; the `faults` of what it returns must be empty.

    `victims` are killed one after another while riders enrol, and again while claims live.
    """
    told = Storm(claims=mixed + duels)
    state = data_dir / "simulators" / STATE_FILE
    stories = [*(MIXED[index % len(MIXED)] for index in range(mixed)), *([duel] * duels)]
    random.shuffle(stories)
    with house(data_dir) as there:
        async with stage(there) as on_stage:
            riders = [on_stage.rider() for _ in range(-(-len(stories) // CLAIMS_OF_A_RIDER))]
            async with _killing(there, told, every, victims()):
                await _enrol(riders, told)
            # A lost answer costs its staff a code for 30 seconds: they log in while all lives.
            office = await _later(on_stage, riders)
            async with (
                _killing(there, told, every, victims()),
                _notices_again(on_stage, state, told),
            ):
                await _live(stories, riders, office, told)
            told.replayed += await _replay(on_stage, state, parents=4, copies=100, at_last=True)
            await _audit(there, state, told)
        tally = on_stage.report.tally
        told.requests, told.repeats = tally.requests, tally.repeats
    return told


@asynccontextmanager
async def _killing(
    there: House, told: Storm, every: float, victims: Iterable[str]
) -> AsyncIterator[None]:
    over = threading.Event()
    killer = asyncio.to_thread(harass, there, over.wait, told.kills, every=every, victims=victims)
    task = asyncio.create_task(killer)
    try:
        yield
    finally:
        over.set()
        await task


@asynccontextmanager
async def _notices_again(on_stage: Stage, state: Path, told: Storm) -> AsyncIterator[None]:
    """Meanwhile notices that came before come again, shuffled and several times."""

    async def again_and_again() -> None:
        while True:
            await asyncio.sleep(REPLAY_EVERY)
            told.replayed += await _replay(on_stage, state, parents=6, copies=3)

    task = asyncio.create_task(again_and_again())
    try:
        yield
    finally:
        task.cancel()


async def _enrol(riders: Sequence[Person], told: Storm) -> None:
    began, at_once = time.monotonic(), asyncio.Semaphore(ENROLLING_AT_ONCE)
    await asyncio.gather(*(_enrolled(rider, at_once) for rider in riders))
    told.seconds["enrolling"] = round(time.monotonic() - began, 1)


async def _later(on_stage: Stage, riders: Sequence[Person]) -> tuple[Person, Person]:
    """Reviewer and supervisor at their desks, days after the last of the accidents."""
    administrator = on_stage.staff("administrator")
    await administrator.awake()
    assert isinstance(administrator.part, Desk)
    starts = max(_starts(rider) for rider in riders)
    await move_clock(administrator.part, starts + TODAY)
    office = on_stage.staff("reviewer"), on_stage.staff("supervisor")
    for person in office:
        await person.awake()
    return office


async def _live(
    stories: Sequence[Story], riders: Sequence[Person], office: tuple[Person, Person], told: Storm
) -> None:
    """All claims at once."""
    began = time.monotonic()
    lives = [
        Life(rider, *office, (accident_after(_starts(rider) + FIRST_ACCIDENT + day)).isoformat())
        for day in map(timedelta, range(CLAIMS_OF_A_RIDER))
        for rider in riders
    ]
    await asyncio.gather(
        *(_lived(story, life, told) for story, life in zip(stories, lives, strict=False))
    )
    told.seconds["claims"] = round(time.monotonic() - began, 1)


async def _enrolled(rider: Person, at_once: asyncio.Semaphore) -> None:
    phone = rider.part
    assert isinstance(phone, Phone)
    async with at_once:
        await phone.enrol()
        await phone.buy()


def _starts(rider: Person) -> datetime:
    assert isinstance(rider.part, Phone)
    return datetime.fromisoformat(rider.part.known["policy"]["starts_at"])


async def _lived(story: Story, life: Life, told: Storm) -> None:
    """One story to its end; what the claim says of itself then is what the story says."""
    try:
        status, paid = await story(life)
        view = await life.stands(status)
    except Miss as miss:
        told.faults.append(f"{story.__name__} {life.id}: {miss}")
        return
    told.endings[f"{story.__name__}: {status}"] += 1
    told.duels_won += life.wins
    worth = WORTH.get(story, (status, 340_000 if status == "paid" else 0))
    if (status, paid) != worth or (view["amount_fen"] or 0) != paid:
        told.faults.append(f"{story.__name__} {life.id}: {status} with {paid} instead of {worth}")


async def _replay(
    on_stage: Stage, state: Path, *, parents: int, copies: int, at_last: bool = False
) -> int:
    """What was sent for some orders and transfers again, mixed up."""
    known = books.world(state)
    numbers = sorted({*known["order"], *known["transfer"]})
    if not at_last:
        numbers = [number for number in numbers if number not in on_stage.replayed]
    chosen = random.sample(numbers, min(parents, len(numbers)))
    on_stage.replayed.update(chosen)
    done = await on_stage.world.control("notices/replay", parents=chosen, copies=copies)
    return int(done["queued"])


# Every claim of the storm has one first word a round, and no round two payouts that live.
TWO_WORDS = """
select claim_id, round, step, count(*) from decision group by 1, 2, 3 having count(*) > 1
"""


async def _audit(there: House, state: Path, told: Storm) -> None:
    began = time.monotonic()
    database = await books.connect(there.running.database_url)
    try:
        told.faults += await books.drained(database)
        told.faults += await books.invariants(database)
        told.faults += await books.compared(database, state)
        told.faults += [f"two words: {tuple(row)}" for row in await database.fetch(TWO_WORDS)]
    finally:
        await database.close()
    told.seconds["audit"] = round(time.monotonic() - began, 1)


def main() -> None:
    """Run it for long, and say what happened."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mixed", type=int, default=300)
    arguments.add_argument("--duels", type=int, default=200)
    arguments.add_argument("--every", type=float, default=2.0, help="seconds between kills")
    chosen = vars(arguments.parse_args())
    with tempfile.TemporaryDirectory(prefix="redumbrella-soak-") as folder:
        told = asyncio.run(storm(Path(folder), **chosen))
    sys.stdout.write(json.dumps(vars(told), ensure_ascii=False, indent=2) + "\n")
    raise SystemExit(1 if told.faults else 0)


if __name__ == "__main__":
    main()

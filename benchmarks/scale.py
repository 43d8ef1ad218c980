"""The same paths in a city of 3 million members and in one of 10,000, in the same rounds.

Both cities are databases of one PostgreSQL, each with a server of ours. What grows with a
city is its tables and indexes; an answer must not notice. Budget: performance's p99 of the
large city ÷ p99 of the small one.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

from app.kernel import postgres
from benchmarks import crowd, world
from benchmarks.load import Driven
from benchmarks.paths import reads, writes
from benchmarks.rounds import Effort, WrongAnswer, emit, measure
from benchmarks.rounds import Path as Measured
from benchmarks.servers import Server
from benchmarks.world import Stand, World, tell

SMALL = 10_000
BUDGET = 1.25


class Scale:
    """A path in the large city in the place of ours, in the small one in the place of lean.

    Each city has its requests made, warmed and compared with its own lean twin first.
    """

    budget = BUDGET

    def __init__(self, large: Measured, small: Measured, village: World) -> None:
        self.name = f"scale_{large.name}"
        self._large, self._small, self._village = large, small, village

    def servers(self, world: World) -> Mapping[str, Server]:
        large, small = world.ours, self._village.ours
        return {"ours": replace(large, name="large"), "lean": replace(small, name="small")}

    async def prepare(self, world: World, effort: Effort) -> None:
        await self._large.prepare(world, effort)
        await self._small.prepare(self._village, effort)

    async def play(self, world: World, server: Server, effort: Effort) -> list[Driven]:
        if server.name == "large":
            return await self._large.play(world, world.ours, effort)
        return await self._small.play(self._village, self._village.ours, effort)

    async def effects(self, world: World) -> Counter[str]:
        return await self._large.effects(world) + await self._small.effects(self._village)


# What a member asks for, and the two writes that look for a person among all others.
PATHS = (reads.Scan, reads.Policies, reads.Cover, writes.Register, writes.Purchase)


def told(figures: Mapping[str, Any], members: int) -> dict[str, Any]:
    """The line of a path, with the twin's members named for what they are here."""
    return {
        "path": figures["path"],
        "members": members,
        "small_members": SMALL,
        "p99_ratio": figures["p99_ratio"],
        "budget": BUDGET,
        "rps_ratio": figures["ratio"],
        **{name: figures[name] for name in ("p50_ms", "p99_ms", "rps", "cpu_us")},
        **{f"small_{name}": figures[f"lean_{name}"] for name in ("p99_ms", "rps", "cpu_us")},
    }


def run(home: Path, running: postgres.Running, members: int, effort: Effort) -> int:
    """Seed both cities, print a line for each path; returns how many gave wrong answers."""
    village, large = (_stand(home / name, running, name) for name in ("village", "large"))
    return uvloop.run(_measured(village, large, members, effort))


def _stand(home: Path, running: postgres.Running, name: str) -> Stand:
    home.mkdir(mode=0o700)
    return world.prepare(home, running, name)


async def _measured(village: Stand, large: Stand, members: int, effort: Effort) -> int:
    wrong = 0
    async with AsyncExitStack() as stack:
        small_world = await _city(stack, village, SMALL)
        large_world = await _city(stack, large, members)
        for kind in PATHS:
            try:
                path = Scale(kind(), kind(), small_world)
                emit(told(await measure(path, large_world, effort), members))
            except WrongAnswer as error:
                tell(f"{kind.name}: WRONG: {error}")
                wrong += 1
    return wrong


async def _city(stack: AsyncExitStack, stand: Stand, members: int) -> World:
    """So many members, and both servers over their database."""
    tools = await stack.enter_async_context(world.open_tools(stand.settings))
    seeded = await crowd.city(tools, stand.settings, members)
    ours, lean = stack.enter_context(world.both_servers(stand))
    return World(stand, tools, ours, lean, seeded)

"""Interleaved rounds of ours and lean, and the figures they give."""

import gc
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Protocol

from benchmarks.load import Driven
from benchmarks.servers import Server
from benchmarks.world import World, tell


class WrongAnswer(Exception):
    """An answer was not what it must be; a figure from such a run means nothing."""


@dataclass(frozen=True)
class Effort:
    """How much is measured: `rounds` per side, `seconds` each for reads, `writes` each."""

    rounds: int = 8
    seconds: float = 2.0
    writes: int = 300


class Path(Protocol):
    """One thing to measure. `play` sends one round's requests to one server."""

    name: str
    budget: float

    def servers(self, world: World) -> Mapping[str, Server]:
        """Who is measured as `ours` and as `lean`."""

    async def prepare(self, world: World, effort: Effort) -> None:
        """Make what the requests need, before anything is timed."""

    async def play(self, world: World, server: Server, effort: Effort) -> list[Driven]:
        """The round's drives, one after another; a unit of work has a request in each."""

    async def effects(self, world: World) -> Counter[str]:
        """How many rows of each kind exist now; empty for reads."""


@dataclass
class Side:
    """One server's rounds."""

    rps: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    units: int = 0
    effects: Counter[str] = field(default_factory=Counter)


async def measure(path: Path, world: World, effort: Effort) -> dict[str, Any]:
    """Warm up, play the rounds in alternating order, check the effects; the JSON line."""
    tell(f"{path.name}: preparing")
    await path.prepare(world, effort)
    servers = path.servers(world)
    for server in servers.values():
        _check(server, await path.play(world, server, effort))
    sides = {"ours": Side(), "lean": Side()}
    gc.collect()
    gc.disable()
    try:
        for number in range(effort.rounds):
            order = ("ours", "lean") if number % 2 == 0 else ("lean", "ours")
            for name in order:
                await _round(path, world, servers[name], effort, sides[name])
    finally:
        gc.enable()
    _same_effects(path, sides["ours"], sides["lean"])
    return line(path, sides["ours"], sides["lean"])


async def _round(path: Path, world: World, server: Server, effort: Effort, side: Side) -> None:
    before, cpu = await path.effects(world), server.cpu_seconds()
    drives = await path.play(world, server, effort)
    spent = server.cpu_seconds() - cpu
    _check(server, drives)
    after = await path.effects(world)
    units = drives[-1].count
    elapsed = sum(drive.seconds for drive in drives)
    latencies = [seconds for drive in drives for seconds in drive.latencies]
    side.units += units
    side.effects.update({kind: after[kind] - before[kind] for kind in after | before})
    side.rps.append(units / elapsed)
    side.cpu_us.append(spent / units * 1e6)
    side.latencies += latencies
    side.p99.append(quantile(latencies, 0.99))
    tell(
        f"{path.name}: {server.name:5} {units / elapsed:8.0f}/s"
        f" {spent / units * 1e6:7.0f} us CPU {side.p99[-1] * 1e3:7.2f} ms p99"
    )


def _check(server: Server, drives: Sequence[Driven]) -> None:
    for drive in drives:
        wrong = sum(count for status, count in drive.statuses.items() if status >= 300)
        if wrong or not drive.count:
            sample = drive.refusals[0].decode(errors="replace")[:600] if drive.refusals else ""
            raise WrongAnswer(f"{server.name}: {dict(drive.statuses)} {sample}")


def _same_effects(path: Path, ours: Side, lean: Side) -> None:
    """Both sides must have left the same rows for each unit of work."""
    for kind in sorted(ours.effects | lean.effects):
        mine, theirs = ours.effects[kind] / ours.units, lean.effects[kind] / lean.units
        if mine != theirs:
            raise WrongAnswer(f"{path.name}: {kind}: ours wrote {mine}, lean {theirs} a unit")


def line(path: Path, ours: Side, lean: Side) -> dict[str, Any]:
    """The figures of one path; `ratio` is the median over rounds of ours ÷ lean."""
    ratios = [mine / theirs for mine, theirs in zip(ours.rps, lean.rps, strict=True)]
    tails = [mine / theirs for mine, theirs in zip(ours.p99, lean.p99, strict=True)]
    return {
        "path": path.name,
        "ratio": round(median(ratios), 3),
        "budget": path.budget,
        "rps": round(median(ours.rps), 1),
        "cpu_us": round(median(ours.cpu_us)),
        "p50_ms": milliseconds(quantile(ours.latencies, 0.5)),
        "p99_ms": milliseconds(quantile(ours.latencies, 0.99)),
        "lean_rps": round(median(lean.rps), 1),
        "lean_cpu_us": round(median(lean.cpu_us)),
        "lean_p99_ms": milliseconds(quantile(lean.latencies, 0.99)),
        "cpu_ratio": round(median(lean.cpu_us) / median(ours.cpu_us), 3),
        "p99_ratio": round(median(tails), 2),
    }


def quantile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def emit(figures: dict[str, Any]) -> None:
    print(json.dumps(figures), flush=True)

"""`python -m benchmarks [path …]`: one JSON line per path on stdout, the story on stderr."""

import argparse
import sys
from pathlib import Path

import uvloop

from app.kernel import postgres
from app.settings import Settings
from benchmarks import crowd, engine, seed, world
from benchmarks.paths import PATHS
from benchmarks.rounds import Effort, WrongAnswer, emit, measure
from benchmarks.world import tell

# Paths without a twin server: the roster's limit is COPY, others' a time, or a small city.
OWN = ("roster", "engine", "simulation", "scale")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("paths", nargs="*", help=f"some of: {', '.join([*PATHS, *OWN])}")
    parser.add_argument("--members", type=int, default=20_000, help="people in the city")
    parser.add_argument(
        "--claims", type=int, default=400_000, help="claims in the queue, or to be replayed"
    )
    parser.add_argument(
        "--crowd", type=int, default=3_000_000, help="people in the large city of `scale`"
    )
    parser.add_argument("--rounds", type=int, default=8, help="rounds per side")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round of reads")
    parser.add_argument("--writes", type=int, default=300, help="units in a round of writes")
    parser.add_argument(
        "--no-fsync", action="store_true", help="take the disk out: only the work is left"
    )
    asked = parser.parse_args()
    if unknown := set(asked.paths) - {*PATHS, *OWN}:
        parser.error(f"unknown path: {', '.join(sorted(unknown))}")
    return asked


async def seeded(
    asked: argparse.Namespace, names: list[str], settings: Settings, tools: "world.Tools"
) -> seed.Seeded:
    """The city, as large as asked; claims only where a path reads them."""
    city = await crowd.city(tools, settings, asked.members)
    if any(name.startswith("claims") for name in names):
        tell(f"seeding {asked.claims:,} claims")
        await seed.claims(tools.owner, city, asked.claims)
    return city


async def run(asked: argparse.Namespace, names: list[str], stand: "world.Stand") -> int:
    """Measure each path; returns how many gave wrong answers."""
    wrong = 0
    async with world.open_tools(stand.settings) as tools:
        city = await seeded(asked, names, stand.settings, tools)
        with world.both_servers(stand) as (ours, lean):
            scene = world.World(stand, tools, ours, lean, city)
            effort = Effort(asked.rounds, asked.seconds, asked.writes)
            for name in names:
                try:
                    for path in PATHS[name]():
                        emit(await measure(path, scene, effort))
                except WrongAnswer as error:
                    tell(f"{name}: WRONG: {error}")
                    wrong += 1
    return wrong


def main() -> int:
    asked = arguments()
    names = [name for name in PATHS if not asked.paths or name in asked.paths]
    own = [name for name in OWN if not asked.paths or name in asked.paths]
    wrong = engine.run() if "engine" in own else 0
    if names or "roster" in own:
        with world.cluster(fsync=not asked.no_fsync) as (home, running):
            stand = world.prepare(home, running)
            if names:
                wrong += uvloop.run(run(asked, names, stand))
            if "roster" in own:
                wrong += roster(stand)
    if "simulation" in own:
        with world.cluster(fsync=not asked.no_fsync) as (home, running):
            wrong += simulation(world.prepare(home, running), asked.claims)
    if "scale" in own:
        with world.cluster(fsync=not asked.no_fsync) as (home, running):
            wrong += scale(asked, home, running)
    return 1 if wrong else 0


def roster(stand: "world.Stand") -> int:
    """The roster path has no twin server: its limit is COPY into the same tables."""
    from benchmarks import roster as path

    return path.run(stand)


def simulation(stand: "world.Stand", claims: int) -> int:
    """A database of its own: its claims are decided, the queue's are not."""
    from benchmarks import simulation as path

    return path.run(stand, claims)


def scale(asked: argparse.Namespace, home: Path, running: postgres.Running) -> int:
    """Two cities in one cluster; the large one takes minutes to seed."""
    from benchmarks import scale as path

    effort = Effort(asked.rounds, asked.seconds, asked.writes)
    return path.run(home, running, asked.crowd, effort)


if __name__ == "__main__":
    sys.exit(main())

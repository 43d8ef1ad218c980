"""Reads: the same requests round and round for a fixed time."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import msgspec

from app.kernel.principal import Principal
from benchmarks.load import Driven, drive, request
from benchmarks.rounds import Effort, WrongAnswer
from benchmarks.servers import Server
from benchmarks.world import World

# Enough different rows that no answer stays in a processor's cache, all verified in warm-up.
DIFFERENT = 2_000
PAGE = 50


class Read:
    """A GET with nothing left behind; subclasses say which and what it must hold."""

    name: str
    budget: float

    def __init__(self) -> None:
        self.requests: dict[str, Sequence[bytes]] = {}

    def fits(self, body: bytes) -> bool:
        """Whether an answer is the right one; a sample of the answers is asked."""
        raise NotImplementedError

    async def play(self, world: World, server: Server, effort: Effort) -> list[Driven]:
        driven = await drive(server.port, self.requests[server.name], seconds=effort.seconds)
        for _, body in driven.answers:
            if not self.fits(body):
                raise WrongAnswer(f"{server.name}: {body[:300].decode(errors='replace')}")
        return [driven]

    async def effects(self, world: World) -> Counter[str]:
        return Counter()


class Scan(Read):
    name, budget = "scan", 0.60

    async def prepare(self, world: World, effort: Effort) -> None:
        both = [request("GET", f"/v1/enrolment-codes/{code}", {}) for code in world.city.codes]
        self.requests = {"ours": both, "lean": both}

    def fits(self, body: bytes) -> bool:
        answer = msgspec.json.decode(body)
        return len(answer["plans"]) == 1 and len(answer["consents"]) >= 3


class Policies(Read):
    name, budget = "policies", 0.65

    async def prepare(self, world: World, effort: Effort) -> None:
        chosen = Random(1).sample(world.city.members, min(DIFFERENT, len(world.city.members)))
        both = [
            request("GET", "/v1/me/policies", world.bearer(Principal("member", account_id)))
            for account_id, _ in chosen
        ]
        self.requests = {"ours": both, "lean": both}

    def fits(self, body: bytes) -> bool:
        items = msgspec.json.decode(body)["items"]
        return len(items) in (1, 2) and items[-1]["state"] == "in_force"


class Claims(Read):
    """A page of 50; the deepest page is found by following our own cursors' position."""

    budget = 0.55

    def __init__(self, name: str, reviewer: str, *, deepest: bool = False) -> None:
        super().__init__()
        self.name = name
        self._reviewer = reviewer
        self._deepest = deepest

    async def prepare(self, world: World, effort: Effort) -> None:
        staff_id = world.city.staff_ids[self._reviewer]
        place = world.city.office_id if "office" in self._reviewer else world.city.agency_ids[0]
        caller = Principal("staff", staff_id, place, frozenset({"reviewer"}))
        headers = world.bearer(caller)
        for server in (world.ours, world.lean):
            path = f"/v1/staff/claims?limit={PAGE}"
            self.requests[server.name] = [request("GET", path, headers)]

    def fits(self, body: bytes) -> bool:
        return len(msgspec.json.decode(body)["items"]) == PAGE

"""Reads: the same requests round and round for a fixed time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from app.claims.queue import OPEN
from app.kernel.pagination import encode_cursor
from app.kernel.principal import Principal
from benchmarks.load import Driven, drive, request
from benchmarks.rounds import Effort, WrongAnswer
from benchmarks.servers import Server
from benchmarks.world import World

# Enough different rows that no answer stays in a processor's cache.
DIFFERENT = 2_000
COMPARED = 50
PAGE = 50


class Read:
    """A GET; subclasses say which, and what of the answer both servers must agree upon."""

    name: str
    budget: float

    def __init__(self) -> None:
        self.requests: dict[str, Sequence[bytes]] = {}

    def servers(self, world: World) -> Mapping[str, Server]:
        return {"ours": world.ours, "lean": world.lean}

    def essence(self, body: bytes) -> Any:
        raise NotImplementedError

    async def prepare(self, world: World, effort: Effort) -> None:
        """Every request once: caches are as warm as in production, and the answers agree."""
        self.requests = await self.ask(world)
        seen: list[dict[int, Any]] = []
        for server in self.servers(world).values():
            driven = await drive(server.port, self.requests[server.name], keep_all=True)
            told = sorted(driven.answers)[:COMPARED]
            seen.append({index: self.essence(body) for index, body in told})
        if seen[0] != seen[1] or not seen[0]:
            raise WrongAnswer(f"{self.name}: ours {str(seen[0])[:300]} lean {str(seen[1])[:300]}")

    async def ask(self, world: World) -> dict[str, Sequence[bytes]]:
        """The requests of each side."""
        raise NotImplementedError

    async def play(self, world: World, server: Server, effort: Effort) -> list[Driven]:
        driven = await drive(server.port, self.requests[server.name], seconds=effort.seconds)
        for _, body in driven.answers:
            if not self.essence(body):
                raise WrongAnswer(f"{server.name}: {body[:300].decode(errors='replace')}")
        return [driven]

    async def effects(self, world: World) -> Counter[str]:
        return Counter()


class Scan(Read):
    """A code at a site with one plan: its bytes are known, its validity is looked up."""

    name, budget = "scan", 0.60

    async def ask(self, world: World) -> dict[str, Sequence[bytes]]:
        both = [request("GET", f"/v1/enrolment-codes/{code}", {}) for code in world.city.codes]
        return {"ours": both, "lean": both}

    def essence(self, body: bytes) -> Any:
        answer = msgspec.json.decode(body)
        plans = [plan["code"] for plan in answer["plans"]]
        consents = sorted((each["purpose"], each["version"]) for each in answer["consents"])
        return answer["code"], answer["site"]["name"], plans, consents


class OfMembers(Read):
    """A question about oneself, from as many members as have sessions at one time."""

    path: str

    async def ask(self, world: World) -> dict[str, Sequence[bytes]]:
        chosen = Random(1).sample(world.city.members, min(DIFFERENT, len(world.city.members)))
        both = [
            request("GET", self.path, world.bearer(Principal("member", account_id)))
            for account_id, _ in chosen
        ]
        return {"ours": both, "lean": both}


class Policies(OfMembers):
    """A member's policies, one or two of them."""

    name, budget, path = "policies", 0.65, "/v1/me/policies"

    def essence(self, body: bytes) -> Any:
        items = msgspec.json.decode(body)["items"]
        return [(item["id"], item["number"], item["state"], item["shares"]) for item in items]


class Cover(OfMembers):
    """Whether a member is covered now, which benefits pay and which wait until when.

    The twin answers the same in full. It looks at the last change of each policy: layers
    upon layers, grace and what a moratorium prolongs are ours alone.
    """

    name, budget, path = "cover", 0.65, "/v1/me/cover"

    def essence(self, body: bytes) -> Any:
        answer = msgspec.json.decode(body)
        return answer["covered"], [_instants(plan) for plan in answer["plans"]]


def _instants(told: Any) -> Any:
    """The same with instants as such: a twin writes them in its own offset."""
    if isinstance(told, dict):
        return {name: _instants(each) for name, each in told.items()}
    if isinstance(told, list):
        return [_instants(each) for each in told]
    try:
        return datetime.fromisoformat(told) if isinstance(told, str) else told
    except ValueError:
        return told


class Claims(Read):
    """A page of 50 of everything that a reviewer's organisation has to decide."""

    budget = 0.55

    def __init__(self, name: str, reviewer: str) -> None:
        super().__init__()
        self.name = name
        self._reviewer = reviewer

    def place(self, world: World) -> UUID:
        office = self._reviewer == "office_reviewer"
        return world.city.office_id if office else world.city.agency_ids[0]

    def page(self, world: World, cursor: str = "") -> list[bytes]:
        staff_id = world.city.staff_ids[self._reviewer]
        caller = Principal("staff", staff_id, self.place(world), frozenset({"reviewer"}))
        return [request("GET", f"/v1/staff/claims?limit={PAGE}{cursor}", world.bearer(caller))]

    async def ask(self, world: World) -> dict[str, Sequence[bytes]]:
        return {"ours": self.page(world), "lean": self.page(world)}

    def essence(self, body: bytes) -> Any:
        items = msgspec.json.decode(body)["items"]
        return [item["id"] for item in items] if len(items) == PAGE else None

    async def effects(self, world: World) -> Counter[str]:
        sql = "select count(*) from audit_entry where action = 'claim.list'"
        return Counter({"audit claim.list": await world.tools.owner.fetchval(sql)})


class Depth(Claims):
    """Our deepest page over our own first page, in the place of ours over lean."""

    budget = round(1 / 1.1, 2)

    def servers(self, world: World) -> Mapping[str, Server]:
        return {"ours": world.ours, "lean": replace(world.ours, name="lean")}

    async def prepare(self, world: World, effort: Effort) -> None:
        self.requests = await self.ask(world)

    async def ask(self, world: World) -> dict[str, Sequence[bytes]]:
        place = self.place(world)
        row = await world.tools.owner.fetchrow(
            "select rank_at, claim_id from claim_queue"
            " where organisation_id = $1 and status = 'submitted'"
            " order by rank_at desc, claim_id desc offset $2 limit 1",
            place,
            PAGE,
        )
        position = [row["rank_at"].isoformat(), str(row["claim_id"])]
        listing = f"claims:{place}:{','.join(OPEN)}"
        cursor = encode_cursor(world.tools.vault, listing, position)
        return {"ours": self.page(world, f"&cursor={cursor}"), "lean": self.page(world)}

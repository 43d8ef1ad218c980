"""Messages to the merchant's addresses: signed anew at each try, repeated until taken."""

import random
import secrets
from collections.abc import Callable
from typing import Any, Literal

import httpx

from app.simulators.config import SimulatorConfig
from app.simulators.store import Record, Store
from app.simulators.timers import Timers

TAKEN = (200, 204)

Maker = Callable[[Record], tuple[dict[str, str], bytes]]
Fate = Literal["waiting", "held", "dropped", "delivered", "given_up"]


class Outbox:
    """Notices and callbacks; `parent` groups those of one order, check or transfer."""

    def __init__(self, store: Store, timers: Timers, config: SimulatorConfig) -> None:
        self._store = store
        self._timers = timers
        self._config = config
        self._makers: dict[str, Maker] = {}
        self.http: httpx.AsyncClient | None = None
        timers.on("callback", self._attempt)

    def register(self, kind: str, make: Maker) -> None:
        """`make` turns a message's content into headers and body, at each try."""
        self._makers[kind] = make

    def send(
        self,
        kind: str,
        url: str,
        content: Record,
        *,
        parent: str,
        delay_seconds: float = 0.0,
        fate: Fate = "waiting",
    ) -> str:
        """Queue a message; its id. `held` waits for its parent's next, `dropped` for ever."""
        identifier = secrets.token_hex(8)
        record = {
            "id": identifier,
            "kind": kind,
            "url": url,
            "parent": parent,
            "content": content,
            "attempt": 0,
            "fate": fate,
            "answers": [],
        }
        self._store.put("callback", identifier, record, parent)
        if fate == "waiting":
            self._timers.set(
                "callback", identifier, delay_seconds + self._config.notice_retry_seconds[0]
            )
        return identifier

    def messages(self, parent: str) -> list[Record]:
        return self._store.children("callback", parent)

    def replay(self, parents: list[str], copies: int) -> int:
        """Send every message of these parents again, shuffled; how many were queued."""
        known = [message for parent in parents for message in self.messages(parent)]
        again = known * copies
        random.shuffle(again)
        for message in again:
            self.send(message["kind"], message["url"], message["content"], parent=message["parent"])
        return len(again)

    def release(self, parent: str) -> int:
        """Let held messages of a parent go; how many."""
        held = [message for message in self.messages(parent) if message["fate"] == "held"]
        for message in held:
            self._store.put("callback", message["id"], message | {"fate": "waiting"})
            self._timers.set("callback", message["id"], 0.0)
        return len(held)

    async def _attempt(self, identifier: str) -> None:
        record = self._store.get("callback", identifier)
        if record is None or record["fate"] != "waiting" or self.http is None:
            return
        status = await self._post(self.http, record)
        record["attempt"] += 1
        record["answers"] = [*record["answers"][-9:], status]
        waits = self._config.notice_retry_seconds
        if status in TAKEN:
            record["fate"] = "delivered"
        elif record["attempt"] >= len(waits):
            record["fate"] = "given_up"
        else:
            self._timers.set("callback", identifier, waits[record["attempt"]])
        self._store.put("callback", identifier, record)
        self.release(record["parent"])

    async def _post(self, http: httpx.AsyncClient, record: Record) -> int:
        """The status of one try, 0 when there was no answer."""
        headers, body = self._makers[record["kind"]](record["content"])
        try:
            response = await http.post(record["url"], content=body, headers=headers)
        except Exception:
            # Whatever broke, it is a try that failed: the message must stay in the queue.
            # (A connection cut at the wrong moment has surfaced as an AttributeError.)
            return 0
        return response.status_code


def summary(record: Record) -> dict[str, Any]:
    """What the control door tells of a message: nothing of its content but the event."""
    return {
        "id": record["id"],
        "event": record["content"].get("event_type", record["kind"]),
        "fate": record["fate"],
        "attempts": record["attempt"],
        "answers": record["answers"],
    }

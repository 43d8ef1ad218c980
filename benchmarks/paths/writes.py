"""Writes: each request once, and the rows they left counted by kind."""

import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from app.kernel.clock import SHANGHAI, system_now
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.members.consent_models import REQUIRED_TO_REGISTER
from benchmarks import crowd, people, seed
from benchmarks.load import Driven, drive, request
from benchmarks.rounds import Effort, WrongAnswer
from benchmarks.servers import Server
from benchmarks.world import World

# Kinds of rows that writes leave, each as a query of (kind, count).
_EFFECTS = """
select 'stored_answer' as kind, count(*) as rows from stored_answer
union all select 'audit ' || action, count(*) from audit_entry group by 1
union all select 'event ' || name, count(*) from event_log group by 1
union all select concat_ws(' ', 'history', subject, from_status, to_status), count(*)
  from status_history group by 1
union all select 'job ' || entrypoint, count(*) from pgqueuer.pgqueuer group by 1
union all select 'job log', count(*) from pgqueuer.pgqueuer_log
union all select 'due ' || job, count(*) from due_thing group by 1
"""
_REGISTER = """
union all select 'registration ' || status, count(*) from registration group by 1
union all select 'consent ' || purpose, count(*) from consent group by 1
"""
_PURCHASE = """
union all select 'order ' || status, count(*) from contribution_order group by 1
union all select 'attempt ' || status, count(*) from payment_attempt group by 1
union all select 'slot of a bought policy', count(*) from share_slot
  where policy_id is not null and order_id is not null
union all select 'policy of an order', count(*) from policy where order_id is not null
union all select 'policy transaction', count(*) from policy_transaction where order_id is not null
union all select 'ledger ' || kind, count(*) from ledger_transaction group by 1
union all select 'ledger ' || account_code, sum(amount_fen) from ledger_entry group by 1
union all select 'notice ' || outcome, count(*) from gateway_notice group by 1
"""


async def _count(world: World, sql: str) -> Counter[str]:
    return Counter({kind: int(rows) for kind, rows in await world.tools.owner.fetch(sql)})


def needed(effort: Effort) -> int:
    """Every unit is done once: all rounds of both sides, and both warm-ups."""
    return effort.writes * 2 * (effort.rounds + 1)


class Write:
    """Measures ours against lean; each request has an effect and is sent once."""

    def __init__(self) -> None:
        self._left: list[bytes] = []

    def servers(self, world: World) -> Mapping[str, Server]:
        return {"ours": world.ours, "lean": world.lean}

    def take(self, effort: Effort) -> list[bytes]:
        """The next round's requests."""
        mine, self._left = self._left[: effort.writes], self._left[effort.writes :]
        return mine


class Register(Write):
    """A fresh account registers completely: name, document, three consents, the site's code."""

    name, budget = "register", 0.45

    async def prepare(self, world: World, effort: Effort) -> None:
        first = world.city.numbered(needed(effort))
        now = system_now()
        records, self._left = [], []
        for at in range(first, first + needed(effort)):
            account_id = new_id()
            phone = people.phone_of(at)
            records.append(people.account_record(world.tools.vault, account_id, phone, None, now))
            self._left.append(self._request(world, account_id, at))
        await world.tools.owner.copy_records_to_table(
            "member_account", records=records, columns=people.ACCOUNT
        )
        await world.tools.owner.execute("analyze member_account")

    def _request(self, world: World, account_id: UUID, at: int) -> bytes:
        body = {
            "name": people.name_of(at),
            "document": {"type": "resident_id", "number": people.document_of(at).number},
            "consents": [{"purpose": each, "version": 1} for each in REQUIRED_TO_REGISTER],
            "enrolment_code": world.city.codes[at % len(world.city.codes)],
        }
        headers = world.bearer(Principal("member", account_id))
        headers["Idempotency-Key"] = secrets.token_hex(8)
        return request("POST", "/v1/me/registration", headers, msgspec.json.encode(body))

    async def play(self, world: World, server: Server, effort: Effort) -> list[Driven]:
        driven = await drive(server.port, self.take(effort))
        for _, body in driven.answers:
            if msgspec.json.decode(body)["status"] != "submitted":
                raise WrongAnswer(f"{server.name}: {body!r}")
        return [driven]

    async def effects(self, world: World) -> Counter[str]:
        return await _count(world, _EFFECTS + _REGISTER)


# What asking the gateway for a prepay id leaves; the call itself is not part of the path.
_ATTEMPTS = """
insert into payment_attempt (id, order_id, out_trade_no, trade_type, status, amount_fen, prepay,
  created_at, asked_at)
select o.id, o.id, o.number || 'BENCH', 'native', 'prepared', o.amount_fen, 'weixin://bench',
  now(), now()
from contribution_order o where o.id = any($1::uuid[])
returning out_trade_no, amount_fen
"""


class Purchase(Write):
    """A verified person orders two shares; then the gateway's signed notice arrives.

    Two drives, because a notice names what the order was called; between them the
    attempts are recorded and the notices signed, outside the measured time.
    """

    name, budget = "purchase", 0.45
    shares, price_fen = 2, 5_000

    async def prepare(self, world: World, effort: Effort) -> None:
        first = world.city.numbered(needed(effort))
        made = list(people.people(first, needed(effort)))
        await crowd.store_people(world.tools.owner, world.tools.vault, world.city.site_ids, made)
        await world.tools.owner.execute("analyze person, member, member_account")
        wanted = {"plan_code": seed.PLAN, "shares": self.shares, "price_fen": self.price_fen}
        body = msgspec.json.encode(wanted)
        self._left = [
            request("POST", "/v1/me/orders", self._headers(world, one.account_id), body)
            for one in made
        ]

    def _headers(self, world: World, account_id: UUID) -> dict[str, str]:
        bearer = world.bearer(Principal("member", account_id))
        return bearer | {"Idempotency-Key": secrets.token_hex(8)}

    async def play(self, world: World, server: Server, effort: Effort) -> list[Driven]:
        mine = self.take(effort)
        orders = await drive(server.port, mine, keep_all=True)
        ids = [UUID(msgspec.json.decode(body)["id"]) for _, body in orders.answers]
        attempts = await world.tools.owner.fetch(_ATTEMPTS, ids)
        if len(attempts) != len(mine):
            said = b"".join(orders.refusals[:1]).decode(errors="replace")
            raise WrongAnswer(f"{server.name}: {len(attempts)} of {len(mine)} orders. {said}")
        notices = [self._notice(world, number, fen) for number, fen in attempts]
        return [orders, await drive(server.port, notices)]

    def _notice(self, world: World, trade: str, fen: int) -> bytes:
        """A payment notice as the simulated gateway makes it, sealed and signed."""
        known, keys = world.gateway
        now = datetime.now(SHANGHAI).isoformat(timespec="seconds")
        payment = {
            "appid": known.appid,
            "mchid": known.mchid,
            "out_trade_no": trade,
            "transaction_id": f"4200{secrets.randbelow(10**24):024d}",
            "trade_type": "NATIVE",
            "trade_state": "SUCCESS",
            "success_time": now,
            "payer": {"openid": "o" + secrets.token_hex(13)},
            "amount": {"total": fen, "payer_total": fen, "currency": "CNY"},
        }
        body = msgspec.json.encode(
            {
                "id": secrets.token_hex(16),
                "create_time": now,
                "resource_type": "encrypt-resource",
                "event_type": "TRANSACTION.SUCCESS",
                "summary": "paid",
                "resource": keys.seal_json(payment, "transaction")
                | {"original_type": "transaction"},
            }
        )
        headers = keys.signed_headers(body) | {"Content-Type": "application/json"}
        return request("POST", "/v1/gateway/wechat-pay/payments", headers, body)

    async def effects(self, world: World) -> Counter[str]:
        return await _count(world, _EFFECTS + _PURCHASE)

"""A roster of 100,000 new riders, file → applied, against COPY into the same tables.

The worker's part runs in a process of its own that has imported what the worker imports,
so that its peak memory is the worker's. The limit is PostgreSQL alone: the very rows that
the roster made, copied in binary into a clone of the database with the same indexes,
foreign keys and exclusion constraint, one COPY per table.
"""

import asyncio
import io
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url

from app.kernel.clock import business_day, system_now
from app.kernel.database import asyncpg_dsn
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.plans import catalogue
from app.rosters import intake
from benchmarks import people
from benchmarks.roster_worker import PARTS, ROWS
from benchmarks.world import Stand, open_tools, tell

ROUNDS = 3
FIRST_PERSON = 5_000_000
LIMIT_DATABASE = "roster_limit"
BUDGET, REPUSH_BUDGET, MEMORY_BUDGET_MB = 0.35, 4.0, 200
PIECE = 64 * 1024

_MINE = "in (select person_id from rider where partner_id = '{partner}')"
_POLICIES = "in (select id from policy where sponsor_id = '{partner}')"
# Parents before children; columns that the database numbers itself are left out.
TABLES: dict[str, str] = {
    "person": f"id {_MINE}",
    "policy": "sponsor_id = '{partner}'",
    "policy_transaction": f"policy_id {_POLICIES}",
    "share_slot": f"policy_id {_POLICIES}",
    "status_history": f"subject = 'policy' and subject_id {_POLICIES}",
    "event_log": f"subject = 'policy' and subject_id {_POLICIES}",
    "rider": "partner_id = '{partner}'",
    "roster_answers": "roster_id in (select id from roster where partner_id = '{partner}')",
}


def roster_file(first: int, count: int) -> bytes:
    """The CSV that a platform would push."""
    lines = ["工号,姓名,证件类型,身份证号,性别,手机号码"]
    for index in range(first, first + count):
        document = people.document_of(index)
        sex = "男" if document.sex == "male" else "女"
        phone = people.phone_of(index).removeprefix("+86")
        lines.append(f"R{index:08d},{people.name_of(index)},身份证,{document.number},{sex},{phone}")
    return ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")


async def partner_with_agreement(stand: Stand) -> UUID:
    """A platform of its own organisation, with the gifted plan agreed."""
    now, office, partner, staff = system_now(), new_id(), new_id(), new_id()
    async with open_tools(stand.settings) as tools:
        async with tools.database.transaction() as session:
            await catalogue.load(session, now)
        await tools.owner.execute(
            "insert into organisation (id, kind, name, lineage, valid_from, version, created_at)"
            " values ($1, 'municipal_office', '名册办事处', $2, '2020-01-01', 1, now())",
            office,
            [office],
        )
        await tools.owner.execute(
            "insert into partner (id, name, uscc, organisation_id, status, version, created_at)"
            " values ($1, '名册平台', '91500000MA5U0000XX', $2, 'active', 1, now())",
            partner,
            office,
        )
        await tools.owner.execute(
            "insert into staff_account (id, organisation_id, username, display_name,"
            " password_hash, sealed, last_totp_step, roles, status, tokens_valid_after, created_at)"
            " values ($1, $2, $3, 'x', 'unusable', '', 0, '{administrator}', 'active', now(),"
            " now())",
            staff,
            office,
            f"r{partner.hex[:12]}",
        )
        await tools.owner.execute(
            "insert into agreement (id, partner_id, plan_code, shares, starts_on, without_identity,"
            " hold_missing_percent, created_by, created_at)"
            " values ($1, $2, 'SH-GIG-C', 1, $3, false, 30, $4, now())",
            new_id(),
            partner,
            business_day(now),
            staff,
        )
    return partner


async def push(stand: Stand, partner: UUID, sequence: int, body: bytes) -> UUID:
    """What `PUT /v1/partner/rosters/{sequence}` does with the body."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), PIECE):
            yield body[start : start + PIECE]

    async with open_tools(stand.settings) as tools, tools.database.transaction() as session:
        roster = await intake.push_roster(
            tools.database,
            session,
            tools.vault,
            stand.settings,
            Principal(kind="partner", id=partner),
            sequence,
            "text/csv",
            pieces(),
        )
        return roster.id


def work(stand: Stand, roster_id: UUID) -> dict[str, float]:
    """Read the roster, then apply it, each in a fresh worker process; their figures."""
    figures: dict[str, float] = {}
    for part in PARTS:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.roster_worker", part, str(roster_id)],
            env=stand.variables,
            stdout=subprocess.PIPE,
            check=True,
        )
        figures |= json.loads(done.stdout)
    return figures


def _database_dsn(stand: Stand, name: str) -> str:
    url = make_url(asyncpg_dsn(stand.settings.database_url)).set(database=name)
    return url.render_as_string(hide_password=False)


async def clone_for_limit(stand: Stand) -> None:
    """The database as it is before the first roster."""
    source = make_url(stand.settings.database_url).database
    connection = await asyncpg.connect(_database_dsn(stand, "postgres"))
    await connection.execute(f'create database {LIMIT_DATABASE} template "{source}"')
    await connection.close()


async def copy_limit(stand: Stand, partner: UUID) -> float:
    """Seconds of COPY for the rows that this partner's roster made."""
    source = await asyncpg.connect(asyncpg_dsn(stand.settings.database_url), command_timeout=600)
    target = await asyncpg.connect(_database_dsn(stand, LIMIT_DATABASE), command_timeout=600)
    seconds = 0.0
    await _copy(source, target, "roster", "partner_id = '{partner}'", partner)
    for table, mine in TABLES.items():
        seconds += await _copy(source, target, table, mine, partner)
    await source.close()
    await target.close()
    return seconds


async def _copy(
    source: asyncpg.Connection, target: asyncpg.Connection, table: str, mine: str, partner: UUID
) -> float:
    found = await source.fetch(
        "select attname from pg_attribute where attrelid = $1::regclass and attnum > 0"
        " and not attisdropped and attidentity = '' order by attnum",
        table,
    )
    columns = [row["attname"] for row in found]
    rows = io.BytesIO()
    query = f"select {', '.join(columns)} from {table} where {mine.format(partner=partner)}"
    await source.copy_from_query(query, output=rows, format="binary")
    rows.seek(0)
    started = time.perf_counter()
    await target.copy_to_table(table, source=rows, columns=columns, format="binary")
    return time.perf_counter() - started


def measure(stand: Stand) -> Iterator[dict[str, float]]:
    """Each round: new riders and their limit, then the same file again."""
    partners = [asyncio.run(partner_with_agreement(stand)) for _ in range(ROUNDS)]
    asyncio.run(clone_for_limit(stand))
    for number, partner in enumerate(partners):
        body = roster_file(FIRST_PERSON + number * ROWS, ROWS)
        new = work(stand, asyncio.run(push(stand, partner, 1, body)))
        limit = asyncio.run(copy_limit(stand, partner))
        again = work(stand, asyncio.run(push(stand, partner, 2, body)))
        if (new["enrolled"], again["unchanged"]) != (ROWS, ROWS):
            raise RuntimeError(f"wrong answers: {new} {again}")
        figures = {
            "ours_s": new["seconds"],
            "cpu_s": new["cpu_seconds"],
            "copy_s": limit,
            "again_s": again["seconds"],
            "reading_s": again["reading_seconds"],
            "base_mb": new["base_mb"],
            "peak_mb": max(new["peak_mb"], again["peak_mb"]),
        }
        tell(f"roster: {json.dumps({name: round(one, 2) for name, one in figures.items()})}")
        yield figures


def summarise(rounds: list[dict[str, float]]) -> dict[str, Any]:
    """The JSON line."""
    ours = median(one["ours_s"] for one in rounds)
    copied = median(one["copy_s"] for one in rounds)
    return {
        "path": "roster",
        "ratio": round(median(one["copy_s"] / one["ours_s"] for one in rounds), 3),
        "budget": BUDGET,
        "rps": round(ROWS / ours),
        "cpu_us": round(median(one["cpu_s"] for one in rounds) / ROWS * 1e6, 1),
        "p50_ms": None,
        "p99_ms": None,
        "lean_rps": round(ROWS / copied),
        "repush_factor": round(median(one["again_s"] / one["reading_s"] for one in rounds), 2),
        "repush_budget": REPUSH_BUDGET,
        "base_mb": round(max(one["base_mb"] for one in rounds)),
        "peak_mb": round(max(one["peak_mb"] for one in rounds)),
        "memory_budget_mb": MEMORY_BUDGET_MB,
        "rounds": len(rounds),
    }


def run(stand: Stand) -> int:
    """Print the path's line; returns 1 when an answer was wrong."""
    tell(f"roster: {ROUNDS} rounds of {ROWS:,} new riders")
    try:
        figures = summarise(list(measure(stand)))
    except RuntimeError as error:
        tell(f"roster: WRONG: {error}")
        return 1
    print(json.dumps(figures), flush=True)
    return 0

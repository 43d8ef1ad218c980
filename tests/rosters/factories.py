"""Made-up riders, a partner who pushes them, and the worker's part done on demand."""

import itertools
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from stdnum.cn import ric

from app.kernel.clock import business_day, system_now
from app.kernel.jobs import JobContext
from app.rosters import jobs
from tests.access_fixtures import SignedIn, make_organisation, partner_token, staff_token

SURNAMES = "赵钱孙李周吴郑王冯陈"
GIVEN = "伟芳娜敏静丽强磊军洋"
HEADER = "工号,姓名,证件类型,身份证号,手机号码"

_serial = itertools.count(secrets.randbelow(10**6) * 1000)


def document_number(birth_on: date = date(1990, 1, 1), serial: int | None = None) -> str:
    """A well-formed number that nobody has: the area is made up of districts in turn."""
    number = next(_serial) if serial is None else serial
    area = f"11{number // 1000 % 10000:04d}"
    digits = f"{area}{birth_on:%Y%m%d}{number % 1000:03d}"
    return digits + str(ric.calc_check_digit(digits + "0"))


def phone() -> str:
    return f"138{secrets.randbelow(10**8):08d}"


def rider(**given: Any) -> dict[str, Any]:
    """One rider as JSON rows have it."""
    number = next(_serial)
    name = SURNAMES[number % 10] + GIVEN[number // 10 % 10] + GIVEN[number // 100 % 10]
    return {
        "rider_ref": f"R-{number}",
        "name": name,
        "document_number": document_number(),
        "phone": phone(),
    } | given


def csv_of(riders: list[dict[str, Any]], header: str = HEADER) -> str:
    lines = [
        f"{one['rider_ref']},{one['name']},身份证,{one['document_number']},{one['phone']}"
        for one in riders
    ]
    return "\r\n".join([header, *lines]) + "\r\n"


@dataclass
class Platform:
    """A partner with a token and an agreement, and the worker behind it."""

    app: FastAPI
    client: httpx.AsyncClient
    caller: SignedIn
    organisation_id: UUID
    staff: SignedIn
    sequence: int = 0
    agreement: Mapping[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> JobContext:
        state = self.app.state
        return JobContext(state.database, state.vault, state.settings, None)

    async def agree(self, plan_code: str = "SH-GIG-C", **given: Any) -> dict[str, Any]:
        body = {"plan_code": plan_code, "starts_on": business_day(system_now()).isoformat()}
        answer = await self.client.post(
            f"/v1/staff/partners/{self.caller.account_id}/agreements",
            headers=self.staff.headers | {"Idempotency-Key": secrets.token_hex(8)},
            json=body | given,
        )
        assert answer.status_code == 201, answer.text
        self.agreement = answer.json()
        return answer.json()  # type: ignore[no-any-return]

    async def put(
        self, body: Any, *, sequence: int | None = None, media_type: str = "application/json"
    ) -> httpx.Response:
        """Push, without the worker; the next sequence unless one is given."""
        if sequence is None:
            self.sequence += 1
        content = body if isinstance(body, bytes) else json.dumps({"riders": body}).encode()
        return await self.client.put(
            f"/v1/partner/rosters/{sequence or self.sequence}",
            headers=self.caller.headers | {"Content-Type": media_type},
            content=content,
        )

    async def work(self, sequence: int | None = None) -> None:
        """What the worker does with a pushed roster."""
        async with self.app.state.database.transaction() as session:
            found = await session.scalar(
                text("select id from roster where partner_id = :partner and sequence = :sequence"),
                {"partner": self.caller.account_id, "sequence": sequence or self.sequence},
            )
        await jobs.apply_roster(self.context, {"roster_id": str(found)})

    async def push(self, body: Any, **how: Any) -> dict[str, Any]:
        """Push and let the worker do its part; the roster afterwards."""
        answer = await self.put(body, **how)
        assert answer.status_code == 202, answer.text
        await self.work(how.get("sequence"))
        return await self.status(how.get("sequence"))

    async def status(self, sequence: int | None = None) -> dict[str, Any]:
        return await self.get(f"/v1/partner/rosters/{sequence or self.sequence}")

    async def rows(self, sequence: int | None = None, **query: Any) -> list[dict[str, Any]]:
        """Every answer, page by page."""
        path = f"/v1/partner/rosters/{sequence or self.sequence}/rows"
        found: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            page = await self.get(path, **query, **cursor)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = await self.client.get(path, headers=self.caller.headers, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]


async def make_platform(app: FastAPI, client: httpx.AsyncClient) -> Platform:
    """A partner without an agreement yet."""
    organisation = await make_organisation(app)
    caller = await partner_token(app, organisation.id)
    staff = await staff_token(app, organisation.id, ["administrator"])
    return Platform(app, client, caller, organisation.id, staff)


async def fetch(app: FastAPI, sql: str, **given: Any) -> list[Any]:
    """Rows as they are in the database."""
    async with app.state.database.transaction() as session:
        return list((await session.execute(text(sql), given)).all())


TABLES = ("person", "member", "policy", "policy_transaction", "share_slot", "rider")


async def snapshot(app: FastAPI) -> dict[str, Any]:
    """Row versions of everything a roster may touch: equal means that nothing was written."""
    versions = "select count(*), md5(string_agg(xmin::text || ctid::text, ',' order by ctid))"
    return {table: (await fetch(app, f"{versions} from {table}"))[0] for table in TABLES}

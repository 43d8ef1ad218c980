"""Register: one look, one write with everything that ours leaves behind."""

import re
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from stdnum.cn import ric

from app.kernel.ids import new_id
from benchmarks.lean.answers import store_sql, stored
from benchmarks.lean.context import JSON, context_of

_EIGHTEEN = re.compile(r"\d{17}[\dX]", re.ASCII)

_LOOK = """
select c.id as code_id, c.organisation_id,
       (select count(*) from registration r where r.account_id = a.id
        and r.status in ('draft', 'submitted', 'checking')) as live,
       (select count(*) from consent k
        where k.account_id = a.id and k.withdrawn_at is null) as consents,
       (select count(*) from identity_check i where i.account_id = a.id) as tries
from member_account a
join enrolment_code c on c.code = $2 and c.revoked_at is null and c.expires_at > now()
where a.id = $1 and a.person_id is null
"""

_WRITE = f"""
with opened as (
  insert into registration (id, account_id, channel, status, sealed, document_type,
    document_index, enrolment_code_id, organisation_id, created_at, updated_at)
  values ($1, $2, 'self', 'submitted', $3, 'resident_id', $4, $5, $6, $7, $7)
), moved as (
  insert into status_history (subject, subject_id, from_status, to_status, at, actor_kind, actor_id)
  values ('registration', $1, null, 'draft', $7, 'member', $2),
         ('registration', $1, 'draft', 'submitted', $7, 'member', $2)
), agreed as (
  insert into consent (id, purpose, version, account_id, given_via, given_at)
  select k.id, k.purpose, k.version, $2, 'self', $7
  from unnest($8::uuid[], $9::text[], $10::int[]) as k(id, purpose, version)
), audited as (
  insert into audit_entry (actor_kind, actor_id, action, subject, subject_ids, request_id, details)
  values ('member', $2, 'registration.open', 'registration', array[$1::uuid] || $8::uuid[], '-',
          '{{}}')
)
{store_sql(11)}
"""


class _Document(msgspec.Struct):
    type: str
    number: str


class _Consent(msgspec.Struct):
    purpose: str
    version: int


class _Body(msgspec.Struct):
    name: str
    document: _Document
    consents: list[_Consent]
    enrolment_code: str


_decode = msgspec.json.Decoder(_Body).decode


async def register(request: Request) -> Response:
    context = context_of(request)
    caller = context.caller(request)
    raw = await request.body()
    body = _decode(raw)
    number = body.document.number
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    if not _EIGHTEEN.fullmatch(number) or ric.calc_check_digit(number) != number[17]:
        return Response(status_code=422)
    known = await context.pool.fetchrow(_LOOK, caller.id, body.enrolment_code)
    if known is None or known["live"]:
        return Response(status_code=409)
    registration_id, now = new_id(), datetime.now(UTC)
    record = {"name": body.name, "document_number": number, "birth_on": born.isoformat()}
    answer: dict[str, Any] = {
        "id": registration_id,
        "status": "submitted",
        "name_masked": body.name[:1] + "*" * (len(body.name) - 1),
        "document": {"type": body.document.type, "number_masked": number[:3] + "***" + number[-4:]},
        "missing": [],
        "consents": [
            {"purpose": c.purpose, "version": c.version, "given_at": now, "given_via": "self"}
            for c in body.consents
        ],
        "organisation_id": known["organisation_id"],
        "tries_left": 5 - known["tries"],
        "created_at": now,
        "updated_at": now,
    }
    content, storing = stored(context, request, caller, raw, answer)
    await context.pool.execute(
        _WRITE,
        registration_id,
        caller.id,
        context.vault.seal("registration", registration_id, record),
        context.vault.blind_index("document", number),
        known["code_id"],
        known["organisation_id"],
        now,
        [new_id() for _ in body.consents],
        [c.purpose for c in body.consents],
        [c.version for c in body.consents],
        *storing,
    )
    return Response(content, 201, JSON)


ROUTES = [Route("/v1/me/registration", register, methods=["POST"])]

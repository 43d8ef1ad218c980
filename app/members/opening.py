"""Opening a registration: the path that a whole shift walks on the morning of a campaign.

One look, one write. Only somebody who was attested before, or who agreed to an older
text, takes the longer way through a transaction of several statements. Whatever number is
typed, the answer is the same: that somebody is known by it shows only to whoever proves
to be that person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from app.kernel import audit
from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database, raw_connection
from app.kernel.idempotency import Claim
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import NotFound, RequestInFlight
from app.members import consents, second_factor, statements
from app.members.codes import normal_code, refuse_if_gone
from app.members.completion import record_of
from app.members.documents import DocumentNumber
from app.members.entry import read_parts
from app.members.errors import AlreadyRegistered, CodeUnknown, RegistrationExists
from app.members.schemas import ConsentView, RegistrationBody, RegistrationView
from app.members.views import missing, opened_view

Connection: TypeAlias = asyncpg.Connection | asyncpg.Pool


@dataclass(frozen=True, slots=True)
class _Form:
    """One form as it was read, and the moment (system clock) at which it came."""

    body: RegistrationBody
    name: str | None
    document: DocumentNumber | None
    at: datetime


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is about to be written, by what the look told."""

    id: UUID
    form: _Form
    row: Mapping[str, Any]
    held: dict[str, ConsentView]
    given: dict[str, int]
    lacking: list[str]
    left: int

    @property
    def status(self) -> str:
        return "draft" if self.lacking else "submitted"

    @property
    def replaced(self) -> list[str]:
        """Purposes agreed to in an older version."""
        return [purpose for purpose in self.given if purpose in self.held]

    @property
    def needs_more(self) -> bool:
        return bool(self.replaced) or (self.row["attested"] and not self.lacking)

    def view(self) -> RegistrationView:
        now: datetime = self.row["now"]
        fresh = {
            purpose: ConsentView(purpose=purpose, version=v, given_at=now, given_via="self")
            for purpose, v in self.given.items()
        }
        return opened_view(
            registration_id=self.id,
            status=self.status,
            name=self.form.name,
            document=self.form.document,
            lacking=self.lacking,
            consents=list((self.held | fresh).values()),
            organisation_id=self.row["organisation_id"],
            left=self.left,
            now=now,
        )


async def open_registration(
    database: Database, claim: Claim, caller: Principal, body: RegistrationBody
) -> bytes:
    """Start a registration with whatever is known so far; the RegistrationView as JSON.

    Birth dates are judged by the system clock: they are facts of the world, not of cover.
    Raises RegistrationExists, AlreadyRegistered, ConsentOutdated (409), CodeUnknown (404),
    CodeGone (410), Unprocessable (422) with every faulty field; RequestInFlight (409),
    Replay and IdempotencyKeyReused (422) for a key used before.
    """
    at = system_now()
    form = _Form(body, *read_parts(body.name, body.document, business_day(at)), at)
    plan = await _look(database.reads, database, claim, caller, form)
    if not plan.needs_more:
        content = plan.view().model_dump_json().encode()
        try:
            await _write(database.reads, claim, caller, plan, content)
        except asyncpg.UniqueViolationError:
            # Somebody was first between the look and the write: this very request, another
            # device, or an answer long expired. The key, once held, tells which.
            pass
        else:
            return content
    return await _open_at_length(database, claim, caller, form)


async def _open_at_length(
    database: Database, claim: Claim, caller: Principal, form: _Form
) -> bytes:
    """The same in one transaction, replacing older consents and attaching the attested."""
    async with database.transaction() as session:
        keyed = await claim.hold(session)
        connection = await raw_connection(session)
        plan = await _look(connection, database, claim, caller, form)
        now: datetime = plan.row["now"]
        if plan.replaced:
            await connection.execute(statements.REPLACE_CONSENTS, caller.id, plan.replaced, now)
        await _write(connection, claim, caller, plan, None)
        view = plan.view()
        if plan.row["attested"] and not plan.lacking:
            view = await second_factor.attach(
                session, claim.vault, database.settings, caller, plan.id, now, form.at
            )
        content = view.model_dump_json().encode()
        await keyed.store(201, content)
        return content


async def _look(
    connection: Connection, database: Database, claim: Claim, caller: Principal, form: _Form
) -> _Plan:
    """Account, key, code, consents and tries in one statement; refuses what cannot go on."""
    row = await _standing(connection, claim, caller, form)
    consents.check_versions(form.body.consents, msgspec.json.decode(row["present"]))
    held = {each[0]: _held(*each) for each in msgspec.json.decode(row["held"])}
    given: dict[str, int] = {
        each.purpose: each.version
        for each in form.body.consents
        if each.purpose not in held or held[each.purpose].version != each.version
    }
    record = {"name": form.name, "document_number": form.document}
    return _Plan(
        id=new_id(),
        form=form,
        row=row,
        held=held,
        given=given,
        lacking=missing(record, set(held) | set(given)),
        left=max(0, database.settings.identity_check_tries_per_day - row["tries"]),
    )


def _held(purpose: Any, version: int, given_at: str, given_via: Any) -> ConsentView:
    given = datetime.fromisoformat(given_at)
    return ConsentView(purpose=purpose, version=version, given_at=given, given_via=given_via)


async def _standing(
    connection: Connection, claim: Claim, caller: Principal, form: _Form
) -> Mapping[str, Any]:
    vault, text = claim.vault, form.body.enrolment_code
    code = normal_code(text) if text is not None else None
    document, name = form.document, form.name
    claimed = document.index_value if document and name else None
    row: Mapping[str, Any] | None = await connection.fetchrow(
        statements.STANDING,
        caller.id,
        code,
        form.at,
        day_start(business_day(form.at)),
        vault.blind_index_candidates("document", claimed) if claimed else [],
        vault.blind_index_candidates("name", name.casefold()) if name else [],
        claim.key_hash,
    )
    if row is None:
        raise NotFound
    if row["answer_id"] is not None:
        claim.replay({**row, "id": row["answer_id"]})
    if row["person_id"] is not None:
        raise AlreadyRegistered
    if row["live"]:
        raise RegistrationExists
    if code is not None:
        if row["code_id"] is None:
            raise CodeUnknown
        refuse_if_gone(row["expires_at"], row["revoked_at"], form.at)
    return row


async def _write(
    connection: Connection, claim: Claim, caller: Principal, plan: _Plan, answer: bytes | None
) -> None:
    """Registration, history, consents, audit and, where `answer` is given, the stored answer."""
    form, given = plan.form, plan.given
    document = form.document
    path = [None, "draft"] if plan.lacking else [None, "draft", "submitted"]
    sealed = claim.vault.seal("registration", plan.id, record_of(form.name, document))
    stored = (None, None, None) if answer is None else claim.sealed(answer)
    done = await connection.fetchrow(
        statements.OPEN_REGISTRATION,
        plan.id,
        caller.id,
        plan.status,
        sealed,
        document.type if document else None,
        claim.vault.blind_index("document", document.index_value) if document else None,
        plan.row["code_id"],
        plan.row["organisation_id"],
        plan.row["now"],
        path[:-1],
        path[1:],
        [new_id() for _ in given],
        list(given),
        list(given.values()),
        audit.request_id(),
        claim.lock,
        claim.key_hash,
        stored[0],
        claim.request_hash,
        stored[1],
        stored[2],
    )
    if not done["held"]:
        raise RequestInFlight
    if not done["opened"]:
        raise AlreadyRegistered

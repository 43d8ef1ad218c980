"""Enrolling riders who stand before a caseworker, in batches that a bad network repeats.

Every item is its own savepoint. Locks are taken for the whole batch beforehand and in one
order, so that two tablets with the same riders queue instead of waiting for each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.member_accounts import find_by_phone
from app.billing.orders import open_order
from app.enrolment import queries
from app.enrolment.errors import ClientRefReused, SponsorMissing
from app.enrolment.models import OnSiteEnrolment
from app.enrolment.schemas import OnSiteAnswer, OnSiteItem, OrderShort
from app.kernel.clock import business_day
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, Problem, Unprocessable
from app.kernel.text import Language, Text
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.members import consents
from app.members.attestation import attest_registration
from app.members.codes import usable_code
from app.members.completion import record_of
from app.members.entry import read_identity
from app.members.matching import Identity, lock_documents
from app.members.models import LIVE, REGISTRATION, EnrolmentCode, Member, Registration
from app.members.views import member_short
from app.organisations.service import managed_reference

OLDEST_SEEN = timedelta(days=30)
CLOCK_TOLERANCE = timedelta(minutes=5)

SEEN_AT = Text("查看证件的时间须在过去 30 天之内", "The card was seen within the last 30 days.")

_LOCK = text("select pg_advisory_xact_lock(:key)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rider is enrolled: the code that hangs there, or the organisation itself."""

    organisation_id: UUID | None
    code: EnrolmentCode | None


@dataclass(slots=True)
class Desk:
    """One caseworker's batch. `explain` turns a database refusal into its Problem."""

    session: AsyncSession
    vault: Vault
    caller: Principal
    now: datetime
    at: datetime
    explain: Callable[[Exception], Problem]
    language: Language
    request_id: str

    async def enrol(self, items: Sequence[OnSiteItem]) -> list[OnSiteAnswer]:
        """An answer per item, in order; nothing of a refused item remains."""
        read = [self._read(item, place) for place, item in enumerate(items)]
        await self._lock(items, [each for each in read if isinstance(each, Identity)])
        refs = [item.client_ref for item in items]
        first = await queries.first_answers(self.session, self.caller.id, refs)
        known = await consents.known_versions(self.session)
        answers = []
        for place, (item, identity) in enumerate(zip(items, read, strict=True)):
            answer = self._repeat(item, first.get(item.client_ref))
            if answer is None and isinstance(identity, Problem):
                answer = self._refuse(item, identity)
            if answer is None and isinstance(identity, Identity):
                answer = await self._attempt(item, identity, place, known, first)
            answers.append(answer or self._refuse(item, ClientRefReused()))
        return answers

    def _read(self, item: OnSiteItem, place: int) -> Identity | Problem:
        today, pointer = business_day(self.now), f"/items/{place}"
        try:
            identity = read_identity(item.name, item.document, item.phone, today, pointer)
            seen_at = item.seen_at or self.at
            if not self.at - OLDEST_SEEN <= seen_at <= self.at + CLOCK_TOLERANCE:
                raise Unprocessable(errors=[FieldError(f"{pointer}/seen_at", "seen-at", SEEN_AT)])
        except Problem as problem:
            return problem
        return identity

    async def _lock(self, items: Sequence[OnSiteItem], identities: Sequence[Identity]) -> None:
        """First the tablet's references, then the documents; each kind in one order."""
        keys = {
            int.from_bytes(
                self.vault.mac("client-ref", f"{self.caller.id}:{item.client_ref}".encode(), 8),
                "big",
                signed=True,
            )
            for item in items
        }
        for key in sorted(keys):
            await self.session.execute(_LOCK, {"key": key})
        values = [identity.document.index_value for identity in identities]
        await lock_documents(self.session, self.vault, values)

    def _repeat(self, item: OnSiteItem, before: OnSiteEnrolment | None) -> OnSiteAnswer | None:
        if before is None:
            return None
        if before.request_hash != self._hash(item):
            return self._refuse(item, ClientRefReused())
        content = self.vault.open_bytes("on_site_enrolment", before.id, before.sealed_answer)
        answer = OnSiteAnswer.model_validate_json(content)
        return answer.model_copy(update={"repeated": True})

    def _hash(self, item: OnSiteItem) -> bytes:
        """What tells a repeated item from another one under the same reference."""
        return self.vault.mac("on-site-item", item.model_dump_json().encode(), 32)

    def _refuse(self, item: OnSiteItem, problem: Problem) -> OnSiteAnswer:
        return OnSiteAnswer(
            client_ref=item.client_ref, outcome="refused", problem=self._document(problem)
        )

    def _document(self, problem: Problem) -> dict[str, Any]:
        return problem.document(self.language, self.request_id)

    async def _attempt(
        self,
        item: OnSiteItem,
        identity: Identity,
        place: int,
        known: set[tuple[str, int]],
        first: dict[str, OnSiteEnrolment],
    ) -> OnSiteAnswer:
        try:
            async with self.session.begin_nested():
                consents.check_on_site(item.consents, known, f"/items/{place}/consents")
                where = await self._place(item, place)
                registration = await self._registration(item, identity, where)
                member = await attest_registration(
                    self.session, self.vault, self.caller, registration, self.now, self.at
                )
                order, order_problem = await self._order(item, registration, member, where)
                answer = OnSiteAnswer(
                    client_ref=item.client_ref,
                    outcome="enrolled",
                    registration_id=registration.id,
                    member=member_short(member),
                    order=order,
                    order_problem=order_problem,
                )
                first[item.client_ref] = await self._store(item, registration, answer)
                return answer
        except Problem as problem:
            return self._refuse(item, problem)
        except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
            return self._refuse(item, self.explain(error))

    async def _place(self, item: OnSiteItem, place: int) -> Place:
        """A code counts as of the moment at which the card was seen."""
        if item.enrolment_code is not None:
            code = await usable_code(self.session, item.enrolment_code, item.seen_at or self.at)
            return Place(code.organisation_id, code)
        if item.organisation_id is None:
            return Place(self.caller.organisation_id, None)
        pointer = f"/items/{place}/organisation_id"
        site = await managed_reference(self.session, self.caller, item.organisation_id, pointer)
        return Place(site.id, None)

    async def _registration(
        self, item: OnSiteItem, identity: Identity, where: Place
    ) -> Registration:
        """The rider's own registration of this document on this phone, or a new one."""
        own = await self._own(identity)
        if own is not None:
            if own.enrolment_code_id is None and where.code is not None:
                own.enrolment_code_id = where.code.id
                own.organisation_id = where.organisation_id
            return own
        registration_id = new_id()
        record = record_of(identity.name, identity.document) | {"phone": identity.phone}
        registration = Registration(
            id=registration_id,
            channel="on_site",
            status="draft",
            sealed=self.vault.seal("registration", registration_id, record),
            document_type=identity.document.type,
            document_index=self.vault.blind_index("document", identity.document.index_value),
            enrolment_code_id=where.code.id if where.code else None,
            organisation_id=where.organisation_id,
            created_at=self.now,
            updated_at=self.now,
        )
        begin(self.session, REGISTRATION, registration, actor=self.caller, at=self.now)
        await move(
            self.session, REGISTRATION, registration, "submitted", actor=self.caller, at=self.now
        )
        await consents.record_on_site(
            self.session, self.caller, registration_id, item.consents, item.seen_at or self.now
        )
        return registration

    async def _own(self, identity: Identity) -> Registration | None:
        if identity.phone is None:
            return None
        account = await find_by_phone(self.session, self.vault, identity.phone)
        if account is None or account.person_id is not None:
            return None
        value = identity.document.index_value
        registration = await self.session.scalar(
            select(Registration)
            .where(
                Registration.account_id == account.id,
                Registration.status.in_(LIVE),
                Registration.status != "draft",
                Registration.document_index.in_(
                    self.vault.blind_index_candidates("document", value)
                ),
            )
            .with_for_update()
        )
        if registration is None:
            return None
        record = self.vault.open("registration", registration.id, registration.sealed)
        same_name = str(record.get("name", "")).casefold() == identity.name_value
        return registration if same_name else None

    async def _order(
        self, item: OnSiteItem, registration: Registration, member: Member, where: Place
    ) -> tuple[OrderShort | None, dict[str, Any] | None]:
        """Open the order in a savepoint of its own: refused, the rider is still enrolled."""
        if item.order is None:
            return None, None
        try:
            async with self.session.begin_nested():
                sponsor_id = where.code.sponsor_id if where.code else None
                if item.order.payer == "sponsor" and sponsor_id is None:
                    raise SponsorMissing
                order = await open_order(
                    self.session,
                    self.vault,
                    item.order.wish(
                        channel="on_site",
                        payer=item.order.payer,
                        enrolled_by=self.caller.id,
                        organisation_id=where.organisation_id,
                        sponsor_id=sponsor_id if item.order.payer == "sponsor" else None,
                        price_fen=item.order.price_fen,
                    ),
                    person_id=member.person_id,
                    account_id=registration.account_id,
                    actor=self.caller,
                    now=self.now,
                )
                return OrderShort.model_validate(order), None
        except Problem as problem:
            return None, self._document(problem)
        except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
            return None, self._document(self.explain(error))

    async def _store(
        self, item: OnSiteItem, registration: Registration, answer: OnSiteAnswer
    ) -> OnSiteEnrolment:
        row_id = new_id()
        content = answer.model_dump_json().encode()
        row = OnSiteEnrolment(
            id=row_id,
            staff_id=self.caller.id,
            client_ref=item.client_ref,
            request_hash=self._hash(item),
            registration_id=registration.id,
            order_id=answer.order.id if answer.order else None,
            sealed_answer=self.vault.seal_bytes("on_site_enrolment", row_id, content),
            seen_at=item.seen_at or self.at,
            created_at=self.at,
        )
        self.session.add(row)
        await self.session.flush()
        return row

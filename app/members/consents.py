"""Giving, listing and withdrawing consents; a withdrawn one stops what rested on it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.event_log import publish
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound, Unprocessable
from app.kernel.text import Text
from app.kernel.transitions import move
from app.members import queries
from app.members.consent_models import REQUIRED_TO_REGISTER, Consent, ConsentText
from app.members.errors import ConsentOutdated
from app.members.events import CONSENT_WITHDRAWN
from app.members.models import IDENTITY_CHECK, REGISTRATION
from app.members.schemas import ConsentBody, ConsentTextView, ConsentView

CONSENT_MISSING = Text("缺少必需的同意", "A required consent is missing.")
CONSENT_UNKNOWN = Text("没有此版本的同意书", "No such version of the text.")


def check_versions(given: Iterable[ConsentBody], present: dict[str, int]) -> None:
    """Raises ConsentOutdated (409) when a text other than the present one was agreed to."""
    wrong: dict[str, int] = {
        each.purpose: present[each.purpose]
        for each in given
        if present.get(each.purpose) != each.version
    }
    if wrong:
        raise ConsentOutdated(wrong)


async def give(
    session: AsyncSession,
    caller: Principal,
    given: Sequence[ConsentBody],
    now: datetime,
) -> None:
    """Record an account's consents; one to a newer text replaces the older one."""
    present = {text.purpose: text.version for text in await queries.present_texts(session, now)}
    check_versions(given, present)
    known = {c.purpose: c for c in await queries.consents_of(session, caller.id)}
    fresh: dict[str, int] = {
        each.purpose: each.version
        for each in given
        if each.purpose not in known or known[each.purpose].version != each.version
    }
    if not fresh:
        return
    for purpose in fresh:
        if purpose in known:
            known[purpose].withdrawn_at = now
    await session.flush()
    person_id = next((c.person_id for c in known.values() if c.person_id), None)
    rows = [
        Consent(
            id=new_id(),
            purpose=purpose,
            version=version,
            account_id=caller.id,
            person_id=person_id,
            given_via="self",
            given_at=now,
        )
        for purpose, version in fresh.items()
    ]
    session.add_all(rows)
    await session.flush()
    ids = [row.id for row in rows]
    await audit.record(
        session, caller, "consent.give", subject="consent", subject_ids=ids, details=fresh
    )


async def record_on_site(
    session: AsyncSession,
    caller: Principal,
    registration_id: UUID,
    given: Sequence[ConsentBody],
    seen_at: datetime,
) -> None:
    """Record the consents somebody gave on a tablet; an offline tablet may show an older text."""
    session.add_all(
        Consent(
            id=new_id(),
            purpose=each.purpose,
            version=each.version,
            registration_id=registration_id,
            given_via="on_site",
            recorded_by=caller.id,
            given_at=seen_at,
        )
        for each in {body.purpose: body for body in given}.values()
    )
    await session.flush()


def check_on_site(given: Sequence[ConsentBody], known: set[tuple[str, int]], pointer: str) -> None:
    """Raises Unprocessable (422) for a text nobody wrote, and for each missing consent."""
    errors = [
        FieldError(f"{pointer}/{place}", "consent-unknown", CONSENT_UNKNOWN)
        for place, each in enumerate(given)
        if (each.purpose, each.version) not in known
    ]
    purposes = {each.purpose for each in given}
    errors += [
        FieldError(pointer, f"consent-missing-{purpose.replace('_', '-')}", CONSENT_MISSING)
        for purpose in REQUIRED_TO_REGISTER
        if purpose not in purposes
    ]
    if errors:
        raise Unprocessable(errors=errors)


async def known_versions(session: AsyncSession) -> set[tuple[str, int]]:
    """Every text that was ever in force."""
    rows = await session.execute(select(ConsentText.purpose, ConsentText.version))
    return {(row.purpose, row.version) for row in rows}


async def listed(session: AsyncSession, caller: Principal, now: datetime) -> list[ConsentTextView]:
    """The present text of each purpose, with the caller's own consent."""
    given = {c.purpose: c for c in await queries.consents_of(session, caller.id)}
    return [
        ConsentTextView(
            purpose=text.purpose,
            version=text.version,
            title_zh=text.title_zh,
            title_en=text.title_en,
            text_zh=text.text_zh,
            text_en=text.text_en,
            digest=text.digest,
            required_to_register=text.purpose in REQUIRED_TO_REGISTER,
            given=consent_view(given[text.purpose]) if text.purpose in given else None,
        )
        for text in await queries.present_texts(session, now)
    ]


def consent_view(consent: Consent) -> ConsentView:
    return ConsentView.model_validate(consent)


async def withdraw(
    session: AsyncSession,
    caller: Principal,
    purpose: Literal["service_terms", "personal_information", "identity_number", "face", "health"],
    now: datetime,
    at: datetime,
) -> None:
    """End a consent and what rested on it; NotFound (404) when there is none.

    A registration falls back to a draft when it needs the consent, a running face check
    ends. What was done before stays valid (consent text, "personal information").
    """
    found = await queries.consents_to(session, caller.id, purpose)
    if not found:
        raise NotFound
    for consent in found:
        consent.withdrawn_at = now
    await session.flush()
    await _stop_registration(session, caller, purpose, now, at)
    ids = [consent.id for consent in found]
    await audit.record(
        session,
        caller,
        "consent.withdraw",
        subject="consent",
        subject_ids=ids,
        details={"purpose": purpose},
    )
    content: dict[str, Any] = {"purpose": purpose}
    if found[0].person_id:
        content["person_id"] = str(found[0].person_id)
    await publish(
        session,
        CONSENT_WITHDRAWN,
        subject="consent",
        subject_id=ids[0],
        actor=caller,
        at=now,
        content=content,
    )


async def _stop_registration(
    session: AsyncSession, caller: Principal, purpose: str, now: datetime, at: datetime
) -> None:
    registration = await queries.live_registration(session, caller.id, lock=True)
    if registration is None:
        return
    needed = purpose in REQUIRED_TO_REGISTER
    check = await queries.live_check(session, registration.id)
    reason = "consent_withdrawn"
    if check is not None and (needed or purpose == "face"):
        check.reason_code, check.answered_at = reason, at
        await move(
            session, IDENTITY_CHECK, check, "expired", actor=caller, at=at, reason_code=reason
        )
        await move(session, REGISTRATION, registration, "submitted", actor=caller, at=now)
    if needed and registration.status == "submitted":
        await move(
            session,
            REGISTRATION,
            registration,
            "draft",
            actor=caller,
            at=now,
            reason_code=reason,
        )

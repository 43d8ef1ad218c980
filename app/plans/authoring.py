"""Writing plans: drafting, replacing, publishing, closing to sale, retiring their versions."""

import hashlib
import json
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day, day_start
from app.kernel.facts import Fact, state
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, InvalidTransition, PreconditionFailed
from app.kernel.text import Text
from app.kernel.transitions import move
from app.plans import events, queries, service
from app.plans.checking import check
from app.plans.errors import (
    InvalidPlan,
    MunicipalOfficeNeeded,
    PlanVersionNotFound,
    PlanVersionNotOnSale,
    PlanVersionPublished,
    VersionsOverlap,
)
from app.plans.models import PLAN_VERSION, PlanVersion
from app.plans.relations import relation_faults
from app.plans.terms import PlanTerms, Relations
from app.plans.versions_text import SentVersion, content_of, under_document

OTHER_CODE = Text(
    "草稿属于 {code}，编码不能更改", "The draft is one of {code}: its code cannot change."
)

NOT_TO_COME = Text(
    "须晚于今天与首个销售日", "It has to be later than today and than the first day of sale."
)


def etag_of(version: PlanVersion) -> str:
    """Equal as long as nothing of the version has changed."""
    content = json.dumps(content_of(version), sort_keys=True, ensure_ascii=False)
    return f'"{hashlib.sha256(f"{version.status} {content}".encode()).hexdigest()[:32]}"'


async def find(session: AsyncSession, principal: Principal, version_id: UUID) -> PlanVersion:
    """A version that the caller may see; raises PlanVersionNotFound (404)."""
    found = await queries.visible_version(session, principal, version_id)
    if found is None:
        raise PlanVersionNotFound
    return found


async def draft(
    session: AsyncSession, author: Principal, sent: SentVersion, now: datetime
) -> PlanVersion:
    """The plan's next version as a draft, with its number."""
    version = await service.draft_terms(
        session,
        sent.terms,
        effective_from=sent.effective_from,
        effective_to=sent.effective_to,
        actor=author,
        now=now,
    )
    await _state(session, author, version, "draft", events.PLAN_VERSION_DRAFTED, now)
    return version


async def replace(
    session: AsyncSession,
    author: Principal,
    version_id: UUID,
    sent: SentVersion,
    etags: frozenset[str],
    now: datetime,
) -> PlanVersion:
    """Another document for a draft.

    Raises PlanVersionNotFound (404), PlanVersionPublished (409), PreconditionFailed (412)
    when none of `etags` is the draft's, InvalidPlan (422) for the code of another plan.
    """
    version = await _draft_of(session, author, version_id)
    _require_unchanged(version, etags)
    if sent.terms.code != version.plan_code:
        other = FieldError("/document/code", "other-plan", OTHER_CODE, {"code": version.plan_code})
        raise InvalidPlan(errors=[other])
    version.document = sent.terms.document()
    version.effective_from, version.effective_to = sent.effective_from, sent.effective_to
    await session.flush()
    await _state(session, author, version, "replace", events.PLAN_VERSION_REPLACED, now)
    return version


async def drop(
    session: AsyncSession,
    author: Principal,
    version_id: UUID,
    etags: frozenset[str],
    now: datetime,
) -> None:
    """Forget a draft; raises as `replace`. Its number is given out again if it was the last."""
    version = await _draft_of(session, author, version_id)
    _require_unchanged(version, etags)
    await _state(session, author, version, "drop", events.PLAN_VERSION_DROPPED, now)
    await session.delete(version)
    await session.flush()


async def publish(
    session: AsyncSession, publisher: Principal, version_id: UUID, now: datetime
) -> PlanVersion:
    """Freeze a draft and sell it between its dates.

    The document is checked once more, now together with all published plans. Raises
    PlanVersionNotFound (404), MunicipalOfficeNeeded (403), PlanVersionPublished,
    VersionsOverlap (409), InvalidPlan (422).
    """
    await queries.lock_plans(session)
    version = await _of_office(session, publisher, version_id)
    if version.status != "draft":
        raise PlanVersionPublished(status=version.status)
    await publish_draft(session, publisher, version, now)
    return version


async def publish_draft(
    session: AsyncSession, publisher: Principal, version: PlanVersion, now: datetime
) -> None:
    """The same for a draft at hand, by whoever may."""
    try:
        terms = check(version.document)
    except InvalidPlan as refusal:
        raise InvalidPlan(errors=[under_document(each) for each in refusal.errors]) from None
    faults = await faults_among_plans(session, terms)
    if faults:
        raise InvalidPlan(errors=faults)
    await _require_alone(session, version)
    plan = await queries.plan(session, version.plan_code)
    if plan is not None:
        plan.name_zh, plan.name_en, plan.kind = terms.name.zh, terms.name.en, terms.kind
    await service.publish_version(session, version, actor=publisher, now=now)
    await _state(session, publisher, version, "publish", events.PLAN_VERSION_PUBLISHED, now)


async def faults_among_plans(session: AsyncSession, terms: PlanTerms) -> list[FieldError]:
    """What a document's relations to the published plans make impossible."""
    others = {
        code: Relations.model_validate(relations)
        for code, relations in (await queries.relations_of_others(session, terms.code)).items()
    }
    return [under_document(fault) for fault in relation_faults(terms, others)]


async def end_sale(
    session: AsyncSession,
    publisher: Principal,
    version_id: UUID,
    until: date | None,
    now: datetime,
) -> PlanVersion:
    """Sell a published version until a day that is still to come, or without an end (None).

    So that the next version can be published beforehand, to begin on that day. Raises as
    `close`, and PlanVersionNotOnSale, VersionsOverlap (409), InvalidPlan (422) for a day
    that is not to come.
    """
    await queries.lock_plans(session)
    version = await _of_office(session, publisher, version_id)
    if version.status != "published":
        raise PlanVersionNotOnSale(status=version.status)
    if until is not None and day_start(until) <= max(now, version.effective_from):
        raise InvalidPlan(errors=[FieldError("/effective_to", "not-to-come", NOT_TO_COME)])
    version.effective_to = None if until is None else day_start(until)
    await _require_alone(session, version)
    await session.flush()
    await _state(session, publisher, version, "end_sale", events.PLAN_VERSION_SALE_ENDS, now)
    return version


async def close(
    session: AsyncSession, publisher: Principal, version_id: UUID, now: datetime
) -> PlanVersion:
    """Sell a published version no more; cover under it goes on.

    Raises PlanVersionNotFound (404), MunicipalOfficeNeeded (403), InvalidTransition (409).
    """
    version = await _of_office(session, publisher, version_id)
    await service.close_version(session, version, actor=publisher, now=now)
    await _state(session, publisher, version, "close", events.PLAN_VERSION_CLOSED, now)
    return version


async def reopen(
    session: AsyncSession, publisher: Principal, version_id: UUID, now: datetime
) -> PlanVersion:
    """Sell a closed version again; raises as `close`, and VersionsOverlap (409)."""
    await queries.lock_plans(session)
    version = await _of_office(session, publisher, version_id)
    if version.status != "closed":
        raise InvalidTransition(current=version.status, target="published")
    await _require_alone(session, version)
    await move(session, PLAN_VERSION, version, "published", actor=publisher, at=now)
    await _state(session, publisher, version, "reopen", events.PLAN_VERSION_REOPENED, now)
    return version


async def retire(
    session: AsyncSession, publisher: Principal, version_id: UUID, now: datetime
) -> PlanVersion:
    """Put a closed version away for good; raises as `close`."""
    version = await _of_office(session, publisher, version_id)
    await move(session, PLAN_VERSION, version, "retired", actor=publisher, at=now)
    await _state(session, publisher, version, "retire", events.PLAN_VERSION_RETIRED, now)
    return version


async def _draft_of(session: AsyncSession, author: Principal, version_id: UUID) -> PlanVersion:
    version = await queries.visible_version(session, author, version_id, lock=True)
    if version is None:
        raise PlanVersionNotFound
    if version.status != "draft":
        raise PlanVersionPublished(status=version.status)
    return version


async def _of_office(session: AsyncSession, publisher: Principal, version_id: UUID) -> PlanVersion:
    """The locked version, for administrators of the municipal office."""
    version = await queries.visible_version(session, publisher, version_id, lock=True)
    if version is None:
        raise PlanVersionNotFound
    if publisher.kind != "system" and not await queries.is_root(session, publisher.organisation_id):
        raise MunicipalOfficeNeeded
    return version


def _require_unchanged(version: PlanVersion, etags: frozenset[str]) -> None:
    if "*" not in etags and etag_of(version) not in etags:
        raise PreconditionFailed


async def _require_alone(session: AsyncSession, version: PlanVersion) -> None:
    """Raise VersionsOverlap (409), naming the other version."""
    other = await queries.overlapping(session, version)
    if other is not None:
        until = other.effective_to
        raise VersionsOverlap(
            extensions={
                "version": {
                    "id": str(other.id),
                    "number": other.number,
                    "effective_from": business_day(other.effective_from).isoformat(),
                    "effective_to": None if until is None else business_day(until).isoformat(),
                }
            }
        )


async def _state(
    session: AsyncSession,
    actor: Principal,
    version: PlanVersion,
    verb: str,
    event: str,
    now: datetime,
) -> None:
    content = {"plan_code": version.plan_code, "number": version.number}
    done = Fact("plan_version", version.id, f"plan_version.{verb}", event, content)
    await state(session, [done], actor=actor, at=now)

"""Endorsements: corrections of what a policy says about people, each a transaction of its own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.ids import new_id
from app.kernel.pagination import Page, decode_cursor, encode_cursor, keyset, page_of
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, Forbidden, Unprocessable
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.members.correcting import Corrected, correct_document, correct_name
from app.members.documents import mask_number
from app.members.entry import read_parts
from app.plans import service as plans
from app.policies.beneficiaries import (
    Record,
    live_beneficiaries,
    read_beneficiaries,
    record_of,
    replace_beneficiaries,
)
from app.policies.cancelling import LIVE
from app.policies.change_models import Endorsement
from app.policies.change_schemas import (
    BeneficiariesBody,
    EndorsementBody,
    EndorsementRecordView,
    EndorsementView,
)
from app.policies.eligibility import OCCUPATION
from app.policies.errors import NotEligible, PolicyNotRunning
from app.policies.events import POLICY_ENDORSED
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import Change, last_effective_at, record_change

CARD_NOT_SEEN = Text(
    "更正姓名或证件须当面查看证件原件", "Look at the card itself before you correct this."
)
# Who may correct what identifies a person.
CORRECTORS = frozenset({"reviewer", "supervisor"})


async def endorse(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    policy: Policy,
    body: EndorsementBody,
    now: datetime,
) -> EndorsementView:
    """Record one correction of a locked policy by staff.

    Raises PolicyNotRunning, DocumentOfAnother (409), Forbidden (403) for a name or a
    document below reviewer, NotEligible or Unprocessable (422).
    """
    if policy.status not in LIVE:
        raise PolicyNotRunning(status=policy.status)
    told = {"reason": body.reason, "evidence": body.evidence, "card_seen": body.card_seen}
    if body.kind == "beneficiary":
        records = read_beneficiaries(body.beneficiaries or (), business_day(now))
        return await _name_beneficiaries(session, vault, staff, policy, records, told, now)
    if body.kind == "occupation":
        corrected = await _occupation(session, vault, policy, str(body.occupation))
    else:
        corrected = await _person(session, vault, staff, policy, body, now)
    transaction = await _transact(session, policy, body.kind, staff, now)
    sealed = {**told, "was": corrected.was, "becomes": corrected.becomes}
    return await _keep(session, vault, transaction, body.kind, sealed)


async def _person(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    policy: Policy,
    body: EndorsementBody,
    now: datetime,
) -> Corrected:
    if not staff.roles & CORRECTORS:
        raise Forbidden
    if not body.card_seen:
        raise Unprocessable(errors=[FieldError("/card_seen", "card-not-seen", CARD_NOT_SEEN)])
    name, document = read_parts(body.name, body.document, business_day(now))
    if document is not None:
        return await correct_document(session, vault, policy.person_id, document, actor=staff)
    return await correct_name(session, vault, policy.person_id, str(name), actor=staff)


async def _occupation(
    session: AsyncSession, vault: Vault, policy: Policy, occupation: str
) -> Corrected:
    """The occupation is kept with its endorsement; one that the plan does not cover is refused."""
    terms = (await plans.version_of(session, policy.plan_version_id)).terms
    allowed = terms.eligibility.occupations
    if allowed and occupation not in allowed:
        raise NotEligible(errors=[FieldError("/occupation", "occupation-not-eligible", OCCUPATION)])
    was = await endorsed_occupation(session, vault, policy.id)
    return Corrected({"occupation": was}, {"occupation": occupation})


async def endorsed_occupation(session: AsyncSession, vault: Vault, policy_id: UUID) -> str | None:
    """What a policy's occupation was last corrected to; None: nobody has corrected it."""
    last = await session.scalar(
        select(Endorsement)
        .join(PolicyTransaction, PolicyTransaction.id == Endorsement.transaction_id)
        .where(Endorsement.policy_id == policy_id, Endorsement.kind == "occupation")
        .order_by(PolicyTransaction.recorded_at.desc())
        .limit(1)
    )
    if last is None:
        return None
    return str(vault.open("endorsement", last.id, last.sealed)["becomes"]["occupation"])


async def name_own_beneficiaries(
    session: AsyncSession,
    vault: Vault,
    member: Principal,
    policy: Policy,
    body: BeneficiariesBody,
    now: datetime,
) -> None:
    """Replace the beneficiaries of one's own, locked policy; the same list changes nothing.

    Raises PolicyNotRunning (409), Unprocessable (422).
    """
    if policy.status not in LIVE:
        raise PolicyNotRunning(status=policy.status)
    records = read_beneficiaries(body.beneficiaries, business_day(now))
    known = [record_of(vault, row) for row in await live_beneficiaries(session, policy.id)]
    if known != records:
        await _name_beneficiaries(session, vault, member, policy, records, {}, now)


async def _name_beneficiaries(
    session: AsyncSession,
    vault: Vault,
    actor: Principal,
    policy: Policy,
    records: list[Record],
    told: Mapping[str, Any],
    now: datetime,
) -> EndorsementView:
    before = [record_of(vault, row) for row in await live_beneficiaries(session, policy.id)]
    transaction = await _transact(session, policy, "beneficiary", actor, now)
    await replace_beneficiaries(session, vault, policy, records, transaction, now)
    sealed = {
        **told,
        "was": {"beneficiaries": before},
        "becomes": {"beneficiaries": records},
    }
    return await _keep(session, vault, transaction, "beneficiary", sealed)


async def _transact(
    session: AsyncSession, policy: Policy, kind: str, actor: Principal, now: datetime
) -> PolicyTransaction:
    """Cover stays as it is: a change that begins later is not overtaken by this one."""
    latest = await last_effective_at(session, policy.id)
    return await record_change(
        session,
        policy,
        Change("endorse", kind, "policy.endorse", POLICY_ENDORSED),
        effective_at=max(now, latest or now),
        actor=actor,
        now=now,
    )


async def _keep(
    session: AsyncSession,
    vault: Vault,
    transaction: PolicyTransaction,
    kind: str,
    sealed: Mapping[str, Any],
) -> EndorsementView:
    row_id = new_id()
    row = Endorsement(
        id=row_id,
        policy_id=transaction.policy_id,
        transaction_id=transaction.id,
        kind=kind,
        sealed=vault.seal("endorsement", row_id, dict(sealed)),
    )
    session.add(row)
    await session.flush()
    await session.refresh(transaction, attribute_names=["recorded_at"])
    return EndorsementView(**_facts(row, transaction))


def _facts(row: Endorsement, transaction: PolicyTransaction) -> dict[str, Any]:
    return {
        "id": row.id,
        "policy_id": row.policy_id,
        "transaction_id": row.transaction_id,
        "kind": row.kind,
        "effective_at": transaction.effective_at,
        "recorded_at": transaction.recorded_at,
    }


async def read_endorsements(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    policy: Policy,
    limit: int,
    cursor: str | None,
) -> Page[EndorsementRecordView]:
    """Corrections with what they said before and after, oldest first; the look is recorded."""
    listing = f"endorsements:{policy.id}"
    after = decode_cursor(vault, listing, cursor)
    of_policy = (
        select(Endorsement, PolicyTransaction)
        .join(PolicyTransaction, PolicyTransaction.id == Endorsement.transaction_id)
        .where(Endorsement.policy_id == policy.id)
    )
    found = await session.execute(
        keyset(of_policy, Endorsement.id, UUID(after[0]) if after else None, limit)
    )
    rows = found.all()
    await audit.record(
        session,
        staff,
        "endorsement.read",
        subject="policy",
        subject_ids=[policy.id, policy.person_id, *(row[0].id for row in rows[:limit])],
        on_behalf_of=policy.person_id,
    )
    return page_of(
        rows,
        limit,
        lambda row: _record_view(vault, row[0], row[1]),
        lambda row: encode_cursor(vault, listing, [str(row[0].id)]),
    )


def _record_view(
    vault: Vault, row: Endorsement, transaction: PolicyTransaction
) -> EndorsementRecordView:
    kept = vault.open("endorsement", row.id, row.sealed)
    return EndorsementRecordView(
        **_facts(row, transaction),
        reason=kept.get("reason", ""),
        evidence=kept.get("evidence", ""),
        card_seen=kept.get("card_seen", False),
        recorded_by=transaction.actor_id,
        was=_masked(kept["was"]),
        becomes=_masked(kept["becomes"]),
    )


def _masked(value: Any) -> Any:
    """The record with document numbers masked, at any depth."""
    if isinstance(value, list):
        return [_masked(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: mask_number(each) if name == "document_number" and each else _masked(each)
        for name, each in value.items()
    }

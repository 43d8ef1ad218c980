"""Beneficiaries of a policy: a whole list at a time, sealed, in force from an instant on."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, Unprocessable
from app.kernel.vault import Vault
from app.members.documents import DocumentNumber, mask_number
from app.members.entry import read_document
from app.members.names import mask_name, name_fault, parse_name
from app.policies.change_models import Beneficiary, document_value
from app.policies.change_schemas import BeneficiariesView, BeneficiaryBody, BeneficiaryView
from app.policies.models import Policy, PolicyTransaction

Record = dict[str, Any]


def read_beneficiaries(given: Sequence[BeneficiaryBody], today: date) -> list[Record]:
    """Names and documents in their one spelling; raises Unprocessable (422) with every fault."""
    records: list[Record] = []
    faults: list[FieldError] = []
    for position, each in enumerate(given):
        pointer = f"/beneficiaries/{position}"
        wrong = name_fault(each.name, f"{pointer}/name")
        if wrong is not None:
            faults.append(wrong)
        document = None
        if each.document is not None:
            parsed = read_document(each.document, today, f"{pointer}/document")
            if isinstance(parsed, FieldError):
                faults.append(parsed)
            else:
                document = parsed
        records.append(_record(each, document))
    if faults:
        raise Unprocessable(errors=faults)
    return records


def _record(each: BeneficiaryBody, document: DocumentNumber | None) -> Record:
    return {
        "name": parse_name(each.name),
        "relation": each.relation,
        "document_type": document.type if document else None,
        "document_number": document.number if document else None,
        "issuing_country": document.issuing_country if document else None,
        "share_percent": each.share_percent,
    }


async def beneficiaries_at(
    session: AsyncSession, policy_id: UUID, instant: datetime
) -> Sequence[Beneficiary]:
    """Who was named at an instant; nobody means the legal heirs."""
    return (
        await session.scalars(
            select(Beneficiary)
            .where(
                Beneficiary.policy_id == policy_id,
                Beneficiary.effective_at <= instant,
                or_(Beneficiary.ended_at.is_(None), Beneficiary.ended_at > instant),
            )
            .order_by(Beneficiary.position)
        )
    ).all()


async def live_beneficiaries(session: AsyncSession, policy_id: UUID) -> Sequence[Beneficiary]:
    """Who is named by the newest change."""
    return (
        await session.scalars(
            select(Beneficiary)
            .where(Beneficiary.policy_id == policy_id, Beneficiary.ended_at.is_(None))
            .order_by(Beneficiary.position)
        )
    ).all()


def record_of(vault: Vault, row: Beneficiary) -> Record:
    """A beneficiary in plain."""
    return {
        **vault.open("beneficiary", row.id, row.sealed),
        "share_percent": row.share_percent,
    }


async def replace_beneficiaries(
    session: AsyncSession,
    vault: Vault,
    policy: Policy,
    records: Sequence[Record],
    transaction: PolicyTransaction,
    now: datetime,
) -> None:
    """End those that are in force and name these instead; the policy is locked."""
    for row in await live_beneficiaries(session, policy.id):
        row.ended_at = max(now, row.effective_at)
    await session.flush()
    for position, record in enumerate(records, start=1):
        row_id = new_id()
        sealed = {name: value for name, value in record.items() if name != "share_percent"}
        value = document_value(sealed)
        session.add(
            Beneficiary(
                id=row_id,
                policy_id=policy.id,
                transaction_id=transaction.id,
                position=position,
                share_percent=record["share_percent"],
                sealed=vault.seal("beneficiary", row_id, sealed),
                document_index=vault.blind_index("document", value) if value else None,
                effective_at=now,
            )
        )
    await session.flush()


async def show_beneficiaries(
    session: AsyncSession, vault: Vault, caller: Principal, policy: Policy
) -> BeneficiariesView:
    """Those in force: names in plain for staff, masked for the member; the look is recorded."""
    rows = await live_beneficiaries(session, policy.id)
    await audit.record(
        session,
        caller,
        "beneficiary.read",
        subject="policy",
        subject_ids=[policy.id, *(row.id for row in rows)],
        on_behalf_of=policy.person_id if caller.kind == "staff" else None,
    )
    plain = caller.kind == "staff"
    return BeneficiariesView(
        policy_id=policy.id,
        beneficiaries=[_view(record_of(vault, row), plain) for row in rows],
    )


def _view(record: Mapping[str, Any], plain: bool) -> BeneficiaryView:
    number = record["document_number"]
    return BeneficiaryView(
        name=record["name"] if plain else mask_name(record["name"]),
        relation=record["relation"],
        document_type=record["document_type"],
        number_masked=mask_number(number) if number else None,
        share_percent=record["share_percent"],
    )

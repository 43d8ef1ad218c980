"""Signals with their evidence, as far as the viewer may see what they are about."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.errors import ClaimNotFound
from app.claims.life_models import ClaimSignal
from app.claims.life_views import words
from app.claims.models import Claim
from app.claims.signal_schemas import (
    EvidenceView,
    OtherClaimView,
    SignalLine,
    SignalView,
    Verdict,
)
from app.claims.words import SIGNAL_WORDS, SignalKind
from app.kernel import audit
from app.kernel.clock import system_now
from app.kernel.pagination import Page, decode_cursor, encode_cursor, keyset
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.models import Member
from app.members.queries import visible_members
from app.organisations.models import Organisation
from app.payouts.models import PayoutAccount


async def show_signals(
    session: AsyncSession,
    vault: Vault,
    viewer: Principal,
    claim_id: UUID,
    limit: int,
    cursor: str | None,
) -> Page[SignalView]:
    """The signals of a claim, oldest first, with a row in the read audit; ClaimNotFound (404)."""
    claim = await queries.find(session, viewer, claim_id)
    if claim is None:
        raise ClaimNotFound
    listing = f"claim-signals:{claim.id}"
    after = decode_cursor(vault, listing, cursor)
    of_claim = select(ClaimSignal).where(ClaimSignal.claim_id == claim.id)
    found = await session.scalars(
        keyset(of_claim, ClaimSignal.id, UUID(after[0]) if after else None, limit)
    )
    signals = found.all()
    shown = await signal_views(session, vault, viewer, claim, signals[:limit])
    others = [other.id for each in shown for other in each.evidence.claims if other.id is not None]
    await audit.record(
        session,
        viewer,
        "claim.read_signals",
        subject="claim",
        subject_ids=list(dict.fromkeys([claim.id, claim.person_id, *others])),
        on_behalf_of=claim.person_id,
    )
    more = len(signals) > limit
    last = encode_cursor(vault, listing, [str(shown[-1].id)]) if more else None
    return Page(items=shown, next_cursor=last)


def signal_line(signal: ClaimSignal) -> SignalLine:
    """A signal without its evidence."""
    return SignalLine(
        id=signal.id,
        kind=cast(SignalKind, signal.kind),
        text=words(SIGNAL_WORDS[cast(SignalKind, signal.kind)]),
        raised_at=signal.raised_at,
        verdict=cast(Verdict | None, signal.verdict),
    )


async def signal_views(
    session: AsyncSession,
    vault: Vault,
    viewer: Principal,
    claim: Claim,
    signals: Sequence[ClaimSignal],
) -> list[SignalView]:
    """Signals with evidence. Of what the viewer's office has no part in only number and
    office are told; a bank account by its last four digits.
    """
    claims = await _other_claims(session, viewer, claim, signals)
    accounts = await _endings(session, vault, signals)
    members = await _members(session, viewer, signals)
    shown = []
    for signal in signals:
        told = signal.evidence
        number, office = members.get(told.get("person_id"), (None, None))
        evidence = EvidenceView.model_validate(
            {
                **{name: told.get(name) for name in EvidenceView.model_fields},
                "claims": [
                    _matched(claims[match["claim_id"]], match) for match in told.get("claims", ())
                ],
                "account_ending": accounts.get(told.get("account_id")),
                "member_number": number,
                "organisation_name": office,
            }
        )
        sealed = None
        if signal.sealed is not None:
            sealed = vault.open("claim_signal", signal.id, signal.sealed)
        shown.append(
            SignalView(
                **dict(signal_line(signal)),
                evidence=evidence,
                note=None if sealed is None else sealed["note"],
                judged_by=signal.judged_by,
                judged_at=signal.judged_at,
            )
        )
    return shown


def _named(signals: Sequence[ClaimSignal], what: str) -> set[UUID]:
    return {UUID(each.evidence[what]) for each in signals if each.evidence.get(what)}


async def _other_claims(
    session: AsyncSession, viewer: Principal, claim: Claim, signals: Sequence[ClaimSignal]
) -> Mapping[str, OtherClaimView]:
    ids = {UUID(match["claim_id"]) for each in signals for match in each.evidence.get("claims", ())}
    if not ids:
        return {}
    seen = set((await session.scalars(queries.visible(viewer).where(Claim.id.in_(ids)))).all())
    rows = await session.execute(
        select(Claim, Organisation.name)
        .join(Organisation, Organisation.id == Claim.managing_organisation_id)
        .where(Claim.id.in_(ids))
    )
    return {
        str(other.id): _other(claim, other, office, whole=other in seen) for other, office in rows
    }


def _other(claim: Claim, other: Claim, office: str, *, whole: bool) -> OtherClaimView:
    more = {}
    if whole:
        more = {
            "id": other.id,
            "status": other.status,
            "plan_code": other.plan_code,
            "benefit_code": other.benefit_code,
            "submitted_at": other.submitted_at,
            "same_member": other.person_id == claim.person_id,
        }
    return OtherClaimView.model_validate(
        {"number": other.number, "organisation_name": office, **more}
    )


def _matched(other: OtherClaimView, match: Mapping[str, Any]) -> OtherClaimView:
    more: dict[str, Any] = {"distance": match.get("distance")}
    if other.id is not None and "document_id" in match:
        more["document_id"] = UUID(match["document_id"])
    return other.model_copy(update=more)


async def _endings(
    session: AsyncSession, vault: Vault, signals: Sequence[ClaimSignal]
) -> Mapping[str | None, str]:
    ids = _named(signals, "account_id")
    if not ids:
        return {}
    rows = await session.scalars(select(PayoutAccount).where(PayoutAccount.id.in_(ids)))
    return {
        str(row.id): vault.open("payout_account", row.id, row.sealed)["account_number"][-4:]
        for row in rows.all()
    }


async def _members(
    session: AsyncSession, viewer: Principal, signals: Sequence[ClaimSignal]
) -> Mapping[str | None, tuple[str | None, str | None]]:
    """Member number, where the viewer may see the member, and managing office."""
    ids = _named(signals, "person_id")
    if not ids:
        return {}
    seen = await session.execute(
        visible_members(viewer, system_now()).where(Member.person_id.in_(ids))
    )
    visible = {str(row[0].person_id) for row in seen.all()}
    rows = await session.execute(
        select(Member.person_id, Member.number, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Member.organisation_id)
        .where(Member.person_id.in_(ids))
    )
    return {
        str(person): (number if str(person) in visible else None, office)
        for person, number, office in rows
    }

"""The same invoice, the same file, or a picture that looks the same, on another claim."""

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.claims.models import Claim, ClaimDocument, ClaimReceipt
from app.claims.signals import Noticed, naming

# Bits of 64 in which two pictures may differ and still be the same photograph.
NEAR = 6
# The papers of who somebody is serve each of their claims.
_OWN = ("identity", "claimant_identity")
_QUARTER = """
    select s.id, s.perceptual_hash as hash from stored_object s
    where s.perceptual_hash is not null and ((s.perceptual_hash >> %d) & 65535) = any(array(
      select ((m.hash >> %d) & 65535) # mask from unnest(turned.masks) mask))
"""
# Hashes that differ in six bits differ in at most one bit of some quarter of sixteen: so each
# quarter is looked up as it is and with every single bit turned, and what comes back is counted.
_NEAR = f"""
with mine as (
  select d.id, d.kind, d.fingerprint, s.perceptual_hash as hash
  from claim_document d join stored_object s on s.id = d.object_id
  where d.claim_id = :claim_id and d.status <> 'replaced' and s.perceptual_hash is not null
), turned as (
  select array_agg(mask) as masks
  from (select 0 as mask union all select 1 << bit from generate_series(0, 15) bit) each
), found as (
  select m.id as document_id, d.claim_id, d.id as other_document_id, c.submitted_at,
         bit_count((m.hash # near.hash)::bit(64)) as distance
  from mine m cross join turned
  cross join lateral ({" union ".join(_QUARTER % (at, at) for at in (48, 32, 16, 0))}) near
  join claim_document d on d.object_id = near.id
  join claim c on c.id = d.claim_id
  where d.claim_id <> :claim_id and c.submitted_at is not null
    and bit_count((m.hash # near.hash)::bit(64)) <= {NEAR}
    and d.fingerprint <> m.fingerprint
    and not (c.person_id = :person_id and m.kind in {_OWN} and d.kind in {_OWN})
)
select document_id, claim_id, other_document_id, distance from (
  select distinct on (document_id, claim_id) * from found order by document_id, claim_id, distance
) nearest order by submitted_at desc
"""  # noqa: S608  numbers and words of ours


async def same_receipts(session: AsyncSession, claim: Claim) -> list[Noticed]:
    """Invoices that another claim had, whatever became of it; one still living blocks at once.

    One that was typed wrongly and taken back is no invoice of that claim.
    """
    other = aliased(ClaimReceipt)
    rows = await session.execute(
        select(ClaimReceipt.id, other.claim_id)
        .join(other, other.receipt_index == ClaimReceipt.receipt_index)
        .join(Claim, Claim.id == other.claim_id)
        .where(
            ClaimReceipt.claim_id == claim.id,
            ClaimReceipt.released_at.is_(None),
            other.removed_at.is_(None),
            other.claim_id != claim.id,
            Claim.submitted_at.is_not(None),
        )
        .order_by(Claim.submitted_at.desc())
    )
    return naming(
        "same-invoice", "receipt_id", [(receipt, {"claim_id": str(of)}) for receipt, of in rows]
    )


async def same_files(session: AsyncSession, claim: Claim) -> list[Noticed]:
    """Files that were handed in with another claim, whatever became of it."""
    other = aliased(ClaimDocument)
    rows = await session.execute(
        select(ClaimDocument.id, other.claim_id, other.id)
        .join(other, other.fingerprint == ClaimDocument.fingerprint)
        .join(Claim, Claim.id == other.claim_id)
        .where(
            ClaimDocument.claim_id == claim.id,
            ClaimDocument.status != "replaced",
            other.claim_id != claim.id,
            Claim.submitted_at.is_not(None),
            or_(
                Claim.person_id != claim.person_id,
                ClaimDocument.kind.not_in(_OWN),
                other.kind.not_in(_OWN),
            ),
        )
        .order_by(Claim.submitted_at.desc(), other.id)
    )
    return naming(
        "same-file",
        "document_id",
        [
            (document, {"claim_id": str(of), "document_id": str(theirs)})
            for document, of, theirs in rows
        ],
    )


async def near_images(session: AsyncSession, claim: Claim) -> list[Noticed]:
    """Pictures that look like one of another claim's: 64-bit hashes at most six bits apart."""
    rows = await session.execute(text(_NEAR), {"claim_id": claim.id, "person_id": claim.person_id})
    return naming(
        "near-image",
        "document_id",
        [
            (
                document,
                {"claim_id": str(of), "document_id": str(theirs), "distance": distance},
            )
            for document, of, theirs, distance in rows
        ],
    )

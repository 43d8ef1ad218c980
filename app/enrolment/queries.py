"""Enrolment codes a staff account may see, and the one statement of a scan."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.enrolment.models import OnSiteEnrolment
from app.kernel.principal import Principal
from app.members.models import EnrolmentCode
from app.organisations.models import Organisation, Partner
from app.organisations.queries import in_scope, managed

# $1 code, $2 the system clock. Versions and texts are named only: both are immutable, so
# their bytes are kept by the process. A sandbox's business clock decides what is on sale.
SCAN = """
select c.id, c.code, c.campaign, c.expires_at, c.revoked_at, o.id as site_id, o.name as site,
       o.area_code, a.name as area, c.sponsor_id,
       coalesce(s.name, p.name) as sponsor,
       (select string_agg(v.id::text, ' ' order by v.plan_code) from plan_version v
        where v.status = 'published' and v.effective_from <= b.now
          and (v.effective_to is null or v.effective_to > b.now)
          and (c.plan_codes = '{}' or v.plan_code = any(c.plan_codes))) as version_ids,
       (select string_agg(t.label, ' ' order by t.label)
        from (select purpose || ':' || max(version) as label from consent_text
              where effective_at <= b.now group by purpose) t) as text_labels
from enrolment_code c
join organisation o on o.id = c.organisation_id
left join area a on a.code = o.area_code
left join organisation s on s.id = c.sponsor_id
left join partner p on p.id = c.sponsor_id
cross join (select $2::timestamptz + make_interval(secs => offset_seconds) as now
            from business_clock) b
where c.code = $1
"""

TEXTS = """
select purpose, version, title_zh, title_en, text_zh, text_en, digest from consent_text
where purpose || ':' || version = any($1::text[]) order by purpose
"""

# Rows are locked in one order, so that two processes counting cannot wait for each other.
COUNT_SCANS = """
with counted as (
    select id, scans from unnest($1::uuid[], $2::bigint[]) as n(id, scans)
), locked as (
    select c.id from enrolment_code c where c.id = any($1::uuid[]) order by c.id for update
)
update enrolment_code c set scans = c.scans + counted.scans, last_scanned_at = $3
from counted join locked on locked.id = counted.id
where c.id = counted.id
"""


def visible_codes(principal: Principal) -> Select[EnrolmentCode]:
    """Codes of the sites that the principal manages."""
    return select(EnrolmentCode).where(in_scope(principal, EnrolmentCode.organisation_id))


def page_of_codes(
    principal: Principal, *, site_id: UUID | None, after: list[str] | None, limit: int
) -> Select[EnrolmentCode]:
    """Newest first; `after` is the id of the last row shown."""
    query = visible_codes(principal).order_by(EnrolmentCode.id.desc()).limit(limit + 1)
    if site_id is not None:
        query = query.where(EnrolmentCode.organisation_id == site_id)
    if after is not None:
        query = query.where(EnrolmentCode.id < UUID(after[0]))
    return query


async def may_sponsor(
    session: AsyncSession, principal: Principal, site: Organisation, sponsor_id: UUID
) -> bool:
    """Whether a code of the site may be at the sponsor's expense.

    A sponsor is an organisation or an active partner of one: above the site, or managed
    by the principal. Nobody runs up a debt for another tenant.
    """
    near = or_(Organisation.id.in_(site.lineage), managed(principal))
    organisation = select(Organisation.id).where(near, Organisation.id == sponsor_id)
    partner = (
        select(Partner.id)
        .join(Organisation, Organisation.id == Partner.organisation_id)
        .where(near, Partner.id == sponsor_id, Partner.status == "active")
    )
    return (await session.execute(organisation.union_all(partner))).first() is not None


async def first_answers(
    session: AsyncSession, staff_id: UUID, client_refs: Sequence[str]
) -> dict[str, OnSiteEnrolment]:
    """What a staff account's tablet items were answered before, by `client_ref`."""
    rows = await session.scalars(
        select(OnSiteEnrolment).where(
            OnSiteEnrolment.staff_id == staff_id, OnSiteEnrolment.client_ref.in_(client_refs)
        )
    )
    return {row.client_ref: row for row in rows}


def is_expired(code: EnrolmentCode, at: datetime) -> bool:
    return code.expires_at <= at

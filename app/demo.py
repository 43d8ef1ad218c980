"""A demonstration: organisations, staff, plans, a partner and a code; loaded once, safe to repeat.

Its passwords and secrets come from the master key, so that every start can show them
again although the database keeps only their hashes.
"""

import base64
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import StaffAccount
from app.access.partner_clients import clients_of, create_client
from app.access.passwords import Passwords
from app.access.staff_accounts import create_staff
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.kernel.vault import Vault, open_vault
from app.members.codes import new_code
from app.members.models import EnrolmentCode
from app.organisations.models import Kind, Organisation, Partner
from app.organisations.partners import create_partner
from app.organisations.service import create_organisation, create_root
from app.plans import catalogue
from app.relief.library import open_shipped_fund
from app.rosters.models import Agreement
from app.settings import Settings
from app.subscriptions import SUBSCRIPTIONS

OFFICE = "重庆市职工互助保障办事处(演示)"
AGENCY = "渝中区代办处(演示)"
UNIT = "渝中区新就业形态联合工会(演示)"
SITE = "解放碑外卖站点(演示)"
PARTNER = "演示配送平台"
PARTNER_USCC = "91500103MA5DEMJ23Y"
CAMPAIGN = "演示活动"
PLANS = ["RIDER-ACC", "CQ-2015-HA"]
GIFTED_PLAN = "SH-GIG-C"
RELIEF_FUND = "CQ-RELIEF-DEMO"
SINCE = date(2020, 1, 1)
CODE_LASTS = timedelta(days=3650)

# User name, words for people, roles, and whether the account is the agency's.
STAFF: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
    ("caseworker", "演示经办", ("caseworker",), True),
    ("reviewer", "演示审核", ("reviewer",), False),
    ("supervisor", "演示主管", ("supervisor",), False),
    ("auditor", "演示审计", ("auditor",), False),
    ("administrator", "演示管理", ("administrator",), False),
)


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What a start prints: (role, username, password, TOTP secret) per account, and the codes."""

    accounts: list[tuple[str, str, str, str]]
    enrolment_code: str
    partner_client_id: str
    partner_client_secret: str


async def load(settings: Settings) -> DemoSummary:
    """Load what is missing and return how to log in; refuses nothing, changes nothing twice."""
    database = Database(settings, subscriptions=SUBSCRIPTIONS)
    vault = open_vault(settings)
    try:
        async with database.transaction() as session:
            await vault.refresh(session)
            code = await session.scalar(
                select(EnrolmentCode).where(EnrolmentCode.campaign == CAMPAIGN)
            )
            if code is None:
                code = await _build(session, vault, system_now())
            partner = await session.scalar(select(Partner).where(Partner.name == PARTNER))
            clients = await clients_of(session, partner.id) if partner else []
    finally:
        await database.close()
    return DemoSummary(
        accounts=[
            (roles[0], name, _password(vault, name), _totp_secret(vault, name))
            for name, _, roles, _ in STAFF
        ],
        enrolment_code=code.code,
        partner_client_id=clients[0].client_id,
        partner_client_secret=_secret(vault, "partner"),
    )


async def _build(session: AsyncSession, vault: Vault, now: datetime) -> EnrolmentCode:
    """Everything, in one transaction: a start that is killed leaves nothing half made."""
    await catalogue.load(session, now)
    office, agency, site = await _organisations(session, now)
    await open_shipped_fund(session, RELIEF_FUND, office.id, now)
    staff = await _staff(session, vault, office, agency, now)
    await _partner(session, vault, agency, staff["administrator"].id, now)
    code = EnrolmentCode(
        id=new_id(),
        code=new_code(),
        organisation_id=site.id,
        campaign=CAMPAIGN,
        plan_codes=PLANS,
        expires_at=now + CODE_LASTS,
        created_by=staff["caseworker"].id,
        created_at=now,
    )
    session.add(code)
    await session.flush()
    return code


async def _organisations(
    session: AsyncSession, now: datetime
) -> tuple[Organisation, Organisation, Organisation]:
    office = await create_root(session, SYSTEM, OFFICE, now, valid_from=SINCE)

    async def under(parent: Organisation, kind: Kind, name: str) -> Organisation:
        return await create_organisation(
            session,
            SYSTEM,
            parent_id=parent.id,
            kind=kind,
            name=name,
            area_code="500103",
            uscc=None,
            valid_from=SINCE,
            now=now,
        )

    agency = await under(office, Kind.AGENCY, AGENCY)
    unit = await under(agency, Kind.UNIT, UNIT)
    return office, agency, await under(unit, Kind.SITE, SITE)


async def _staff(
    session: AsyncSession,
    vault: Vault,
    office: Organisation,
    agency: Organisation,
    now: datetime,
) -> dict[str, StaffAccount]:
    passwords = Passwords()
    return {
        name: await create_staff(
            session,
            vault,
            organisation_id=agency.id if at_agency else office.id,
            username=name,
            display_name=words,
            roles=roles,
            password_hash=await passwords.hash(_password(vault, name)),
            totp_secret=_totp_secret(vault, name),
            actor=SYSTEM,
            now=now,
            initial=False,
        )
        for name, words, roles, at_agency in STAFF
    }


async def _partner(
    session: AsyncSession, vault: Vault, agency: Organisation, by: UUID, now: datetime
) -> None:
    partner = await create_partner(
        session, SYSTEM, organisation_id=agency.id, name=PARTNER, uscc=PARTNER_USCC, now=now
    )
    await create_client(
        session,
        partner_id=partner.id,
        organisation_id=agency.id,
        expires_at=None,
        actor=SYSTEM,
        now=now,
        secret=_secret(vault, "partner"),
    )
    session.add(
        Agreement(
            id=new_id(),
            partner_id=partner.id,
            plan_code=GIFTED_PLAN,
            shares=1,
            starts_on=SINCE,
            without_identity=False,
            hold_missing_percent=30,
            created_by=by,
            created_at=now,
        )
    )
    await session.flush()


def _secret(vault: Vault, name: str) -> str:
    return base64.urlsafe_b64encode(vault.mac("demo", name.encode(), 24)).decode()


def _password(vault: Vault, name: str) -> str:
    return _secret(vault, f"password {name}")[:20]


def _totp_secret(vault: Vault, name: str) -> str:
    return base64.b32encode(vault.mac("demo", f"totp {name}".encode(), 20)).decode()

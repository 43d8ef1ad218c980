"""Callers for every feature's tests: real rows, real tokens, without SMS or argon2.

    rider = await member_token(app)
    reviewer = await staff_token(app, organisation_id, ["reviewer"])
    platform = await partner_token(app, organisation_id)
    await client.get("/v1/…", headers=rider.headers)

The tokens are made by the application's own functions; only the proofs (code, password)
are skipped.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fastapi import FastAPI

from app.access.authentication import Authenticator
from app.access.member_accounts import account_of_phone, attach_person, bind_openid
from app.access.partner_clients import client_token, create_client
from app.access.sessions import member_login, open_session, staff_login
from app.access.staff_accounts import create_staff
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.ids import new_id, random_code
from app.kernel.principal import SYSTEM
from app.kernel.transitions import begin
from app.kernel.vault import Vault
from app.organisations.models import PARTNER, Kind, Organisation, Partner

# The secret of every staff account made here, for tests that log in for real.
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass(frozen=True)
class SignedIn:
    """A caller: `account_id` is a member or staff account, or the partner."""

    token: str
    account_id: UUID
    refresh_token: str = ""
    phone: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def keyed(self) -> dict[str, str]:
        """With a key of its own each time."""
        return self.headers | {"Idempotency-Key": secrets.token_hex(12)}


def _parts(app: FastAPI) -> tuple[Database, Vault, Authenticator]:
    return app.state.database, app.state.vault, app.state.authenticate


def random_phone() -> str:
    """A synthetic mainland mobile number in E.164."""
    return f"+86138{secrets.randbelow(10**8):08d}"


async def member_token(
    app: FastAPI,
    *,
    phone: str | None = None,
    openid: str | None = None,
    person_id: UUID | None = None,
) -> SignedIn:
    """A member who has just proven a phone; with `person_id` one whose identity is known."""
    database, vault, door = _parts(app)
    phone, now = phone or random_phone(), system_now()
    async with database.transaction() as session:
        account = await account_of_phone(session, vault, phone, now)
        if openid is not None:
            await bind_openid(session, vault, account, openid)
        if person_id is not None:
            await attach_person(session, account.id, person_id)
        issued = await open_session(
            session, door.keyring, app.state.settings, member_login(account), now
        )
    return SignedIn(issued.access_token, account.id, issued.refresh_token, phone)


async def staff_token(
    app: FastAPI,
    organisation_id: UUID,
    roles: Collection[str] = ("caseworker",),
    *,
    display_name: str = "测试员工",
) -> SignedIn:
    """A staff account of the organisation, logged in; its password opens nothing."""
    database, vault, door = _parts(app)
    now = system_now()
    async with database.transaction() as session:
        account = await create_staff(
            session,
            vault,
            organisation_id=organisation_id,
            username=f"t{random_code(10).lower()}",
            display_name=display_name,
            roles=roles,
            password_hash="unusable",
            totp_secret=TOTP_SECRET,
            actor=SYSTEM,
            now=now,
            initial=False,
        )
        issued = await open_session(
            session, door.keyring, app.state.settings, staff_login(account), now
        )
    return SignedIn(issued.access_token, account.id, issued.refresh_token)


async def make_organisation(
    app: FastAPI,
    kind: Kind = Kind.AGENCY,
    parent: Organisation | None = None,
    *,
    name: str | None = None,
    area_code: str | None = "500103",
) -> Organisation:
    """An organisation under `parent`; a missing chain of parents is made as well."""
    above = {Kind.AGENCY: Kind.MUNICIPAL_OFFICE, Kind.UNIT: Kind.AGENCY, Kind.SITE: Kind.UNIT}
    if parent is None and kind in above:
        parent = await make_organisation(app, above[kind])
    organisation_id = new_id()
    row = Organisation(
        id=organisation_id,
        parent_id=parent.id if parent else None,
        kind=kind,
        name=name or f"测试机构 {random_code(8)}",
        area_code=area_code,
        lineage=[*(parent.lineage if parent else []), organisation_id],
        valid_from=date(2020, 1, 1),
        version=1,
        created_at=system_now(),
    )
    async with app.state.database.transaction() as session:
        session.add(row)
    return row


async def make_partner(app: FastAPI, organisation_id: UUID) -> Partner:
    """A platform company managed by the organisation."""
    now = system_now()
    partner = Partner(
        id=new_id(),
        name=f"测试平台 {random_code(8)}",
        uscc="91500000MA5U0000XX",
        organisation_id=organisation_id,
        status="active",
        version=1,
        created_at=now,
    )
    async with app.state.database.transaction() as session:
        begin(session, PARTNER, partner, actor=SYSTEM, at=now)
    return partner


async def partner_token(
    app: FastAPI, organisation_id: UUID, *, partner_id: UUID | None = None
) -> SignedIn:
    """A partner's client with a token; `account_id` is the partner's id."""
    database, _, door = _parts(app)
    partner_id = partner_id or (await make_partner(app, organisation_id)).id
    now = system_now()
    async with database.transaction() as session:
        client, _secret = await create_client(
            session,
            partner_id=partner_id,
            organisation_id=organisation_id,
            expires_at=None,
            actor=SYSTEM,
            now=now,
        )
    return SignedIn(client_token(door.keyring, client, now).value, partner_id)

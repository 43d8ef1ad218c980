"""The caseworker's doors: attesting a card, serving a member, reading one."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from app.kernel import rate
from app.kernel.api_document import refused
from app.kernel.clock import system_now
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, SettingsDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.principal import Caseworker, Staff
from app.kernel.routing import router
from app.members import attestation, serving
from app.members.schemas import (
    AttestationBody,
    AttestationView,
    ServeGrantBody,
    ServeGrantView,
    StaffMemberView,
)
from app.members.views import member_short

routes = router("members at the counter")


def _at_most(purpose: str, per_hour: int) -> Callable[..., Awaitable[None]]:
    """Counted before the request takes its own connection: nobody tries out numbers."""

    async def limited(caseworker: Caseworker, database: DatabaseDep, vault: VaultDep) -> None:
        bucket = vault.mac("staff-attempts", f"{purpose}:{caseworker.id}".encode())
        await rate.limit(database, bucket, at_most=per_hour, per=timedelta(hours=1))

    return limited


AttestingLimited = Annotated[None, Depends(_at_most("attest", 120))]
FindingLimited = Annotated[None, Depends(_at_most("serve", 60))]


@routes.post(
    "/v1/staff/registrations/{registration_id}/attestation",
    status_code=201,
    response_model=AttestationView,
)
async def attest_registration(
    caseworker: Caseworker,
    registration_id: UUID,
    body: AttestationBody,
    _limit: AttestingLimited,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Attest having seen the card: enter its name and number again, they must be equal.

    The equal route without a face check. The rider shows the registration's id on their
    phone. An account attests at most 120 an hour.
    """
    member = await attestation.attest(
        session, keyed.vault, caseworker, registration_id, body, now, system_now()
    )
    view = AttestationView(
        registration_id=registration_id, status="completed", member=member_short(member)
    )
    return await keyed.reply(201, view)


@routes.post(
    "/v1/staff/serve-grants",
    status_code=201,
    response_model=ServeGrantView,
    responses=refused(404),
)
async def grant_serving(
    caseworker: Caseworker,
    body: ServeGrantBody,
    _limit: FindingLimited,
    keyed: KeyedDep,
    session: SessionDep,
    settings: SettingsDep,
    now: NowDep,
) -> Response:
    """Serve a member of any organisation for a while, found by exact document or one-time code."""
    view = await serving.grant(session, keyed.vault, settings, caseworker, body, now, system_now())
    return await keyed.reply(201, view)


@routes.get("/v1/staff/members/{member_id}")
async def read_member(
    staff: Staff, member_id: UUID, session: SessionDep, vault: VaultDep
) -> StaffMemberView:
    """A member whom you manage or currently serve; anyone else is 404. The look is recorded."""
    return await serving.read_member(session, vault, staff, member_id, system_now())

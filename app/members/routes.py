"""The member's own doors: registration, identity checks, consents; and the vendor's callback."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response

from app.integrations.outside import OutsideDep
from app.kernel.api_document import refused
from app.kernel.clock import system_now
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, SettingsDep, VaultDep
from app.kernel.idempotency import ClaimDep, KeyedDep
from app.kernel.principal import Member
from app.kernel.routing import hot_router, router
from app.members import (
    check_answers,
    consents,
    identity_checks,
    opening,
    own,
    registration,
    serving,
)
from app.members.schemas import (
    ConsentBody,
    ConsentTextsView,
    IdentityCheckView,
    MeView,
    Purpose,
    RegistrationBody,
    RegistrationView,
    ServeCodeView,
)

routes = router("members")
hot_routes = hot_router("members")
callback_routes = router("callbacks")


@routes.get("/v1/me")
async def read_me(member: Member, session: SessionDep, vault: VaultDep) -> MeView:
    """Your account, registration and membership, masked. The look is recorded."""
    return await own.read_me(session, vault, member)


@hot_routes.post(
    "/v1/me/registration",
    status_code=201,
    response_model=RegistrationView,
    responses=refused(404),
)
async def open_registration(
    member: Member, request: Request, claim: ClaimDep, body: RegistrationBody
) -> Response:
    """Start a registration with whatever is known: everything may follow by PATCH.

    With name, document and the required consents it is `submitted` and ready for an
    identity check. Typing a number proves nothing and reveals nothing: a number that is
    already known is answered like any other. `missing` names what still has to be given.
    """
    content = await opening.open_registration(request.app.state.database, claim, member, body)
    return claim.respond(201, content)


@routes.get("/v1/me/registration", responses=refused(404))
async def read_registration(
    member: Member, session: SessionDep, vault: VaultDep, settings: SettingsDep
) -> RegistrationView:
    """The registration under way, or the completed one: resume it on any device."""
    return await registration.read_registration(session, vault, settings, member, system_now())


@routes.patch("/v1/me/registration", responses=refused(404))
async def resume_registration(
    member: Member,
    body: RegistrationBody,
    session: SessionDep,
    vault: VaultDep,
    settings: SettingsDep,
    now: NowDep,
) -> RegistrationView:
    """Add or correct fields; fields left out stay. Not while an identity check runs (409)."""
    return await registration.resume_registration(session, vault, settings, member, body, now)


@routes.delete("/v1/me/registration", status_code=204, responses=refused(404, 409))
async def abandon_registration(
    member: Member, session: SessionDep, vault: VaultDep, now: NowDep
) -> None:
    """Give up a registration that is not completed; what was entered is forgotten."""
    await registration.abandon_registration(session, vault, member, now, system_now())


@routes.post(
    "/v1/me/identity-checks",
    status_code=201,
    response_model=IdentityCheckView,
    responses=refused(404),
)
async def request_identity_check(
    member: Member, keyed: KeyedDep, session: SessionDep, settings: SettingsDep, now: NowDep
) -> Response:
    """Start a face check of a submitted registration; needs the separate consent `face`.

    Poll the check: `launch` appears once the vendor has opened it. The number of tries a
    day is limited. A caseworker who looks at the card is the equal route without a face.
    """
    view = await identity_checks.request_check(
        session, keyed.vault, settings, member, now, system_now()
    )
    return await keyed.reply(201, view)


@routes.get("/v1/me/identity-checks/{check_id}")
async def read_identity_check(
    member: Member,
    check_id: UUID,
    database: DatabaseDep,
    vault: VaultDep,
    outside: OutsideDep,
) -> IdentityCheckView:
    """How a check stands. While it is requested the vendor is asked, two seconds at most."""
    return await identity_checks.poll_check(
        database, vault, outside.identity_vendor, member, check_id
    )


@routes.get("/v1/me/consents")
async def list_consents(member: Member, session: SessionDep, now: NowDep) -> ConsentTextsView:
    """The present text of every purpose and whether you have agreed to it."""
    return ConsentTextsView(items=await consents.listed(session, member, now))


@routes.post("/v1/me/consents", status_code=201, response_model=ConsentTextsView)
async def give_consent(
    member: Member, body: ConsentBody, keyed: KeyedDep, session: SessionDep, now: NowDep
) -> Response:
    """Agree to one purpose in its present version; another version is refused (409)."""
    await consents.give(session, member, [body], now)
    items = await consents.listed(session, member, now)
    return await keyed.reply(201, ConsentTextsView(items=items))


@routes.delete("/v1/me/consents/{purpose}", status_code=204)
async def withdraw_consent(
    member: Member,
    purpose: Annotated[Purpose, Path(description="What the consent is for.")],
    session: SessionDep,
    now: NowDep,
) -> None:
    """Withdraw a consent. What was done before stays valid; what rested on it stops."""
    await consents.withdraw(session, member, purpose, now, system_now())


@routes.post("/v1/me/serve-codes", status_code=201, response_model=ServeCodeView)
async def make_serve_code(member: Member, keyed: KeyedDep, session: SessionDep) -> Response:
    """A code of eight digits, for ten minutes and one use, that lets a caseworker serve you."""
    view = await serving.make_serve_code(session, keyed.vault, member, system_now())
    return await keyed.reply(201, view)


_CALLBACK_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "reference": "idv-5f0c",
                    "order_ref": "0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
                    "state": "passed",
                },
            }
        },
    }
}


@callback_routes.post(
    "/v1/identity-vendor/callbacks",
    status_code=204,
    openapi_extra=_CALLBACK_BODY,
    responses=refused(401, 404),
)
async def take_identity_callback(
    request: Request, session: SessionDep, vault: VaultDep, outside: OutsideDep, now: NowDep
) -> None:
    """The vendor's result, signed over the raw body. A replayed reference is answered 409."""
    await check_answers.take_callback(
        session,
        vault,
        outside.identity_vendor,
        request.headers,
        await request.body(),
        now,
        system_now(),
    )

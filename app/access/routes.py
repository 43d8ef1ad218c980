"""Logging in and out, and the published keys."""

from fastapi import Request, Response

from app.access import member_login, one_time_codes, sessions, staff_login
from app.access.addresses import client_address
from app.access.authentication import AuthenticatorDep
from app.access.keyring import PUBLISHED_MAX_AGE
from app.access.models import StaffAccount
from app.access.phones import normal_phone
from app.access.schemas import (
    CodeRequest,
    CodeSent,
    JsonWebKeySet,
    PhoneLogin,
    RefreshRequest,
    StaffLogin,
    StaffProfile,
    TokenView,
    WeChatLogin,
)
from app.integrations.outside import OutsideDep
from app.kernel.api_document import refused
from app.kernel.clock import system_now
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import SettingsDep, VaultDep
from app.kernel.principal import LoggedIn, Staff
from app.kernel.problems import Unauthenticated
from app.kernel.routing import router

routes = router("access")


@routes.post("/v1/one-time-codes", status_code=202)
async def send_one_time_code(
    body: CodeRequest,
    request: Request,
    database: DatabaseDep,
    vault: VaultDep,
    settings: SettingsDep,
    outside: OutsideDep,
) -> CodeSent:
    """Send a six-digit code by SMS; it lasts five minutes and five guesses.

    The answer is the same whether the phone is known or not. At most ten an hour go to
    one phone.
    """
    phone = normal_phone(body.phone)
    address = client_address(request)
    await one_time_codes.limit_address(database, vault, "send", address, settings.codes_per_address)
    await one_time_codes.send_code(database, vault, outside.sms, phone)
    return CodeSent(expires_in=int(one_time_codes.LASTS.total_seconds()))


@routes.post("/v1/member/sessions/phone", status_code=201)
async def log_in_by_phone(
    body: PhoneLogin,
    request: Request,
    database: DatabaseDep,
    vault: VaultDep,
    settings: SettingsDep,
    authenticator: AuthenticatorDep,
) -> TokenView:
    """Log a member in by the newest one-time code of a phone; a first login makes the account."""
    phone = normal_phone(body.phone)
    address = client_address(request)
    await one_time_codes.limit_address(
        database, vault, "guess", address, settings.codes_per_address
    )
    issued = await member_login.log_in_by_code(
        database, vault, authenticator.keyring, settings, phone=phone, code=body.code
    )
    return TokenView.model_validate(issued)


@routes.post("/v1/member/sessions/wechat", status_code=201)
async def log_in_by_wechat(
    body: WeChatLogin,
    request: Request,
    database: DatabaseDep,
    vault: VaultDep,
    settings: SettingsDep,
    authenticator: AuthenticatorDep,
    outside: OutsideDep,
) -> TokenView:
    """Log a member in from the WeChat mini-program.

    On first use send `phone_code` as well; later `js_code` alone is enough.
    """
    await one_time_codes.limit_address(
        database, vault, "wechat", client_address(request), settings.codes_per_address
    )
    issued = await member_login.log_in_by_wechat(
        database,
        vault,
        authenticator.keyring,
        settings,
        outside.wechat,
        js_code=body.js_code,
        phone_code=body.phone_code,
    )
    return TokenView.model_validate(issued)


@routes.post("/v1/staff/sessions", status_code=201, responses=refused(401))
async def log_in_staff(
    body: StaffLogin,
    request: Request,
    database: DatabaseDep,
    vault: VaultDep,
    settings: SettingsDep,
    authenticator: AuthenticatorDep,
) -> TokenView:
    """Log staff in by user name, password and TOTP code; each code works once.

    An initial password is refused (409) until `new_password` comes with it.
    """
    issued = await staff_login.log_in(
        database,
        vault,
        authenticator.keyring,
        authenticator.passwords,
        settings,
        credentials=staff_login.Credentials(**body.model_dump()),
        address=client_address(request),
    )
    return TokenView.model_validate(issued)


@routes.post("/v1/sessions/refresh", responses=refused(401))
async def refresh_session(
    body: RefreshRequest,
    database: DatabaseDep,
    settings: SettingsDep,
    authenticator: AuthenticatorDep,
) -> TokenView:
    """Exchange a refresh token for new tokens, for members and staff.

    It works once: if it comes again, the whole login ends, because somebody has a copy.
    """
    issued = await sessions.refresh_session(
        database, authenticator.keyring, settings, body.refresh_token, system_now()
    )
    return TokenView.model_validate(issued)


@routes.delete("/v1/sessions/current", status_code=204)
async def log_out(caller: LoggedIn, session: SessionDep) -> None:
    """End this login of a member or of staff: its refresh token is useless at once, its
    access tokens die within seconds."""
    if caller.family_id is not None:
        await sessions.end_family(session, caller.family_id, "logout", system_now())


@routes.get("/v1/staff/me")
async def read_own_staff_account(staff: Staff, session: SessionDep) -> StaffProfile:
    """Who is logged in, where, with which roles."""
    account = await session.get(StaffAccount, staff.id)
    if account is None:
        raise Unauthenticated
    return StaffProfile.model_validate(account)


@routes.get("/.well-known/jwks.json")
async def read_key_set(authenticator: AuthenticatorDep, response: Response) -> JsonWebKeySet:
    """The public keys of access tokens; a new key appears here before it signs."""
    seconds = int(PUBLISHED_MAX_AGE.total_seconds())
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    return JsonWebKeySet.model_validate(authenticator.keyring.document())

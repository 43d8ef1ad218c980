"""Staff accounts, for administrators within their organisation's subtree."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from app.access.authentication import AuthenticatorDep
from app.access.models import StaffAccount
from app.access.staff_accounts import Secrets
from app.kernel.api_document import refused
from app.kernel.clock import system_now
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import VaultDep
from app.kernel.idempotency import ClaimDep
from app.kernel.pagination import (
    CursorParameter,
    Page,
    PageSize,
    decode_cursor,
    encode_cursor,
    page_of,
)
from app.kernel.principal import Administrator
from app.kernel.routing import router
from app.organisations import staff
from app.organisations.schemas import NewStaffAccount, StaffAccountView, StaffSecretsView

routes = router("staff accounts")


def _secrets_view(account: StaffAccount, secrets: Secrets) -> StaffSecretsView:
    return StaffSecretsView(
        account=StaffAccountView.model_validate(account),
        initial_password=secrets.initial_password,
        totp_secret=secrets.totp_secret,
        totp_uri=secrets.totp_uri,
    )


@routes.post("/v1/staff/accounts", status_code=201, response_model=StaffSecretsView)
async def create_staff_account(
    administrator: Administrator,
    body: NewStaffAccount,
    claim: ClaimDep,
    database: DatabaseDep,
    authenticator: AuthenticatorDep,
) -> Response:
    """Add a staff account in the caller's subtree; only this answer, and its replay, shows
    the secrets.
    """
    password = await staff.new_password(database, claim, authenticator.passwords)
    async with database.transaction() as session:
        keyed = await claim.hold(session)
        account, secrets = await staff.add_staff(
            session, keyed.vault, password, administrator, **body.model_dump(), now=system_now()
        )
        return await keyed.reply(201, _secrets_view(account, secrets))


@routes.get("/v1/staff/accounts")
async def list_staff_accounts(
    administrator: Administrator,
    session: SessionDep,
    vault: VaultDep,
    organisation_id: Annotated[UUID | None, Query(description="Only its own accounts.")] = None,
    status: Annotated[
        Literal["active", "disabled"] | None, Query(description="Only these accounts.")
    ] = None,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[StaffAccountView]:
    """The staff accounts of the caller's subtree, by user name."""
    listing = f"staff:{administrator.id}:{organisation_id}:{status}"
    rows = await staff.list_staff(
        session,
        administrator,
        organisation_id=organisation_id,
        status=status,
        after=decode_cursor(vault, listing, cursor),
        limit=limit,
    )
    return page_of(
        rows,
        limit,
        StaffAccountView.model_validate,
        lambda row: encode_cursor(vault, listing, [row.username]),
    )


@routes.post("/v1/staff/accounts/{account_id}/disable", responses=refused(409))
async def disable_staff_account(
    administrator: Administrator, account_id: UUID, session: SessionDep
) -> StaffAccountView:
    """Close an account; all its tokens are dead on every process within five seconds."""
    account = await staff.disable(session, administrator, account_id, system_now())
    return StaffAccountView.model_validate(account)


@routes.post("/v1/staff/accounts/{account_id}/enable", responses=refused(409))
async def enable_staff_account(
    administrator: Administrator, account_id: UUID, session: SessionDep
) -> StaffAccountView:
    """Open a disabled account again; its old tokens stay dead."""
    account = await staff.enable(session, administrator, account_id, system_now())
    return StaffAccountView.model_validate(account)


@routes.post(
    "/v1/staff/accounts/{account_id}/rekey",
    response_model=StaffSecretsView,
    responses=refused(409),
)
async def rekey_staff_account(
    administrator: Administrator,
    account_id: UUID,
    claim: ClaimDep,
    database: DatabaseDep,
    authenticator: AuthenticatorDep,
) -> Response:
    """Replace password and TOTP secret; every login of the account ends. Only this answer,
    and its replay, shows the secrets.
    """
    password = await staff.new_password(database, claim, authenticator.passwords)
    async with database.transaction() as session:
        keyed = await claim.hold(session)
        account, secrets = await staff.rekey(
            session, keyed.vault, password, administrator, account_id, system_now()
        )
        return await keyed.reply(200, _secrets_view(account, secrets))

"""What handlers ask for besides the caller and the session: vault, settings, business time."""

from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from app.kernel.clock import business_now
from app.kernel.database import SessionDep
from app.kernel.vault import Vault
from app.settings import Settings


# Coroutines, because FastAPI runs a plain function in a thread: 0.2 ms of CPU each.
async def _request_vault(request: Request) -> Vault:
    return cast(Vault, request.app.state.vault)


async def _request_settings(request: Request) -> Settings:
    return cast(Settings, request.app.state.settings)


VaultDep = Annotated[Vault, Depends(_request_vault)]
SettingsDep = Annotated[Settings, Depends(_request_settings)]


async def _business_now(session: SessionDep, settings: SettingsDep) -> datetime:
    return await business_now(session, sandbox=settings.sandbox)


# The business clock at the start of the request; the system clock is `system_now()`.
NowDep = Annotated[datetime, Depends(_business_now, scope="function")]

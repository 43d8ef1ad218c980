"""What has expired is forgotten; what still matters stays."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from app.access.jobs import JOBS
from app.access.models import OneTimeCode, RefreshToken, TokenFamily, TokenRevocation
from app.access.revocations import revoke_family
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext
from tests.access.doors import enter
from tests.access_fixtures import member_token, random_phone

pytestmark = pytest.mark.anyio


async def test_the_expired_go_and_the_living_stay(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    gone, kept = await member_token(app), await member_token(app)
    family_id = (await enter(app, gone.token, "member")).family_id
    living_id = (await enter(app, kept.token, "member")).family_id
    assert family_id
    assert living_id
    long_ago = system_now() - timedelta(days=30)
    old_subject, new_subject = new_id(), new_id()
    for _ in range(2):
        await client.post("/v1/one-time-codes", json={"phone": random_phone()})
    async with database.transaction() as session:
        await revoke_family(session, old_subject)
        await revoke_family(session, new_subject)
        await session.execute(
            update(TokenRevocation)
            .where(TokenRevocation.subject_id == old_subject)
            .values(recorded_at=long_ago)
        )
        await session.execute(
            update(TokenFamily).where(TokenFamily.id == family_id).values(expires_at=long_ago)
        )
        newest = select(OneTimeCode.id).order_by(OneTimeCode.id.desc()).limit(1)
        old_code = await session.scalar(newest)
        await session.execute(
            update(OneTimeCode).where(OneTimeCode.id == old_code).values(expires_at=long_ago)
        )
    context = JobContext(database, app.state.vault, app.state.settings, app.state.outside)
    (handler,) = JOBS.values()
    await handler(context, {})
    await handler(context, {})
    async with database.transaction() as session:
        assert await session.get(TokenFamily, family_id) is None
        assert await session.get(TokenFamily, living_id) is not None
        assert await session.get(OneTimeCode, old_code) is None
        assert await session.scalar(select(func.count()).select_from(OneTimeCode))
        assert await session.get(TokenRevocation, old_subject) is None
        assert await session.get(TokenRevocation, new_subject) is not None
        tokens = select(func.count()).select_from(RefreshToken)
        assert await session.scalar(tokens.where(RefreshToken.family_id == family_id)) == 0
    answer = await client.post("/v1/sessions/refresh", json={"refresh_token": kept.refresh_token})
    assert answer.status_code == 200

"""Clients against the running simulators."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.integrations.http import create_http
from app.integrations.wechat_pay import WeChatPay, create_wechat_pay
from app.settings import Settings
from tests.simulators_fixture import Simulators, catcher

__all__ = ["catcher"]


@pytest.fixture(scope="session")
def settings(simulators: Simulators) -> Settings:
    return simulators.settings()


@pytest.fixture
async def http(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with create_http(settings) as client:
        yield client


@pytest.fixture
def pay(settings: Settings, http: httpx.AsyncClient) -> WeChatPay:
    return create_wechat_pay(settings, http)


@pytest.fixture(scope="session")
def verifier(settings: Settings) -> WeChatPay:
    """For what needs no network: signing, proving, opening."""
    return create_wechat_pay(settings, create_http(settings))

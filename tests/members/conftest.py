"""A site with a caseworker, and the vendor's callbacks signed as the simulator signs them."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from app.organisations.models import Kind, Organisation
from app.simulators.signed_door import signed_callback
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.simulators_fixture import Simulators

SignedCallback = Callable[[dict[str, Any]], tuple[dict[str, str], bytes]]


@pytest.fixture
async def site(app: FastAPI) -> Organisation:
    return await make_organisation(app, Kind.SITE)


@pytest.fixture
async def caseworker(app: FastAPI, site: Organisation) -> SignedIn:
    return await staff_token(app, site.id, ["caseworker"])


@pytest.fixture
def signed(simulators: Simulators) -> SignedCallback:
    """Headers and body of a callback as the vendor would send it now."""
    secret = simulators.env["REDUMBRELLA_IDENTITY_VENDOR_SECRET"]
    return lambda content: signed_callback(secret, content)

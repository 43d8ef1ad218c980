"""Every door to registrations, checks, logins, hand-overs, reports of deaths, uploads, messages."""

import httpx
import pytest
from fastapi import FastAPI

from tests.claims.factories import make_office
from tests.members.conftest import SignedCallback, signed
from tests.notifications.conftest import daytime
from tests.simulators_fixture import Simulators
from tests.walks import logins, people
from tests.walks.walk import walk

__all__ = ["daytime", "signed"]

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_doors_to_registrations(app: FastAPI, client: httpx.AsyncClient) -> None:
    office = await make_office(app)
    subjects = await people.registration_in_each_status(app, client, office.caseworker)
    await walk(app, client, people.REGISTRATIONS, subjects)


async def test_doors_to_identity_checks(
    app: FastAPI, client: httpx.AsyncClient, signed: SignedCallback
) -> None:
    office = await make_office(app)
    subjects = await logins.check_in_each_status(app, client, office.caseworker, signed)
    await walk(app, client, logins.CHECKS, subjects)


async def test_doors_to_logins(
    app: FastAPI, client: httpx.AsyncClient, simulators: Simulators
) -> None:
    office = await make_office(app)
    subjects = await logins.account_in_each_status(app, client, office, simulators)
    await walk(app, client, logins.ACCOUNTS, subjects)


async def test_doors_to_handovers(app: FastAPI, client: httpx.AsyncClient) -> None:
    subjects = await people.handover_in_each_status(app, client, await make_office(app))
    await walk(app, client, people.HANDOVERS, subjects)


async def test_doors_to_reports_of_deaths(app: FastAPI, client: httpx.AsyncClient) -> None:
    subjects = await people.death_in_each_status(app, client, await make_office(app))
    await walk(app, client, people.DEATHS, subjects)


async def test_doors_to_uploads(app: FastAPI, client: httpx.AsyncClient) -> None:
    await walk(app, client, people.UPLOADS, await people.upload_in_each_status(app, client))


@pytest.mark.usefixtures("daytime")
async def test_doors_to_messages(app: FastAPI, client: httpx.AsyncClient) -> None:
    subjects = await people.delivery_in_each_status(app, await make_office(app))
    await walk(app, client, people.DELIVERIES, subjects)

"""Every door to registrations, hand-overs, reports of deaths, uploads and messages."""

import httpx
import pytest
from fastapi import FastAPI

from tests.claims.factories import make_office
from tests.notifications.conftest import daytime
from tests.walks import people
from tests.walks.walk import walk

__all__ = ["daytime"]

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_doors_to_registrations(app: FastAPI, client: httpx.AsyncClient) -> None:
    office = await make_office(app)
    subjects = await people.registration_in_each_status(app, client, office.caseworker)
    await walk(app, client, people.REGISTRATIONS, subjects)


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

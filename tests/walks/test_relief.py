"""Every door to relief, tried on a case, a household, a fund and a formula in each status."""

import httpx
import pytest
from fastapi import FastAPI

from tests.cover_fixtures import load_plans
from tests.relief.factories import Board, make_board
from tests.simulators_fixture import Simulators
from tests.walks import relief_tables as tables
from tests.walks import relief_world as world
from tests.walks.walk import walk

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.fixture
async def board(app: FastAPI, client: httpx.AsyncClient) -> Board:
    made = await make_board(app, client)
    await made.open_fund()
    return made


async def test_doors_to_cases(
    app: FastAPI, client: httpx.AsyncClient, board: Board, simulators: Simulators
) -> None:
    await load_plans(app)
    subjects = await world.case_in_each_status(board, simulators)
    await walk(app, client, tables.CASES, subjects)


async def test_doors_to_households(app: FastAPI, client: httpx.AsyncClient, board: Board) -> None:
    await walk(app, client, tables.HOUSEHOLDS, await world.household_in_each_status(board))


async def test_doors_to_funds(app: FastAPI, client: httpx.AsyncClient, board: Board) -> None:
    other = await make_board(app, client)
    await other.open_fund()
    await walk(app, client, tables.FUNDS, await world.fund_in_each_status(board, other))


async def test_doors_to_formulas(app: FastAPI, client: httpx.AsyncClient, board: Board) -> None:
    await walk(app, client, tables.FORMULAS, await world.formula_in_each_status(board))

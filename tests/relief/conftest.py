"""A board with a fund that holds a million yuan."""

import httpx
import pytest
from fastapi import FastAPI

from tests.relief.factories import Board, make_board


@pytest.fixture
async def board(app: FastAPI, client: httpx.AsyncClient) -> Board:
    made = await make_board(app, client)
    await made.open_fund()
    return made

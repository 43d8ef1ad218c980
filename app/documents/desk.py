"""What handling files needs, in one hand: database, vault, storage, and the prover."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request

from app.documents.prover import Prover
from app.documents.storage import ObjectStorage, open_storage
from app.kernel.database import Database
from app.kernel.vault import Vault


@dataclass(frozen=True)
class Desk:
    """One process's place where files are received, proven and shown."""

    database: Database
    vault: Vault
    storage: ObjectStorage
    prover: Prover


@contextmanager
def open_desk(app: FastAPI) -> Iterator[None]:
    """Set `app.state.desk`, and end the prover's child with the application."""
    prover = Prover()
    state = app.state
    state.desk = Desk(state.database, state.vault, open_storage(state.settings), prover)
    try:
        yield
    finally:
        prover.close()


async def _desk(request: Request) -> Desk:
    return cast(Desk, request.app.state.desk)


DeskDep = Annotated[Desk, Depends(_desk)]

"""What a claims handler needs, in one parameter: session, vault, files, and both clocks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.desk import Desk, DeskDep
from app.kernel.clock import system_now
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep
from app.kernel.vault import Vault


@dataclass(frozen=True, slots=True)
class Counter:
    """One request at the counter: its transaction, and what time it is."""

    session: AsyncSession
    files: Desk
    now: datetime
    system_now: datetime

    @property
    def vault(self) -> Vault:
        return self.files.vault


async def _counter(session: SessionDep, files: DeskDep, now: NowDep) -> Counter:
    return Counter(session, files, now, system_now())


CounterDep = Annotated[Counter, Depends(_counter, scope="function")]

# The token that opening an upload gave out.
UploadToken = Annotated[
    str, Path(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$", description="The upload's token.")
]

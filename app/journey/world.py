"""Where the journey takes place: the service, the simulated outside, and both clocks."""

from dataclasses import dataclass
from typing import Any

import httpx

from app.journey.transport import Miss


@dataclass
class World:
    """`control` is the simulators' door: what a person at the phone would do."""

    api: httpx.AsyncClient
    outside: httpx.AsyncClient
    enrolment_code: str
    notices: Any = "normal"

    async def control(self, path: str, /, **form: Any) -> dict[str, Any]:
        """Do something in the outside world; raises Miss with its reason."""
        answer = await self.outside.post(f"/control/{path}", json=form)
        if answer.is_error:
            raise Miss(f"simulator {path}: {answer.status_code} {answer.text[:300]}")
        done: dict[str, Any] = answer.json()
        return done

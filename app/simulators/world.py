"""Everything a simulated system needs to hand, and small tools for its HTTP doors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.simulators.config import SimulatorConfig
from app.simulators.outbox import Outbox
from app.simulators.store import Store
from app.simulators.timers import Clock, Timers

Form = TypeVar("Form", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class World:
    """One simulated world; made once per server."""

    config: SimulatorConfig
    store: Store
    clock: Clock
    timers: Timers
    outbox: Outbox


class ControlError(Exception):
    """What a person at the phone is told when something cannot be done."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def control(path: str, shape: type[Form], act: Callable[[Form], Any]) -> Route:
    """A POST route of the control door: a typed form in, JSON out, `{"error": …}` on a miss."""

    async def endpoint(request: Request) -> Response:
        try:
            form = msgspec.json.decode(await request.body() or b"{}", type=shape)
            return JSONResponse(act(form))
        except msgspec.DecodeError as error:
            return JSONResponse({"error": str(error)}, 400)
        except ControlError as error:
            return JSONResponse({"error": error.message}, error.status)

    return Route(f"/control{path}", endpoint, methods=["POST"])

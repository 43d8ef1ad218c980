"""The route class of every feature: caller first, then a strictly read JSON body."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic_core import PydanticUndefined
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from app.kernel.principal import Door, Principal
from app.kernel.problems import Forbidden, UnsupportedMediaType
from app.kernel.schema import parse_json

Dependency = TypeVar("Dependency", bound=Callable[..., Any])


class _StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """Checks the token before a byte of the body is read, then reads it by `parse_json`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_json = self.body_field is not None
        door = door_of(self.dependant)

        async def strict(request: Request) -> Response:
            if takes_json:
                if door is not None:
                    request.state.principal = await request.app.state.authenticate(request, door)
                if not _is_json(request.headers.get("content-type", "")):
                    raise UnsupportedMediaType(expected="application/json")
                request = _StrictRequest(request.scope, request.receive)
            return await handle(request)

        return strict


class HotRoute(APIRoute):
    """A route whose handler answers bytes; FastAPI documents it like any other.

    The handler takes, in any order, a principal, `request`, path and query parameters, a
    JSON body, dependencies that `hot` has prepared, and nothing else. At run time
    dependency solving, exit stacks and response validation are left out (performance.md,
    "prebuilt bytes"): the caller is authenticated first; query and body are validated as
    everywhere, after the dependencies; path parameters arrive as text, unvalidated. What the
    handler raises is translated by the application.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        needed = self.dependant
        callers = [child for child in needed.dependencies if door_of(child) is not None]
        self._caller = callers[0] if callers else None
        self._door = door_of(self._caller) if self._caller is not None else None
        self._roles: frozenset[str] = getattr(
            getattr(self._caller, "call", None), "roles", frozenset()
        )
        self._others: list[tuple[str, Any]] = [
            (str(child.name), getattr(child.call, "hot", None))
            for child in needed.dependencies
            if child is not self._caller
        ]
        if needed.header_params or any(take is None for _, take in self._others):
            raise TypeError(f"{self.name} takes more than a hot route gives")
        defaults, errors = request_params_to_args(needed.query_params, QueryParams())
        # What validation makes of an empty query, unless it wants a parameter.
        self._defaults = None if errors else defaults
        self.app = self._answer

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in (self.methods or ()):
            await self._answer(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        values: dict[str, Any] = dict(scope["path_params"])
        if self._door is not None and self._caller is not None:
            values[str(self._caller.name)] = await self._authenticate(request, self._door)
        received = await self._received(request) if self.body_field is not None else None
        for name, take in self._others:
            values[name] = await take(request)
        errors: list[Any] = []
        if scope["query_string"] or self._defaults is None:
            given, errors = request_params_to_args(
                self.dependant.query_params, request.query_params
            )
            values.update(given)
        else:
            values.update(self._defaults)
        if self.body_field is not None:
            given, wrong = await request_body_to_args(
                body_fields=self.dependant.body_params,
                received_body=received,
                embed_body_fields=False,
            )
            values.update(given)
            errors += wrong
        if errors:
            raise RequestValidationError(errors)
        if self.dependant.request_param_name is not None:
            values[self.dependant.request_param_name] = request
        response = await self.endpoint(**values)
        await response(scope, receive, send)

    async def _authenticate(self, request: Request, door: Door) -> Principal:
        """What the dependency does, without its second look at a caller known already."""
        caller: Principal = await request.app.state.authenticate(request, door)
        if self._roles and not self._roles & caller.roles:
            raise Forbidden
        request.state.principal = caller
        return caller

    async def _received(self, request: Request) -> Any:
        if not _is_json(request.headers.get("content-type", "")):
            raise UnsupportedMediaType(expected="application/json")
        raw = await request.body()
        # As the framework says it: nothing sent is not the same as `null`.
        return parse_json(raw) if raw else PydanticUndefined


def hot(take: Callable[[Request], Awaitable[Any]]) -> Callable[[Dependency], Dependency]:
    """Say how a hot route gets what this dependency gives: by `take(request)`."""

    def prepared(dependency: Dependency) -> Dependency:
        dependency.hot = take  # type: ignore[attr-defined]
        return dependency

    return prepared


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def door_of(dependant: Dependant) -> Door | None:
    """The door that a handler's principal dependency guards; None for a public route."""
    door: Door | None = getattr(dependant.call, "door", None)
    if door is not None:
        return door
    for child in dependant.dependencies:
        if (found := door_of(child)) is not None:
            return found
    return None


def router(tag: str) -> APIRouter:
    """A feature's router; `tag` groups its operations in the API document."""
    return APIRouter(route_class=StrictRoute, tags=[tag])


def hot_router(tag: str) -> APIRouter:
    """Like `router`, for the few operations that are asked for all the time."""
    return APIRouter(route_class=HotRoute, tags=[tag])

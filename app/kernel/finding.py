"""Finding the route of a request in an index: the framework tries every pattern in turn.

With a hundred routes that cost more CPU than answering (benchmarks/, path `policies`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.kernel.routing import HotRoute


class RouteFinder:
    """Stands before an application and answers what it knows itself; the rest goes on.

    A path without parameters is looked up whole. Others are grouped by method and number
    of segments and keep the order in which they were declared. Unknown paths and wrong
    methods are answered by whoever comes next, but for a path that ends with a line: every
    pattern's `$` would overlook it, so nobody has one (404).
    """

    def __init__(self, app: ASGIApp, routes: Iterable[APIRoute]) -> None:
        self.app = app
        self.routes = tuple(routes)
        self._whole: dict[tuple[str, str], APIRoute] = {}
        self._groups: dict[tuple[str, int], list[APIRoute]] = defaultdict(list)
        for route in self.routes:
            for method in route.methods or ():
                if route.param_convertors:
                    self._groups[method, route.path.count("/")].append(route)
                else:
                    self._whole.setdefault((method, route.path), route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self.find(scope) if scope["type"] == "http" else None
        if route is None and _ends_a_line(scope):
            await scope["app"].router.not_found(scope, receive, send)
            return
        await (self.app if route is None else route.app)(scope, receive, send)

    def find(self, scope: Scope) -> APIRoute | None:
        """The route of this request, whose path parameters are then in the scope."""
        method, path = scope["method"], scope["path"]
        route = self._whole.get((method, path))
        if route is not None:
            scope["path_params"] = {}
            return _found(scope, route)
        if _ends_a_line(scope):
            return None
        for route in self._groups.get((method, path.count("/")), ()):
            match = route.path_regex.match(path)
            if match is not None:
                convertors = route.param_convertors
                scope["path_params"] = {
                    name: convertors[name].convert(text) for name, text in match.groupdict().items()
                }
                return _found(scope, route)
        return None


class HotLane(RouteFinder):
    """Answers hot routes before the framework's own layers, which give them nothing.

    What such a route raises is answered by the handlers that the application has for all.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self.find(scope) if scope["type"] == "http" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        try:
            await route.app(scope, receive, send)
        except Exception as error:
            handlers = scope["app"].exception_handlers
            handle = next(
                (handlers[kind] for kind in type(error).__mro__ if kind in handlers), None
            )
            if handle is None:
                raise
            response = await handle(Request(scope, receive), error)
            await response(scope, receive, send)


def _ends_a_line(scope: Scope) -> bool:
    return str(scope.get("path", "")).endswith("\n")


def _found(scope: Scope, route: APIRoute) -> APIRoute:
    scope["route"] = route
    scope["endpoint"] = route.endpoint
    scope["router"] = scope["app"].router
    return route


def include(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Add features' routers to the application and its document, found by index."""
    for each in routers:
        app.include_router(each)
    routes = [route for each in routers for route in each.routes if isinstance(route, APIRoute)]
    app.router.middleware_stack = RouteFinder(app.router.app, routes)


def hot_lane(app: FastAPI) -> HotLane:
    """The application behind its hot routes; nothing can be added to it any more."""
    finder = app.router.middleware_stack
    if not isinstance(finder, RouteFinder):
        raise TypeError("no routers were included")
    hot = [route for route in finder.routes if isinstance(route, HotRoute)]
    return HotLane(app.build_middleware_stack(), hot)

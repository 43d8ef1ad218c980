"""Finding the route of a request in an index: the framework tries every pattern in turn.

With a hundred routes that cost more CPU than answering (benchmarks/, path `policies`).
"""

from collections import defaultdict
from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send


class RouteFinder:
    """Stands before the application's router; whatever it does not know goes there.

    Routes are grouped by method and number of segments and keep the order in which they
    were declared. Unknown paths and wrong methods are answered by the router.
    """

    def __init__(self, router: ASGIApp, routes: Iterable[APIRoute]) -> None:
        self._router = router
        self.groups: dict[tuple[str, int], list[APIRoute]] = defaultdict(list)
        for route in routes:
            for method in route.methods or ():
                self.groups[method, route.path.count("/")].append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            for route in self.groups.get((scope["method"], path.count("/")), ()):
                found = route.path_regex.match(path)
                if found is not None:
                    convertors = route.param_convertors
                    scope["path_params"] = {
                        name: convertors[name].convert(text)
                        for name, text in found.groupdict().items()
                    }
                    scope["route"] = route
                    scope["endpoint"] = route.endpoint
                    scope["router"] = self._router
                    await route.app(scope, receive, send)
                    return
        await self._router(scope, receive, send)


def include(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Add features' routers to the application and its document, found by index."""
    routers = list(routers)
    for each in routers:
        app.include_router(each)
    routes = [route for each in routers for route in each.routes if isinstance(route, APIRoute)]
    app.router.middleware_stack = RouteFinder(app.router.app, routes)

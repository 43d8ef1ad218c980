"""One outgoing HTTP call: a hard time limit, and failures sorted by what may have happened."""

import asyncio
import functools
import logging
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from app.integrations.errors import OutcomeUnknown, Unreachable
from app.settings import Settings

# Shorter than the five seconds after which common servers close an idle connection,
# so that a request is not written into one that is just going away.
IDLE_CONNECTION_SECONDS = 4.0


def create_http(settings: Settings) -> httpx.AsyncClient:
    """The one client that all adapters of a process share; whoever makes it closes it.

    Proxy variables of the environment count in production only: everywhere else the
    outside systems are simulators on the loopback address.
    """
    for name in ("httpx", "httpcore"):
        # They log whole URLs, and WeChat wants secrets and tokens in its query strings.
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(
        verify=_tls(),
        timeout=settings.outbound_timeout,
        limits=httpx.Limits(
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=IDLE_CONNECTION_SECONDS,
        ),
        trust_env=settings.environment == "production",
    )


@functools.cache
def _tls() -> ssl.SSLContext:
    """Read the trusted authorities once a process: it takes tens of milliseconds."""
    return httpx.create_ssl_context()


async def call(
    http: httpx.AsyncClient,
    system: str,
    method: str,
    url: str,
    *,
    seconds: float,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Send one request and return an answer below 500; nothing is ever sent twice.

    `seconds` limits the whole exchange (httpx's own limits are per phase). Raises
    `Unreachable` if the request cannot have arrived or was turned away by 429, and
    `OutcomeUnknown` if it may have arrived, and for 3xx and 5xx answers.
    """
    sent = False

    async def trace(event: str, _: dict[str, Any]) -> None:
        nonlocal sent
        sent = sent or event.endswith("send_request_headers.started")

    try:
        async with asyncio.timeout(seconds):
            request = http.build_request(
                method, url, content=content, headers=headers, params=params
            )
            request.extensions["trace"] = trace
            response = await http.send(request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        raise Unreachable(system, type(error).__name__) from error
    except TimeoutError as error:
        if sent:
            raise OutcomeUnknown(system, "time-out after sending") from error
        raise Unreachable(system, "time-out before sending") from error
    except httpx.TransportError as error:
        raise OutcomeUnknown(system, type(error).__name__) from error
    _sort(system, response)
    return response


def _sort(system: str, response: httpx.Response) -> None:
    if response.status_code == 429:
        raise Unreachable(system, "too busy (429)")
    if response.status_code >= 500 or response.is_redirect:
        raise OutcomeUnknown(system, f"status {response.status_code}")

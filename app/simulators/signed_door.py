"""The signature that identity vendor, SMS carrier and bank share: HMAC-SHA256 both ways."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.simulators.faults import Fault

MAX_SKEW_SECONDS = 300

Form = TypeVar("Form", bound=msgspec.Struct)


class DoorError(Exception):
    """A definite no: `{"code": …, "message": …}` with a 4xx status."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


def sign(secret: str, *parts: bytes) -> str:
    """Hex HMAC-SHA256 over the parts, each ended by a line feed except the last."""
    return hmac.new(secret.encode(), b"\n".join(parts), hashlib.sha256).hexdigest()


def signed_callback(secret: str, content: Any) -> tuple[dict[str, str], bytes]:
    """Headers and body of a callback signed just now."""
    body = msgspec.json.encode(content)
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    headers = {
        "Content-Type": "application/json",
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Signature": sign(secret, b"callback", timestamp.encode(), nonce.encode(), body),
    }
    return headers, body


def read(body: bytes, shape: type[Form]) -> Form:
    """A request body as a typed form; `bad_request` says what is wrong with it."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise DoorError(400, "bad_request", str(error)) from error


def door(
    secret: str, method: str, path: str, act: Callable[[Request, bytes], tuple[int, Any]]
) -> Route:
    """A route that believes signed requests only and signs what it answers."""

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        nonce = request.headers.get("x-nonce", "")
        fault: Fault | None = request.scope.get("fault")
        try:
            _check(secret, request, body)
            if fault is not None and fault.mode == "code":
                raise DoorError(fault.status, fault.code, fault.message)
            status, answer = act(request, body)
        except DoorError as error:
            status, answer = error.status, {"code": error.code, "message": error.message}
        foreign = fault is not None and fault.mode == "foreign_signature"
        return _signed("foreign" if foreign else secret, status, answer, nonce)

    return Route(path, endpoint, methods=[method])


def _check(secret: str, request: Request, body: bytes) -> None:
    headers = request.headers
    timestamp = headers.get("x-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > MAX_SKEW_SECONDS:
        raise DoorError(401, "bad_signature", "the timestamp is missing or off")
    raw = request.scope["raw_path"].decode("ascii").removeprefix(request.scope.get("root_path", ""))
    wanted = sign(
        secret,
        b"request",
        request.method.encode(),
        raw.encode(),
        timestamp.encode(),
        headers.get("x-nonce", "").encode(),
        body,
    )
    if not hmac.compare_digest(wanted, headers.get("x-signature", "")):
        raise DoorError(401, "bad_signature", "the signature does not match")


def _signed(secret: str, status: int, answer: Any, nonce: str) -> Response:
    body = msgspec.json.encode(answer)
    timestamp = str(int(time.time()))
    signature = sign(
        secret, b"answer", str(status).encode(), timestamp.encode(), nonce.encode(), body
    )
    headers = {"X-Timestamp": timestamp, "X-Signature": signature}
    return Response(body, status, headers, "application/json")

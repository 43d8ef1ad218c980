"""Equal requests at once, over two processes."""

import asyncio
import secrets
from typing import Any

import httpx

COPIES = 100


async def storm(
    clients: list[httpx.AsyncClient],
    path: str,
    headers: dict[str, str],
    body: Any,
    *,
    other: Any = None,
    copies: int = COPIES,
) -> dict[str, Any]:
    """Equal requests over two processes; the one answer that they all got.

    `other` is what is sent under the same key afterwards, to be refused; the body with a
    member more if it is not given.
    """
    headers = headers | {"Idempotency-Key": secrets.token_hex(12)}
    answers = await asyncio.gather(
        *(clients[n % 2].post(path, headers=headers, json=body) for n in range(copies))
    )
    # Who meets a copy in flight is told so at once; a full pool says 503. Both may retry.
    assert {answer.status_code for answer in answers} <= {200, 201, 409, 503}, answers[0].text
    refused = {a.json()["code"] for a in answers if a.status_code in (409, 503)}
    assert refused <= {"request-in-flight", "unavailable"}
    done = [answer for answer in answers if answer.is_success]
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
    for client in clients:
        again = await client.post(path, headers=headers, json=body)
        assert (again.content, again.headers["idempotency-replayed"]) == (done[0].content, "true")
    if other is not None or body is not None:
        other = body | {"other": 1} if other is None else other
        changed = await clients[0].post(path, headers=headers, json=other)
        assert (changed.status_code, changed.json()["code"]) == (422, "idempotency-key-reused")
    view: dict[str, Any] = done[0].json()
    return view

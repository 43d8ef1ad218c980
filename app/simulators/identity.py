"""The face-check vendor: the number's three-digit sequence decides how a check goes."""

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from app.simulators.signed_door import DoorError, door, read, signed_callback
from app.simulators.store import Record
from app.simulators.world import ControlError, World, control

KIND = "identity"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"

Course = Literal["pass", "mismatch", "liveness", "slow", "silent", "twice", "late"]
# The first two of the three sequence digits; the third stays free, it tells the sex.
COURSES: dict[str, Course] = {
    "90": "mismatch",
    "91": "liveness",
    "92": "slow",
    "93": "silent",
    "94": "twice",
    "95": "late",
}


class StartForm(msgspec.Struct):
    order_ref: str
    name: str
    id_number: str
    callback_url: str


class FaceForm(msgspec.Struct, forbid_unknown_fields=True):
    """The person finishes the face step; `course` overrides what the number decides."""

    reference: str
    course: Course | None = None


class AnswerForm(msgspec.Struct, forbid_unknown_fields=True):
    """The vendor answers this check now, whatever it was waiting for."""

    reference: str


def routes(world: World) -> list[Route]:
    """What the merchant calls."""
    secret = world.config.identity_secret
    world.outbox.register(KIND, partial(signed_callback, secret))
    world.timers.on("identity", partial(_answer, world))
    return [
        door(secret, "POST", "/v1/checks", partial(_start, world)),
        door(secret, "GET", "/v1/checks/{reference}", partial(_result, world)),
    ]


def control_routes(world: World) -> list[Route]:
    """What the person before the camera does, and the vendor's own slowness."""
    return [
        control("/identity/complete", FaceForm, partial(_complete, world)),
        control("/identity/answer", AnswerForm, partial(_answer_now, world)),
    ]


def _start(world: World, request: Request, body: bytes) -> tuple[int, Any]:
    if request.headers.get("x-app-id") != world.config.identity_app_id:
        raise DoorError(401, "bad_signature", "unknown application")
    form = read(body, StartForm)
    if not form.order_ref or not form.name.strip() or not form.callback_url:
        raise DoorError(400, "bad_request", "order_ref, name and callback_url are required")
    chosen = course(form.id_number)
    # Name and number are not kept: only a digest, to know the same request again.
    digest = hashlib.sha256(body).hexdigest()
    order = world.store.get("identity-order", form.order_ref)
    if order is not None:
        if order["digest"] != digest:
            raise DoorError(409, "bad_request", "order_ref was used with other content")
        known = world.store.get("identity", order["reference"])
        return 200, _ticket(known or {})
    reference = f"face-{secrets.token_hex(16)}"
    until = world.clock.now() + timedelta(seconds=world.config.identity_ticket_seconds)
    check: Record = {
        "reference": reference,
        "order_ref": form.order_ref,
        "callback_url": form.callback_url,
        "course": chosen,
        "state": "pending",
        "code": "",
        "score": None,
        "evidence_reference": None,
        "face_done": False,
        "until": until.isoformat(),
    }
    world.store.put("identity", reference, check)
    world.store.put("identity-order", form.order_ref, {"reference": reference, "digest": digest})
    return 200, _ticket(check)


def course(number: str) -> Course:
    """How a check of this number goes; DoorError for a number the vendor does not take."""
    if len(number) != 18:
        raise DoorError(400, "unsupported_document", "18 characters are expected")
    if not number.isascii() or not number[:17].isdigit() or _check_character(number) != number[17]:
        raise DoorError(400, "invalid_number", "the check character does not match")
    return COURSES.get(number[14:16], "pass")


def _check_character(number: str) -> str:
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number, strict=False))
    return CHECK_CHARACTERS[total % 11]


def _ticket(check: Record) -> Record:
    reference = check["reference"]
    return {
        "reference": reference,
        "launch": {
            "token": reference,
            "page": f"pages/face/index?token={reference}",
            "expires_at": check["until"],
        },
    }


def _result(world: World, request: Request, _: bytes) -> tuple[int, Any]:
    check = world.store.get("identity", request.path_params["reference"])
    if check is None:
        raise DoorError(404, "unknown_reference", "no such check")
    return 200, _view(world, check)


def _view(world: World, check: Record) -> Record:
    names = ("reference", "order_ref", "state", "code", "score", "evidence_reference")
    view = {name: check[name] for name in names}
    if check["state"] == "pending" and datetime.fromisoformat(check["until"]) <= world.clock.now():
        view["state"] = "expired"
    return view


def _complete(world: World, form: FaceForm) -> Record:
    check = world.store.get("identity", form.reference)
    if check is None:
        raise ControlError(404, "no such check")
    if check["face_done"]:
        raise ControlError(409, "the face step is done")
    if datetime.fromisoformat(check["until"]) <= world.clock.now():
        raise ControlError(409, "the ticket has expired")
    check |= {"face_done": True, "course": form.course or check["course"]}
    world.store.put("identity", form.reference, check)
    config = world.config
    match check["course"]:
        case "silent":
            pass
        case "slow":
            world.timers.set("identity", form.reference, config.identity_slow_seconds)
        case "late":
            world.timers.set("identity", form.reference, config.identity_ticket_seconds + 1)
        case _:
            _decide(world, check)
    return {"reference": form.reference, "course": check["course"]}


def _answer_now(world: World, form: AnswerForm) -> Record:
    check = world.store.get("identity", form.reference)
    if check is None or not check["face_done"] or check["state"] != "pending":
        raise ControlError(409, "the check is not waiting for an answer")
    _decide(world, check)
    return {"reference": form.reference, "state": check["state"]}


async def _answer(world: World, reference: str) -> None:
    check = world.store.get("identity", reference)
    if check is not None and check["state"] == "pending":
        _decide(world, check)


def _decide(world: World, check: Record) -> None:
    """Write the result down and tell the merchant."""
    state, code, score = {
        "mismatch": ("failed", "mismatch", 31.5),
        "liveness": ("failed", "liveness_failed", 12.0),
    }.get(check["course"], ("passed", "ok", 96.4))
    check |= {
        "state": state,
        "code": code,
        "score": score,
        "evidence_reference": f"evidence-{secrets.token_hex(8)}",
    }
    world.store.put("identity", check["reference"], check)
    for copy in range(2 if check["course"] == "twice" else 1):
        world.outbox.send(
            KIND,
            check["callback_url"],
            _view(world, check),
            parent=check["reference"],
            delay_seconds=copy * 0.5,
        )

"""The SMS carrier: takes messages once per key, and lets the demo read what arrived."""

import hashlib
import re
import secrets
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from app.simulators.signed_door import DoorError, door, read
from app.simulators.store import Record
from app.simulators.world import World, control

E164 = re.compile(r"\A\+[1-9]\d{6,14}\Z")
# Numbers +86 199 0000 9xxy: the last digit y decides. Everybody else gets their messages.
TROUBLE_PREFIX = "+8619900009"
TROUBLE = {"0": "undeliverable", "1": "too_often", "2": "unknown_template"}
KEPT_PER_PHONE = 50


class SendForm(msgspec.Struct):
    phone: str
    template: str
    parameters: dict[str, str]
    idempotency_key: str


class ListForm(msgspec.Struct, forbid_unknown_fields=True):
    """Whose messages; a body, because a phone number does not belong into a URL."""

    phone: str


def routes(world: World) -> list[Route]:
    """What the service calls."""
    return [door(world.config.sms_secret, "POST", "/v1/messages", partial(_send, world))]


def control_routes(world: World) -> list[Route]:
    """What the phone's owner sees."""
    return [control("/sms/list", ListForm, partial(_list, world))]


def _send(world: World, _: Request, body: bytes) -> tuple[int, Any]:
    form = read(body, SendForm)
    if not E164.match(form.phone) or not form.template or not form.idempotency_key:
        raise DoorError(400, "bad_request", "phone, template and idempotency_key are required")
    digest = hashlib.sha256(body).hexdigest()
    known = world.store.get("sms-key", form.idempotency_key)
    if known is not None:
        if known["digest"] != digest:
            raise DoorError(409, "key_reused", "the key was used with other content")
        return 200, {"message_id": known["message_id"]}
    if form.phone.startswith(TROUBLE_PREFIX) and form.phone[-1] in TROUBLE:
        raise DoorError(400, TROUBLE[form.phone[-1]], "a test number")
    message_id = f"sms-{secrets.token_hex(12)}"
    world.store.put("sms-key", form.idempotency_key, {"message_id": message_id, "digest": digest})
    message: Record = {
        "message_id": message_id,
        "template": form.template,
        "parameters": form.parameters,
        "sent_at": world.clock.now().isoformat(),
    }
    world.store.put("sms", message_id, message, form.phone)
    for old in world.store.children("sms", form.phone)[:-KEPT_PER_PHONE]:
        world.store.delete("sms", old["message_id"])
    return 200, {"message_id": message_id}


def _list(world: World, form: ListForm) -> dict[str, list[Record]]:
    return {"messages": world.store.children("sms", form.phone)}

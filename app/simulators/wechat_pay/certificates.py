"""The gateway's certificates: published, replaced by the next one, fetched by merchants."""

from functools import partial
from typing import Any

import msgspec
from starlette.routing import Route

from app.simulators import secrets
from app.simulators.store import Record
from app.simulators.wechat_pay import orders
from app.simulators.wechat_pay.keys import PayKeys, Platform, read_platform
from app.simulators.world import World, control

KIND = "platform-key"
FETCHES = "platform-certificate-fetches"


class NoForm(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing to say."""


def control_routes(world: World, keys: PayKeys) -> list[Route]:
    return [
        control("/certificates/announce", NoForm, partial(_announce, world, keys)),
        control("/certificates/rotate", NoForm, partial(_rotate, world, keys)),
        control("/certificates/list", NoForm, partial(_list, world, keys)),
    ]


def remember(world: World, keys: PayKeys) -> None:
    """Publish again, and sign again with, what was announced and rotated before a restart."""
    for record in world.store.all(KIND):
        platform = read_platform(record["key"].encode(), record["certificate"].encode())
        keys.publish(platform)
        if record["signs"]:
            keys.sign_with(platform)


def fetch(world: World, keys: PayKeys) -> dict[str, Any]:
    """What `GET /v3/certificates` answers; counted, so that a test can see who asks how often."""
    world.store.put(FETCHES, "", {"count": _fetches(world) + 1})
    return {"data": [_sealed(keys, platform) for platform in keys.published]}


def _sealed(keys: PayKeys, platform: Platform) -> Record:
    return {
        "serial_no": platform.serial,
        "effective_time": orders.local(platform.certificate.not_valid_before_utc),
        "expire_time": orders.local(platform.certificate.not_valid_after_utc),
        "encrypt_certificate": keys.seal(platform.certificate_pem, "certificate"),
    }


def _announce(world: World, keys: PayKeys, _: NoForm) -> dict[str, Any]:
    private_pem, certificate_pem = secrets.platform_identity()
    platform = read_platform(private_pem, certificate_pem)
    record = {"key": private_pem.decode(), "certificate": certificate_pem.decode(), "signs": False}
    world.store.put(KIND, platform.serial, record)
    keys.publish(platform)
    return _list(world, keys, NoForm())


def _rotate(world: World, keys: PayKeys, form: NoForm) -> dict[str, Any]:
    if keys.published[-1].serial == keys.serial:
        _announce(world, keys, form)
    newest = keys.published[-1]
    record = world.store.get(KIND, newest.serial) or {}
    world.store.put(KIND, newest.serial, record | {"signs": True})
    keys.sign_with(newest)
    return _list(world, keys, form)


def _list(world: World, keys: PayKeys, _: NoForm) -> dict[str, Any]:
    published = [platform.serial for platform in keys.published]
    return {"signing": keys.serial, "published": published, "fetches": _fetches(world)}


def _fetches(world: World) -> int:
    return int((world.store.get(FETCHES, "") or {"count": 0})["count"])

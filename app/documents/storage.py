"""Encrypted bytes in object storage: a local folder, or S3 by setting; written once, never over."""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import from_url

from app.kernel.problems import Unavailable
from app.settings import Settings, UnusableSettings

log = structlog.get_logger("documents")

LOCAL_FOLDER = Path(__file__).resolve().parents[2] / ".data" / "objects"
# Below this size encrypting costs less than handing it to a thread.
_INLINE_BYTES = 256 * 1024
_FAILURES = (BaseError, OSError)
# A storage that does not answer must not hold requests for minutes, as the library would.
_PATIENCE = {"connect_timeout": "2s", "read_timeout": "10s", "timeout": "30s"}
_RETRIES: Mapping[str, Any] = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
# Options of the connection; all others are the store's own (bucket, region, keys).
_CONNECTION = {
    *("allow_http", "allow_invalid_certificates", "connect_timeout", "http1_only", "http2_only"),
    *("pool_idle_timeout", "pool_max_idle_per_host", "proxy_ca_certificate", "proxy_excludes"),
    *("proxy_url", "read_timeout", "root_certificate", "timeout", "user_agent"),
}


class ObjectStorage:
    """Puts and gets ciphertext; the keys to it are in the database, sealed by the vault."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def put(self, object_key: str, data_key: bytes, content: bytes) -> None:
        """Encrypt and write once; raises Unavailable (503), also when the name is taken."""
        sealed = await _in_thread(len(content), _encrypt, data_key, object_key, content)
        try:
            await self._store.put_async(object_key, sealed, mode="create")
        except _FAILURES as error:
            log.error("object not written", error=type(error).__name__)
            raise Unavailable from error

    async def get(self, object_key: str, data_key: bytes) -> bytes:
        """Read and decrypt; raises Unavailable (503) for an object that is gone or altered."""
        try:
            answer = await self._store.get_async(object_key)
            sealed = bytes(await answer.bytes_async())
            return await _in_thread(len(sealed), _decrypt, data_key, object_key, sealed)
        except (*_FAILURES, InvalidTag) as error:
            log.error("object not read", error=type(error).__name__, key=object_key)
            raise Unavailable from error

    async def delete(self, object_keys: Iterable[str]) -> None:
        """Delete what is there; raises Unavailable (503) when the storage does not answer."""
        for object_key in object_keys:
            try:
                await self._store.delete_async(object_key)
            except (NotFoundError, FileNotFoundError):
                continue
            except _FAILURES as error:
                log.warning("object not deleted", error=type(error).__name__)
                raise Unavailable from error

    async def names(self, prefix: str) -> list[str]:
        """Every object key under a folder."""
        found = await self._store.list(prefix).collect_async()
        return [str(entry["path"]) for entry in found]


def new_data_key() -> bytes:
    return secrets.token_bytes(32)


def _encrypt(data_key: bytes, object_key: str, content: bytes) -> bytes:
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(data_key).encrypt(nonce, content, object_key.encode())


def _decrypt(data_key: bytes, object_key: str, sealed: bytes) -> bytes:
    return AESGCM(data_key).decrypt(sealed[:12], sealed[12:], object_key.encode())


async def _in_thread(size: int, act: Any, *arguments: Any) -> bytes:
    if size <= _INLINE_BYTES:
        result: bytes = act(*arguments)
    else:
        result = await asyncio.to_thread(act, *arguments)
    return result


@lru_cache(maxsize=4)
def _store(url: str, options: tuple[tuple[str, str], ...]) -> Any:
    if url.startswith("file:"):
        try:
            return from_url(url, mkdir=True)
        except (BaseError, OSError, ValueError):
            raise UnusableSettings(
                "the folder of REDUMBRELLA_OBJECT_STORE_URL cannot be made: give this user the"
                " right to write there, or choose another (file:///…)"
            ) from None
    # Handed to the store, an option of the connection would end the process.
    connection = {name: value for name, value in options if name in _CONNECTION}
    try:
        return from_url(  # type: ignore[call-overload]
            url,
            config={name: value for name, value in options if name not in connection},
            client_options=_PATIENCE | connection,
            retry_config=_RETRIES,
        )
    except BaseError:
        # Its text may quote a secret.
        raise UnusableSettings(
            "REDUMBRELLA_OBJECT_STORE_URL or REDUMBRELLA_OBJECT_STORE_OPTIONS is not understood"
            f" (options: {', '.join(name for name, _ in options)})"
        ) from None


def open_storage(settings: Settings) -> ObjectStorage:
    """The storage that the settings name; UnusableSettings for none in production, or a wrong one.

    Options are obstore's, by name: of the connection (`allow_http`, `timeout`, …) and of the
    store (`endpoint`, `region`, `access_key_id`, `secret_access_key`, …).
    """
    url = settings.object_store_url
    if not url:
        if settings.environment == "production":
            raise UnusableSettings(
                "set REDUMBRELLA_OBJECT_STORE_URL to file:///… or s3://bucket/prefix"
            )
        url = LOCAL_FOLDER.as_uri()
    return ObjectStorage(_store(url, tuple(sorted(settings.object_store_options.items()))))

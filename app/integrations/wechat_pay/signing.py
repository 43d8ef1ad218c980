"""WeChat Pay's keys: signing as the merchant, proving the platform, sealing a name to it."""

import asyncio
import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from app.integrations.errors import BadSignature, StaleMessage, UnknownSerial

SYSTEM = "wechat_pay"
SCHEME = "WECHATPAY2-SHA256-RSA2048"
TOLERANCE_SECONDS = 300

_PKCS1 = PKCS1v15()
_SHA256 = SHA256()
# The protocol fixes SHA-1 inside OAEP, where collisions do not matter.
_OAEP = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303  # nosec B303


def nonce() -> str:
    """32 characters, unguessable."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class MerchantKey:
    """The merchant's identity at the gateway; the private key is parsed once."""

    mchid: str
    serial: str
    private_key: RSAPrivateKey

    def sign(self, text: bytes) -> str:
        """RSA-SHA256 in base64, about 0.6 ms."""
        return b64encode(self.private_key.sign(text, _PKCS1, _SHA256)).decode("ascii")

    def authorization(
        self, method: str, path: str, body: bytes, *, timestamp: int, nonce_str: str
    ) -> str:
        """The Authorization header; `path` is everything after the host, query included."""
        head = f"{method}\n{path}\n{timestamp}\n{nonce_str}\n".encode()
        signature = self.sign(head + body + b"\n")
        return (
            f'{SCHEME} mchid="{self.mchid}",nonce_str="{nonce_str}",signature="{signature}",'
            f'timestamp="{timestamp}",serial_no="{self.serial}"'
        )


@dataclass(frozen=True, slots=True)
class _PlatformKey:
    public_key: RSAPublicKey
    serial: str
    not_after: datetime


class PlatformKeys:
    """The gateway's public keys by serial number: certificates, or one named public key."""

    def __init__(self) -> None:
        self._by_serial: dict[str, _PlatformKey] = {}
        # Set when a message names a key that we do not hold: the gateway may have a new one.
        self.missed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._by_serial)

    def trust_certificates(self, pem: bytes) -> int:
        """Add every certificate of a PEM file; how many there were. ValueError if unusable."""
        certificates = x509.load_pem_x509_certificates(pem)
        for certificate in certificates:
            serial = format(certificate.serial_number, "X")
            self._trust(serial, certificate.public_key(), certificate.not_valid_after_utc)
        return len(certificates)

    def trust_public_key(self, serial: str, pem: bytes) -> None:
        """Add a public key that the gateway names by an id (`PUB_KEY_ID_…`) and never expires."""
        self._trust(serial, load_pem_public_key(pem), datetime.max.replace(tzinfo=UTC))

    def _trust(self, serial: str, public_key: object, not_after: datetime) -> None:
        if not isinstance(public_key, RSAPublicKey):
            raise ValueError(f"the platform key {serial} is not an RSA key")
        self._by_serial[_plain(serial)] = _PlatformKey(public_key, serial, not_after)

    def preferred_serial(self) -> str:
        """The serial that requests name: the gateway seals and signs with the same key."""
        return self._preferred().serial

    def seal(self, text: str) -> str:
        """Encrypt a name to the key of `preferred_serial()`, base64."""
        return b64encode(self._preferred().public_key.encrypt(text.encode(), _OAEP)).decode("ascii")

    def _preferred(self) -> _PlatformKey:
        return max(self._by_serial.values(), key=lambda key: key.not_after)

    def verify(self, headers: Mapping[str, str], raw_body: bytes, now: datetime) -> None:
        """Prove that the gateway sent this body within five minutes of `now`.

        Raises BadSignature, StaleMessage, UnknownSerial.
        """
        timestamp = _header(headers, "Wechatpay-Timestamp")
        if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
            raise BadSignature(SYSTEM, "timestamp")
        if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
            raise StaleMessage(SYSTEM)
        key = self._by_serial.get(_plain(_header(headers, "Wechatpay-Serial")))
        if key is None or key.not_after < now:
            self.missed.set()
            raise UnknownSerial(SYSTEM)
        head = f"{timestamp}\n{_header(headers, 'Wechatpay-Nonce')}\n".encode()
        try:
            signature = b64decode(_header(headers, "Wechatpay-Signature"), validate=True)
            key.public_key.verify(signature, head + raw_body + b"\n", _PKCS1, _SHA256)
        except (binascii.Error, ValueError, InvalidSignature):
            raise BadSignature(SYSTEM) from None


def load_merchant_key(path: Path, mchid: str, serial: str) -> MerchantKey:
    """Read the merchant's private key; ValueError says what is wrong with the file."""
    private_key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private_key, RSAPrivateKey):
        raise ValueError(f"{path} does not hold an RSA private key")
    return MerchantKey(mchid, serial.upper(), private_key)


def _plain(serial: str) -> str:
    # Some tools print certificate serials with leading zeros, some in lower case.
    return serial.upper().lstrip("0")


def _header(headers: Mapping[str, str], name: str) -> str:
    """A header from a case-insensitive mapping, or from a plain dict in either usual case."""
    return headers.get(name.lower()) or headers.get(name) or ""

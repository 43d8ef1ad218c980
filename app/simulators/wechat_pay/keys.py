"""The gateway's side of the signatures: who the merchant is, and what we vouch for."""

import re
import secrets
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.simulators.config import SimulatorConfig

SCHEME = "WECHATPAY2-SHA256-RSA2048"
MAX_SKEW_SECONDS = 300
_FIELD = re.compile(r'([a-z_]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Platform:
    """One of the gateway's own keys with its certificate."""

    private_key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    certificate_pem: bytes
    serial: str


def read_platform(private_key_pem: bytes, certificate_pem: bytes) -> Platform:
    """Parse a pair; TypeError for anything but RSA."""
    private_key = serialization.load_pem_private_key(private_key_pem, password=None)
    if not isinstance(private_key, rsa.RSAPrivateKey):
        raise TypeError("the platform key is not an RSA key")
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    serial = format(certificate.serial_number, "X")
    return Platform(private_key, certificate, certificate_pem, serial)


class PayKeys:
    """Keys of both sides, parsed once. The gateway may publish several and signs with one."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        merchant = serialization.load_pem_public_key(config.merchant_public_key)
        if not isinstance(merchant, rsa.RSAPublicKey):
            raise TypeError("the merchant's key is not an RSA key")
        self._merchant = merchant
        self._signing = read_platform(config.platform_private_key, config.platform_certificate)
        self.published = [self._signing]
        self._cipher = AESGCM(config.api_v3_key.encode())

    @property
    def certificate(self) -> x509.Certificate:
        """Of the key that signs now."""
        return self._signing.certificate

    @property
    def serial(self) -> str:
        return self._signing.serial

    def publish(self, platform: Platform) -> None:
        """Add a key to those that merchants may fetch; it signs nothing yet."""
        self.published.append(platform)

    def sign_with(self, platform: Platform) -> None:
        """From now on this published key signs; the earlier ones stay published."""
        self._signing = platform

    @cached_property
    def _foreign(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def objection(self, authorization: str, method: str, path: str, body: bytes) -> str | None:
        """Why a merchant's request is not believed, or None if its signature is right."""
        scheme, _, rest = authorization.partition(" ")
        given = dict(_FIELD.findall(rest))
        wanted = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
        if scheme != SCHEME or not wanted <= given.keys():
            return "the Authorization header is missing or malformed"
        if given["mchid"] != self._config.mchid:
            return "unknown merchant"
        if given["serial_no"] != self._config.merchant_serial:
            return "unknown merchant certificate"
        if not given["timestamp"].isdigit():
            return "the timestamp is not a number"
        if abs(time.time() - int(given["timestamp"])) > MAX_SKEW_SECONDS:
            return "the timestamp is more than five minutes off"
        head = f"{method}\n{path}\n{given['timestamp']}\n{given['nonce_str']}\n".encode()
        if not self.merchant_signed(head + body + b"\n", given["signature"]):
            return "the signature does not match"
        return None

    def merchant_signed(self, text: bytes, signature: str) -> bool:
        """Whether the merchant's key made this base64 signature."""
        try:
            self._merchant.verify(
                b64decode(signature, validate=True), text, padding.PKCS1v15(), hashes.SHA256()
            )
        except (ValueError, InvalidSignature):
            return False
        return True

    def signed_headers(
        self, body: bytes, *, foreign: bool = False, offset_seconds: float = 0.0
    ) -> dict[str, str]:
        """Headers that vouch for a body; `foreign` signs with a key nobody knows."""
        timestamp, nonce = str(int(time.time() + offset_seconds)), secrets.token_hex(16)
        key = self._foreign if foreign else self._signing.private_key
        text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": b64encode(signature).decode(),
            "Wechatpay-Serial": self.serial,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def seal(self, plain: bytes, associated: str) -> dict[str, str]:
        """A text sealed under the API v3 key, in the protocol's words."""
        nonce = secrets.token_hex(6)
        sealed = self._cipher.encrypt(nonce.encode(), plain, associated.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": b64encode(sealed).decode(),
            "associated_data": associated,
            "nonce": nonce,
        }

    def seal_json(self, content: Any, associated: str) -> dict[str, str]:
        return self.seal(msgspec.json.encode(content), associated)

    def open_name(self, ciphertext: str, serial: str) -> str | None:
        """A name that was encrypted to the published certificate `serial`, None if it was not."""
        platform = next((each for each in self.published if each.serial == serial), None)
        if platform is None:
            return None
        # The protocol fixes SHA-1 inside OAEP.
        sha1 = hashes.SHA1()  # noqa: S303  # nosec B303
        oaep = padding.OAEP(mgf=padding.MGF1(sha1), algorithm=sha1, label=None)
        try:
            return platform.private_key.decrypt(b64decode(ciphertext, validate=True), oaep).decode()
        except ValueError:
            return None

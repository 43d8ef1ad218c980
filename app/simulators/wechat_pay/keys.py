"""The gateway's side of the signatures: who the merchant is, and what we vouch for."""

import re
import secrets
import time
from base64 import b64decode, b64encode
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


class PayKeys:
    """Keys of both sides, parsed once."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        merchant = serialization.load_pem_public_key(config.merchant_public_key)
        platform = serialization.load_pem_private_key(config.platform_private_key, password=None)
        if not isinstance(merchant, rsa.RSAPublicKey) or not isinstance(
            platform, rsa.RSAPrivateKey
        ):
            raise TypeError("both sides' keys must be RSA keys")
        self._merchant = merchant
        self._platform = platform
        self.certificate = x509.load_pem_x509_certificate(config.platform_certificate)
        self.serial = format(self.certificate.serial_number, "X")
        self._cipher = AESGCM(config.api_v3_key.encode())

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
        key = self._foreign if foreign else self._platform
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

    def open_name(self, ciphertext: str) -> str | None:
        """A name that was encrypted to our certificate, None if it was not."""
        # The protocol fixes SHA-1 inside OAEP.
        sha1 = hashes.SHA1()  # noqa: S303  # nosec B303
        oaep = padding.OAEP(mgf=padding.MGF1(sha1), algorithm=sha1, label=None)
        try:
            return self._platform.decrypt(b64decode(ciphertext, validate=True), oaep).decode()
        except ValueError:
            return None

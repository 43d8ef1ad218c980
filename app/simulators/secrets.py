"""Keys and secrets of the simulated world: made once, kept private, handed to both sides."""

import json
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from app.simulators import config

CERTIFICATE_DAYS = 3650
PREFIXES = {
    "WECHAT": "wechat",
    "WECHAT_PAY": "wechat-pay",
    "IDENTITY_VENDOR": "identity",
    "SMS": "sms",
    "BANK": "bank",
}


def prepare(directory: Path, *, simulator_base_url: str | None) -> dict[str, str]:
    """Make what is missing and return the `REDUMBRELLA_…` variables for API and worker.

    Files are 0600 in a 0700 directory and never overwritten, so that it may be called at
    every start and by several processes. Without `simulator_base_url` (`http://host:port`)
    the returned variables name no base URLs.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    merchant = _once(directory / config.MERCHANT_KEY_FILE, _private_key)
    _once(directory / config.MERCHANT_PUBLIC_FILE, lambda: _public_key(merchant))
    platform = _once(directory / config.PLATFORM_KEY_FILE, _private_key)
    _once(directory / config.PLATFORM_CERTIFICATE_FILE, lambda: _certificate(platform))
    known = json.loads(_once(directory / config.SECRETS_FILE, _secrets))
    variables = {
        "WECHAT_APPID": known["appid"],
        "WECHAT_SECRET": known["wechat_secret"],
        "WECHAT_PAY_MCHID": known["mchid"],
        "WECHAT_PAY_MERCHANT_SERIAL": known["merchant_serial"],
        "WECHAT_PAY_API_V3_KEY": known["api_v3_key"],
        "WECHAT_PAY_MERCHANT_KEY_FILE": str((directory / config.MERCHANT_KEY_FILE).resolve()),
        "WECHAT_PAY_PLATFORM_CERTIFICATES_FILE": str(
            (directory / config.PLATFORM_CERTIFICATE_FILE).resolve()
        ),
        "IDENTITY_VENDOR_APP_ID": known["identity_app_id"],
        "IDENTITY_VENDOR_SECRET": known["identity_secret"],
        "SMS_SECRET": known["sms_secret"],
        "BANK_SECRET": known["bank_secret"],
    }
    if simulator_base_url is not None:
        for name, prefix in PREFIXES.items():
            variables[f"{name}_BASE_URL"] = f"{simulator_base_url.rstrip('/')}/{prefix}"
    return {f"REDUMBRELLA_{name}": value for name, value in variables.items()}


def _once(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's content, made now if it is not there; two makers end with one content."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            # Another process was quicker: its content counts.
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


def _secrets() -> bytes:
    known = {
        "appid": f"wx{secrets.token_hex(8)}",
        "mchid": f"19{secrets.randbelow(10**8):08d}",
        "merchant_serial": secrets.token_hex(20).upper(),
        "api_v3_key": secrets.token_hex(16),
        "wechat_secret": secrets.token_hex(16),
        "identity_app_id": f"identity-{secrets.token_hex(4)}",
        "identity_secret": secrets.token_urlsafe(32),
        "sms_secret": secrets.token_urlsafe(32),
        "bank_secret": secrets.token_urlsafe(32),
    }
    return json.dumps(known, indent=2).encode()


def _private_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def platform_identity() -> tuple[bytes, bytes]:
    """A new private key of the payment platform and its certificate, both PEM."""
    private_pem = _private_key()
    return private_pem, _certificate(private_pem)


def _public_key(private_pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(private_pem, password=None)
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _certificate(private_pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(private_pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the platform key is not an RSA key")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated payment platform")])
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)

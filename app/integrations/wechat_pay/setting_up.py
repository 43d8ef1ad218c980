"""The keys at the gateway, read from the files that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm

from app.integrations.wechat_pay.signing import MerchantKey, PlatformKeys, load_merchant_key
from app.settings import Settings, UnusableSettings


@dataclass(frozen=True, slots=True)
class Keys:
    """Ours to sign with, the gateway's to prove it with, and the one for what it seals to us."""

    merchant: MerchantKey
    platform: PlatformKeys
    api_v3: bytes = field(repr=False)


def read_keys(settings: Settings) -> Keys:
    """Read them once; UnusableSettings names the setting that is missing or wrong."""
    if settings.wechat_pay_merchant_key_file is None:
        raise UnusableSettings("set REDUMBRELLA_WECHAT_PAY_MERCHANT_KEY_FILE")
    api_v3_key = settings.wechat_pay_api_v3_key.get_secret_value().encode()
    if len(api_v3_key) != 32:
        raise UnusableSettings("REDUMBRELLA_WECHAT_PAY_API_V3_KEY must have 32 characters")
    platform = PlatformKeys()
    if settings.wechat_pay_platform_certificates_file is not None:
        pem = settings.wechat_pay_platform_certificates_file.read_bytes()
        with _read_as("REDUMBRELLA_WECHAT_PAY_PLATFORM_CERTIFICATES_FILE", "PEM certificates"):
            platform.trust_certificates(pem)
    if settings.wechat_pay_public_key_file is not None:
        pem = settings.wechat_pay_public_key_file.read_bytes()
        with _read_as("REDUMBRELLA_WECHAT_PAY_PUBLIC_KEY_FILE", "an RSA public key in PEM"):
            platform.trust_public_key(settings.wechat_pay_public_key_id, pem)
    if not len(platform):
        raise UnusableSettings("set REDUMBRELLA_WECHAT_PAY_PLATFORM_CERTIFICATES_FILE")
    with _read_as("REDUMBRELLA_WECHAT_PAY_MERCHANT_KEY_FILE", "an RSA private key in PEM"):
        merchant = load_merchant_key(
            settings.wechat_pay_merchant_key_file,
            settings.wechat_pay_mchid,
            settings.wechat_pay_merchant_serial,
        )
    return Keys(merchant, platform, api_v3_key)


@contextmanager
def _read_as(setting: str, what: str) -> Iterator[None]:
    """A file that holds something else is told by its setting; one that is missing by its name."""
    try:
        yield
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableSettings(f"{setting} must be a file with {what}") from error

"""What the simulators know and how patient they are; one frozen object."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

SECRETS_FILE = "secrets.json"
MERCHANT_KEY_FILE = "merchant_key.pem"
MERCHANT_PUBLIC_FILE = "merchant_public.pem"
PLATFORM_KEY_FILE = "platform_key.pem"
PLATFORM_CERTIFICATE_FILE = "platform_certificate.pem"

# Three quick tries, then WeChat Pay's published schedule: about 24 hours together.
NOTICE_RETRY_SECONDS = (
    *(0.0, 1.0, 3.0, 15.0, 15.0, 30.0, 180.0, 600.0, 1200.0, 1800.0, 1800.0, 1800.0),
    *(3600.0, 10800.0, 10800.0, 10800.0, 21600.0, 21600.0),
)


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """Identities, secrets and durations (seconds); `load` reads the first two from files."""

    appid: str
    mchid: str
    merchant_serial: str
    merchant_public_key: bytes = field(repr=False)
    platform_private_key: bytes = field(repr=False)
    platform_certificate: bytes = field(repr=False)
    api_v3_key: str = field(repr=False)
    wechat_secret: str = field(repr=False)
    identity_app_id: str
    identity_secret: str = field(repr=False)
    sms_secret: str = field(repr=False)
    bank_secret: str = field(repr=False)

    # Waits before each try of a notice or callback; after the last one it is given up.
    notice_retry_seconds: tuple[float, ...] = NOTICE_RETRY_SECONDS
    notice_timeout_seconds: float = 5.0
    prepay_seconds: float = 7200.0
    refund_seconds: float = 0.2
    # 0: a new transfer waits for the rider at once, as it mostly does at WeChat.
    transfer_accept_seconds: float = 0.0
    transfer_confirm_seconds: float = 86_400.0
    transfer_max_fen: int = 2_000_000
    charge_seconds: float = 0.2
    agreement_plan_id: int = 12535
    agreement_sign_seconds: float = 1800.0
    access_token_seconds: float = 7200.0
    code_seconds: float = 300.0
    identity_slow_seconds: float = 5.0
    identity_ticket_seconds: float = 1800.0
    sms_slow_seconds: float = 3.0
    bank_settle_seconds: float = 0.2
    bank_slow_seconds: float = 5.0


def load(directory: Path, **durations: Any) -> SimulatorConfig:
    """Read what `secrets.prepare` made; keyword arguments replace durations."""
    known = json.loads((directory / SECRETS_FILE).read_text("utf-8"))
    config = SimulatorConfig(
        merchant_public_key=(directory / MERCHANT_PUBLIC_FILE).read_bytes(),
        platform_private_key=(directory / PLATFORM_KEY_FILE).read_bytes(),
        platform_certificate=(directory / PLATFORM_CERTIFICATE_FILE).read_bytes(),
        **known,
    )
    return replace(config, **durations)

"""The one frozen configuration object, read from the environment."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PLACEHOLDER = "change-me"
DEMO_ISSUER = "重庆市职工互助保障（演示）"
UNSET_ISSUER = "https://redumbrella.invalid"
MUST_BE_SET = (
    "issuer_name",
    "master_key",
    "token_issuer",
    "object_store_url",
    "wechat_appid",
    "wechat_secret",
    "wechat_pay_mchid",
    "wechat_pay_merchant_serial",
    "wechat_pay_merchant_key_file",
    "wechat_pay_api_v3_key",
    "identity_vendor_base_url",
    "identity_vendor_app_id",
    "identity_vendor_secret",
    "sms_base_url",
    "sms_secret",
    "bank_base_url",
    "bank_secret",
)


class UnusableSettings(ValueError):
    """A setting is missing or wrong; the message names it and never its value."""


# Several hosts, addresses in brackets and sockets (`?host=/folder`) are left to asyncpg.
_HOST = r"(?:\[[0-9a-fA-F:.%]+\]|[^:,/?#@\[\]\s]*)(?::\d+)?"
_DATABASE_ADDRESS = re.compile(
    rf"postgres(?:ql)?(?:\+asyncpg)?://(?:[^/?#]*@)?{_HOST}(?:,{_HOST})*(?:/[^?#]*)?(?:\?.*)?"
)


def _is_set(value: str | Path | SecretStr | None) -> bool:
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return plain not in (None, "", PLACEHOLDER, DEMO_ISSUER, UNSET_ISSUER)


class Settings(BaseSettings):
    """Every value comes from `REDUMBRELLA_…` (and `DATABASE_URL`); nothing is read later.

    Durations are seconds unless the name says otherwise. Secrets that are files
    (PEM keys) are given as paths, so that they can be mounted.
    """

    model_config = SettingsConfigDict(
        env_prefix="REDUMBRELLA_", frozen=True, extra="ignore", populate_by_name=True
    )

    environment: Literal["demo", "test", "production"] = "production"
    public_base_url: str = "http://127.0.0.1:8000"
    # Who signs certificates of cover.
    issuer_name: str = DEMO_ISSUER
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    database_url: str = Field(
        default="", validation_alias=AliasChoices("DATABASE_URL", "database_url")
    )
    # Owner of the schema; the application itself always runs as `database_role`.
    migration_database_url: str = ""
    database_role: str = "redumbrella_app"
    database_pool_size: int = Field(default=16, ge=2)
    database_pool_timeout: float = 2.0
    database_connect_timeout: float = 2.0
    database_command_timeout: float = 3.0
    # Behind pgbouncer in transaction mode; the worker's LISTEN connection must bypass it.
    database_transaction_pooler: bool = False

    # 32 random bytes in base64: wraps the keysets kept in the database.
    master_key: SecretStr = SecretStr(PLACEHOLDER)
    token_issuer: str = UNSET_ISSUER
    access_token_minutes: int = 15
    refresh_token_days: int = 30

    # `file:///…` or `s3://bucket/prefix`.
    object_store_url: str = ""
    object_store_options: dict[str, str] = {}

    wechat_base_url: str = "https://api.weixin.qq.com"
    wechat_appid: str = ""
    wechat_secret: SecretStr = SecretStr(PLACEHOLDER)
    # Our template code → the id of the subscribe message at WeChat, as JSON.
    wechat_message_templates: dict[str, str] = {}

    wechat_pay_base_url: str = "https://api.mch.weixin.qq.com"
    wechat_pay_mchid: str = ""
    wechat_pay_merchant_serial: str = ""
    wechat_pay_merchant_key_file: Path | None = None
    wechat_pay_api_v3_key: SecretStr = SecretStr(PLACEHOLDER)
    # The gateway's public certificate or certificates, one PEM file.
    wechat_pay_platform_certificates_file: Path | None = None
    # Newer merchants are given one public key with an id (`PUB_KEY_ID_…`) instead.
    wechat_pay_public_key_file: Path | None = None
    wechat_pay_public_key_id: str = ""
    wechat_pay_transfer_scene_id: str = "1000"
    # The template of payment agreements (委托代扣) that the gateway admitted this merchant to.
    wechat_pay_agreement_plan_id: int = 12535

    identity_vendor_base_url: str = ""
    identity_vendor_app_id: str = ""
    identity_vendor_secret: SecretStr = SecretStr(PLACEHOLDER)
    identity_check_tries_per_day: int = Field(default=5, ge=1)
    identity_check_minutes: int = Field(default=15, ge=1)
    # A registration nobody comes back to is abandoned, and what was entered forgotten.
    registration_kept_days: int = Field(default=90, ge=1)
    # How long a caseworker may serve a person of another organisation once found.
    serve_grant_minutes: int = Field(default=60, ge=1)

    # Of claims decided by rule, one in so many is looked at by a person afterwards.
    straight_through_check_one_in: int = Field(default=20, ge=1)

    # Documents of what has ended are worked with this long, then stored only.
    documents_used_days: int = Field(default=365, ge=1)
    # What was paid is a voucher of the accounts, kept thirty years (accounting archives rule of
    # 2016); the time for suits is three (Civil Code art. 188). Then documents are erased.
    paid_documents_kept_years: int = Field(default=30, ge=1)
    unpaid_documents_kept_years: int = Field(default=3, ge=1)
    # Documents of a claim that is never handed in.
    draft_documents_kept_days: int = Field(default=365, ge=1)

    sms_base_url: str = ""
    sms_secret: SecretStr = SecretStr(PLACEHOLDER)

    bank_base_url: str = ""
    # Up to this amount a payout by bank is a call of its own (50,000 yuan is what banks settle
    # at once); above it waits for the day's batch.
    bank_direct_most_fen: int = Field(default=5_000_000, ge=0)
    # When the worker makes the day's batch, on the business clock in Asia/Shanghai.
    bank_batch_hour: int = Field(default=16, ge=0, le=23)
    bank_secret: SecretStr = SecretStr(PLACEHOLDER)

    outbound_timeout: float = 2.0
    # One-time codes asked for, and guesses made, from one client address in an hour; riders
    # behind one carrier's address translation share it.
    codes_per_address: int = Field(default=300, ge=1)
    # Addresses of proxies whose X-Forwarded-For is believed; empty means nobody's.
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _leads_to_postgresql(cls, value: str) -> str:
        if value and not _DATABASE_ADDRESS.fullmatch(value):
            raise ValueError(
                "write it as postgresql://user:password@host:5432/database, with %2F for / and"
                " %3F for ? in a password"
            )
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def sandbox(self) -> bool:
        """Whether the business clock may be moved and the simulators' doors exist."""
        return self.environment != "production"

    @model_validator(mode="after")
    def _refuse_placeholders(self) -> Self:
        if self.environment != "production":
            return self
        missing = [name for name in MUST_BE_SET if not _is_set(getattr(self, name))]
        if missing:
            names = ", ".join(f"REDUMBRELLA_{name.upper()}" for name in missing)
            raise ValueError(f"set these before running in production: {names}")
        return self

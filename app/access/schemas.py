"""Bodies of logging in."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.access.passwords import MAX_LENGTH, MIN_LENGTH
from app.access.phones import MAX_LENGTH as MAX_PHONE_LENGTH
from app.access.staff_accounts import USERNAME
from app.kernel.schema import Body, View

Phone = Annotated[
    str,
    Field(
        min_length=5,
        max_length=MAX_PHONE_LENGTH,
        description="11 digits of a mainland mobile, or a mobile in E.164 form.",
        examples=["+8613800000001"],
    ),
]
WeChatCode = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.-]+$")]
Username = Annotated[str, Field(pattern=USERNAME, examples=["li.caseworker"])]
Password = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]
NewPassword = Annotated[str, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]


class CodeRequest(Body):
    """Where the code shall be sent."""

    phone: Phone


class CodeSent(View):
    """The same for every phone."""

    expires_in: int = Field(description="Seconds.", examples=[300])


class PhoneLogin(Body):
    phone: Phone
    code: str = Field(pattern=r"^[0-9]{6}$", examples=["042137"])


class WeChatLogin(Body):
    """`js_code` of wx.login; `phone_code` of the phone button, needed on first use."""

    js_code: WeChatCode = Field(examples=["0a1b2c3d4e5f"])
    phone_code: WeChatCode | None = Field(default=None, examples=["e31968a7f94cc5ee"])


class StaffLogin(Body):
    username: Username
    password: Password = Field(examples=["correct horse battery"])
    totp_code: str = Field(pattern=r"^[0-9]{6}$", examples=["492039"])
    new_password: NewPassword | None = Field(
        default=None, description="Replaces the initial password at the first login."
    )


class RefreshRequest(Body):
    refresh_token: str = Field(
        min_length=20, max_length=128, examples=["Zk1uT0x3bWJ5cDJrV0VJc0hxQmZ0cEx1"]
    )


class TokenView(View):
    """Access token for `Authorization: Bearer`, and the refresh token, which works once."""

    account_id: UUID
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    access_token: str
    expires_in: int = Field(description="Seconds.", examples=[900])
    refresh_token: str
    refresh_expires_in: int = Field(description="Seconds.", examples=[2592000])


class StaffProfile(View):
    """The staff account that is logged in."""

    id: UUID
    username: str
    display_name: str
    organisation_id: UUID
    roles: list[str]


class JsonWebKey(View):
    kty: str = Field(examples=["EC"])
    crv: str = Field(examples=["P-256"])
    x: str
    y: str
    kid: str
    use: str = Field(examples=["sig"])
    alg: str = Field(examples=["ES256"])


class JsonWebKeySet(View):
    """The keys that verify this service's tokens (RFC 7517)."""

    keys: list[JsonWebKey]

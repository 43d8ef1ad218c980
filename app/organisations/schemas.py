"""Bodies of organisations, staff accounts and partners."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from app.access.schemas import Username
from app.kernel.principal import Role
from app.kernel.schema import Body, Day, Id, Instant, View
from app.organisations.models import Kind


def _credit_code(value: str) -> str:
    try:
        return str(uscc.validate(value))
    except ValidationError as error:
        raise ValueError("not a unified social credit code") from error


CreditCode = Annotated[
    str,
    Field(
        min_length=18,
        max_length=18,
        description="Unified social credit code (统一社会信用代码).",
        examples=["91110000600037341L"],
    ),
    AfterValidator(_credit_code),
]
Name = Annotated[str, Field(min_length=2, max_length=100, pattern=r"^\S(.*\S)?$")]
AreaCode = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["500103"])]
KindWord = Literal["municipal_office", "agency", "unit", "site"]


class AreaView(View):
    """A district or county; `valid_to` is the first day on which the code was not valid."""

    code: str = Field(examples=["500157"])
    name: str = Field(examples=["两江新区"])
    valid_from: date | None
    valid_to: date | None
    successor_code: str | None


class AreaList(View):
    items: list[AreaView]


class NewOrganisation(Body):
    """An agency, unit or site under an organisation that the caller manages."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "parent_id": "01a20472-c87c-707b-a7b0-92252af15ccf",
                    "kind": "site",
                    "name": "解放碑配送站",
                    "area_code": "500103",
                }
            ]
        },
    )

    parent_id: Id
    kind: Annotated[Kind, Field(strict=False)]
    name: Name
    area_code: AreaCode | None = None
    uscc: CreditCode | None = None
    valid_from: Day | None = None


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


class OrganisationChange(Body):
    """What shall change; members that are left out stay as they are."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"area_code": "500157"}]}
    )

    # Null is refused; a name that is left out is not in `model_fields_set`.
    name: Annotated[Name, Field(json_schema_extra=_without_default)] = ""
    area_code: AreaCode | None = None
    uscc: CreditCode | None = None
    valid_to: Day | None = None
    successor_id: Id | None = None


class OrganisationView(View):
    """A node of the tree; `lineage` runs from the root to the organisation itself."""

    id: UUID
    parent_id: UUID | None
    kind: KindWord
    name: str
    area_code: str | None
    uscc: str | None
    lineage: list[UUID]
    valid_from: date
    valid_to: date | None
    successor_id: UUID | None
    version: int


class NewStaffAccount(Body):
    organisation_id: Id
    username: Username
    display_name: str = Field(min_length=1, max_length=60, examples=["李经办"])
    roles: list[Role] = Field(min_length=1, max_length=5, examples=[["caseworker"]])


class StaffAccountView(View):
    id: UUID
    organisation_id: UUID
    username: str
    display_name: str
    roles: list[str]
    status: Literal["active", "disabled"]
    created_at: datetime


class StaffSecretsView(View):
    """Shown this once: hand it over in person. The password must be changed at first login."""

    account: StaffAccountView
    initial_password: str
    totp_secret: str = Field(examples=["JBSWY3DPEHPK3PXP"])
    totp_uri: str = Field(description="otpauth:// address, for a QR code.")


class NewPartner(Body):
    organisation_id: Id
    name: Name = Field(examples=["示例外卖平台"])
    uscc: CreditCode


class PartnerView(View):
    id: UUID
    organisation_id: UUID
    name: str
    uscc: str
    status: Literal["active", "suspended"]
    created_at: datetime


class NewPartnerClient(Body):
    expires_at: Instant | None = Field(default=None, examples=["2027-12-31T16:00:00Z"])


class SecretRotation(Body):
    overlap_hours: int = Field(
        default=24, ge=0, le=720, description="How long the former secret still works."
    )


class PartnerClientView(View):
    id: UUID
    client_id: str
    expires_at: datetime | None
    former_secret_until: datetime | None
    disabled_at: datetime | None
    created_at: datetime


class PartnerSecretView(View):
    """Shown this once; only a hash is kept."""

    client: PartnerClientView
    client_secret: str

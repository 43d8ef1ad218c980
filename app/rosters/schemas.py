"""Bodies of rosters, their rows and agreements."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.kernel.schema import Body, Day, View
from app.rosters.models import DEFAULT_HOLD_PERCENT

MAX_SEQUENCE = 2**53 - 1

RosterStatus = Literal[
    "accepted", "reading", "held", "applying", "applied", "refused", "superseded"
]
AnswerWord = Literal["enrolled", "updated", "unchanged", "refused"]


class FileErrorView(View):
    """What is wrong with the file as a whole; `row` is where reading ended, or null."""

    code: str = Field(examples=["column-unknown"])
    message: str = Field(examples=["未知的列"])
    column: str | None = Field(examples=["血型"])
    row: int | None


class RosterCounts(View):
    """Answers so far."""

    enrolled: int = Field(examples=[980])
    updated: int = Field(examples=[0])
    unchanged: int = Field(examples=[0])
    refused: int = Field(examples=[20])


class RosterView(View):
    """A roster and how far it has been applied.

    `accepted → reading → applying → applied`; `held` waits for a confirmation because too
    many riders are missing; `refused` names what is wrong with the file; `superseded` was
    overtaken by a newer snapshot. `missing_riders` are those whom this snapshot does not
    name, `newly_missing` those of them whom the one before still named.
    """

    sequence: int = Field(examples=[17])
    status: RosterStatus
    url: str = Field(examples=["/v1/partner/rosters/17"])
    received_at: datetime
    finished_at: datetime | None
    row_count: int | None = Field(examples=[1000])
    answered_rows: int = Field(examples=[1000])
    answers: RosterCounts
    missing_riders: int | None = Field(examples=[3])
    newly_missing: int | None = Field(examples=[1])
    errors: list[FileErrorView]
    ignored_columns: list[str] = Field(examples=[["序号", "备注"]])


class RowErrorView(View):
    """One thing wrong with one cell; the value is masked."""

    column: str = Field(examples=["document_number"])
    code: str = Field(examples=["document-check-character"])
    message: str = Field(examples=["校验位不符，请核对号码"])
    value: str | None = Field(examples=["110***********0021"])


class NoticeView(View):
    """Something the partner should know about a row that was carried out."""

    code: str = Field(examples=["name-cleaned"])
    message: str


class RowView(View):
    """The answer to one row; rows are numbered from 1, the header not counted.

    An answer never tells whether a person was known before.
    """

    row: int = Field(examples=[12])
    rider_ref: str = Field(examples=["R-000012"])
    answer: AnswerWord
    policy_number: str | None = Field(examples=["P7K2M9Q4XT11"])
    errors: list[RowErrorView]
    notices: list[NoticeView]


class MissingRiderView(View):
    """A rider whom the snapshot does not name; nothing was done about their cover."""

    rider_ref: str = Field(examples=["R-000013"])
    missing_since_sequence: int = Field(examples=[17])


class NewAgreement(Body):
    """What each rider on a partner's rosters is given.

    With `without_identity` cover begins before the rider has proven who they are. A roster
    that loses more than `hold_missing_percent` of the riders at once is held.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "plan_code": "SH-GIG-C",
                    "shares": 1,
                    "starts_on": "2026-12-01",
                    "without_identity": False,
                }
            ]
        },
    )

    plan_code: str = Field(pattern=r"^[A-Z][A-Z0-9-]{1,31}$")
    shares: int = Field(default=1, ge=1, le=100)
    starts_on: Day
    ends_on: Day | None = None
    without_identity: bool = False
    hold_missing_percent: int = Field(default=DEFAULT_HOLD_PERCENT, ge=0, le=100)


class AgreementEnd(Body):
    """The last day on which rosters give new cover."""

    last_day: Day = Field(examples=["2026-12-31"])


class AgreementView(View):
    """An agreement with a partner."""

    id: UUID
    partner_id: UUID
    plan_code: str
    shares: int
    starts_on: date
    ends_on: date | None
    without_identity: bool
    hold_missing_percent: int
    created_at: datetime


_RIDER = {
    "type": "object",
    "required": ["rider_ref", "name", "document_number", "phone"],
    "additionalProperties": False,
    "properties": {
        "rider_ref": {"type": "string", "maxLength": 64, "description": "The partner's own id."},
        "name": {"type": "string"},
        "document_type": {
            "type": "string",
            "enum": [
                "resident_id",
                "residence_permit",
                "foreign_permanent_residence",
                "passport",
            ],
            "default": "resident_id",
        },
        "document_number": {"type": "string"},
        "phone": {"type": "string"},
        "sex": {"type": "string", "enum": ["male", "female"]},
        "birth_on": {"type": "string", "description": "Where the number does not tell it."},
        "issuing_country": {"type": "string", "description": "Three letters, for passports."},
        "site": {"type": "string", "description": "Name of a unit or site."},
        "plan": {"type": "string", "description": "Needed where several plans are agreed."},
        "shares": {"type": "integer", "description": "Compared with the agreement."},
    },
}
ROSTER_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["riders"],
                    "additionalProperties": False,
                    "properties": {
                        "riders": {"type": "array", "maxItems": 100_000, "items": _RIDER}
                    },
                },
                "example": {
                    "riders": [
                        {
                            "rider_ref": "R-000012",
                            "name": "张三",
                            "document_number": "11010519491231002X",
                            "phone": "13800000000",
                        }
                    ]
                },
            },
            "text/csv": {
                "schema": {"type": "string"},
                "example": "工号,姓名,身份证号,手机号码\nR-1,张三,11010519491231002X,13800000000\n",
            },
        },
    }
}

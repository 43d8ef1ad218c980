"""Bodies and views of enrolment codes, their scan, and enrolling on site."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from app.billing.schemas import QuoteBody
from app.kernel.schema import Body, Fen, Id, Instant, View
from app.members.schemas import (
    CardSeen,
    CodeText,
    ConsentBody,
    DocumentBody,
    MemberShort,
    NameText,
    PhoneText,
    Purpose,
)
from app.plans.schemas import PlanSummary

PlanCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]{1,31}$", examples=["RIDER-ACC"])]
ClientRef = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{8,64}$", examples=["tablet-7-000123"])]


def _example(**members: JsonValue) -> ConfigDict:
    return ConfigDict(
        strict=True, extra="forbid", frozen=True, json_schema_extra={"examples": [members]}
    )


class EnrolmentCodeBody(Body):
    """What a code at a site stands for; without plans it offers all that are on sale."""

    model_config = _example(
        organisation_id="01900000-0000-7000-8000-000000000001",
        campaign="2026 秋季送保障",
        plan_codes=["RIDER-ACC"],
        expires_at="2027-01-01T00:00:00+08:00",
    )

    organisation_id: Id
    campaign: Annotated[str | None, Field(min_length=1, max_length=80)] = None
    caseworker_id: Id | None = None
    sponsor_id: Id | None = None
    plan_codes: Annotated[list[PlanCode], Field(default_factory=list, max_length=20)]
    expires_at: Instant


class EnrolmentCodeView(View):
    """A code with its state; `url` is what its QR image carries."""

    id: UUID
    code: str = Field(examples=["7K3M9QX2R8TWJ"])
    status: Literal["active", "expired", "revoked"]
    organisation_id: UUID
    campaign: str | None
    caseworker_id: UUID | None
    sponsor_id: UUID | None
    plan_codes: list[str]
    expires_at: datetime
    revoked_at: datetime | None
    scans: int = Field(description="Counted in batches: a few seconds behind.")
    last_scanned_at: datetime | None
    url: str
    created_at: datetime


class SiteView(View):
    """Where the code hangs."""

    id: UUID
    name: str = Field(examples=["观音桥配送站"])
    area_code: str | None = Field(examples=["500157"])
    area: str | None = Field(examples=["两江新区"])


class SponsorView(View):
    """Who pays for whoever enrols with this code."""

    id: UUID
    name: str


class ConsentToShow(View):
    """A text to show; `required` ones come before a registration, others when needed."""

    purpose: Purpose
    version: int
    required: bool
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    digest: str


class ScanView(View):
    """Everything the first screen after a scan needs."""

    code: str = Field(examples=["7K3M9QX2R8TWJ"])
    site: SiteView
    campaign: str | None
    sponsor: SponsorView | None
    expires_at: datetime
    plans: list[PlanSummary]
    consents: list[ConsentToShow]


class OnSiteOrder(QuoteBody):
    """Cover to start at once, or to go on; the rider or the code's sponsor pays."""

    model_config = _example(plan_code="RIDER-ACC", shares=2, payer="member", price_fen=5000)

    payer: Literal["member", "sponsor"] = "member"
    price_fen: Annotated[
        Fen | None, Field(description="The price that was shown; refused if it differs.")
    ] = None


class OnSiteItem(Body):
    """A rider standing there. `client_ref` is made up by the tablet, new for each rider.

    `seen_at` is when the card was seen, for a tablet that was offline. Consents are those
    given on the tablet, in the versions it showed.
    """

    client_ref: ClientRef
    seen_at: Instant | None = None
    name: NameText
    document: DocumentBody
    phone: PhoneText
    consents: Annotated[list[ConsentBody], Field(min_length=1, max_length=10)]
    card_seen: CardSeen
    enrolment_code: CodeText | None = None
    organisation_id: Id | None = None
    order: OnSiteOrder | None = None


class OnSiteBatch(Body):
    """Up to 50 riders; each is answered on its own."""

    model_config = _example(
        items=[
            {
                "client_ref": "tablet-7-000123",
                "name": "王小明",
                "document": {"type": "resident_id", "number": "11010519491231002X"},
                "phone": "13800000000",
                "consents": [
                    {"purpose": "service_terms", "version": 1},
                    {"purpose": "personal_information", "version": 1},
                    {"purpose": "identity_number", "version": 1},
                ],
                "card_seen": True,
                "enrolment_code": "7K3M9QX2R8TWJ",
                "order": {"plan_code": "RIDER-ACC", "shares": 1, "payer": "member"},
            }
        ]
    )

    items: Annotated[list[OnSiteItem], Field(min_length=1, max_length=50)]


class OrderShort(View):
    """The order that was opened; pay it by its id."""

    id: UUID
    number: str = Field(examples=["B7K3M9QX2R8F"])
    status: str = Field(examples=["open"])
    amount_fen: int = Field(examples=[2500])


class OnSiteAnswer(View):
    """What became of one rider.

    A refused item left nothing behind and may be sent again, corrected. An enrolled rider
    whose order was refused has `order_problem`.
    """

    client_ref: str
    outcome: Literal["enrolled", "refused"]
    repeated: bool = False
    registration_id: UUID | None = None
    member: MemberShort | None = None
    order: OrderShort | None = None
    order_problem: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None


class OnSiteAnswers(View):
    """One answer per item, in the order of the batch."""

    items: list[OnSiteAnswer]

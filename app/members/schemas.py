"""Bodies and views of registration, identity checks, consents and serving."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from app.kernel.schema import Body, Day, View
from app.members.documents import DocumentType, Sex

Purpose = Literal["service_terms", "personal_information", "identity_number", "face", "health"]
NameText = Annotated[str, Field(min_length=1, max_length=128, examples=["王小明"])]
PhoneText = Annotated[str, Field(min_length=1, max_length=32, examples=["138 0000 0000"])]
NumberText = Annotated[str, Field(min_length=1, max_length=64, examples=["11010519491231002x"])]
CodeText = Annotated[str, Field(min_length=1, max_length=40, examples=["7K3M9QX2R8TWJ"])]


def _example(**members: JsonValue) -> ConfigDict:
    return ConfigDict(
        strict=True, extra="forbid", frozen=True, json_schema_extra={"examples": [members]}
    )


def _exactly_true(value: object) -> object:
    # To Python 1 equals True, and a Literal asks no more.
    if value is not True:
        raise ValueError("true is expected")
    return value


# Whoever types it in has the card in hand; 1 and "true" are no such word.
CardSeen = Annotated[Literal[True], BeforeValidator(_exactly_true)]


class DocumentBody(Body):
    """An identity document as it was typed; blanks, full-width digits and x are normalised.

    `birth_on`, `sex` and `issuing_country` (three letters) are needed for documents whose
    number does not tell them.
    """

    model_config = _example(type="resident_id", number="11010519491231002X")

    type: DocumentType = "resident_id"
    number: NumberText
    issuing_country: Annotated[str | None, Field(max_length=3)] = None
    birth_on: Day | None = None
    sex: Sex | None = None


class ConsentBody(Body):
    """A consent to the text of one purpose, in the version that was shown."""

    model_config = _example(purpose="service_terms", version=1)

    purpose: Purpose
    version: Annotated[int, Field(ge=1, le=10_000)]


class RegistrationBody(Body):
    """What is known so far; everything may follow later by PATCH."""

    model_config = _example(
        name="王小明",
        document={"type": "resident_id", "number": "11010519491231002X"},
        consents=[
            {"purpose": "service_terms", "version": 1},
            {"purpose": "personal_information", "version": 1},
            {"purpose": "identity_number", "version": 1},
        ],
        enrolment_code="7K3M9QX2R8TWJ",
    )

    name: NameText | None = None
    document: DocumentBody | None = None
    consents: Annotated[list[ConsentBody], Field(default_factory=list, max_length=10)]
    enrolment_code: CodeText | None = None


class Words(View):
    """A stable code with its words in both languages."""

    code: str
    zh: str
    en: str


class DocumentView(View):
    """A document with most of its number hidden."""

    type: DocumentType
    number_masked: str = Field(examples=["110***********002X"])
    birth_on: date
    sex: Sex
    warnings: list[Words] = Field(default_factory=list)


class ConsentView(View):
    """One consent in force."""

    purpose: Purpose
    version: int
    given_at: datetime
    given_via: Literal["self", "on_site"]


class ConsentTextView(View):
    """The present text of one purpose, and the caller's consent to it, if any."""

    purpose: Purpose
    version: int
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    digest: str = Field(description="SHA-256 of both texts, in hex.")
    required_to_register: bool
    given: ConsentView | None = None


class ConsentTextsView(View):
    items: list[ConsentTextView]


class IdentityCheckView(View):
    """One try to prove an identity; `launch` is what the phone needs for the face step."""

    id: UUID
    route: Literal["vendor", "attestation", "attested_phone"]
    status: Literal["requested", "passed", "failed", "expired"]
    reason: Words | None = None
    launch: dict[str, str] | None = None
    requested_at: datetime
    deadline_at: datetime
    answered_at: datetime | None = None
    tries_left: int = Field(description="Face checks that may still be started today.")


class MemberShort(View):
    """A membership by its number."""

    id: UUID
    number: str = Field(examples=["M7K3M9QX2R8G"])


class RegistrationView(View):
    """How far a registration has come; `missing` names what still has to be given."""

    id: UUID
    status: Literal["draft", "submitted", "checking", "completed", "abandoned"]
    name_masked: str | None = Field(default=None, examples=["王**"])
    document: DocumentView | None = None
    missing: list[str] = Field(examples=[["document", "consent:identity_number"]])
    consents: list[ConsentView]
    organisation_id: UUID | None = None
    check: IdentityCheckView | None = None
    tries_left: int
    member: MemberShort | None = None
    created_at: datetime
    updated_at: datetime


class MeView(View):
    """The caller's own data, masked."""

    account_id: UUID
    phone_masked: str = Field(examples=["138****5678"])
    registration_status: str | None = None
    member: MemberShort | None = None
    name_masked: str | None = None
    document: DocumentView | None = None
    verified_at: datetime | None = None
    joined_at: datetime | None = None


class ServeCodeView(View):
    """A code to read out to a caseworker; it works once."""

    code: str = Field(examples=["48213075"])
    expires_at: datetime


class AttestationBody(Body):
    """The card in the caseworker's hands, entered again from it."""

    model_config = _example(
        document={"type": "resident_id", "number": "11010519491231002X"}, name="王小明"
    )

    document: DocumentBody
    name: NameText


class AttestationView(View):
    registration_id: UUID
    status: Literal["completed"]
    member: MemberShort


class ServeGrantBody(Body):
    """Whom to serve, found by the exact document or by the member's one-time code."""

    model_config = _example(reason="claim", document={"number": "11010519491231002X"})

    reason: Literal["enrolment", "claim", "correction", "complaint", "relief"]
    document: DocumentBody | None = None
    code: Annotated[str | None, Field(pattern=r"^\d{8}$")] = None


class ServeGrantView(View):
    id: UUID
    member: MemberShort
    reason: str
    expires_at: datetime


class StaffMemberView(View):
    """A member as whoever manages or serves them may see them."""

    id: UUID
    number: str
    person_id: UUID
    name: str
    document: DocumentView
    phone_masked: str | None = None
    organisation_id: UUID | None = None
    channel: Literal["self", "on_site", "roster"]
    joined_at: datetime
    verified_at: datetime | None = None
    verified_by: Literal["vendor", "attestation"] | None = None

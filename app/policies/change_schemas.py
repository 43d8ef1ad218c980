"""Bodies and answers of changes to running cover that nobody buys."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, model_validator

from app.kernel.schema import Body, Day, Id, View
from app.members.schemas import DocumentBody, NameText
from app.plans.terms import Occupation

EndorsementKind = Literal["name", "document_number", "occupation", "beneficiary"]
Relation = Literal[
    "spouse", "child", "parent", "sibling", "grandparent", "grandchild", "other_relative", "other"
]
Note = Annotated[str, Field(min_length=1, max_length=500)]


def _example(**members: JsonValue) -> ConfigDict:
    return ConfigDict(
        strict=True, extra="forbid", frozen=True, json_schema_extra={"examples": [members]}
    )


class BeneficiaryBody(Body):
    """Somebody who is to be paid when the covered person cannot be."""

    model_config = _example(name="王小红", relation="spouse", share_percent=100)

    name: NameText
    relation: Relation
    document: DocumentBody | None = None
    share_percent: int = Field(ge=1, le=100, examples=[100])


class BeneficiariesBody(Body):
    """All beneficiaries; percents add up to 100. An empty list leaves it to the heirs."""

    model_config = _example(
        beneficiaries=[{"name": "王小红", "relation": "spouse", "share_percent": 100}]
    )

    beneficiaries: Annotated[list[BeneficiaryBody], Field(max_length=10)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _add_up(self.beneficiaries)
        return self


def _add_up(given: list[BeneficiaryBody]) -> None:
    if given and sum(each.share_percent for each in given) != 100:
        raise ValueError("the percents of all beneficiaries have to add up to 100")


class BeneficiaryView(View):
    """A beneficiary; the document is masked, for the member the name as well."""

    name: str = Field(examples=["王**"])
    relation: Relation
    document_type: str | None
    number_masked: str | None = Field(examples=["110***********002X"])
    share_percent: int = Field(examples=[100])


class BeneficiariesView(View):
    """The beneficiaries in force; without any the legal heirs are paid."""

    policy_id: UUID
    beneficiaries: list[BeneficiaryView]


class EndorsementBody(Body):
    """One correction with its reason and what proves it; exactly what `kind` names is given.

    `card_seen` attests that the caller has had the identity card in hand; a name or a
    document is corrected only then.
    """

    model_config = _example(
        kind="occupation",
        occupation="courier",
        reason="换了工作",
        evidence="平台出具的在职证明",
    )

    kind: EndorsementKind
    reason: Note = Field(examples=["换了工作"])
    evidence: Note = Field(description="What was seen.", examples=["平台出具的在职证明"])
    card_seen: bool = False
    name: NameText | None = None
    document: DocumentBody | None = None
    occupation: Occupation | None = None
    beneficiaries: Annotated[list[BeneficiaryBody] | None, Field(max_length=10)] = None

    @model_validator(mode="after")
    def _what_it_names(self) -> Self:
        wanted = {"document_number": "document", "beneficiary": "beneficiaries"}
        wanted_here = wanted.get(self.kind, self.kind)
        for name in ("name", "document", "occupation", "beneficiaries"):
            if (getattr(self, name) is not None) != (name == wanted_here):
                raise ValueError(f"an endorsement of kind {self.kind} gives {wanted_here} alone")
        _add_up(self.beneficiaries or [])
        return self


class EndorsementView(View):
    """A correction that was recorded."""

    id: UUID
    policy_id: UUID
    transaction_id: UUID
    kind: EndorsementKind
    effective_at: datetime
    recorded_at: datetime


class EndorsementRecordView(EndorsementView):
    """A correction with what it changed; numbers are masked. Every look is recorded."""

    reason: str
    evidence: str
    card_seen: bool
    recorded_by: UUID
    was: dict[str, Any]
    becomes: dict[str, Any]


class MoratoriumBody(Body):
    """In which organisation's subtree nothing ends, and on which days, both included."""

    model_config = _example(
        organisation_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
        first_day="2026-07-01",
        last_day="2026-07-31",
        reason="防汛一级响应",
    )

    organisation_id: Id
    first_day: Day
    last_day: Day
    reason: str = Field(
        min_length=1,
        max_length=200,
        description="Shown to members; no personal data.",
        examples=["防汛一级响应"],
    )


class MoratoriumChange(Body):
    """Another last day: later, or earlier but not in the past."""

    last_day: Day = Field(examples=["2026-08-15"])


class MoratoriumView(View):
    """Days on which no cover managed in the subtree ends."""

    id: UUID
    organisation_id: UUID
    first_day: date
    last_day: date
    reason: str
    declared_by: UUID
    declared_at: datetime
    withdrawn_by: UUID | None
    withdrawn_at: datetime | None
    version: int = Field(description="Counts changes; the ETag.", examples=[1])

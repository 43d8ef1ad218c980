"""What claims are asked: the request bodies."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from app.claims.words import FactChangeReason, PauseReason, ReturnReason
from app.documents.schemas import FileBytes, Sha256
from app.kernel.schema import Body, Day, Fen, Id, Instant
from app.plans.benefits import Cause, DocumentKind
from app.plans.literals import PLAN_CODE

Note = Annotated[str, Field(min_length=1, max_length=500, examples=["请核对第二张票据"])]
FactName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
FactScalar = bool | Annotated[int, Field(ge=0, le=10**12)] | Annotated[str, Field(max_length=100)]
FactItem = Annotated[dict[FactName, FactScalar], Field(max_length=20)]
_Shape = FactScalar | Annotated[list[FactItem], Field(min_length=1, max_length=200)]
_SHAPE: TypeAdapter[Any] = TypeAdapter(_Shape, config=ConfigDict(strict=True))


def _fact(value: object) -> object:
    """One error for a value that is nothing a fact can be, not one for each thing it is not."""
    try:
        return _SHAPE.validate_python(value)
    except ValidationError:
        raise PydanticCustomError("not_a_fact", "not a value of a fact") from None


FactValue = Annotated[Any, AfterValidator(_fact), WithJsonSchema(_SHAPE.json_schema())]
# What each fact may be is the plan's: kinds, ranges and words are checked against it.
Facts = Annotated[
    dict[FactName, FactValue],
    Field(
        max_length=40,
        examples=[{"self_pay_fen": 350000, "hospital_grade": 2}, {"stays": [{"days": 10}]}],
    ),
]


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(
        strict=True, extra="forbid", frozen=True, json_schema_extra={"examples": [example]}
    )


class IncidentBody(Body):
    """What happened, when and where; place and description are kept encrypted."""

    cause: Cause = "accident"
    occurred_at: Instant
    place: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(min_length=1, max_length=2_000)]


class OpenClaimBody(Body):
    """A claim under one policy and one of its benefits."""

    model_config = _example(
        policy_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
        benefit_code="MED",
        incident={
            "cause": "accident",
            "occurred_at": "2026-11-20T19:40:00+08:00",
            "place": "渝中区某路口",
            "description": "送餐途中摔倒，左腕骨折",
        },
    )

    policy_id: Id
    benefit_code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,31}$")]
    incident: IncidentBody
    payout_account_id: Id | None = None
    facts: Facts = {}


class SupposedIncidentBody(Body):
    """What happened and when; nothing that needs to be kept."""

    cause: Cause = "accident"
    occurred_at: Instant


PlanCode = Annotated[str, Field(pattern=PLAN_CODE, examples=["RIDER-ACC"])]


class EstimateBody(Body):
    """What a claim would come to: under one policy, or under whatever covers in a plan."""

    model_config = _example(
        plan_code="RIDER-ACC",
        benefit_code="MED",
        incident={"cause": "accident", "occurred_at": "2026-11-20T19:40:00+08:00"},
        facts={"self_pay_fen": 350000, "hospital_grade": 2},
    )

    policy_id: Id | None = None
    plan_code: PlanCode | None = None
    benefit_code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,31}$")]
    incident: SupposedIncidentBody
    facts: Facts = {}


class MemberEstimateBody(EstimateBody):
    """The same for somebody whom the caller manages or serves."""

    model_config = _example(
        person_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
        plan_code="RIDER-ACC",
        benefit_code="MED",
        incident={"cause": "accident", "occurred_at": "2026-11-20T19:40:00+08:00"},
        facts={"self_pay_fen": 350000, "hospital_grade": 2},
    )

    person_id: Id


class OpenUploadBody(Body):
    """What will be sent: one file for one kind of document."""

    model_config = _example(kind="medical_record", bytes=1804298)

    kind: DocumentKind
    bytes: FileBytes
    sha256: Sha256 | None = None


class FactsBody(Body):
    """Facts as the member knows them; those named replace what was given before."""

    facts: Facts


class ReviewedFactsBody(Body):
    """Facts as the reviewer reads them from the documents; old values are kept."""

    model_config = _example(facts={"self_pay_fen": 350000}, reason_code="as-on-document")

    facts: Facts
    reason_code: FactChangeReason


class ReceiptBody(Body):
    """A medical invoice as printed; the same code and number are paid once."""

    model_config = _example(
        code="050001900104", number="12345678", amount_fen=350000, issued_on="2026-11-22"
    )

    code: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{0,20}$")] = ""
    number: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{4,30}$")]
    amount_fen: Fen
    issued_on: Day


class ReturnBody(Body):
    """Why a document goes back, and what the member should do."""

    model_config = _example(reason_code="unreadable", note="右下角被遮住")

    reason_code: ReturnReason
    note: Note | None = None


class ApproveBody(Body):
    """Approve with facts; the amount is computed from the plan, never typed."""

    verdict: Literal["approve"]
    facts: Facts = {}
    note: Note | None = None


class DenyBody(Body):
    """Deny with a coded reason: a general one, or that of the benefit's own condition."""

    verdict: Literal["deny"]
    reason_code: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$", examples=["not-an-accident"])
    ]
    note: Note | None = None


class UpholdBody(Body):
    """After an appeal or a reopening: what was decided before stands."""

    verdict: Literal["uphold"]
    note: Note


class SecondApproveBody(Body):
    """The second of two people agrees."""

    verdict: Literal["approve"]
    note: Note | None = None


class SecondReturnBody(Body):
    """The second person sends the claim back to be reviewed again."""

    verdict: Literal["return"]
    note: Note


class PayoutChoiceBody(Body):
    """Which bank account takes the money; null for the usual way."""

    model_config = _example(payout_account_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001")

    payout_account_id: Id | None


class AppealBody(Body):
    """Why the member disagrees; kept encrypted."""

    model_config = _example(text="住院发票漏算了一张，请重新核定。")

    text: Annotated[str, Field(min_length=1, max_length=2_000)]


class ReopeningBody(Body):
    """Why a decided claim is looked at again."""

    model_config = _example(reason_code="new-evidence", note="补交了第二家医院的结算单")

    reason_code: Literal["new-evidence", "mistake"]
    note: Note


class PauseBody(Body):
    """Another body owes an answer; the promise waits for it."""

    model_config = _example(reason_code="hospital-asked")

    reason_code: PauseReason


class HardshipBody(Body):
    """Whether the member is in hardship, which moves the claim ahead in the queue."""

    model_config = _example(hardship=True)

    hardship: bool


class HandoverBody(Body):
    """The colleague who is to take the claim."""

    model_config = _example(to_staff_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001")

    to_staff_id: Id


class HandoverAnswerBody(Body):
    """Whether the colleague takes the claim."""

    model_config = _example(answer="accept")

    answer: Literal["accept", "decline"]


class JudgementBody(Body):
    """A person's word on a signal: nothing behind it, or something; and why."""

    model_config = _example(verdict="harmless", note="已电话核实，同一次事故的两项保障责任")

    verdict: Literal["harmless", "confirmed"]
    note: Note


class AfterCheckBody(Body):
    """What a person found about a claim that was decided by rule."""

    model_config = _example(verdict="confirm")

    verdict: Literal["confirm", "reopen"]
    note: Note | None = None


DecisionBody = Annotated[ApproveBody | DenyBody | UpholdBody, Field(discriminator="verdict")]
SecondApprovalBody = Annotated[SecondApproveBody | SecondReturnBody, Field(discriminator="verdict")]

"""What is asked about deaths and claimants: the request bodies."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from app.kernel.schema import Body, Day, Id
from app.members.schemas import CardSeen, DocumentBody, NameText
from app.policies.change_schemas import Relation

Words = Annotated[str, Field(min_length=1, max_length=500)]


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(
        strict=True, extra="forbid", frozen=True, json_schema_extra={"examples": [example]}
    )


class DeathReportBody(Body):
    """Whom the caller lost: exact name and document, the day, and what they were to each other."""

    model_config = _example(
        name="测试骑手",
        document={"type": "resident_id", "number": "11010519491231002X"},
        died_on="2026-11-20",
        relation="spouse",
    )

    name: NameText
    document: DocumentBody
    died_on: Day
    relation: Relation


class ReceivedDeathReportBody(Body):
    """A member's death as an office knows of it, and what was seen."""

    model_config = _example(
        person_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
        died_on="2026-11-20",
        evidence="居民死亡医学证明书原件",
    )

    person_id: Id
    died_on: Day
    evidence: Words


class DeathReportAnswerBody(Body):
    """What an office found about a claimant's report: `note` says what was seen, or why not."""

    model_config = _example(verdict="confirm", note="居民死亡医学证明书原件")

    verdict: Literal["confirm", "decline"]
    note: Words


class DeathWithdrawalBody(Body):
    """Why the report was a mistake."""

    model_config = _example(reason="同名误登记，本人到场")

    reason: Words


class ClaimantBody(Body):
    """A survivor whose card the caller has in hand.

    `share_percent` is the heirs' agreement; for named beneficiaries it is on the policy.
    The phone is where they are told what becomes of it.
    """

    name: NameText
    document: DocumentBody
    phone: str | None = Field(default=None, max_length=20, examples=["13800000001"])
    relation: Relation
    share_percent: int | None = Field(default=None, ge=1, le=100, examples=[50])
    card_seen: CardSeen


class ClaimantsBody(Body):
    """All claimants anew. `note` says why a named beneficiary is not among them."""

    model_config = _example(
        claimants=[
            {
                "name": "王小红",
                "document": {"type": "resident_id", "number": "11010519491231002X"},
                "relation": "spouse",
                "share_percent": 100,
                "card_seen": True,
            }
        ]
    )

    claimants: Annotated[list[ClaimantBody], Field(min_length=1, max_length=20)]
    note: Words | None = None


class KinshipBody(Body):
    """The paper of the claim that shows how the claimant was related."""

    model_config = _example(document_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001")

    document_id: Id


class SameIncidentBody(Body):
    """Another claim of the same person that is about the same incident."""

    model_config = _example(claim_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001")

    claim_id: Id

"""What relief is asked: the request bodies."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from app.claims.bodies import Facts, OpenClaimBody
from app.kernel.schema import Body, Day, Id, Instant, PositiveFen
from app.members.schemas import ConsentBody
from app.plans.literals import PLAN_CODE
from app.relief.grounds import Ground

Note = Annotated[str, Field(min_length=1, max_length=1_000, examples=["入户了解, 情况属实"])]
Name = Annotated[str, Field(min_length=1, max_length=100, examples=["重庆市救助基金(演示)"])]
FundCode = Annotated[str, Field(pattern=PLAN_CODE, examples=["CQ-RELIEF-DEMO"])]
StatementCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
Statements = Annotated[list[StatementCode], Field(max_length=20, examples=[["true-and-complete"]])]
Relation = Literal["self", "spouse", "child", "parent", "sibling", "other"]
ExitReason = Literal[
    "hardship-ended", "left-the-union", "moved-away", "deceased", "stated-falsely", "own-wish"
]
FactChangeReason = Literal["as-on-document", "as-visited", "as-registered"]


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(
        strict=True, extra="forbid", frozen=True, json_schema_extra={"examples": [example]}
    )


class FundBody(Body):
    """A fund of the caller's organisation, or of one below it."""

    model_config = _example(
        organisation_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
        code="EXAMPLE-RELIEF",
        name_zh="示例救助基金",
        name_en="Example relief fund",
        quorum=3,
    )

    organisation_id: Id
    code: FundCode
    name_zh: Name
    name_en: Name
    quorum: Annotated[int, Field(ge=1, le=30)]


class ContributionBody(Body):
    """Money given to a fund, as the bank's statement has it."""

    model_config = _example(
        amount_fen=50_000_000, bank_reference="20261122-000123", received_on="2026-11-22"
    )

    amount_fen: PositiveFen
    bank_reference: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{4,40}$")]
    received_on: Day


class KinBody(Body):
    """Somebody of a household: a member of the service by id, or kin by name only."""

    model_config = _example(relation="spouse", name="王芳")

    relation: Relation
    person_id: Id | None = None
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    staff_id: Annotated[
        Id | None, Field(description="The account of kin who work for the union.")
    ] = None


class HouseholdBody(Body):
    """A family's file: who belongs to it, where it lives, how it stands."""

    model_config = _example(
        person_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
        address="渝中区某街道某号",
        members=[{"relation": "spouse", "name": "王芳"}],
        situation={"household_income_fen": 3600000, "situation": "low_income"},
    )

    person_id: Annotated[Id, Field(description="The member whose household it is.")]
    address: Annotated[str, Field(min_length=1, max_length=300)]
    notes: Note | None = None
    members: Annotated[list[KinBody], Field(max_length=20)] = []
    situation: Facts = {}


class SituationBody(Body):
    """How the household stands now; those named replace what was known before."""

    model_config = _example(situation={"household_income_fen": 4200000})

    situation: Facts


class ReviewBody(Body):
    """The yearly look at a household: it stays, with the next look a year from now."""

    model_config = _example(situation={"situation": "low_income"}, notes="入户了解, 情况未变")

    situation: Facts = {}
    notes: Note | None = None


class ExitBody(Body):
    """Why a household leaves."""

    model_config = _example(reason_code="hardship-ended", note="子女已就业")

    reason_code: ExitReason
    note: Note | None = None


class OpenCaseBody(Body):
    """A case that nobody proposed; what decided claims left is filled in by itself."""

    model_config = _example(
        person_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
        fund_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec002",
        ground="disaster",
        facts={"disaster_loss_fen": 2000000},
    )

    person_id: Id
    fund_id: Id
    ground: Ground
    facts: Facts = {}


class CounterApplicationBody(Body):
    """A proposal taken up at the counter."""

    model_config = _example(statements=["true-and-complete"])

    statements: Statements = []
    facts: Facts = {}
    payout_account_id: Id | None = None


class ApplicationBody(CounterApplicationBody):
    """A proposal taken up by its member; `consent` is to the use of health papers."""

    model_config = _example(
        statements=["true-and-complete"], consent={"purpose": "health", "version": 1}
    )

    consent: ConsentBody | None = None


class CaseFactsBody(Body):
    """Facts as the documents say; old values are kept."""

    model_config = _example(facts={"net_self_pay_fen": 2000001}, reason_code="as-on-document")

    facts: Facts
    reason_code: FactChangeReason


class VoteBody(Body):
    """Somebody who sat, and how they voted."""

    staff_id: Id
    vote: Literal["for", "against", "abstain"]


Votes = Annotated[list[VoteBody], Field(min_length=1, max_length=30)]
_VOTES = [
    {"staff_id": f"0192f0c1-7a10-7c3e-8a44-51d8ac9ec0{at:02d}", "vote": "for"} for at in (1, 2, 3)
]


class GrantBody(Body):
    """The board grants what the formula comes to."""

    model_config = _example(verdict="grant", votes=_VOTES)

    verdict: Literal["grant"]
    votes: Votes
    note: Note | None = None


class HardshipBody(Body):
    """The board grants below the formula's threshold, up to the fund's maximum, and says why."""

    verdict: Literal["grant_for_hardship"]
    votes: Votes
    amount_fen: PositiveFen
    reason: Annotated[str, Field(min_length=10, max_length=2_000)]


class DeclineBody(Body):
    """The board declines, with a reason."""

    verdict: Literal["decline"]
    votes: Votes
    reason_code: Literal["not-in-need", "formula-not-met", "stated-falsely", "helped-elsewhere"]
    note: Note | None = None


class BoardReturnBody(Body):
    """Why the board cannot decide yet."""

    model_config = _example(reason_code="papers-unclear")

    reason_code: Literal["papers-unclear", "facts-unclear", "situation-to-be-visited"]


class RevocationBody(Body):
    """Why a grant that was not paid is taken back."""

    model_config = _example(reason_code="stated-falsely")

    reason_code: Literal[
        "stated-falsely", "granted-in-error", "cannot-be-paid", "deceased", "own-wish"
    ]


BoardDecisionBody = Annotated[
    GrantBody | HardshipBody | DeclineBody, Field(discriminator="verdict")
]


class VisitGrantBody(Body):
    """What the visit brings: the fund's fixed sum at once, or a case for its board."""

    fund_id: Id
    kind: Literal["condolence", "formula"]
    ground: Ground
    facts: Facts = {}


class VisitBody(Body):
    """A condolence visit and a claim in one act; `client_ref` is the tablet's own name for it."""

    model_config = _example(
        client_ref="tablet-7-000123",
        person_id="0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
        visited_at="2026-11-22T10:00:00+08:00",
        notes="到医院慰问",
        grant={
            "fund_id": "0192f0c1-7a10-7c3e-8a44-51d8ac9ec002",
            "kind": "condolence",
            "ground": "accident",
        },
        claim={
            "policy_id": "0192f0c1-7a10-7c3e-8a44-51d8ac9ec003",
            "benefit_code": "MED",
            "incident": {
                "cause": "accident",
                "occurred_at": "2026-11-20T19:40:00+08:00",
                "place": "渝中区某路口",
                "description": "送餐途中摔倒，左腕骨折",
            },
        },
    )

    client_ref: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{4,64}$")]
    person_id: Id
    visited_at: Instant
    notes: Note
    grant: VisitGrantBody | None = None
    claim: OpenClaimBody | None = None

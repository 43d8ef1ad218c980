"""Bodies of plan simulations."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.claims.schemas import ExplanationView
from app.claims.simulation_models import PlanSimulation
from app.kernel.schema import Body, Day, Id, View
from app.plans.literals import CODE, PLAN_CODE

SimulationStatus = Literal["requested", "running", "done", "failed", "cancelled"]
BenefitCode = Annotated[str, Field(pattern=CODE)]


class SimulationBody(Body):
    """Which version to try out, against the claims of which plan, decided on which days.

    `against` is the version's own plan unless another is named. `benefits` maps former
    codes to those of the version; a code that is not named stays.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "version_id": "0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
                    "from_on": "2026-01-01",
                    "to_on": "2026-06-30",
                    "benefits": {"MED": "MEDICAL"},
                }
            ]
        },
    )

    version_id: Id
    against: Annotated[str, Field(pattern=PLAN_CODE)] | None = None
    from_on: Day
    to_on: Day
    benefits: dict[BenefitCode, BenefitCode] = Field(default_factory=dict, max_length=40)


class SimulationProgress(View):
    """How far it is; `claims_total` and what follows from it are null before it is known."""

    claims_done: int = Field(examples=[128000])
    claims_total: int | None = Field(examples=[400000])
    claims_per_second: int | None = Field(examples=[9100])
    seconds_left: int | None = Field(examples=[30])


class NotComparableView(View):
    """Claims whose facts lack what the version needs; `facts` counts them by fact."""

    claims: int = Field(examples=[12])
    paid_now_fen: int = Field(examples=[480000])
    facts: dict[str, int] = Field(examples=[{"family_members": 12}])


class BenefitEffectView(View):
    """One former benefit: sums in fen, everything else in claims.

    `newly_denied` counts by the reason under the version, `newly_paid` by the reason for
    which they were denied. `judged` were denied because of what the papers showed and stay
    so; `clouded` come after a claim of the same person that is not comparable.
    """

    benefit_code: str = Field(examples=["MED"])
    claims: int
    paid_now_fen: int
    paid_then_fen: int
    difference_fen: int
    up: int
    down: int
    same: int
    judged: int
    clouded: int
    newly_denied: dict[str, int] = Field(examples=[{"hospital-grade-too-low": 31}])
    newly_paid: dict[str, int] = Field(examples=[{"used-up": 4}])
    not_comparable: NotComparableView


class EffectView(View):
    """All benefits together; claims that are not comparable are in no other sum."""

    claims: int
    paid_now_fen: int
    paid_then_fen: int
    difference_fen: int
    up: int
    down: int
    same: int
    judged: int
    clouded: int
    not_comparable_claims: int
    not_comparable_paid_now_fen: int


class ExampleView(View):
    """A claim that would be paid otherwise: the reasons and the limits that bit on each side."""

    claim_id: UUID
    number: str = Field(examples=["C7K2M9Q4XT13"])
    benefit_code: str = Field(examples=["MED"])
    paid_now_fen: int
    paid_then_fen: int
    difference_fen: int
    reason_now: str | None = Field(examples=[None])
    reason_then: str | None = Field(examples=["hospital-grade-too-low"])
    limits_now: list[str] = Field(examples=[["term"]])
    limits_then: list[str] = Field(examples=[[]])


class OptionEffectView(View):
    """Policies with the same option and shares; those without a price are in no sum."""

    option: str = Field(examples=["A"])
    shares: int = Field(examples=[1])
    policies: int
    not_priced: int
    now_fen_per_year: int
    then_fen_per_year: int


class LeaversView(View):
    """Members who could renew under the present version, and not under this one."""

    members: int = Field(examples=[40])
    rules: dict[str, int] = Field(examples=[{"age-above-maximum": 40}])


class MembershipEffectView(View):
    """Everybody covered on the day: contributions per year at today's age, and who may stay.

    `not_priced` counts policies by what a price depends on that nobody knows here.
    """

    on: date
    policies: int
    members: int
    now_fen_per_year: int
    then_fen_per_year: int
    difference_fen_per_year: int
    options: list[OptionEffectView]
    not_priced: dict[str, int] = Field(examples=[{"occupation": 3}])
    no_longer_eligible: LeaversView


class SimulationResult(View):
    """Paid now against paid then."""

    totals: EffectView
    benefits: list[BenefitEffectView]
    worst: list[ExampleView]
    best: list[ExampleView]
    membership: MembershipEffectView


class SimulationLine(View):
    """A simulation in a list."""

    id: UUID
    version_id: UUID
    version_number: int = Field(examples=[4])
    plan_code: str = Field(examples=["RIDER-ACC"])
    against: str = Field(examples=["RIDER-ACC"])
    from_on: date
    to_on: date
    benefits: dict[str, str] = Field(examples=[{"MED": "MEDICAL"}])
    status: SimulationStatus
    failure_code: str | None = Field(examples=[None])
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: SimulationProgress


class SimulationView(SimulationLine):
    """A simulation; `result` is there when it is done."""

    result: SimulationResult | None


class SimulationExampleView(View):
    """One example, with how both amounts came about.

    `explanation_now` is what the member was told; it is null where nothing was computed.
    """

    claim_id: UUID
    number: str = Field(examples=["C7K2M9Q4XT13"])
    benefit_code: str = Field(examples=["MED"])
    benefit_code_then: str | None = Field(examples=["MEDICAL"])
    paid_now_fen: int
    paid_then_fen: int
    reason_now: str | None = Field(examples=[None])
    reason_then: str | None = Field(examples=["used-up"])
    explanation_now: ExplanationView | None
    explanation_then: ExplanationView | None


def progress_of(row: PlanSimulation) -> SimulationProgress:
    """Speed and time left from what was done so far."""
    rate = 1_000 * row.claims_done / row.worked_ms if row.worked_ms else None
    left = None
    if rate and row.claims_total is not None and row.status == "running":
        left = round(max(0, row.claims_total - row.claims_done) / rate)
    return SimulationProgress(
        claims_done=row.claims_done,
        claims_total=row.claims_total,
        claims_per_second=None if rate is None else round(rate),
        seconds_left=left,
    )


_LINE = tuple(name for name in SimulationLine.model_fields if name != "progress")


def simulation_line(row: PlanSimulation) -> SimulationLine:
    content = {name: getattr(row, name) for name in _LINE}
    return SimulationLine.model_validate({**content, "progress": progress_of(row)})


def simulation_view(row: PlanSimulation) -> SimulationView:
    line = simulation_line(row)
    return SimulationView.model_validate({**dict(line), "result": row.result})

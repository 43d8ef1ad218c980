"""A unit that thinks of joining as a whole: what is asked, and the answer."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.billing.schemas import PartView, PlanCode, RuleView
from app.kernel.schema import Body, Id, View
from app.plans.literals import WORD
from app.plans.terms import Occupation


class GroupMemberBody(Body):
    """So many people of a unit who are alike for the plan; nobody is named."""

    count: Annotated[int, Field(ge=1, le=10_000)] = Field(default=1, examples=[12])
    age: Annotated[int, Field(ge=0, le=120)] = Field(
        description="Whole years on the first covered day.", examples=[34]
    )
    sex: Literal["male", "female"] = Field(examples=["female"])
    shares: Annotated[int, Field(ge=1, le=100)] = Field(default=1, examples=[1])
    occupation: Occupation | None = Field(default=None, examples=["employee"])
    card_holder: bool | None = Field(default=None, examples=[True])


class GroupQuoteBody(Body):
    """Who of a unit would join. With `organisation_id` those covered already count as well."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "plan_code": "RIDER-ACC",
                    "headcount": 16,
                    "members": [{"count": 12, "age": 34, "sex": "female", "shares": 1}],
                }
            ]
        },
    )

    plan_code: PlanCode
    headcount: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        description="How many people the unit has.", examples=[16]
    )
    members: list[GroupMemberBody] = Field(min_length=1, max_length=500)
    organisation_id: Id | None = None
    option: str | None = Field(default=None, pattern=r"^[A-Z0-9]{1,8}$", examples=["A"])
    term_days: Annotated[int, Field(ge=1, le=366)] | None = Field(default=None, examples=[None])
    unit_kind: str | None = Field(default=None, pattern=WORD, examples=["enterprise"])


class GroupQuoteView(View):
    """Whether the unit could join as a whole, every rule that is not met, and the price."""

    plan_code: str = Field(examples=["SH-ACC-2006"])
    plan_version_id: UUID
    option: str = Field(examples=["A"])
    eligible: bool
    reasons: list[RuleView]
    headcount: int = Field(examples=[16])
    joining: int = Field(description="Who would join now.", examples=[12])
    covered_already: int = Field(description="Who of the unit holds the plan.", examples=[0])
    shares: int = Field(description="Shares of all who would join.", examples=[12])
    total_fen: int | None = Field(
        description="What all payers give for all; null while something is missing.",
        examples=[12000],
    )
    split: list[PartView]
    deposit_fen: int | None = Field(description="Goes back when the term ends.", examples=[0])
    first_covered_day: date
    last_covered_day: date


class GroupJoiningBody(Body):
    """Who of a unit joins, how many people it has, and what proved that."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "organisation_id": "0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
                    "plan_code": "SH-ACC-2006",
                    "headcount": 16,
                    "shares": 1,
                    "person_ids": ["0192f0c1-7a10-7c3e-8a44-51d8ac9ec002"],
                    "evidence": "社保缴费通知单",
                }
            ]
        },
    )

    organisation_id: Id
    plan_code: PlanCode
    headcount: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        description="How many people the unit has.", examples=[16]
    )
    shares: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="What each of them takes.", examples=[1]
    )
    person_ids: list[Id] = Field(min_length=1, max_length=10_000)
    evidence: str = Field(
        min_length=1,
        max_length=200,
        description="Which proof of the headcount was seen; no personal data.",
        examples=["社保缴费通知单"],
    )


class GroupJoiningView(View):
    """That a unit has joined a plan as a whole."""

    id: UUID
    organisation_id: UUID
    plan_code: str = Field(examples=["SH-ACC-2006"])
    headcount: int = Field(examples=[16])
    shares: int = Field(examples=[1])
    people: int = Field(description="How many joined with it.", examples=[12])
    evidence: str = Field(examples=["社保缴费通知单"])
    declared_by: UUID
    declared_at: datetime

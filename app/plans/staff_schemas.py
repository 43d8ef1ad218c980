"""Plan versions as their authors see them."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kernel.clock import business_day
from app.kernel.problems import FieldError
from app.kernel.schema import Body, Day, View
from app.kernel.text import Text
from app.plans.differences import Difference
from app.plans.models import PlanVersion
from app.plans.schemas import WordsView

VersionStatus = Literal["draft", "published", "closed", "retired"]


class EndOfSaleBody(Body):
    """Until when a version is sold."""

    effective_to: Day | None = Field(
        description="The first day on which it is no longer sold; null: until it is closed.",
        examples=["2099-01-01"],
    )


class PlanVersionLine(View):
    """A version in a list; it is sold on the days from `effective_from` before `effective_to`."""

    id: UUID
    plan_code: str = Field(examples=["HN-YY-2014"])
    number: int = Field(examples=[1])
    status: VersionStatus
    name: WordsView
    kind: Literal["purchased", "gifted"]
    effective_from: date = Field(examples=["2026-01-01"])
    effective_to: date | None = Field(examples=[None])


class PlanVersionView(PlanVersionLine):
    """A version with its document."""

    document: dict[str, Any] = Field(
        description="The plan: see /v1/schemas/plan-version.", examples=[{"code": "HN-YY-2014"}]
    )


class FaultView(View):
    """One thing wrong with a document."""

    pointer: str = Field(description="JSON Pointer into what was sent.", examples=["/document"])
    code: str = Field(examples=["band-gap"])
    message: WordsView


class ValidationView(View):
    """Every fault; without any the document may be drafted and published."""

    faults: list[FaultView]


class DifferenceView(View):
    """One place that differs; a removed one has its place in the older document."""

    pointer: str = Field(examples=["/benefits/0/pays/percent/rate"])
    change: Literal["added", "removed", "changed", "moved"]
    was: Any = Field(examples=["0.35"])
    becomes: Any = Field(examples=["0.4"])
    words: WordsView


class DifferencesView(View):
    """What changes from the one version to the other."""

    differences: list[DifferenceView]


def version_line(version: PlanVersion) -> PlanVersionLine:
    return PlanVersionLine(**_line(version))


def version_view(version: PlanVersion) -> PlanVersionView:
    return PlanVersionView(**_line(version), document=version.document)


def _line(version: PlanVersion) -> dict[str, Any]:
    name, until = version.document["name"], version.effective_to
    return {
        "id": version.id,
        "plan_code": version.plan_code,
        "number": version.number,
        "status": version.status,
        "name": WordsView(zh=name["zh"], en=name["en"]),
        "kind": version.document["kind"],
        "effective_from": business_day(version.effective_from),
        "effective_to": None if until is None else _day(until),
    }


def _day(instant: datetime) -> date:
    return business_day(instant)


def fault_view(fault: FieldError) -> FaultView:
    fields = fault.fields or {}
    return FaultView(
        pointer=fault.pointer,
        code=fault.code,
        message=WordsView(
            zh=fault.message.in_language("zh", **fields),
            en=fault.message.in_language("en", **fields),
        ),
    )


def difference_view(difference: Difference) -> DifferenceView:
    return DifferenceView(
        pointer=difference.pointer,
        change=difference.change,
        was=difference.was,
        becomes=difference.becomes,
        words=_words(difference.words),
    )


def _words(text: Text) -> WordsView:
    return WordsView(zh=text.zh, en=text.en)

"""A plan version as a file: what is sent in, and what is given out, in YAML or JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml
from pydantic import Field, ValidationError

from app.kernel.clock import business_day, day_start
from app.kernel.problems import FieldError
from app.kernel.rendering import validation_problem
from app.kernel.schema import Body, Day, parse_json
from app.kernel.text import Text
from app.plans.checking import MAX_FAULTS, judge
from app.plans.errors import InvalidPlan
from app.plans.models import PlanVersion
from app.plans.terms import PlanTerms
from app.plans.yaml_text import FLOAT, parse_yaml

JSON = "application/json"
YAML = "application/yaml"
NOT_LATER = Text("须晚于 effective_from", "It has to be later than effective_from.")


class PlanVersionBody(Body):
    """A version as it is sent: the days between which it is sold, and the document."""

    effective_from: Day = Field(
        description="The first day on which it is sold.", examples=["2026-01-01"]
    )
    effective_to: Day | None = Field(
        default=None,
        description="The first day on which it is no longer sold; absent: until it is closed.",
        examples=["2027-01-01"],
    )
    document: dict[str, Any] = Field(description="The plan: see /v1/schemas/plan-version.")


@dataclass(frozen=True, slots=True)
class SentVersion:
    """What was sent and is right; the instants are the starts of its days."""

    effective_from: datetime
    effective_to: datetime | None
    terms: PlanTerms


@dataclass(frozen=True, slots=True)
class Judged:
    """What was sent, if it is right; else what is wrong around the document, and in it."""

    sent: SentVersion | None
    around: list[FieldError]
    inside: list[FieldError]


def read_version(raw: bytes, media_type: str) -> SentVersion:
    """A version from a request or a file.

    Raises MalformedBody, MalformedYaml (400), InvalidPlan (422) with everything that is
    wrong, each with its pointer into what was sent.
    """
    judged = judge_version(raw, media_type)
    if judged.sent is None:
        raise InvalidPlan(errors=[*judged.around, *judged.inside][:MAX_FAULTS])
    return judged.sent


def judge_version(raw: bytes, media_type: str) -> Judged:
    """The version, or everything that is wrong with it; raises as above for what is no text."""
    content = None
    if raw:
        content = parse_yaml(raw) if media_type == YAML else parse_json(raw)
    body, around = _body(content)
    document = content.get("document") if isinstance(content, Mapping) else None
    if not isinstance(document, dict):
        return Judged(None, around, [])
    terms, faults = judge(document)
    inside = [under_document(fault) for fault in faults]
    if body is None or terms is None or around or inside:
        return Judged(None, around, inside)
    until = None if body.effective_to is None else day_start(body.effective_to)
    return Judged(SentVersion(day_start(body.effective_from), until, terms), [], [])


def _body(content: object) -> tuple[PlanVersionBody | None, list[FieldError]]:
    try:
        body = PlanVersionBody.model_validate(content)
    except ValidationError as error:
        located = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        return None, list(validation_problem(located).errors)
    if body.effective_to is not None and body.effective_to <= body.effective_from:
        return body, [FieldError("/effective_to", "not-later", NOT_LATER)]
    return body, []


def under_document(fault: FieldError) -> FieldError:
    """A fault of a document, seen from the version that holds it."""
    return FieldError(f"/document{fault.pointer}", fault.code, fault.message, fault.fields)


def content_of(version: PlanVersion) -> dict[str, Any]:
    """The version as it can be sent in again."""
    content: dict[str, Any] = {"effective_from": _day(version.effective_from)}
    if version.effective_to is not None:
        content["effective_to"] = _day(version.effective_to)
    return content | {"document": version.document}


def _day(instant: datetime) -> str:
    day: date = business_day(instant)
    return day.isoformat()


class _Dumper(yaml.CSafeDumper):
    """Every value in full: an alias says nothing to a reader."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


# A text that the reader would take for a number is written in quotes.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+.0123456789"))


def written(content: Any) -> bytes:
    """As YAML, in the order given."""
    text: bytes = yaml.dump(
        content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100, encoding="utf-8"
    )
    return text

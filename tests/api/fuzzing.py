"""Schemathesis over the application's own document, against the service as it is served."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st
from schemathesis import hooks
from schemathesis.engine import Status, events, from_schema

from app.kernel.principal import Door
from tests.api.routes import discover
from tests.api.world import Tenant

_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
# Ids of other forms: what fits is replaced by one that exists, what does not is kept.
_OTHERS = {
    "token": re.compile(r"[0-9A-HJKMNP-TV-Z]{26}"),
    "sequence": re.compile(r"[1-9][0-9]*"),
    "number": re.compile(r"[ -~]{1,32}"),
    "code": re.compile(r"[ -~]{1,40}"),
}
# They would end the run's own login, and move the time that everything else is judged by.
LEFT_OUT = ["logOut", "moveClock"]
# Reads whose answer depends on what other calls of the run have done to their object.
CHANGING_READS = {"scanEnrolmentCode", "readBlob"}
PHASES = ("examples", "coverage", "fuzzing", "stateful")
DOORS: tuple[Door | None, ...] = ("member", "staff", "partner", None)
SEED = 20261122
# The document names the years of days and instants: else nine of ten are thrown away.
_FIRST, _LAST = date(1900, 1, 1), date(2899, 12, 31)
_DAYS = st.dates(_FIRST, _LAST).map(date.isoformat)
_TIMES = st.times().map(lambda each: each.isoformat("microseconds") + "Z")
schemathesis.openapi.format("date", _DAYS)
schemathesis.openapi.format("date-time", st.builds("{}T{}".format, _DAYS, _TIMES))


@dataclass
class Outcome:
    """What a run found, and that it did something."""

    cases: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, set[int]] = field(default_factory=dict)

    @property
    def accepted(self) -> set[str]:
        """Operations that took at least one request."""
        return {label for label, found in self.statuses.items() if min(found) < 300}

    def take(self, event: events.EngineEvent) -> None:
        if isinstance(event, events.NonFatalError):
            self.failures[f"{event.label} error"] = str(event.info)
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            self.cases += len(recorder.interactions)
            for case_id, interaction in recorder.interactions.items():
                label = recorder.cases[case_id].value.operation.label
                if interaction.response is not None:
                    status = interaction.response.status_code
                    self.statuses.setdefault(label, set()).add(status)
                for check in recorder.checks.get(case_id, ()):
                    if check.status == Status.FAILURE:
                        self._fail(label, check, interaction.response)

    def _fail(self, label: str, check: Any, response: Any) -> None:
        """One example of each kind of failure of an operation."""
        info = check.failure_info
        answered = f"{response.status_code} {response.text[:600]}" if response else "nothing"
        self.failures.setdefault(
            f"{label} {check.name} {answered[:3]}",
            f"{info.failure.title} {info.failure.message}\n{info.code_sample}\n{answered}",
        )

    def report(self) -> str:
        return "\n\n".join(f"{key}\n{text}" for key, text in sorted(self.failures.items()))


def run(
    app: FastAPI,
    address: str,
    tenant: Tenant,
    phase: str,
    *,
    examples: int,
    doors: Collection[Door | None] = DOORS,
) -> Outcome:
    """One phase with all checks and a real token for every door (None: the public one).

    Phases: `examples` of the document, `coverage` of every boundary of the schemas,
    `fuzzing` with random data, `stateful` along what one answer gives to the next call.
    """
    config = _config(app, address, tenant)
    config["generation"]["max-examples"] = examples
    config["phases"] = {name: {"enabled": name == phase} for name in PHASES}
    # Every wrong method would be a quarter of all calls.
    config["phases"]["coverage"]["unexpected-methods"] = ["delete"]
    document = app.openapi()
    paths = {each.path for each in discover(app) if each.door in doors}
    document = document | {"paths": {path: document["paths"][path] for path in sorted(paths)}}
    schema = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(config))
    outcome = Outcome()
    with _real_ids(tenant, keep=phase == "stateful"):
        for event in from_schema(schema.exclude(operation_id=LEFT_OUT)).execute():
            outcome.take(event)
    return outcome


def _config(app: FastAPI, address: str, tenant: Tenant) -> dict[str, Any]:
    return {
        "seed": SEED,
        "base-url": address,
        "continue-on-failure": True,
        "request-timeout": 30,
        "generation": {"deterministic": True, "no-shrink": True, "database": "none"},
        "auth": {
            "openapi": {
                "member": {"bearer": tenant.rider.caller.token},
                "staff": {"bearer": tenant.staff.token},
                "partner": {"bearer": tenant.partner.token},
            }
        },
        # A missing If-Match is 428; some limits are counted before a header is looked at.
        "checks": {
            "missing_required_header": {"expected-statuses": [400, 401, 403, 415, 422, 428, 429]}
        },
        # A schema cannot say which phone, date or cursor is real, nor which of two days is the
        # later one: only plain reads must take whatever fits it.
        "operations": [
            {
                "include-operation-id": each.id,
                "checks": {"positive_data_acceptance": {"enabled": False}},
            }
            for each in discover(app)
            if not _plain_read(each.method, each.id, each.document)
        ],
    }


def _plain_read(method: str, operation_id: str, document: dict[str, Any]) -> bool:
    names = {parameter["name"] for parameter in document.get("parameters", ())}
    plain = "cursor" not in names and not {"from", "to"} <= names
    return method == "GET" and plain and operation_id not in CHANGING_READS


@contextmanager
def _real_ids(tenant: Tenant, *, keep: bool) -> Iterator[None]:
    """Send well-formed ids as ids that exist; `keep` those that a run has found itself."""

    @schemathesis.hook
    def before_call(_context: schemathesis.HookContext, case: Any, _kwargs: dict[str, Any]) -> None:
        if keep:
            return
        operation_id = case.operation.definition.raw["operationId"]
        for name, value in (case.path_parameters or {}).items():
            if _OTHERS.get(name, _UUID).fullmatch(str(value)):
                case.path_parameters[name] = tenant.of(operation_id, name)

    try:
        yield
    finally:
        hooks.unregister(before_call)

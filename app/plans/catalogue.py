"""Plans that come with the service: data files, loaded as published versions."""

from datetime import datetime
from importlib.resources import files
from typing import Any

import yaml
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import day_start
from app.kernel.principal import SYSTEM
from app.plans import queries, service
from app.plans.tables import expand_tables, standard_tables
from app.plans.terms import PlanTerms


def documents() -> list[tuple[datetime, dict[str, Any]]]:
    """Each file's effective date and validated document, in a fixed order."""
    return [(effective_from, _checked(raw)) for effective_from, raw in _files()]


def _files() -> list[tuple[datetime, dict[str, Any]]]:
    found = []
    for entry in sorted(files("app.plans").joinpath("data").iterdir(), key=lambda file: file.name):
        if entry.name.endswith(".yaml"):
            content = yaml.load(entry.read_text("utf-8"), yaml.CSafeLoader)
            found.append((day_start(content["effective_from"]), content["document"]))
    return found


def _checked(raw: dict[str, Any]) -> dict[str, Any]:
    return PlanTerms.model_validate(expand_tables(raw, standard_tables())).document()


async def load(session: AsyncSession, now: datetime) -> int:
    """Publish each document whose plan is not known yet; returns how many were new.

    A plan that exists is left alone: its versions belong to the staff who edit them.
    """
    new = 0
    for effective_from, raw in _files():
        if await queries.plan(session, raw["code"]) is not None:
            continue
        document = _checked(raw)
        version = await service.draft_version(
            session,
            document,
            effective_from=effective_from,
            effective_to=None,
            actor=SYSTEM,
            now=now,
        )
        await service.publish_version(session, version, actor=SYSTEM, now=now)
        new += 1
    return new

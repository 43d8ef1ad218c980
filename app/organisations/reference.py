"""Reference data that changes by decree, not by release: districts and counties."""

from importlib.resources import files
from typing import Any

import yaml
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_UPSERT = text(
    "insert into area (code, name, valid_from, valid_to, successor_code)"
    " values (:code, :name, :valid_from, :valid_to, :successor_code)"
    " on conflict (code) do update set name = excluded.name, valid_from = excluded.valid_from,"
    " valid_to = excluded.valid_to, successor_code = excluded.successor_code"
)


def read_areas() -> list[dict[str, Any]]:
    """The areas of the data file, successors before those that refer to them."""
    text_of_file = files("app.organisations").joinpath("data/areas.yaml").read_text()
    areas = [
        {
            "code": area["code"],
            "name": area["name"],
            "valid_from": area.get("from"),
            "valid_to": area.get("to"),
            "successor_code": area.get("successor"),
        }
        for area in yaml.load(text_of_file, yaml.CSafeLoader)
    ]
    return sorted(areas, key=lambda area: area["successor_code"] is not None)


async def load_reference_data(session: AsyncSession) -> None:
    """Bring the areas up to the data file; safe to repeat, nothing is removed."""
    await session.execute(_UPSERT, read_areas())

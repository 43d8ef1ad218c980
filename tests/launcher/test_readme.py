"""README and docs against what they describe: settings, links, commands and layers."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from app.settings import MUST_BE_SET, PLACEHOLDER, Settings

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = (ENGLISH, CHINESE, *sorted(ROOT.glob("docs/**/*.md")))

ROW = re.compile(r"^\| `([A-Z_0-9]+)` \| (\S+) \| .+ \|$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#]+)")
COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What the two pages may say differently within a command.
WORDS = re.compile(r"(?:^|\s)#.*$", re.MULTILINE)


def _variable(setting: str) -> str:
    return "DATABASE_URL" if setting == "database_url" else f"REDUMBRELLA_{setting.upper()}"


def _shown(setting: str) -> str:
    if setting in (*MUST_BE_SET, "database_url"):
        return "*required*"
    default = Settings.model_fields[setting].default
    assert default is not PydanticUndefined
    if isinstance(default, SecretStr):
        assert default.get_secret_value() == PLACEHOLDER
        return "*required*"
    if default in ("", None) or default in ({}, ()):
        return "–"
    return f"`{str(default).lower() if isinstance(default, bool) else _number(default)}`"


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = dict(ROW.findall(ENGLISH.read_text()))
    assert rows == {_variable(name): _shown(name) for name in Settings.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_point_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_both_languages_give_the_same_commands() -> None:
    """The Chinese page leaves commands out; those it gives are the English ones."""
    english = _commands(ENGLISH)
    assert [line for line in _commands(CHINESE) if line not in english] == []


def _commands(page: Path) -> list[str]:
    blocks = COMMANDS.findall(page.read_text())
    lines = WORDS.sub("", "\n".join(blocks)).splitlines()
    return [line.strip() for line in lines if line.strip()]


def test_the_layers_in_the_architecture_page_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    checked = [names for layer in layers if (names := {n for n in _names(layer) if _exists(n)})]
    section = (ROOT / "docs/architecture.md").read_text().split("## Layers")[1].split("\n\n")[1]
    assert [_names(layer) for layer in section.split("·")] == checked


def _names(layer: str) -> set[str]:
    return set(re.findall(r"[a-z]+", layer))


def _exists(name: str) -> bool:
    return (ROOT / "app" / name).is_dir() or (ROOT / "app" / f"{name}.py").is_file()

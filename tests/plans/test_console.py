"""`redumbrella plans …` as somebody at the console runs it."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from app.cli import app
from tests.conftest import MASTER_KEY

Command = Callable[..., Result]
HN = str(files("app.plans").joinpath("library/hn-yy-2014.yaml"))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["plans", *arguments])


@pytest.fixture
def database(fresh_database_url: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("REDUMBRELLA_ENVIRONMENT", "test")
    monkeypatch.setenv("REDUMBRELLA_MASTER_KEY", MASTER_KEY.get_secret_value())
    return command


def changed(folder: Path, old: str, new: str, name: str = "changed.yaml") -> str:
    text = Path(HN).read_text("utf-8")
    assert old in text
    file = folder / name
    file.write_text(text.replace(old, new), "utf-8")
    return str(file)


def test_the_shipped_files_have_no_faults(command: Command) -> None:
    """Without a database."""
    for folder in ("data", "library"):
        names = [str(file) for file in files("app.plans").joinpath(folder).iterdir()]
        result = command("check", *(name for name in names if name.endswith(".yaml")))
        assert result.exit_code == 0, result.output


def test_all_faults_with_their_places(command: Command, tmp_path: Path) -> None:
    file = changed(tmp_path, 'rate: "0.35"', "rate: 1.35")
    text = Path(file).read_text("utf-8").replace("per: term", "per: fortnight")
    Path(file).write_text(text.replace("effective_from:", "effectively:"), "utf-8")
    result = command("check", file, HN)
    assert result.exit_code == 1
    slices = "/document/benefits/0/pays/each/gives/when/then/at_least/of/slices/slices/1/rate"
    assert f"{file}: {slices}: " in result.output
    assert "/document/limits/0/per" in result.output
    assert "no faults" in result.output.splitlines()[-1]
    alone = tmp_path / "document.yaml"
    alone.write_text(yaml.safe_dump(yaml.safe_load(Path(HN).read_text("utf-8"))["document"]))
    assert command("check", str(alone)).exit_code == 0
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [")
    assert "near line" in command("check", str(broken)).output


def test_import_export_and_list(database: Command, tmp_path: Path) -> None:
    drafted = database("import", HN)
    assert drafted.exit_code == 0, drafted.output
    assert drafted.output.startswith("HN-YY-2014@1")
    assert "draft" in drafted.output
    published = database("import", HN, "--publish")
    assert published.output.startswith("HN-YY-2014@1")
    assert "published" in published.output
    exported = database("export", "HN-YY-2014")
    file = tmp_path / "exported.yaml"
    file.write_text(exported.output, "utf-8")
    again = database("import", str(file))
    assert again.output == published.output
    as_json = json.loads(database("export", "HN-YY-2014", "--number", "1", "--json").output)
    assert as_json == yaml.load(exported.output, yaml.BaseLoader) | as_json
    assert as_json["effective_from"] == "2026-01-01"
    assert database("list").output.count("HN-YY-2014@") == 1
    assert database("export", "HN-YY-2014", "--number", "7").exit_code == 1


def test_differences_between_files_and_versions(database: Command, tmp_path: Path) -> None:
    assert database("import", HN, "--publish").exit_code == 0
    newer = changed(tmp_path, 'rate: "0.35"', 'rate: "0.36"')
    result = database("diff", "HN-YY-2014@1", newer)
    assert result.exit_code == 0, result.output
    assert "slices/slices/1/rate: " in result.output
    assert "from “0.35” to “0.36”" in result.output
    assert database("diff", HN, "HN-YY-2014").output == ""
    assert database("diff", HN, "NO-SUCH-PLAN").exit_code == 2


def test_what_cannot_be_published_says_why(database: Command, tmp_path: Path) -> None:
    assert database("import", HN, "--publish").exit_code == 0
    newer = changed(tmp_path, 'rate: "0.35"', 'rate: "0.36"')
    refused = database("import", newer, "--publish")
    assert refused.exit_code == 1
    assert "Another version of the plan is sold" in refused.output
    assert database("list").output.count("HN-YY-2014@") == 1
    wrong = changed(tmp_path, 'rate: "0.35"', 'rate: "9"', "wrong.yaml")
    assert database("import", wrong).exit_code == 1


def test_the_schema(command: Command) -> None:
    assert json.loads(command("schema").output)["$schema"].endswith("2020-12/schema")

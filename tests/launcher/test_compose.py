"""compose.yaml and what lies in deploy/, against the code that they start and configure."""

import ipaddress
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from app.cli import app as command_line
from app.kernel import health
from app.settings import MUST_BE_SET, Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
HAPROXY = (ROOT / "deploy/haproxy.cfg").read_text()
ROLES = (ROOT / "deploy/postgres-roles.sh").read_text()
# What the header of compose.yaml says is to be made, from what.
TO_BE_MADE = {
    ".env": "deploy/example.env",
    "deploy/service.env": "deploy/example.service.env",
    "deploy/secrets": None,
}

ASSIGNMENT = re.compile(r"^([A-Z_0-9]+)=(.*)$", re.MULTILINE)
OPTIONAL = re.compile(r"^# ([A-Z_0-9]+)=", re.MULTILINE)
SUBSTITUTION = re.compile(r"\$\{([A-Z_]+):\?")
PINNED = re.compile(r"[\w./-]+:\d[\w.-]*")
MOUNTED_SECRETS = "/run/redumbrella"


def assignments(page: str) -> dict[str, str]:
    return dict(ASSIGNMENT.findall((ROOT / page).read_text()))


def variables() -> set[str]:
    return {"DATABASE_URL", *(f"REDUMBRELLA_{name.upper()}" for name in Settings.model_fields)}


def binds() -> Iterator[tuple[str, str]]:
    """What each service takes from outside: a path of this folder or a volume, and where to."""
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source, target = volume.split(":")[:2]
            yield source, target


def test_every_file_is_there_or_said_to_be_made() -> None:
    header = (ROOT / "compose.yaml").read_text().split("\nname:")[0]
    files = [source.removeprefix("./") for source, _ in binds() if source.startswith(".")]
    files += [file for service in OURS.values() for file in service["env_file"]]
    assert "deploy/haproxy.cfg" in files
    for file in files:
        made = next((name for name in TO_BE_MADE if f"{file}/".startswith(f"{name}/")), None)
        assert (ROOT / file).is_file() if made is None else made in header, file
    for name, example in TO_BE_MADE.items():
        ignored = subprocess.run(["git", "check-ignore", "--quiet", f"{name}/x"], cwd=ROOT)
        assert ignored.returncode == 0, f"{name} could be committed"
        assert example is None or (ROOT / example).is_file()


def test_every_service_of_ours_runs_a_command_that_exists() -> None:
    known = typer.main.get_command(command_line).commands  # type: ignore[attr-defined]
    image: list[str] = yaml.safe_load(re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[0])
    assert 'ENTRYPOINT ["redumbrella"]' in DOCKERFILE
    assert set(OURS) == {"migrate", "api", "worker"}
    for service in OURS.values():
        command: list[str] = service.get("command", image)
        name, *arguments = command
        options = {option for each in known[name].params for option in each.opts}
        given = {argument for argument in arguments if argument.startswith("--")}
        assert given <= options, name
    assert image[0] == "api"


def test_images_are_pinned() -> None:
    foreign = [service["image"] for service in SERVICES.values() if "build" not in service]
    assert foreign
    assert [image for image in foreign if not PINNED.fullmatch(image)] == []
    assert re.search(r"^ARG PYTHON=python:3\.\d+-slim$", DOCKERFILE, re.MULTILINE)


def test_what_is_named_is_declared() -> None:
    volumes = {source for source, _ in binds() if not source.startswith(".")}
    assert volumes == COMPOSE["volumes"].keys()
    for service in SERVICES.values():
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        for name, condition in service.get("depends_on", {}).items():
            other = SERVICES[name]
            if condition["condition"] == "service_healthy":
                by_image = "build" in other and "\nHEALTHCHECK" in DOCKERFILE
                own = other.get("healthcheck")
                assert by_image if own is None else "test" in own, name
            else:
                assert condition == {"condition": "service_completed_successfully"}
                assert other["restart"] == "no", name


def test_variables_are_settings() -> None:
    example = (ROOT / "deploy/example.service.env").read_text()
    named = {*assignments("deploy/example.service.env"), *OPTIONAL.findall(example)}
    for service in OURS.values():
        named |= service["environment"].keys()
    assert named - variables() == set()


def test_substitutions_are_in_the_example() -> None:
    asked = set(SUBSTITUTION.findall((ROOT / "compose.yaml").read_text()))
    assert asked == assignments("deploy/example.env").keys()
    given = SERVICES["postgres"]["environment"].keys()
    taken = set(re.findall(r'"\$([A-Z_]+)"', ROLES)) - {"POSTGRES_USER", "POSTGRES_DB"}
    assert taken <= given


def test_the_filled_in_example_is_good_for_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing required is left out of it, and files lie where they are mounted."""
    given = assignments("deploy/example.service.env")
    filled = {name: value or "filled-in" for name, value in given.items()}
    for service in OURS.values():
        with monkeypatch.context() as environment:
            for name, value in (filled | service["environment"]).items():
                environment.setenv(name, re.sub(r"\$\{[^}]*\}", "x", value))
            settings = Settings()
        assert settings.environment == "production"
        assert all(getattr(settings, name) for name in MUST_BE_SET)
        targets = dict(binds())
        assert targets["./deploy/secrets"] == MOUNTED_SECRETS
        for path in (
            settings.wechat_pay_merchant_key_file,
            settings.wechat_pay_platform_certificates_file,
        ):
            assert path is not None
            assert str(path.parent) == MOUNTED_SECRETS
        assert settings.object_store_url == f"file://{targets['objects']}"


def test_the_logins_are_those_that_the_database_makes() -> None:
    for service in OURS.values():
        for name in service["environment"].keys() & {
            "DATABASE_URL",
            "REDUMBRELLA_MIGRATION_DATABASE_URL",
        }:
            address = re.fullmatch(
                r"postgresql://(\w+):\$\{(\w+):\?[^}]*\}@(\w+)/(\w+)", service["environment"][name]
            )
            assert address is not None, name
            login, password, host, database = address.groups()
            assert f"CREATE ROLE {login} LOGIN" in ROLES
            assert f":'{password.lower()}'" in ROLES
            assert f"CREATE DATABASE {database} " in ROLES
            assert host in SERVICES
    probe = shlex.join(SERVICES["postgres"]["healthcheck"]["test"])
    assert probe.startswith("CMD pg_isready ")
    assert f"CREATE DATABASE {probe.rpartition(' ')[2]} " in ROLES


def test_probes_ask_for_routes_and_ports_that_exist() -> None:
    paths = {route.path for route in health.routes.routes}  # type: ignore[attr-defined]
    asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", DOCKERFILE)
    assert asked
    assert {path for _, path in asked} <= paths
    assert set(re.findall(r"send meth GET uri (\S+)", HAPROXY)) <= paths
    known = typer.main.get_command(command_line).commands  # type: ignore[attr-defined]
    port = next(each.default for each in known["api"].params if each.name == "port")
    assert {number for number, _ in asked} == {str(port)}
    assert f"EXPOSE {port}\n" in DOCKERFILE
    assert f" api:{port} " in HAPROXY
    bound = re.findall(r"^\s+bind :(\d+)$", HAPROXY, re.MULTILINE)
    assert [f"{each}:{each}" for each in bound] == SERVICES["haproxy"]["ports"]


def test_the_proxy_is_the_one_that_is_believed() -> None:
    address = SERVICES["haproxy"]["networks"]["inside"]["ipv4_address"]
    subnet = COMPOSE["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network(subnet)
    assert SERVICES["api"]["environment"]["REDUMBRELLA_TRUSTED_PROXIES"] == address


def test_ours_cannot_write_or_gain_rights() -> None:
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]

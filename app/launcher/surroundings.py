"""What `run` puts around the application: secrets made once, folders, settings."""

import base64
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from app.launcher import advice
from app.launcher.serving import bind
from app.settings import Settings

PREFERRED_PORT = 8000
LOOPBACK = "127.0.0.1"


class LaunchError(Exception):
    """The start failed; the message says what to do."""


@dataclass(frozen=True)
class Folders:
    """All under one folder, 0700 because secrets and personal data lie in it."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    @property
    def simulators(self) -> Path:
        return self.root / "simulators"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def make(self) -> None:
        for folder in (self.root, self.secrets, self.objects, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def open_listener(port: int | None) -> socket.socket:
    """On loopback: the port asked for, else 8000 if it is free, else any free one."""
    try:
        return bind(LOOPBACK, PREFERRED_PORT if port is None else port)
    except OSError as error:
        if port is not None:
            raise LaunchError(
                f"Port {port} cannot be used ({error.strerror}).\n"
                "Choose another with --port, or leave it out to get a free one."
            ) from None
    return bind(LOOPBACK, 0)


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def refuse_production() -> None:
    """Raises LaunchError when the environment asks for anything but the demonstration."""
    if os.environ.get("REDUMBRELLA_ENVIRONMENT", "demo") != "demo":
        raise LaunchError(
            "`redumbrella run` is the demonstration, with simulated outside systems.\n"
            "Unset REDUMBRELLA_ENVIRONMENT, or start `redumbrella api` and"
            " `redumbrella worker` for anything else."
        )


def prepare_environment(
    folders: Folders, database_url: str, base_url: str, simulator_url: str
) -> Settings:
    """Set the variables that the person has not set, and read the settings.

    The environment, not only the object, because the demonstration's commands in another
    process must see the same.
    """
    from app.simulators import secrets as simulated

    defaults = simulated.prepare(folders.secrets, simulator_base_url=simulator_url) | {
        "REDUMBRELLA_ENVIRONMENT": "demo",
        # The journey's riders name addresses of their own, as behind a proxy.
        "REDUMBRELLA_TRUSTED_PROXIES": "127.0.0.1",
        "REDUMBRELLA_MASTER_KEY": master_key(folders.secrets / "master.key"),
        "REDUMBRELLA_OBJECT_STORE_URL": folders.objects.resolve().as_uri(),
        "REDUMBRELLA_PUBLIC_BASE_URL": base_url,
        "DATABASE_URL": database_url,
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    return read_settings()


def read_settings() -> Settings:
    """From the environment. Raises LaunchError listing what is wrong, without the values."""
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            message = problem["msg"].removeprefix("Value error, ")
            prefix = "" if name in ("", "DATABASE_URL") else "REDUMBRELLA_"
            lines.append(f"{prefix}{name}: {message}".removeprefix(": "))
        raise LaunchError("The settings are not usable:\n" + "\n".join(lines)) from None


def master_key(path: Path) -> str:
    """32 random bytes in base64, made once. Without it nothing stored can be read again."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    return path.read_text().strip()


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the machine refuses into something a person can act upon."""
    try:
        yield
    except OSError as error:
        raise LaunchError(advice.words(error) or str(error)) from error

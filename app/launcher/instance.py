"""`run.json`: how another terminal finds the running instance and its demonstration accounts."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.kernel.postgres import lock_folder

NAME = "run.json"


@dataclass(frozen=True)
class Account:
    """Somebody who may log in to the demonstration."""

    role: str
    username: str
    password: str = field(repr=False)
    totp_secret: str = field(repr=False)


@dataclass(frozen=True)
class Instance:
    """What a client of the running demonstration needs to know."""

    base_url: str
    simulator_url: str
    pid: int
    accounts: tuple[Account, ...]
    enrolment_code: str
    partner_client_id: str
    partner_client_secret: str = field(repr=False)
    database_url: str = field(repr=False)


def claim(data_dir: Path) -> None:
    """Be the only run on this folder. Raises PostgresStartError naming the other one."""
    lock_folder(data_dir)
    (data_dir / NAME).unlink(missing_ok=True)


def publish(data_dir: Path, instance: Instance) -> None:
    draft = data_dir / f".{NAME}"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(instance), file, ensure_ascii=False, indent=2)
    draft.replace(data_dir / NAME)


def withdraw(data_dir: Path) -> None:
    (data_dir / NAME).unlink(missing_ok=True)


def find(data_dir: Path) -> Instance | None:
    """The instance running on this folder; a file left by a killed run does not count."""
    try:
        known: dict[str, Any] = json.loads((data_dir / NAME).read_text())
        lock = (data_dir / "lock").open()
    except OSError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            accounts = tuple(Account(**account) for account in known.pop("accounts"))
            return Instance(accounts=accounts, **known)
    return None

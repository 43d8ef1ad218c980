"""One run per folder; the kernel lets go of the lock however the run ends."""

import fcntl
import os
import time
from pathlib import Path

from app.kernel.postgres.runtime import PostgresStartError

PATIENCE = 0.5
_held: set[int] = set()


def lock_folder(folder: Path) -> int:
    """Hold `folder` for this process. Raises PostgresStartError naming the one who has it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise PostgresStartError(
                f"{folder} is in use by another run (process {holder}).\n"
                f"Stop that one first (Ctrl-C in its terminal, or kill {holder})."
            ) from None
        break
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    _held.add(descriptor)
    return descriptor


def unlock_folder(descriptor: int) -> None:
    if descriptor in _held:
        _held.discard(descriptor)
        os.close(descriptor)


def _unlock_all() -> None:
    for descriptor in tuple(_held):
        unlock_folder(descriptor)


# A forked child shares the lock; it must not keep the folder when its parent is gone.
os.register_at_fork(after_in_child=_unlock_all)

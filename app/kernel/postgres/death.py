"""Child processes that end when their parent does, however the parent ended."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with(parent: int, signum: signal.Signals) -> bool:
    """Called in a child: have the kernel send it `signum` when `parent` ends.

    The kernel means the parent's *thread*: fork from the main thread. Returns False
    where there is no such thing (macOS).
    """
    if _libc is None:
        return False
    _libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    if os.getppid() != parent:  # it ended before we could ask
        os.kill(os.getpid(), signum)
    return True


def dying_with_me(signum: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` for subprocess that does the same."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start the database from the main thread: it ends with its starter")
    parent = os.getpid()

    def follow() -> None:
        die_with(parent, signum)

    return follow

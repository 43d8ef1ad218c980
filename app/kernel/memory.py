"""Keeping a long-lived process as small as its work."""

import ctypes
from contextlib import suppress

_M_MMAP_THRESHOLD = -3
_LARGE = 256 * 1024


def give_back_large_blocks() -> None:
    """Let large blocks return to the system as soon as they are freed.

    glibc raises its threshold to the largest block that was ever freed, up to 32 MiB: after
    one pushed roster the next ones come from a heap that never shrinks (measured: 210 MB
    against 187). Elsewhere there is no such knob and nothing happens.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)

"""The child: reads one file at a time from stdin, answers on stdout, dies of what is too much.

Frames are a 4-byte big-endian length and the bytes. The file goes in raw; the answer
is msgpack. The limits hold for the process: memory by RLIMIT_AS, each file's CPU time by
a profiling timer whose signal nobody catches.
"""

import os
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

import msgspec

from app.documents.sandbox.judge import judge
from app.documents.sandbox.refusals import Refused

MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 0.75
READY = b"ready"


def main() -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    # Nothing that a library prints may reach the parent.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    limit()
    write_frame(answers, READY)
    while (content := read_frame(sys.stdin.buffer)) is not None:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        answer = answer_for(content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        del content
        write_frame(answers, msgspec.msgpack.encode(answer))


def limit() -> None:
    """Give up memory, files and descendants before the first stranger's byte is read."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # macOS knows no RLIMIT_AS
            continue


def answer_for(content: bytes) -> dict[str, Any]:
    """`{"proven": {...}}` or `{"refused": reason}`; never raises."""
    try:
        return {"proven": judge(content)}
    except Refused as refused:
        return {"refused": refused.reason}
    except MemoryError:
        return {"refused": "too-complex"}
    except Exception:
        return {"refused": "damaged"}


def read_frame(source: BinaryIO) -> bytes | None:
    header = source.read(4)
    if len(header) < 4:
        return None
    (length,) = struct.unpack(">I", header)
    content = source.read(length)
    return content if len(content) == length else None


def write_frame(target: BinaryIO, content: bytes) -> None:
    target.write(struct.pack(">I", len(content)))
    target.write(content)
    target.flush()

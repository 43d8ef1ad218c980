"""The child: reads one file at a time from stdin, answers on stdout, dies of what is too much.

Frames are a 4-byte big-endian length and the bytes. An order in msgpack goes in, then the
file raw; the answer is msgpack. The limits hold for the process: memory by RLIMIT_AS, each
file's CPU time by a profiling timer whose signal nobody catches.
"""

import os
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

import msgspec

from app.documents.sandbox.images import MEDIA_FORMATS
from app.documents.sandbox.judge import judge, media_type_of
from app.documents.sandbox.marks import mark
from app.documents.sandbox.pictures import invoices_in
from app.documents.sandbox.refusals import Refused

MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 0.75
# What a picture may cost is bounded by its pixels, and a telephone's photograph of 12 million
# takes long on a busy machine; what is not proved was proven before.
LONGER_CPU_SECONDS = 2.0
READY = b"ready"


def main() -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    # Nothing that a library prints may reach the parent.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    limit()
    write_frame(answers, READY)
    source = sys.stdin.buffer
    while (order := read_frame(source)) is not None and (content := read_frame(source)) is not None:
        wanted = msgspec.msgpack.decode(order)
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds(wanted, content))
        answer = answer_for(wanted, content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        del content
        write_frame(answers, msgspec.msgpack.encode(answer))


def cpu_seconds(order: dict[str, Any], content: bytes) -> float:
    if order["act"] != "prove" or media_type_of(content) in MEDIA_FORMATS:
        return LONGER_CPU_SECONDS
    return CPU_SECONDS


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


def answer_for(order: dict[str, Any], content: bytes) -> dict[str, Any]:
    """`{"proven": {…}}`, `{"invoices": […]}`, `{"marked": bytes}` or `{"refused": reason}`.

    Never raises.
    """
    try:
        if order["act"] == "mark":
            return {"marked": mark(content, order["media_type"], order["lines"])}
        if order["act"] == "read":
            return {"invoices": invoices_in(content, order["media_type"])}
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

"""The parent's side of the sandbox: one child, reused, bounded, replaced when it dies."""

import asyncio
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import structlog

from app.documents.errors import DocumentRefused
from app.documents.sandbox.refusals import Reason
from app.kernel.problems import Unavailable

log = structlog.get_logger("documents")

ROOT = Path(__file__).resolve().parents[2]
START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from app.documents.sandbox.child import main; main()"
)
# Freed pictures go back at once, so that one file's memory is not the next one's.
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "262144",
    "MALLOC_TRIM_THRESHOLD_": "1048576",
    "LANG": "C.UTF-8",
}
# The child's own limit is CPU time; on a busy machine a decent file may take this long.
WALL_SECONDS = 6.0
# Allocators grow: a child is replaced long before it runs into its limit on decent files.
FILES_PER_CHILD = 200


class Proven(msgspec.Struct, frozen=True):
    """A file that was decoded and written anew: `content` is what may be stored."""

    media_type: str
    original_media_type: str
    content: bytes
    thumbnail: bytes | None
    pages: int
    width: int | None
    height: int | None
    perceptual_hash: int | None


class _Answer(msgspec.Struct):
    proven: Proven | None = None
    refused: Reason | None = None


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    asks: IO[bytes]
    answers: IO[bytes]
    files: int = 0

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.asks.close()
        self.answers.close()


class _ChildDied(Exception):
    pass


class Prover:
    """Proves one file at a time; more wait in line. Start-up costs about 0.3 s of CPU, once."""

    def __init__(self) -> None:
        self._line = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prover")
        self._child: _Child | None = None

    def warm(self) -> None:
        """Start the child in the background, because a file is about to come."""
        if self._child is None:
            self._line.submit(self._ready)

    async def prove(self, content: bytes) -> Proven:
        """Raises DocumentRefused (422) with a reason, Unavailable (503) without a sandbox."""
        return await asyncio.get_running_loop().run_in_executor(self._line, self._prove, content)

    def close(self) -> None:
        """End the child; called when the process ends."""
        self._line.shutdown(wait=True, cancel_futures=True)
        self._discard()

    def _prove(self, content: bytes) -> Proven:
        child = self._ready()
        watchdog = threading.Timer(WALL_SECONDS, child.process.kill)
        watchdog.start()
        try:
            answer = msgspec.msgpack.decode(_exchange(child, content), type=_Answer)
        except (_ChildDied, OSError, msgspec.DecodeError):
            log.warning("sandbox died", status=child.process.poll(), bytes=len(content))
            self._discard()
            # The next person should not wait for this file's consequences.
            self._line.submit(self._ready)
            raise DocumentRefused("too-complex") from None
        finally:
            watchdog.cancel()
        child.files += 1
        if child.files >= FILES_PER_CHILD:
            self._discard()
            self._line.submit(self._ready)
        if answer.proven is None:
            raise DocumentRefused(answer.refused or "damaged")
        return answer.proven

    def _ready(self) -> _Child:
        if self._child is None or self._child.process.poll() is not None:
            self._discard()
            self._child = _start()
        return self._child

    def _discard(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


def _start() -> _Child:
    # A fresh program, never a fork of a threaded process; the environment's secrets stay here.
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", START, str(ROOT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise Unavailable
    child = _Child(process, process.stdin, process.stdout)
    try:
        _read_frame(child.answers)
    except (_ChildDied, OSError) as error:
        child.close()
        log.error("sandbox does not start", status=process.returncode)
        raise Unavailable from error
    return child


def _exchange(child: _Child, content: bytes) -> bytes:
    child.asks.write(struct.pack(">I", len(content)))
    child.asks.write(content)
    child.asks.flush()
    return _read_frame(child.answers)


def _read_frame(source: IO[bytes]) -> bytes:
    header = source.read(4)
    if len(header) < 4:
        raise _ChildDied
    (length,) = struct.unpack(">I", header)
    content = source.read(length)
    if len(content) < length:
        raise _ChildDied
    return content

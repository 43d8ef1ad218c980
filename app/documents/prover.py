"""The parent's side of the sandbox: two children, reused, bounded, replaced when they die."""

import asyncio
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path
from queue import LifoQueue
from typing import Any

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
# Each may take 256 MB; a view does not wait for an upload, nor one upload for the other.
CHILDREN = 2
# Allocators grow: a child is replaced long before it runs into its limit on decent files.
FILES_PER_CHILD = 200


class Invoice(msgspec.Struct, frozen=True):
    """What the printed code of an invoice says; `amount_fen` is without tax unless `whole`."""

    kind: str
    code: str
    number: str
    amount_fen: int
    issued_on: date
    whole: bool


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
    invoices: tuple[Invoice, ...] = ()
    marked: bytes | None = None
    refused: Reason | None = None


class _ChildDied(Exception):
    pass


class _Child:
    """A place for one child process at a time, started when there is something to do."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0

    def ready(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._process = _start()
            self._files = 0
        return self._process

    def ask(self, order: Mapping[str, Any], content: bytes) -> _Answer:
        """One file's answer; raises _ChildDied when the file was too much for the child."""
        process = self.ready()
        watchdog = threading.Timer(WALL_SECONDS, process.kill)
        watchdog.start()
        try:
            sent = _exchange(process, msgspec.msgpack.encode(order), content)
            answer = msgspec.msgpack.decode(sent, type=_Answer)
        except (_ChildDied, OSError, msgspec.DecodeError):
            log.warning("sandbox died", status=process.poll(), bytes=len(content))
            self.end()
            raise _ChildDied from None
        finally:
            watchdog.cancel()
        self._files += 1
        if self._files >= FILES_PER_CHILD:
            self.end()
        return answer

    def end(self) -> None:
        if self._process is not None:
            _close(self._process)
            self._process = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid


class Prover:
    """Proves and marks files, as many at a time as there are children; more wait in line.

    A child starts when it is first needed; that costs about 0.3 s of CPU.
    """

    def __init__(self) -> None:
        self._line = ThreadPoolExecutor(max_workers=CHILDREN, thread_name_prefix="prover")
        # The one that worked last works next: the others start only under load.
        self._idle: LifoQueue[_Child] = LifoQueue()
        self.children = tuple(_Child() for _ in range(CHILDREN))
        for child in self.children:
            self._idle.put(child)

    def warm(self) -> None:
        """Start a child in the background, because a file is about to come."""
        if not any(child.pid for child in self.children):
            self._line.submit(self._warm)

    async def prove(self, content: bytes) -> Proven:
        """Raises DocumentRefused (422) with a reason, Unavailable (503) without a sandbox."""
        try:
            answer = await self._ask({"act": "prove"}, content)
        except _ChildDied:
            raise DocumentRefused("too-complex") from None
        if answer.proven is None:
            raise DocumentRefused(answer.refused or "damaged")
        return answer.proven

    async def read_invoices(self, content: bytes, media_type: str) -> tuple[Invoice, ...]:
        """What the codes printed on a proven file say; a file that is too much says nothing."""
        try:
            return (await self._ask({"act": "read", "media_type": media_type}, content)).invoices
        except _ChildDied:
            return ()

    async def mark(self, content: bytes, media_type: str, lines: Sequence[str]) -> bytes:
        """A proven file with `lines` written all over every page; raises Unavailable (503)."""
        order = {"act": "mark", "media_type": media_type, "lines": list(lines)}
        try:
            answer = await self._ask(order, content)
        except _ChildDied:
            raise Unavailable from None
        if answer.marked is None:
            log.error("document not marked", reason=answer.refused)
            raise Unavailable
        return answer.marked

    def close(self) -> None:
        """End the children; called when the process ends."""
        self._line.shutdown(wait=True, cancel_futures=True)
        for child in self.children:
            child.end()

    async def _ask(self, order: Mapping[str, Any], content: bytes) -> _Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._line, self._hand_over, order, content)

    def _hand_over(self, order: Mapping[str, Any], content: bytes) -> _Answer:
        child = self._idle.get()
        try:
            return child.ask(order, content)
        finally:
            self._idle.put(child)
            if child.pid is None:
                # The next person should not wait for this file's consequences.
                self._line.submit(self._warm)

    def _warm(self) -> None:
        child = self._idle.get()
        try:
            child.ready()
        finally:
            self._idle.put(child)


def _start() -> subprocess.Popen[bytes]:
    # A fresh program, never a fork of a threaded process; the environment's secrets stay here.
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", START, str(ROOT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    try:
        _read_frame(process)
    except (_ChildDied, OSError) as error:
        _close(process)
        log.error("sandbox does not start", status=process.returncode)
        raise Unavailable from error
    return process


def _close(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            # What was not taken by a dead child cannot be flushed to it.
            with suppress(OSError):
                pipe.close()


def _exchange(process: subprocess.Popen[bytes], *frames: bytes) -> bytes:
    target = process.stdin
    if target is None:
        raise _ChildDied
    for frame in frames:
        target.write(struct.pack(">I", len(frame)))
        target.write(frame)
    target.flush()
    return _read_frame(process)


def _read_frame(process: subprocess.Popen[bytes]) -> bytes:
    source = process.stdout
    header = b"" if source is None else source.read(4)
    if source is None or len(header) < 4:
        raise _ChildDied
    (length,) = struct.unpack(">I", header)
    content = source.read(length)
    if len(content) < length:
        raise _ChildDied
    return content

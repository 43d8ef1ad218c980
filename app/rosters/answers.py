"""Answers to rows: sealed in blocks of up to a thousand, opened a page at a time."""

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from typing import Literal
from uuid import UUID

import msgspec

from app.kernel.ids import new_id
from app.kernel.vault import Vault
from app.rosters.validation import RowError

Answer = Literal["enrolled", "updated", "unchanged", "refused"]
ANSWERS: tuple[Answer, ...] = ("enrolled", "updated", "unchanged", "refused")
BLOCK_ROWS = 1_000


class RowAnswer(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """What happened to one row. `policy_number` is the cover that the row stands for."""

    row: int
    rider_ref: str
    answer: Answer
    policy_number: str = ""
    notices: tuple[str, ...] = ()
    errors: tuple[RowError, ...] = ()


class Block(msgspec.Struct, frozen=True):
    """One row of `roster_answers`."""

    id: UUID
    first_row: int
    last_row: int
    counts: tuple[int, int, int, int]
    sealed: bytes


_decoder = msgspec.msgpack.Decoder(list[RowAnswer])
_encoder = msgspec.msgpack.Encoder()


def seal_blocks(vault: Vault, answers: Iterable[RowAnswer]) -> list[Block]:
    """Blocks of answers in the order of their rows."""
    ordered = sorted(answers, key=attrgetter("row"))
    return [
        _seal(vault, ordered[start : start + BLOCK_ROWS])
        for start in range(0, len(ordered), BLOCK_ROWS)
    ]


def _seal(vault: Vault, rows: list[RowAnswer]) -> Block:
    block_id = new_id()
    found = Counter(row.answer for row in rows)
    counts = (found["enrolled"], found["updated"], found["unchanged"], found["refused"])
    sealed = vault.seal_bytes("roster_answers", block_id, _encoder.encode(rows))
    return Block(block_id, rows[0].row, rows[-1].row, counts, sealed)


def open_block(vault: Vault, block_id: UUID, sealed: bytes) -> list[RowAnswer]:
    """The answers that were sealed as one block."""
    return _decoder.decode(vault.open_bytes("roster_answers", block_id, sealed))

"""The first walk over a file: which rows changed, which riders are missing.

A row that hashes like the rider's row did is answered without being read any further;
that is what makes pushing a snapshot again cheap.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from app.rosters.columns import FileError
from app.rosters.reading import HASH_BYTES, RosterFile, Unreadable

# A few riders who leave a small partner are no mass disappearance.
SMALLEST_MASS = 10

UNCHANGED, TO_JUDGE, REPEATED = 0, 1, 2


class Present(msgspec.Struct, frozen=True):
    """A partner's riders before this roster.

    `hashes` maps each reference to its row's hash, empty where the row has to be judged
    again; `missing` are the references that were already missing.
    """

    hashes: Mapping[str, bytes]
    missing: frozenset[str]


@dataclass(slots=True)
class Survey:
    """What the first walk found; lists run parallel to the rows of the file."""

    numbers: "array[int]"
    refs: list[str]
    marks: bytearray
    # 16 bytes a row: a dictionary of a hundred thousand hashes weighs ten times as much.
    hashes: bytearray
    # Every reference the file names → the row that counts.
    named: dict[str, int]
    errors: list[FileError]
    missing: list[str] = field(default_factory=list)
    newly_missing: int = 0
    returned: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(self.marks)

    def mark_of(self, ref: str) -> int | None:
        """What is to be done with the row that counts for a reference."""
        number = self.named.get(ref)
        return None if number is None else self.marks[bisect_left(self.numbers, number)]

    def hash_at(self, position: int) -> bytes:
        """The keyed hash of the row at this position of the lists."""
        return bytes(self.hashes[HASH_BYTES * position : HASH_BYTES * (position + 1)])


def survey_file(file: RosterFile, key: bytes, present: Present) -> Survey:
    """Walk the file once. Runs in a thread; `key` is the vault's for row hashes."""
    found = Survey(array("I"), [], bytearray(), bytearray(), {}, list(file.errors))
    if found.errors:
        return found
    try:
        _walk(file, key, present, found)
    except Unreadable as stop:
        found.errors.append(stop.error)
        return found
    if not found.numbers:
        found.errors.append(FileError("file-no-rows"))
        return found
    named = found.named
    found.missing = [ref for ref in present.hashes if ref not in named]
    found.newly_missing = sum(ref not in present.missing for ref in found.missing)
    found.returned = [ref for ref in present.missing if ref in named]
    return found


def _walk(file: RosterFile, key: bytes, present: Present, found: Survey) -> None:
    known = present.hashes.get
    numbers, refs, marks = found.numbers, found.refs, found.marks
    named, hashes = found.named, found.hashes
    for number, ref, digest in file.fingerprints(key):
        numbers.append(number)
        refs.append(ref)
        hashes += digest
        if ref and named.setdefault(ref, number) != number:
            marks.append(REPEATED)
        elif known(ref) == digest:
            marks.append(UNCHANGED)
        else:
            marks.append(TO_JUDGE)


def is_mass_disappearance(survey: Survey, present: Present, hold_percent: int) -> bool:
    """Whether so many riders went missing at once that the partner has to confirm it."""
    before = len(present.hashes) - len(present.missing)
    gone = survey.newly_missing
    return gone >= SMALLEST_MASS and gone * 100 > hold_percent * before

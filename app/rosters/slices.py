"""The second walk over a file: slices of judged rows, each for one transaction."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date

import msgspec

from app.rosters.answers import Answer, RowAnswer
from app.rosters.reading import RosterFile
from app.rosters.survey import REPEATED, UNCHANGED, Survey
from app.rosters.validation import Candidate, Judgement, RowError, judge

JUDGED_ROWS = 5_000
ROWS = 50_000


class Slice(msgspec.Struct):
    """Consecutive rows; `answers` has those that are decided already, in any order."""

    after: int
    through: int
    answers: list[RowAnswer]
    candidates: list[Candidate]


def slices(file: RosterFile, survey: Survey, *, after: int, today: date) -> Iterator[Slice]:
    """Every row beyond row number `after`, in slices of at most JUDGED_ROWS changed rows.

    `next` on it is work for a thread. A file without a changed row is not read again.
    """
    if not survey.changed:
        yield from _unchanged(survey, after)
        return
    current = Slice(after, after, [], [])
    judged = 0
    for position, row in enumerate(file.rows()):
        number = row.number
        if number <= after:
            continue
        mark, ref = survey.marks[position], survey.refs[position]
        if mark == UNCHANGED:
            current.answers.append(RowAnswer(number, ref, "unchanged"))
        elif mark == REPEATED:
            fields = {"row": survey.named[ref]}
            error = RowError("rider_ref", "duplicate-reference", fields=fields)
            current.answers.append(RowAnswer(number, ref, "refused", errors=(error,)))
        else:
            judged += 1
            _add(current, judge(row, today), survey.hash_at(position))
        current.through = number
        if judged >= JUDGED_ROWS or len(current.answers) + len(current.candidates) >= ROWS:
            yield current
            current, judged = Slice(number, number, [], []), 0
    if current.through > current.after:
        yield current


def _unchanged(survey: Survey, after: int) -> Iterator[Slice]:
    """A file without a changed row, straight from the survey."""
    numbers, refs = survey.numbers, survey.refs
    for start in range(bisect_right(numbers, after), len(numbers), ROWS):
        rows = slice(start, start + ROWS)
        word: Answer = "unchanged"
        answers = [RowAnswer(*row, word) for row in zip(numbers[rows], refs[rows], strict=True)]
        yield Slice(after, answers[-1].row, answers, [])
        after = answers[-1].row


def _add(current: Slice, judgement: Judgement, row_hash: bytes) -> None:
    if judgement.candidate is not None:
        judgement.candidate.row_hash = row_hash
        current.candidates.append(judgement.candidate)
    else:
        refusal = RowAnswer(
            judgement.number, judgement.rider_ref, "refused", errors=tuple(judgement.errors)
        )
        current.answers.append(refusal)

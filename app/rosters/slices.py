"""The second walk over a file: slices of judged rows, each for one transaction."""

from collections.abc import Iterator
from datetime import date

import msgspec

from app.rosters.answers import RowAnswer
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
    rows = file.rows() if survey.changed else None
    current = Slice(after, after, [], [])
    judged = 0
    for position, number in enumerate(survey.numbers):
        row = next(rows) if rows is not None else None
        if number <= after:
            continue
        mark, ref = survey.marks[position], survey.refs[position]
        if mark == UNCHANGED:
            current.answers.append(RowAnswer(number, ref, "unchanged"))
        elif mark == REPEATED:
            error = RowError(
                "rider_ref", "duplicate-reference", fields={"row": survey.first_of[number]}
            )
            current.answers.append(RowAnswer(number, ref, "refused", errors=[error]))
        elif row is not None:
            judged += 1
            _add(current, judge(row, today))
        current.through = number
        if judged >= JUDGED_ROWS or len(current.answers) + len(current.candidates) >= ROWS:
            yield current
            current, judged = Slice(number, number, [], []), 0
    if current.through > current.after:
        yield current


def _add(current: Slice, judgement: Judgement) -> None:
    if judgement.candidate is not None:
        current.candidates.append(judgement.candidate)
    else:
        refusal = RowAnswer(
            judgement.number, judgement.rider_ref, "refused", errors=judgement.errors
        )
        current.answers.append(refusal)

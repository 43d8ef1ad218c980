"""Matching two sides, without a database: every line ends in one place, sums included."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payouts.batch_errors import ResultControlDiffers, ResultForeign, ResultUnreadable
from app.payouts.batch_files import as_fen, as_yuan, read_result
from app.treasury.comparing import compare, near_midnight
from app.treasury.lines import Ours, Theirs

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
NOBODY = UUID(int=1)


def test_the_half_hour_before_midnight_in_shanghai() -> None:
    assert not near_midnight(datetime(2026, 11, 20, 15, 29, 59, tzinfo=UTC))
    assert near_midnight(datetime(2026, 11, 20, 15, 30, tzinfo=UTC))
    assert near_midnight(datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC))
    assert not near_midnight(datetime(2026, 11, 20, 16, tzinfo=UTC))


amounts = st.integers(-5, 5).filter(bool)
sides = st.dictionaries(st.sampled_from("abcdefgh"), amounts)


@given(sides, sides, st.sets(st.sampled_from("abcdefgh")))
def test_differences_bring_our_account_to_theirs(
    theirs: dict[str, int], ours: dict[str, int], unbooked: set[str]
) -> None:
    """What was booked plus all differences is what the outside says, to the fen."""
    lines = [Theirs("refund", number, fen, NOON) for number, fen in theirs.items()]
    rows = {
        ("refund", number): Ours("refund", number, NOBODY, fen, "x", number not in unbooked, NOON)
        for number, fen in ours.items()
    }
    found = compare(lines, rows, list(rows.values()), set())  # type: ignore[arg-type]
    booked = sum(row.booked_fen for row in rows.values())
    lacking = sum(each.difference_fen for each in found.differences)
    assert booked + lacking == sum(theirs.values())
    touched = found.agreed | {each.key for each in found.differences}
    known = {("refund", number) for number in theirs}
    known |= {key for key, row in rows.items() if row.booked}
    assert touched == known
    assert not found.agreed & {each.key for each in found.differences}


def test_what_another_day_showed_is_not_missed() -> None:
    row = Ours("transfer", "a", NOBODY, -5, "paid", True, NOON)
    assert compare([], {}, [row], {row.key}).differences == ()
    [missed] = compare([], {}, [row], set()).differences
    assert (missed.cause, missed.difference_fen) == ("missing_there", 5)


@given(st.integers(0, 10**13))
def test_yuan_and_back(fen: int) -> None:
    assert as_fen(as_yuan(fen)) == fen


@pytest.mark.parametrize("amount", ["", "1", "1.2", "1.234", "-1.00", "1,000.00", "１.00", "٣.00"])
def test_amounts_that_are_none(amount: str) -> None:
    with pytest.raises(ValueError, match="decimals"):
        as_fen(amount)


HEAD = (
    "批次号,B1,总笔数,{count},总金额,{total}\n序号,付款流水号,金额,处理状态,失败代码,银行流水号\n"
)


def file(*rows: str, count: int | None = None, total: str = "1.00") -> bytes:
    head = HEAD.format(count=len(rows) if count is None else count, total=total)
    return (head + "\n".join(rows)).encode("gb18030")


def test_result_files() -> None:
    good = read_result(file("1,R1,1.00,成功,,B9"))
    assert (good.number, good.amount_fen, good.lines[0].outcome) == ("B1", 100, "paid")
    twice = read_result(file("1,R1,1.00,成功,,B9", "2,R1,1.00,成功,,B9", total="2.00"))
    assert len(twice.lines) == 1
    with pytest.raises(ResultForeign):
        read_result(file("1,R1,1.00,成功,,B9", "2,R1,1.00,失败,x,B9", total="2.00"))
    for wrong in (
        file("1,R1,1.00,成功,,B9", count=2),
        file("1,R1,1.00,成功,,B9", total="1.01"),
    ):
        with pytest.raises(ResultControlDiffers):
            read_result(wrong)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises((ResultUnreadable, ResultControlDiffers)):
        read_result(content)

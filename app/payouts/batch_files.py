"""The bank's two files, CSV in GB18030 with control sums: transfers, and what became of them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from app.payouts.batch_errors import ResultControlDiffers, ResultForeign, ResultUnreadable

ENCODING = "gb18030"
HEADER = ("序号", "付款流水号", "收款账号", "收款户名", "收款行号", "金额", "用途")
RESULT_HEADER = ("序号", "付款流水号", "金额", "处理状态", "失败代码", "银行流水号")
Word = Literal["paid", "failed", "pending", "unknown"]
_WORDS: dict[str, Word] = {
    "成功": "paid",
    "失败": "failed",
    "处理中": "pending",
    "不明": "unknown",
}


@dataclass(frozen=True, slots=True)
class FileRow:
    """One transfer of the file out."""

    reference: str
    account_number: str = field(repr=False)
    account_name: str = field(repr=False)
    bank_code: str
    amount_fen: int
    remark: str


@dataclass(frozen=True, slots=True)
class ResultLine:
    """What became of one transfer; `code` says why it failed."""

    reference: str
    amount_fen: int
    outcome: Word
    code: str
    bank_reference: str


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result file whose control sums hold."""

    number: str
    amount_fen: int
    lines: tuple[ResultLine, ...]


def write_file(number: str, day: date, rows: Sequence[FileRow]) -> bytes:
    """The file out: a line of control (number, day, count, sum), the columns, the transfers."""
    written = io.StringIO()
    writer = csv.writer(written)
    total = sum(row.amount_fen for row in rows)
    control = ("总笔数", len(rows), "总金额", as_yuan(total))
    writer.writerow(("批次号", number, "制单日期", day.isoformat(), *control))
    writer.writerow(HEADER)
    for position, row in enumerate(rows, 1):
        writer.writerow(
            (
                position,
                row.reference,
                row.account_number,
                row.account_name,
                row.bank_code,
                as_yuan(row.amount_fen),
                row.remark,
            )
        )
    return written.getvalue().encode(ENCODING)


def read_result(content: bytes) -> ResultFile:
    """A result file, believed as a whole or not at all.

    The same line twice counts once, after the control sums were taken. Raises
    ResultUnreadable, ResultControlDiffers, ResultForeign for contradicting lines (422).
    """
    try:
        head, names, *rows = csv.reader(io.StringIO(content.decode(ENCODING)), strict=True)
        if tuple(names) != RESULT_HEADER or (head[0], head[2], head[4]) != (
            "批次号",
            "总笔数",
            "总金额",
        ):
            raise ValueError("columns")
        number, count, total = head[1], int(head[3]), as_fen(head[5])
        lines = [_line(row) for row in rows if row]
    except (UnicodeDecodeError, ValueError, IndexError, KeyError, csv.Error) as error:
        raise ResultUnreadable from error
    if (count, total) != (len(lines), sum(line.amount_fen for line in lines)):
        raise ResultControlDiffers
    by_reference: dict[str, ResultLine] = {}
    for line in lines:
        if by_reference.setdefault(line.reference, line) != line:
            raise ResultForeign
    return ResultFile(number, total, tuple(by_reference.values()))


def _line(row: list[str]) -> ResultLine:
    _, reference, amount, word, code, bank_reference = row
    if len(reference) > 32 or len(code) > 64 or len(bank_reference) > 64:
        raise ValueError("too long")
    return ResultLine(reference, as_fen(amount), _WORDS[word], code, bank_reference)


def as_yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def as_fen(amount: str) -> int:
    """`12.34` as 1234; ValueError for anything but digits with two decimals."""
    whole, dot, cents = amount.partition(".")
    digits = whole + cents
    if not (dot and len(cents) == 2 and whole and digits.isascii() and digits.isdigit()):
        raise ValueError("an amount has two decimals")
    if len(whole) > 12:
        raise ValueError("an amount beyond reason")
    return int(digits)

"""Batches at the bank: a file in, each row a transfer of its own, a result file out."""

import base64
import binascii
import csv
import hashlib
import io
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.routing import Route

from app.simulators import bank
from app.simulators.signed_door import DoorError, door, read
from app.simulators.store import Record
from app.simulators.world import ControlError, World, control

ENCODING = "gb18030"
HEADER = ["序号", "付款流水号", "收款账号", "收款户名", "收款行号", "金额", "用途"]
RESULT_HEADER = ["序号", "付款流水号", "金额", "处理状态", "失败代码", "银行流水号"]
WORDS = {"paid": "成功", "rejected": "失败", "pending": "处理中"}
Fate = Literal[
    "normal",
    "silent",
    "partial",
    "late",
    "duplicate",
    "wrong_control",
    "wrong_amount",
    "foreign_row",
    "unknown",
]


class BatchForm(msgspec.Struct):
    number: Annotated[str, Meta(pattern=r"\A[0-9A-Z]{4,20}\Z")]
    rows: int
    amount_fen: int
    sha256: str
    content: str


class FateForm(msgspec.Struct, forbid_unknown_fields=True):
    """What is wrong with the next results of a batch; `references` are the rows concerned."""

    number: str
    fate: Fate = "normal"
    references: list[str] = []


class NumberForm(msgspec.Struct, forbid_unknown_fields=True):
    number: str


def routes(world: World) -> list[Route]:
    """What the union's treasury system calls."""
    secret = world.config.bank_secret
    return [
        door(secret, "POST", "/v1/batches", partial(_submit, world)),
        door(secret, "GET", "/v1/batches/{number}", partial(_query, world)),
        door(secret, "GET", "/v1/batches/{number}/results", partial(_results, world)),
    ]


def control_routes(world: World) -> list[Route]:
    """What happens inside the bank, and what somebody downloads from its portal."""
    return [
        control("/bank/batches/fate", FateForm, partial(_choose_fate, world)),
        control("/bank/batches/submit", BatchForm, partial(_by_hand, world)),
        control("/bank/batches/result", NumberForm, partial(_portal, world)),
    ]


def _submit(world: World, _: Request, body: bytes) -> tuple[int, Any]:
    return 202, _take(world, read(body, BatchForm))


def _by_hand(world: World, form: BatchForm) -> Record:
    try:
        return _take(world, form)
    except DoorError as error:
        raise ControlError(error.status, error.code) from None


def _take(world: World, form: BatchForm) -> Record:
    try:
        content = base64.b64decode(form.content, validate=True)
    except binascii.Error:
        raise DoorError(400, "bad_file", "content is not base64") from None
    if hashlib.sha256(content).hexdigest() != form.sha256:
        raise DoorError(400, "control_mismatch", "the digest differs")
    known = world.store.get("batch", form.number)
    if known is not None:
        if known["sha256"] != form.sha256:
            raise DoorError(409, "number_reused", "the number was used with another file")
        return _view(known)
    rows = _read(form, content)
    batch: Record = {
        "number": form.number,
        "sha256": form.sha256,
        "rows": form.rows,
        "amount_fen": form.amount_fen,
        "references": [row[1] for row in rows],
    }
    world.store.put("batch", form.number, batch)
    for row in rows:
        _begin(world, row)
    return _view(batch)


def _read(form: BatchForm, content: bytes) -> list[list[str]]:
    try:
        head, names, *rows = csv.reader(io.StringIO(content.decode(ENCODING)))
        head_number, head_rows, head_sum = head[1], int(head[5]), fen(head[7])
        total = sum(fen(row[5]) for row in rows)
    except (UnicodeDecodeError, ValueError, IndexError) as error:
        raise DoorError(400, "bad_file", str(error)) from error
    if names != HEADER or any(len(row) != len(HEADER) for row in rows):
        raise DoorError(400, "bad_file", "columns differ")
    said = (head_number, head_rows, head_sum)
    if said != (form.number, len(rows), total) or said[1:] != (form.rows, form.amount_fen):
        raise DoorError(400, "control_mismatch", "count or sum differ")
    return rows


def _begin(world: World, row: list[str]) -> None:
    """A row under a known reference is that transfer: never new money for it."""
    _, reference, account_number, account_name, bank_code, amount, remark = row
    if world.store.get("bank", reference) is not None:
        return
    bank.take(
        world,
        bank.TransferForm(reference, account_number, account_name, bank_code, fen(amount), remark),
    )


def _query(world: World, request: Request, _: bytes) -> tuple[int, Any]:
    return 200, _view(_known(world, request))


def _known(world: World, request: Request) -> Record:
    batch = world.store.get("batch", request.path_params["number"])
    if batch is None:
        raise DoorError(404, "unknown_batch", "no such batch")
    return batch


def _view(batch: Record) -> Record:
    return {name: batch[name] for name in ("number", "rows", "amount_fen", "sha256")}


def _results(world: World, request: Request, _: bytes) -> tuple[int, Any]:
    content = _result_file(world, _known(world, request))
    files = [] if content is None else [base64.b64encode(content).decode()]
    return 200, {"files": files}


def _portal(world: World, form: NumberForm) -> Record:
    batch = world.store.get("batch", form.number)
    if batch is None:
        raise ControlError(404, "no such batch")
    content = _result_file(world, batch)
    return {"content": "" if content is None else base64.b64encode(content).decode()}


def _choose_fate(world: World, form: FateForm) -> Record:
    world.store.put("batch-fate", form.number, msgspec.to_builtins(form))
    return {"number": form.number, "fate": form.fate}


def _result_file(world: World, batch: Record) -> bytes | None:
    """What is settled so far; None while there is nothing to tell."""
    chosen = world.store.get("batch-fate", batch["number"]) or {"fate": "normal", "references": []}
    fate, named = chosen["fate"], set(chosen["references"])
    lines = [
        [each["reference"], each["amount_fen"], WORDS[each["state"]], each["code"], told]
        for reference in batch["references"]
        if (each := world.store.get("bank", reference)) and each["state"] != "pending"
        for told in [each["bank_reference"]]
    ]
    match fate:
        case "silent":
            return None
        case "partial":
            lines = lines[: max(1, len(lines) // 2)]
        case "late":
            lines = [line for line in lines if line[0] not in named]
        case "duplicate":
            lines = [line for line in lines for _ in range(2)]
        case "wrong_amount" if lines:
            lines[0][1] += 1
        case "foreign_row":
            lines.append(["F" * 32, 100, WORDS["paid"], "", "B000000000000009"])
        case "unknown":
            for line in lines:
                if line[0] in named:
                    line[2:] = ["不明", "", ""]
    if not lines:
        return None
    total = sum(line[1] for line in lines) + (fate == "wrong_control")
    return _write(batch["number"], lines, total)


def _write(number: str, lines: list[list[Any]], total: int) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["批次号", number, "总笔数", len(lines), "总金额", yuan(total)])
    writer.writerow(RESULT_HEADER)
    for position, (reference, amount_fen, word, code, told) in enumerate(lines, 1):
        writer.writerow([position, reference, yuan(amount_fen), word, code, told])
    return written.getvalue().encode(ENCODING)


def fen(amount: str) -> int:
    """`12.34` as 1234; ValueError for anything but two decimals."""
    whole, dot, cents = amount.partition(".")
    if not (dot and whole.isdigit() and cents.isdigit() and len(cents) == 2):
        raise ValueError("an amount has two decimals")
    return int(whole) * 100 + int(cents)


def yuan(amount_fen: int) -> str:
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"

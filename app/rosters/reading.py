"""Reading a pushed file: CSV in UTF-8 or GB18030, or JSON; row by row, never all at once."""

import csv
import hashlib
import io
import json
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, Protocol

import msgspec

from app.rosters.columns import FIELDS, FileError, Layout, read_layout

MAX_ROWS = 100_000
HASH_BYTES = 16
# What the csv module takes as one cell.
_LONGEST_LINE = 131_072
_KNOWN = frozenset(FIELDS)


class RosterFile(Protocol):
    """An opened file.

    Rows are numbered from 1; the header is not counted, blank lines are. Both walks
    raise Unreadable where the file cannot be read on.
    """

    errors: list[FileError]
    ignored: tuple[str, ...]

    def fingerprints(self, key: bytes) -> Iterator[tuple[int, str, bytes]]:
        """Each row's number and reference, and a keyed hash of the row as it arrived."""
        ...

    def rows(self) -> Iterator["Row"]:
        """Each row's cells in the order of FIELDS; errors found while reading it."""
        ...


class Row(msgspec.Struct, gc=False):
    """Cells in the order of FIELDS. Anything but text stays what the file held."""

    number: int
    cells: tuple[Any, ...]
    fault: str = ""
    column: str = ""


class Unreadable(Exception):
    """The file ends reading here; `error` says why."""

    def __init__(self, code: str, row: int = 0) -> None:
        super().__init__(code)
        self.error = FileError(code, row=row)


def open_file(media_type: str, body: bytes) -> RosterFile:
    """The file behind a body; what is wrong with it as a whole is in its `errors`."""
    if media_type == "application/json":
        return JsonFile(body)
    return CsvFile(body)


def reference_of(cell: object) -> str:
    """A rider reference as it is compared: text without blanks around it."""
    return cell.strip() if isinstance(cell, str) else "" if cell is None else str(cell)


class CsvFile:
    """Comma, semicolon or tab separated text whose first row names the columns."""

    def __init__(self, body: bytes) -> None:
        self.errors: list[FileError] = []
        self.ignored: tuple[str, ...] = ()
        self._body = body
        self._encoding, self._delimiter = "utf-8-sig", ","
        self._plain = _is_plain(body)
        self._layout = Layout((), 0, ())
        try:
            self._read_header()
        except Unreadable as stop:
            self.errors.append(stop.error)

    def _read_header(self) -> None:
        if not self._body.strip():
            raise Unreadable("file-empty")
        self._encoding = _encoding_of(self._body)
        first = self._text().readline()
        self._delimiter = max(",;\t", key=first.count)
        _, header = next(self._records(), (0, []))
        self._layout, self.errors = read_layout(header)
        self.ignored = self._layout.ignored

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self._body), encoding=self._encoding, newline="")

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Every record that is not blank with its number, the header first."""
        number = -1
        try:
            for number, record in enumerate(
                csv.reader(self._text(), delimiter=self._delimiter, strict=True)
            ):
                if any(record):
                    yield number, record
        except csv.Error:
            raise Unreadable("file-malformed", number + 1) from None

    def _data(self) -> Iterator[tuple[int, list[str]]]:
        records = self._records()
        header, _ = next(records, (0, []))
        for count, (number, record) in enumerate(records, start=1):
            if count > MAX_ROWS:
                raise Unreadable("file-too-many-rows")
            yield number - header, record

    def fingerprints(self, key: bytes) -> Iterator[tuple[int, str, bytes]]:
        layout = repr((self._layout.positions, self._encoding, self._delimiter, self._plain))
        base = hashlib.blake2b(layout.encode(), key=key, digest_size=HASH_BYTES)
        return self._plain_fingerprints(base) if self._plain else self._quoted_fingerprints(base)

    def _plain_fingerprints(self, base: Any) -> Iterator[tuple[int, str, bytes]]:
        """A record is a line: its bytes are hashed, and only the reference is looked at.

        Quotes, delimiters and line ends are no part of a longer character in UTF-8 or
        GB18030. Numbers are those of `_data`.
        """
        at, encoding = self._layout.positions[0], self._encoding.removesuffix("-sig")
        delimiter = self._delimiter.encode()
        blank = delimiter + b"\r\n"
        header, count, copy = -1, 0, base.copy
        lines = io.BytesIO(self._body)
        if self._body.startswith(BOM_UTF8):
            lines.seek(len(BOM_UTF8))
        for number, line in enumerate(lines):
            if line[0] in blank and not line.strip(blank):
                continue
            if header < 0:
                header = number
                continue
            count += 1
            if count > MAX_ROWS:
                raise Unreadable("file-too-many-rows")
            if len(line) > _LONGEST_LINE:
                raise Unreadable("file-malformed", number)
            record = line.rstrip(b"\r\n")
            digest = copy()
            digest.update(record)
            cells = record.split(delimiter, at + 1)
            reference = cells[at].decode(encoding).strip() if at < len(cells) else ""
            yield number - header, reference, digest.digest()

    def _quoted_fingerprints(self, base: Any) -> Iterator[tuple[int, str, bytes]]:
        at = self._layout.positions[0]
        for number, record in self._data():
            digest = base.copy()
            digest.update("\x1f".join(record).encode())
            yield number, (record[at].strip() if at < len(record) else ""), digest.digest()

    def rows(self) -> Iterator[Row]:
        positions, width = self._layout.positions, self._layout.width
        # A column that the file lacks is read from an empty cell behind the others.
        cells = itemgetter(*(at if at >= 0 else width for at in positions))
        for number, record in self._data():
            if len(record) != width and (fault := _shape_fault(record, width)):
                reference = record[positions[0]] if positions[0] < len(record) else ""
                yield Row(number, (reference, *_NOTHING[1:]), fault)
                continue
            record[width:] = _EMPTY
            yield Row(number, cells(record))


_NOTHING = ("",) * len(FIELDS)
_EMPTY = ("",)


def _shape_fault(record: Sequence[str], width: int) -> str:
    """Empty cells beyond the header are harmless; anything else has shifted the row."""
    if len(record) > width:
        return "row-too-long" if any(cell.strip() for cell in record[width:]) else ""
    return "row-too-short"


def _encoding_of(body: bytes) -> str:
    """UTF-8 where the bytes are UTF-8, else GB18030, the only other one in use."""
    for encoding in ("utf-8-sig", "gb18030"):
        # Decoding in pieces keeps the text of a large file out of memory.
        text = io.TextIOWrapper(io.BytesIO(body), encoding=encoding, newline="")
        try:
            while text.read(1 << 18):
                pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise Unreadable("file-encoding")


def _is_plain(body: bytes) -> bool:
    """Whether every line is a record: nothing is quoted, and no line ends with CR alone."""
    return b'"' not in body and body.count(b"\r") == body.count(b"\r\n")


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    riders: list[msgspec.Raw]


class _Reference(msgspec.Struct):
    rider_ref: Any = None


class JsonFile:
    """`{"riders": [{…}, …]}`; a rider's members are FIELDS."""

    def __init__(self, body: bytes) -> None:
        self.errors: list[FileError] = []
        self.ignored: tuple[str, ...] = ()
        self._riders: list[msgspec.Raw] = []
        if not body.strip():
            self.errors.append(FileError("file-empty"))
            return
        try:
            self._riders = msgspec.json.decode(body.removeprefix(BOM_UTF8), type=_Envelope).riders
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.errors.append(FileError("file-malformed"))

    def _data(self) -> Iterator[tuple[int, msgspec.Raw]]:
        if len(self._riders) > MAX_ROWS:
            raise Unreadable("file-too-many-rows")
        yield from enumerate(self._riders, start=1)

    def fingerprints(self, key: bytes) -> Iterator[tuple[int, str, bytes]]:
        base = hashlib.blake2b(b"json", key=key, digest_size=HASH_BYTES)
        decode = msgspec.json.Decoder(_Reference).decode
        for number, raw in self._data():
            digest = base.copy()
            digest.update(raw)
            try:
                reference = reference_of(decode(raw).rider_ref)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                reference = ""
            yield number, reference, digest.digest()

    def rows(self) -> Iterator[Row]:
        for number, raw in self._data():
            yield _json_row(number, bytes(raw))


def _json_row(number: int, raw: bytes) -> Row:
    repeated: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            repeated.extend(name for name in found if names.count(name) > 1)
        return found

    try:
        rider = json.loads(raw, object_pairs_hook=members)
    except (ValueError, RecursionError):
        return Row(number, _NOTHING, "row-malformed")
    if not isinstance(rider, dict):
        return Row(number, _NOTHING, "row-malformed")
    cells = tuple(["" if rider.get(name) is None else rider[name] for name in FIELDS])
    if repeated:
        return Row(number, cells, "member-twice", repeated[0][:40])
    unknown = [name for name in rider if name not in _KNOWN]
    if unknown:
        return Row(number, cells, "member-unknown", ", ".join(unknown)[:80])
    return Row(number, cells)

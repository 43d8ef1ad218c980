"""What the simulators remember: one SQLite table of JSON records, on disk or in memory."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import msgspec

Record = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    parent TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX IF NOT EXISTS records_by_parent ON records (kind, parent, position);
"""


class Store:
    """Records by kind and key, and by kind and parent in order of arrival.

    Every call is one committed statement of some twenty microseconds, short enough for
    the event loop. A killed process loses nothing; a killed machine may lose the last
    moments, which is honest enough for a simulator.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._database = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(SCHEMA)

    def get(self, kind: str, key: str) -> Record | None:
        row = self._database.execute(
            "SELECT body FROM records WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=dict[str, Any])

    def put(self, kind: str, key: str, body: Record, parent: str = "") -> None:
        """Insert or replace; a replaced record keeps its place and its parent."""
        self._database.execute(
            "INSERT INTO records (kind, key, parent, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
            (kind, key, parent, msgspec.json.encode(body)),
        )

    def delete(self, kind: str, key: str) -> None:
        self._database.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))

    def all(self, kind: str) -> list[Record]:
        return self._read("SELECT body FROM records WHERE kind = ? ORDER BY position", (kind,))

    def children(self, kind: str, parent: str) -> list[Record]:
        return self._read(
            "SELECT body FROM records WHERE kind = ? AND parent = ? ORDER BY position",
            (kind, parent),
        )

    def _read(self, statement: str, values: tuple[str, ...]) -> list[Record]:
        rows = self._database.execute(statement, values)
        return [msgspec.json.decode(row[0], type=dict[str, Any]) for row in rows]

    def close(self) -> None:
        self._database.close()

"""After the journey: the SQL that must return no rows (`tests/invariants/*.sql`)."""

from pathlib import Path

import asyncpg

from app.journey.report import Report

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "invariants"


async def check_invariants(report: Report, database_url: str) -> None:
    """Run every file and count the rows; each row is a miss. Without a database it says so."""
    files = sorted(FOLDER.glob("*.sql"))
    if not database_url or not files:
        report.console.print("invariants: not checked, no database is known here")
        report.facts["invariants"] = None
        return
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        broken = {}
        for file in files:
            rows = await connection.fetch(file.read_text())
            if rows:
                broken[file.stem] = len(rows)
                report.misses.append(f"invariant {file.stem}: {len(rows)} rows")
    finally:
        await connection.close()
    report.facts["invariants"] = {"checked": len(files), "broken": broken}
    colour = "red" if broken else "green"
    report.console.print(f"\n[{colour}]{len(files)} invariants, {len(broken)} broken[/{colour}]")

"""What the worker would do with the queue, done here and now."""

import msgspec
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.jobs import RetryLater
from app.worker import JOBS
from tests.cover_fixtures import context_of

_TAKE = text(
    "delete from pgqueuer.pgqueuer where status = 'queued' and execute_after <= now()"
    " and entrypoint ~ :names returning entrypoint, payload, id"
)


async def run(app: FastAPI, *prefixes: str, rounds: int = 8) -> list[str]:
    """Run the queued jobs whose names begin so, until nothing is left; names in order."""
    context, done = context_of(app), []
    for _ in range(rounds):
        async with app.state.database.transaction() as session:
            names = {"names": "^(" + "|".join(prefixes) + ")"}
            rows = (await session.execute(_TAKE, names)).all()
        if not rows:
            break
        for row in sorted(rows, key=lambda each: each.id):
            try:
                await JOBS[row.entrypoint](context, msgspec.json.decode(row.payload))
                done.append(row.entrypoint)
            except RetryLater:
                done.append(f"{row.entrypoint} later")
    return done

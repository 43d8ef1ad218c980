"""PostgreSQL brought along by the project, for `make run` and `make test` on a bare machine."""

from app.kernel.postgres.cluster import DATABASE, OWNER, Running, launch, start
from app.kernel.postgres.death import die_with
from app.kernel.postgres.locks import lock_folder
from app.kernel.postgres.runtime import PostgresStartError
from app.kernel.postgres.sockets import dsn, psql

__all__ = [
    "DATABASE",
    "OWNER",
    "PostgresStartError",
    "Running",
    "die_with",
    "dsn",
    "launch",
    "lock_folder",
    "psql",
    "start",
]

"""PostgreSQL brought along by the project, for `make run` and `make test` on a bare machine."""

from app.kernel.postgres.cluster import (
    DATABASE,
    OWNER,
    Running,
    launch,
    start,
)
from app.kernel.postgres.runtime import PostgresStartError
from app.kernel.postgres.sockets import dsn, psql

__all__ = [
    "DATABASE",
    "OWNER",
    "PostgresStartError",
    "Running",
    "dsn",
    "launch",
    "psql",
    "start",
]

"""What a failed start says: the machine's own words, then what to do."""

import errno
from collections.abc import Iterator

REACH = (
    "Check host, port, user and password in DATABASE_URL, and that the server runs;"
    " or unset it, and `make run` uses the one that comes along."
)
_FILES = {
    errno.ENOSPC: "The disk is full: free some space and start again.",
    errno.EDQUOT: "Your disk quota is used up: free some space and start again.",
    errno.EACCES: "Give this user the right to write there, or choose another --data-dir.",
    errno.EPERM: "Give this user the right to write there, or choose another --data-dir.",
    errno.EROFS: "That disk is read-only: choose another folder with --data-dir.",
    errno.EEXIST: "Something that is no folder is in the way: move it, or choose another"
    " --data-dir.",
    errno.ENOTDIR: "Something that is no folder is in the way: move it, or choose another"
    " --data-dir.",
    errno.ENOENT: "Look whether a file was moved, or choose another folder with --data-dir.",
    errno.EMFILE: "Too many open files: raise the limit (ulimit -n 4096).",
    errno.ENOMEM: "Memory is exhausted: close something, or give the container more.",
}


def words(error: BaseException) -> str | None:
    """For a person who can mend it; None for a fault that is ours.

    Quotes neither the database's address nor a key.
    """
    for each in _chain(error):
        advice = _advice(each)
        if advice is not None:
            return f"{each}\n{advice}".strip()
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made of, the innermost first: SQLAlchemy wraps the driver's."""
    inner = getattr(error, "orig", None) or error.__cause__
    if inner is not None:
        yield from _chain(inner)
    yield error


def _advice(error: BaseException) -> str | None:
    if isinstance(error, OSError):
        return _of_the_machine(error)
    if isinstance(error, TimeoutError):
        return f"The database cannot be reached in time.\n{REACH}"
    import asyncpg
    from alembic.util import CommandError

    from app.kernel.durability import UnfitDatabase
    from app.kernel.vault import MasterKeyError
    from app.settings import UnusableSettings

    if isinstance(error, asyncpg.PostgresError):
        return _of_the_database(error)
    if isinstance(error, CommandError):
        return (
            "These tables were made by a newer version of this program: update it (git pull),"
            " or take another database or --data-dir."
        )
    if isinstance(error, MasterKeyError):
        return (
            "Set REDUMBRELLA_MASTER_KEY to the key of this database (`make run` keeps its own in"
            " secrets/master.key of\nthe data folder): 32 bytes in base64, as `openssl rand"
            " -base64 32` makes them for a new one.\nWithout it personal data cannot be read:"
            " only a new database or another --data-dir is a fresh start."
        )
    if isinstance(error, UnusableSettings):
        return ""  # its message says it all
    if isinstance(error, UnfitDatabase):
        return "What production asks of its database: docs/runbook.md, Durability."
    return None


def _of_the_machine(error: OSError) -> str | None:
    """Files have names; an error without one comes from a connection."""
    if error.filename is None and error.errno not in (errno.ENOSPC, errno.EMFILE, errno.ENOMEM):
        return f"The database cannot be reached.\n{REACH}"
    return _FILES.get(error.errno or 0)


def _of_the_database(error: BaseException) -> str | None:
    import asyncpg

    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "Create it first (createdb), or correct DATABASE_URL."
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return REACH
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return (
            "Tables, roles and keys need the database's owner, with CREATEROLE: the user in\n"
            "REDUMBRELLA_MIGRATION_DATABASE_URL, or without it in DATABASE_URL."
        )
    missing = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)
    no_role = isinstance(error, asyncpg.InvalidParameterValueError) and "role" in str(error)
    if isinstance(error, missing) or no_role:
        return "This database is not up to date: run `redumbrella migrate` first."
    if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.TooManyConnectionsError):
        return REACH
    return None

"""Passwords: argon2 in threads, few at a time, equally slow for users that do not exist."""

import asyncio
import secrets

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

AT_ONCE = 2
MIN_LENGTH = 12
MAX_LENGTH = 128


class Passwords:
    """Hashing takes 20–200 ms of CPU, so it never runs on the loop (performance.md)."""

    def __init__(self) -> None:
        self._hasher = PasswordHash((Argon2Hasher(),))
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password fits; without a hash it takes as long and is never true."""
        if password_hash is None:
            if self._dummy is None:
                self._dummy = await self.hash(secrets.token_urlsafe(24))
            password_hash, known = self._dummy, False
        else:
            known = True
        async with self._turn:
            try:
                fits = await asyncio.to_thread(self._hasher.verify, password, password_hash)
            except UnknownHashError:
                return False
        return fits and known


def initial_password() -> str:
    """A password to be shown once and changed at the first login."""
    return secrets.token_urlsafe(15)

"""Built-in passwords (argon2id), for demos only: people of a bank log in by single sign-on."""

import asyncio

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_hasher = PasswordHash((Argon2Hasher(),))
#: Compared against where the login is unknown, so that the time of the answer says nothing.
_NOBODY = _hasher.hash("nobody has this password")
#: Hashing takes tens of milliseconds of a core, so only two at a time.
_turns: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def hash_password(password: str) -> str:
    """The stored form of a password."""
    return _hasher.hash(password)


async def is_right(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one; takes as long where there is none."""
    turn = _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(2))
    async with turn:
        right = await asyncio.to_thread(_hasher.verify, password, stored or _NOBODY)
    return right and stored is not None

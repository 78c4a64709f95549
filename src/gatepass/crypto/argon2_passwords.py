"""The port `Passwords` over whoever computes the hashes: worker processes of our own, or those of another process."""

from __future__ import annotations

import os
from typing import Final

from gatepass.crypto.argon2_parameters import Argon2Parameters, is_executable
from gatepass.crypto.password_worker import DONE, FAILED, hash_request, verify_request
from gatepass.domain.errors import HashingFailed
from gatepass.domain.secret import Secret

_NO_PASSWORD: Final = Secret(b"\x00 never the prepared form of a password")


class Argon2Passwords:
    """
    What is asked, and what the answers mean; subclasses have the asking.

    Args:
        parameters: of new hashes, and of the one that stands in for a missing hash.
    """

    def __init__(self, parameters: Argon2Parameters) -> None:
        self._parameters = parameters
        self._stand_in: Secret[str] | None = None

    async def ask(self, request: bytes) -> bytes:
        """
        The answer of a worker to a request, both as `password_worker` has them.

        Raises:
            Overloaded: it could not be done in time.
            HashingFailed: the worker died or hung.
        """
        raise NotImplementedError

    async def hash(self, password: Secret[bytes]) -> Secret[str]:
        """
        A PHC string with the live parameters.

        Raises:
            Overloaded: it could not be done in time.
            HashingFailed: the worker died, hung, or had no memory.
        """
        request = hash_request(password.reveal(), self._parameters.memory_kib, self._parameters.passes)
        answer = await self._answer(request)
        return Secret(answer[len(DONE) :].decode("ascii"))

    async def verify(self, password: Secret[bytes] | None, password_hash: Secret[str] | None) -> bool:
        """
        Whether the password is right. `None` for either costs one hash too, and is never right.

        A missing hash costs what the live parameters cost; a stored one costs what its own parameters say, until it
        is re-hashed. So a missing account, a disabled one and a wrong password cannot be told apart by the clock.

        A stored hash of another kind, or dearer than this server will ever compute, is as a missing one: the account
        cannot sign in (fails closed), and looks like any other to whoever tries.

        Raises:
            Overloaded, HashingFailed: as `hash`.
        """
        usable = password_hash if password_hash is not None and self.can_verify(password_hash) else None
        against = usable or self._stand_in
        if against is None:
            raise HashingFailed("password hashing was not started")
        request = verify_request((password or _NO_PASSWORD).reveal(), against.reveal())
        answer = await self._answer(request)
        return answer == DONE and password is not None and usable is not None

    def can_verify(self, password_hash: Secret[str]) -> bool:
        """Whether a stored hash is Argon2id or Argon2i, at a cost within the bounds."""
        return is_executable(password_hash.reveal())

    def needs_rehash(self, password_hash: Secret[str]) -> bool:
        """Whether a stored hash has another kind or other parameters than new ones get."""
        return not self._parameters.made(password_hash.reveal())

    async def make_stand_in(self) -> None:
        """Make the hash that stands in for a missing one; before the first `verify`."""
        self._stand_in = await self.hash(Secret(os.urandom(32)))

    async def _answer(self, request: bytes) -> bytes:
        answer = await self.ask(request)
        if answer.startswith(FAILED):
            raise HashingFailed(f"a password could not be hashed: {answer[len(FAILED) :].decode(errors='replace')}")
        return answer

"""Password hashing, and the keys and signatures of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gatepass.domain.access_token import AccessClaims, Caller
from gatepass.domain.client_assertion import ClientAssertion
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.secret import Secret


class Passwords(Protocol):
    """Slow hashing, off the event loop, behind a bounded queue."""

    async def hash(self, password: Secret[bytes]) -> Secret[str]:
        """
        A PHC string with the live parameters.

        Raises:
            Overloaded: it could not be done in time; refused at once, with `retry_after_seconds`.
            HashingFailed: the worker died.
        """
        ...

    async def verify(self, password: Secret[bytes] | None, password_hash: Secret[str] | None) -> bool:
        """
        Whether the password is right. `None` for either costs the same as a wrong password, and is never right.

        Raises:
            Overloaded, HashingFailed: as `hash`.
        """
        ...

    def needs_rehash(self, password_hash: Secret[str]) -> bool:
        """Whether a stored hash has other parameters than the live ones."""
        ...

    def can_verify(self, password_hash: Secret[str]) -> bool:
        """Whether a stored hash is of a kind and a cost that is computed here; no password is right for another."""
        ...


class AccessTokens(Protocol):
    """Signs and verifies access tokens."""

    def sign(self, claims: AccessClaims) -> Secret[str]:
        """
        The signed token; with ES256 or EdDSA and up to 75 characters of scopes under 700 bytes.

        Raises:
            KeyUnusable: there is no active key.
        """
        ...

    def verify(self, token: str, now: datetime) -> AccessClaims:
        """
        The claims of a token that is ours, for this audience, and not expired.

        Raises:
            Unauthenticated: anything else; the message says what is wrong and how to mend it.
        """
        ...


class AssertionReader(Protocol):
    """Reads the assertions with which clients prove who they are, signed with one of `algorithms`."""

    @property
    def algorithms(self) -> Sequence[str]:  # noqa: D102
        ...

    def read(self, assertion: Secret[str]) -> ClientAssertion:
        """
        What it says; nothing of that is proven.

        Raises:
            ClientRefused: not an assertion.
        """
        ...

    def is_signed_by(self, assertion: Secret[str], jwks: str) -> bool:
        """
        Whether one of these public keys signed it. Slow for RSA, quick for the others.

        Where none of them could have, as with an empty `jwks`, it costs the check of one signature all the same.
        """
        ...


class TrustedTokens(Protocol):
    """Verifies access tokens of other issuers, whom the operator trusts."""

    def verify(self, token: str, now: datetime) -> Caller | None:
        """
        Who is calling; None: the token does not say that it comes from one of them.

        Raises:
            Unauthenticated: it says so, and is not good; the message says what is wrong and how to mend it.
        """
        ...


class RefreshKeys(Protocol):
    """The MAC keys of refresh tokens."""

    def active(self) -> RefreshKey:
        """
        The key that makes new tokens.

        Raises:
            KeyUnusable: there is none.
        """
        ...

    def find(self, key_id: bytes) -> RefreshKey | None:
        """The key with this id, whatever its state."""
        ...

    async def find_anew(self, key_id: bytes) -> RefreshKey | None:
        """As `find`, after a look at what other processes have done to the keys."""
        ...

"""What security staff want to know."""

from __future__ import annotations

from typing import Protocol

from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.session import Session


class AuditLog(Protocol):
    """What security staff want to know; never a secret."""

    def refresh_token_reused(self, session: Session) -> None:
        """A spent refresh token came back, and its session was revoked (RFC 9700 §4.14.2)."""
        ...

    def code_reused(self, session: SessionId, client_id: str) -> None:
        """A code came back that had been traded before; the session that it gave was revoked (RFC 6749 §10.5)."""
        ...

    def hash_unusable(self, account: AccountId) -> None:
        """Somebody tried to sign in to an account whose stored hash is of a kind or a cost that is not computed."""
        ...

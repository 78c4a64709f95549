"""Audit events, as lines of the log."""

from __future__ import annotations

import logging

from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.session import Session

_log = logging.getLogger("gatepass.audit")


class LoggedAudit:
    """The port `AuditLog` over the process's log. It names accounts and sessions by id, and holds no secret."""

    def refresh_token_reused(self, session: Session) -> None:
        """A warning: either a thief or a broken client used a token twice."""
        _log.warning("refresh_token_reused", extra={"account": str(session.account.id), "session": str(session.id)})

    def code_reused(self, session: SessionId, client_id: str) -> None:
        """A warning: either a thief or a broken client used a code twice."""
        _log.warning("code_reused", extra={"session": str(session), "client": client_id})

    def hash_unusable(self, account: AccountId) -> None:
        """A warning: nobody can sign in to this account until its password is set anew."""
        _log.warning("hash_unusable", extra={"account": str(account)})

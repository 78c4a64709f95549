"""Audit events, as lines of the log."""

from __future__ import annotations

import logging

from gatepass.domain.session import Session

_log = logging.getLogger("gatepass.audit")


class LoggedAudit:
    """The port `AuditLog` over the process's log. It names accounts and sessions by id, and holds no secret."""

    def refresh_token_reused(self, session: Session) -> None:
        """A warning: either a thief or a broken client used a token twice."""
        _log.warning("refresh_token_reused", extra={"account": str(session.account.id), "session": str(session.id)})

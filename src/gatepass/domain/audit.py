"""The audit log: what is noted of a deed, and how the notes hang together so that none can be changed unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from gatepass.domain.account import EmailAddress
from gatepass.domain.identifiers import EPOCH, AccountId, SessionId
from gatepass.domain.occasion import Occasion

FORM: Final = "gatepass-audit-1"


class Deed(StrEnum):
    """What was done, or tried."""

    SIGN_IN = "sign_in"
    REFRESH_REPLAYED = "refresh_replayed"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - a word
    CODE_REUSED = "code_reused"
    CLIENT_ALLOWED = "client_allowed"
    DEVICE_APPROVED = "device_approved"
    DEVICE_DENIED = "device_denied"
    SIGN_OUT = "sign_out"
    SIGN_OUT_EVERYWHERE = "sign_out_everywhere"
    SESSION_REVOKED = "session_revoked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word
    ACCOUNT_ADDED = "account_added"
    ACCOUNT_ENABLED = "account_enabled"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_REMOVED = "account_removed"
    CLIENT_ADDED = "client_added"
    CLIENT_SECRET_CHANGED = "client_secret_changed"  # noqa: S105 - a word
    CLIENT_REMOVED = "client_removed"
    KEY_PUBLISHED = "key_published"
    KEY_ACTIVATED = "key_activated"
    KEY_REMOVED = "key_removed"
    KEYS_RESEALED = "keys_resealed"
    AUDIT_SEALED_ANEW = "audit_sealed_anew"


class Result(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"


class Reason(StrEnum):
    """Why something was refused: what the caller is not told."""

    UNKNOWN_ACCOUNT = "unknown_account"
    DISABLED_ACCOUNT = "disabled_account"
    NO_PASSWORD = "no_password"  # noqa: S105 - a word
    UNUSABLE_HASH = "unusable_hash"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a word
    DIRECTORY_SAYS_NO = "directory_says_no"
    ACCOUNT_CHANGED = "account_changed"
    RATE_LIMITED = "rate_limited"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """
    One entry. It holds no secret: nothing here comes from a password, a token or a code.

    `account` and `email` are whom it is about, and who did it unless `occasion.operator` or `client_id` says otherwise;
    `reason` is the true one; `detail` says the rest in words of ours (a key's id, how many sessions ended).
    """

    deed: Deed
    at: datetime
    occasion: Occasion
    result: Result = Result.DONE
    reason: Reason | None = None
    account: AccountId | None = None
    email: EmailAddress | None = None
    session: SessionId | None = None
    client_id: str | None = None
    detail: str | None = None


Outcome = TypeVar("Outcome")
Note = Callable[[Outcome], AuditEvent | None]
"""
What is to be noted of an outcome, if anything; pure and quick.

A store asks it inside the transaction of the deed, perhaps again, and writes the entry there: both are durable or none.
"""


@dataclass(frozen=True, slots=True)
class Link:
    """
    An entry's place in the chain: its number, from 1 without gaps, and its digest.

    A digest covers the entry and the digest before it, and so all entries up to here.
    """

    number: int
    digest: bytes


ORIGIN: Final = Link(0, bytes(32))
"""What comes before the first entry."""


@dataclass(frozen=True, slots=True)
class Seal:
    """
    That the chain went from `start` to `end`, said by who has the secret key.

    Without it somebody who writes to the store could make the chain anew, or cut its end off. `start` is the last entry
    that was deleted for its age.
    """

    start: Link
    end: Link
    mac: bytes

    @property
    def statement(self) -> bytes:
        """What the MAC is made of."""
        return statement(self.start, self.end)


def statement(start: Link, end: Link) -> bytes:
    """What a seal says, as bytes that say nothing else."""
    numbers = b"".join(number.to_bytes(8) for number in (start.number, end.number))
    return FORM.encode() + numbers + start.digest + end.digest


def following(before: Link, event: AuditEvent) -> Link:
    """The link of an entry that comes after `before`."""
    number = before.number + 1
    return Link(number, hashlib.sha256(before.digest + canonical(number, event)).digest())


def canonical(number: int, event: AuditEvent) -> bytes:
    """An entry as JSON in ASCII, always the same for the same entry; documented, so that others can check it."""
    occasion = event.occasion
    members = [
        FORM,
        number,
        (event.at - EPOCH) // timedelta(microseconds=1),
        event.deed,
        event.result,
        event.reason,
        None if event.account is None else str(event.account),
        event.email,
        None if event.session is None else str(event.session),
        event.client_id,
        occasion.door,
        occasion.operator,
        occasion.origin.address,
        occasion.origin.user_agent,
        occasion.request_id,
        event.detail,
    ]
    return json.dumps(members, ensure_ascii=True, separators=(",", ":")).encode("ascii")

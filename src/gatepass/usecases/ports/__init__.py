"""
What the use cases need from the outside. Each store method is one fact, made durable when it returns.

No unit of work, no row objects: domain values in, outcomes out. Every method may raise `StoreUnavailable`, and then
nothing was written; or the connection to a server was lost while it committed, and whether it did is not known.
`now` is aware UTC throughout.
"""

from gatepass.usecases.ports.accounts import Accounts, Added, EmailTaken, StoredCredentials
from gatepass.usecases.ports.ambient import Clock, RandomBytes
from gatepass.usecases.ports.audit import AuditLog
from gatepass.usecases.ports.clients import ClientAssertions, Clients, StoredClient
from gatepass.usecases.ports.codes import (
    AuthorizationCodes,
    CodeKept,
    CodeReused,
    DeviceCodes,
    NotRedeemed,
    Redeemed,
    Redemption,
    UserCodeTaken,
)
from gatepass.usecases.ports.counters import Counters
from gatepass.usecases.ports.crypto import AccessTokens, AssertionReader, Passwords, RefreshKeys, TrustedTokens
from gatepass.usecases.ports.directory import Directory
from gatepass.usecases.ports.keys import MakesKeys, Resealed, Reseals, SealedKeys
from gatepass.usecases.ports.revocations import Revocation, RevocationFeed, RevocationPage
from gatepass.usecases.ports.sessions import (
    AccountChanged,
    ListedSession,
    Opened,
    Replayed,
    Reused,
    Rotated,
    Rotation,
    Sessions,
    Unknown,
)
from gatepass.usecases.ports.store import Store
from gatepass.usecases.ports.throttle import Throttle
from gatepass.usecases.ports.trail import AuditEntry, AuditQuery, AuditTrail, Seals

__all__ = [
    "AccessTokens",
    "AccountChanged",
    "Accounts",
    "Added",
    "AssertionReader",
    "AuditEntry",
    "AuditLog",
    "AuditQuery",
    "AuditTrail",
    "AuthorizationCodes",
    "ClientAssertions",
    "Clients",
    "Clock",
    "CodeKept",
    "CodeReused",
    "Counters",
    "DeviceCodes",
    "Directory",
    "EmailTaken",
    "ListedSession",
    "MakesKeys",
    "NotRedeemed",
    "Opened",
    "Passwords",
    "RandomBytes",
    "Redeemed",
    "Redemption",
    "RefreshKeys",
    "Replayed",
    "Resealed",
    "Reseals",
    "Reused",
    "Revocation",
    "RevocationFeed",
    "RevocationPage",
    "Rotated",
    "Rotation",
    "SealedKeys",
    "Seals",
    "Sessions",
    "Store",
    "StoredClient",
    "StoredCredentials",
    "Throttle",
    "TrustedTokens",
    "Unknown",
    "UserCodeTaken",
]

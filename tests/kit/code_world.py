"""Clients and devices for the tests of stores."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gatepass.domain import authorization_code, device_code, one_time_code
from gatepass.domain.account import Account, Scope
from gatepass.domain.authorization_code import AUTHORIZATION_CODE_TTL, AuthorizationCode, PresentedCode
from gatepass.domain.device_code import Approval, DeviceCode, Wait
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.pkce import CodeChallenge
from gatepass.domain.session import Session, SessionOrigin
from gatepass.usecases.ports import CodeReused, NotRedeemed, Redeemed, Store, Unknown
from tests.kit.store_world import NOW, Person, a_session

CLIENT: Final = "0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a"
CALLBACK: Final = "https://client.example/callback"
VERIFIER: Final = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""The one of RFC 7636 Appendix B."""
CHALLENGE: Final = CodeChallenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
READ: Final = (Scope("companies:read"),)
ORIGIN: Final = SessionOrigin("192.0.2.7", "Browser/1")
DEVICE_TTL: Final = timedelta(minutes=10)


def challenge_of(verifier: str) -> str:
    """As a client makes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def a_code(person: Person, now: datetime = NOW) -> AuthorizationCode:
    """A fresh code, not stored yet."""
    return AuthorizationCode(
        digest=one_time_code.digest(os.urandom(16).hex()),
        account=person.account,
        client_id=CLIENT,
        redirect_uri=CALLBACK,
        challenge=CHALLENGE,
        granted=READ,
        authenticated_at=now,
        expires_at=now + AUTHORIZATION_CODE_TTL,
    )


async def redeem(
    store: Store, code: AuthorizationCode, now: datetime = NOW, **differing: str
) -> Redeemed | CodeReused | NotRedeemed | Unknown:
    """Present a code as its client does, with the real rule."""
    presented = replace(PresentedCode(CLIENT, CALLBACK, VERIFIER), **differing)

    def decide(stored: AuthorizationCode) -> Session | NoSession:
        refused = authorization_code.judge(stored, presented, now)
        return refused or _session(stored.account, stored.client_id, stored.granted, stored.authenticated_at, now)

    return await store.authorization_codes.redeem(code.digest, decide, now)


def a_device(now: datetime = NOW) -> DeviceCode:
    """What a device asks for, not stored yet."""
    return DeviceCode(
        digest=one_time_code.digest(os.urandom(16).hex()),
        user_code_digest=one_time_code.digest(os.urandom(16).hex()),
        client_id=CLIENT,
        scopes=READ,
        expires_at=now + DEVICE_TTL,
    )


def approval(person: Person, now: datetime = NOW) -> Approval:
    """A yes."""
    return Approval(person.account, READ, now)


async def poll(
    store: Store, code: DeviceCode, now: datetime = NOW, client_id: str = CLIENT
) -> Redeemed | Wait | CodeReused | NotRedeemed | Unknown:
    """Ask as the device does, with the real rule."""

    def decide(stored: DeviceCode) -> Session | Wait | NoSession:
        decision = device_code.judge(stored, client_id, now)
        if isinstance(decision, Approval):
            return _session(decision.account, stored.client_id, decision.granted, decision.authenticated_at, now)
        return decision

    return await store.device_codes.poll(code.digest, decide, now)


def _session(
    account: Account, client_id: str, granted: tuple[Scope, ...] | None, authenticated_at: datetime, now: datetime
) -> Session:
    made = a_session(account, now)
    return replace(made, client_id=client_id, granted=granted, opened_at=authenticated_at)

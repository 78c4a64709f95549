"""
Whether the clock tells what the answer does not: refusals that must look alike, timed beside each other.

At each door one request after the other, 200 of each case in a round, mixed by chance. What counts is the median time
of each case against that of the door's first one. There is a goal where names could leak: accounts, clients, and the
short codes that people type. Sessions and long codes are shown beside them: whoever asks for one has to have it
already, since its id has 74 random bits or more.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from joserfc import jwk, jws

from benchmarks.harness import load
from benchmarks.harness.alike import REACH, SAMPLES, UNLIMITED, Door, form
from benchmarks.harness.bodies import refresh_body, sign_in_body
from benchmarks.harness.installation import (
    EMAIL,
    ISSUER,
    Installation,
    credentials,
    installation,
    new_session,
    now,
    opened,
)
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.report import Goal, Report
from gatepass.crypto.client_keys import public_keys
from gatepass.domain import client_secret, device_code, one_time_code, refresh_token, user_code
from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.authorization_code import AuthorizationCode
from gatepass.domain.client import Client, ClientAuthentication, GrantType
from gatepass.domain.identifiers import RANDOM_BYTES, AccountId, SessionId, uuid7
from gatepass.domain.pkce import CodeChallenge
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.secret import Secret
from gatepass.domain.session import SALT_BYTES, Session, SessionOrigin
from gatepass.usecases.ports import Store, StoredClient, StoredCredentials

SIGN_IN_ROUNDS: Final = 2
"""They take a hash each, and no account may fail more than a thousand times."""
WRONG: Final = "not the right password"
CALLBACK, VERIFIER = "https://client.example/callback", "x" * 43
"""No code's challenge is met by this one."""


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with installation() as made:
        return _measure(made, pace)


def _measure(made: Installation, pace: Pace) -> Report:
    samples = max(round(SAMPLES * pace.share), 20)
    with ExitStack() as stack:
        port = stack.enter_context(made.serve(settings=UNLIMITED)).port
        doors = asyncio.run(_doors(made, port))
        for door in doors:
            Door("", door.cases).round(port, 10)
            for _ in range(min(pace.rounds(door.rounds), door.rounds)):
                door.round(port, samples)
    return Report(
        name="spying",
        title="Refusals that must look alike, by the clock",
        setting=(
            f"One connection to the real server, {samples} requests of each case in a round, one after the other and "
            "mixed by chance. A door's cases are compared with its first one; the goal is for the one that is "
            "farthest from it."
        ),
        columns=("door", "refused for", "median ms", "against the first"),
        rows=[row for door in doors for row in door.rows()],
        goals=[Goal(door.name, door.farthest, REACH, at_most=True) for door in doors if door.has_names],
    )


# -- who is refused, and why ------------------------------------------------------------------------------------------


async def _doors(made: Installation, port: int) -> list[Door]:
    key = await asyncio.to_thread(made.refresh_key)
    async with opened(made.store_url) as store:
        stored = await credentials(store)
        asks = await _Askers.registered(store)
        codes, devices, user_codes = await _codes(store, stored, asks)
        doors = [
            Door("signIn", await _sign_ins(store, stored, port), rounds=SIGN_IN_ROUNDS),
            Door("client secret", asks.with_secrets(port)),
            Door("client assertion", asks.with_assertions(port)),
            Door("user code", {case: _typed(port, code) for case, code in user_codes.items()}),
        ]
        tokens = (await _refresh_tokens(store, stored, key, asks)).items()
        nameless = {
            "signInRefresh": {case: load.post(refresh_body(token, inline=False), port) for case, token in tokens},
            "refresh grant": {case: asks.token(port, "refresh_token", refresh_token=token) for case, token in tokens},
            "introspection": {case: asks.posts(port, "/oauth/introspect", token=token) for case, token in tokens},
            "revocation": {case: asks.posts(port, "/oauth/revoke", token=token) for case, token in tokens},
            "authorization code": {case: asks.redeems(port, code) for case, code in codes.items()},
            "device code": {case: asks.polls(port, code) for case, code in devices.items()},
        }
        return [*doors, *(Door(name, cases, has_names=False) for name, cases in nameless.items())]


async def _sign_ins(store: Store, stored: StoredCredentials, port: int) -> dict[str, bytes]:
    disabled = Account(AccountId(uuid.uuid4()), EmailAddress("ben@example.org"), (), now())
    without = Account(AccountId(uuid.uuid4()), EmailAddress("bot@example.org"), (), now())
    dear = Account(AccountId(uuid.uuid4()), EmailAddress("old@example.org"), (), now())
    await store.accounts.add(disabled, stored.password_hash)
    await store.accounts.set_enabled(disabled.id, enabled=False, now=now())
    await store.accounts.add(without, None)
    four_gib = Secret("$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43)
    await store.accounts.add(dear, four_gib)
    names = {
        "wrong password": EMAIL,
        "unknown account": "who@example.org",
        "disabled": disabled.email,
        "without a password": without.email,
        "a hash too dear to compute": dear.email,
    }
    return {case: load.post(sign_in_body(name, WRONG), port) for case, name in names.items()}


async def _refresh_tokens(store: Store, stored: StoredCredentials, key: RefreshKey, asks: _Askers) -> dict[str, str]:
    """Sessions that cannot be refreshed; half of a year is more than any limit."""
    begun, long_ago = now(), now() - timedelta(days=180)

    async def begun_with(**differing: object) -> Session:
        session = replace(new_session(stored.account), **differing)  # type: ignore[arg-type]
        await store.sessions.open(session, stored.password_hash)
        return session

    revoked, live = await begun_with(), await begun_with()
    await store.sessions.revoke(revoked.id, now())
    sessions = {
        "unknown session": replace(live, id=SessionId(uuid7(begun, os.urandom(RANDOM_BYTES)))),
        "revoked": revoked,
        "expired": await begun_with(opened_at=long_ago, rotated_at=long_ago, ends_at=long_ago + timedelta(days=90)),
        "another client's": await begun_with(client_id=asks.other.id),
        "another MAC": replace(live, salt=bytes(SALT_BYTES)),
    }
    return {
        case: refresh_token.mint(key, session.id, session.generation, session.salt).reveal()
        for case, session in sessions.items()
    }


async def _codes(
    store: Store, stored: StoredCredentials, asks: _Askers
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Authorization codes, device codes and user codes."""
    later, ago, origin = now() + timedelta(hours=1), now() - timedelta(seconds=1), SessionOrigin("192.0.2.7", None)
    codes = {"unknown": one_time_code.make("gpc_", os.urandom(32)).reveal()}
    for case, client, until in (
        ("another client's", asks.other, later),
        ("too old", asks.secretive, ago),
        ("another verifier", asks.secretive, later),
    ):
        codes[case] = one_time_code.make("gpc_", os.urandom(32)).reveal()
        digest = one_time_code.digest(codes[case])
        challenge = CodeChallenge("A" * 43)
        code = AuthorizationCode(digest, stored.account, client.id, CALLBACK, challenge, None, now(), until)
        await store.authorization_codes.add(code, stored.password_hash, origin)
    devices, typed = {"unknown": one_time_code.make("gpd_", os.urandom(32)).reveal()}, {"unknown": "BCDFGHJK"}
    for case, until in (("another client's", later), ("too old, another client's", ago)):
        devices[case] = one_time_code.make("gpd_", os.urandom(32)).reveal()
        shown = user_code.make(os.urandom(user_code.RANDOM_BYTES))
        kept = device_code.DeviceCode(
            digest=one_time_code.digest(devices[case]),
            user_code_digest=user_code.digest(shown),
            client_id=asks.other.id,
            scopes=None,
            expires_at=until,
        )
        await store.device_codes.add(kept, origin)
        if until is later:
            await store.device_codes.deny(kept.user_code_digest, now())
        typed["denied" if until is later else "too old"] = shown
    return codes, devices, typed


@dataclass(frozen=True)
class _Askers:
    """Clients: one with a secret, one that signs, one that was removed, and another one whose things these are not."""

    secretive: Client
    signer: Client
    other: Client
    secret: str
    key: jwk.Key

    @classmethod
    async def registered(cls, store: Store) -> _Askers:
        """Register them."""
        secret, key = client_secret.make(os.urandom(32)), jwk.ECKey.generate_key("P-256")
        jwks = public_keys(json.dumps(key.as_dict(private=False)))
        secretive, other = _client(), _client()
        signer = replace(_client(), authentication=ClientAuthentication.PRIVATE_KEY_JWT, jwks=jwks)
        for client in (secretive, other):
            await store.clients.add(StoredClient(client, client_secret.digest(secret)))
        await store.clients.add(StoredClient(signer, None))
        return cls(secretive, signer, other, secret.reveal(), key)

    def posts(self, port: int, path: str, **parameters: str) -> bytes:
        """A form of the client with the secret."""
        return form(port, path, parameters, (self.secretive.id, self.secret))

    def token(self, port: int, grant: str, **parameters: str) -> bytes:
        """A request for tokens."""
        return self.posts(port, "/oauth/token", grant_type=grant, **parameters)

    def redeems(self, port: int, code: str) -> bytes:
        """A request for those of a code."""
        return self.token(port, "authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER)

    def polls(self, port: int, code: str) -> bytes:
        """A request for those of a device."""
        return self.token(port, GrantType.DEVICE_CODE, device_code=code)

    def with_secrets(self, port: int) -> dict[str, bytes]:
        """Ids with a secret that proves nothing."""
        wrong = client_secret.make(os.urandom(32)).reveal()
        ids = {"wrong secret": self.secretive.id, "unknown": str(uuid.uuid4()), "signs": self.signer.id}
        return {case: form(port, "/oauth/revoke", {"token": "x"}, (id_, wrong)) for case, id_ in ids.items()}

    def with_assertions(self, port: int) -> dict[str, bytes]:
        """Ids with a signature that proves nothing."""
        other = jwk.ECKey.generate_key("P-256")
        ids = {"wrong signature": self.signer.id, "unknown": str(uuid.uuid4()), "has a secret": self.secretive.id}
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        made: dict[str, bytes] = {}
        for case, client_id in ids.items():
            claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "jti": "1", "exp": int(time.time()) + 3000}
            signed = jws.serialize_compact({"alg": "ES256"}, json.dumps(claims), other)
            proof = {"client_assertion_type": kind, "client_assertion": signed, "token": "x"}
            made[case] = form(port, "/oauth/revoke", proof)
        return made


def _client() -> Client:
    return Client(
        id=str(uuid7(now(), os.urandom(RANDOM_BYTES))),
        name="A client",
        authentication=ClientAuthentication.SECRET,
        grants=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.DEVICE_CODE}),
        scopes=None,
        redirect_uris=(CALLBACK,),
        created_at=now(),
    )


def _typed(port: int, code: str) -> bytes:
    return form(
        port, "/oauth/device", {"user_code": code, "answer": "continue"}, more="Sec-Fetch-Site: same-origin\r\n"
    )

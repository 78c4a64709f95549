"""
Somebody copies the database, and has no secret key: nothing in it is a secret, and nothing made of it is a token.

The file holds all there can be: an account, sessions, keys, a client with a secret, open codes, devices, counters.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gatepass.crypto.keyring import Keyring
from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain import refresh_token
from gatepass.domain.client import BUILT_IN, GrantType
from gatepass.domain.errors import KeyUnusable
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.secret import Secret
from gatepass.stores.opening import open_store
from gatepass.stores.sqlite.backup import back_up
from tests.kit.me_app import MeApp
from tests.kit.oauth_world import Program, program
from tests.kit.world import SIGN_IN, Person, Tokens, World, add_account, running, settings_for
from tests.oauth.conftest import PASSWORD
from tests.oauth.test_authorization_code import CALLBACK, redeems, signed_in
from tests.oauth.test_authorization_code import Browser as AuthorizeBrowser
from tests.oauth.test_device_sign_in import START
from tests.oauth.test_device_sign_in import Browser as DeviceBrowser

WRONG = "not the right one at all"


pytestmark = pytest.mark.sqlite_only("the copy is a file")
_TAKES_IT_FOR_SECRETS = pytest.mark.shows_secrets("whatever the copy holds is tried as a key or a secret")


@dataclass(frozen=True)
class Theft:
    """A service that goes on, a copy of its database, and what must not be in there."""

    world: World
    ana: Person
    web: Program
    tokens: Tokens
    copied: Path
    secrets: dict[str, bytes]

    def values(self) -> Iterator[tuple[str, bytes]]:
        """Every value of every row, with its table and column."""
        with closing(sqlite3.connect(self.copied)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                found = connection.execute(f"SELECT * FROM {table}")
                columns = [column for column, *_ in found.description]
                for row in found:
                    yield from ((f"{table}.{name}", _bytes(value)) for name, value in zip(columns, row, strict=True))

    def blobs(self) -> list[bytes]:
        """Each once that could be a key, a code or a digest."""
        return sorted({value for _, value in self.values() if len(value) >= 16})


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture
async def theft(tmp_path: Path) -> AsyncIterator[Theft]:
    """Yield a theft from a service with everything in its store, some of it a moment old."""
    url = f"sqlite:///{tmp_path}/gatepass.db"
    settings = settings_for(tmp_path, public_url="http://gatepass.test", database_url=url, throttle_account_failures=50)
    await add_account(settings, "ana@example.org", PASSWORD, "read")
    async with running(settings, MeApp()) as world:
        ana, cli = Person(world, "ana@example.org", PASSWORD), Program(world, BUILT_IN)
        grants = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.DEVICE_CODE})
        web = await program(world, grants=grants, redirect_uris=(CALLBACK,), scopes=("read",))
        assert web.secret is not None
        hinted = SIGN_IN.replace("accessToken", "deviceHint accessToken")
        answered = await world.posts(hinted, {"userName": ana.email, "password": PASSWORD})
        first, hint = answered.tokens, answered.data["signIn"]["deviceHint"]
        tokens = await ana.refreshes(first)
        await ana.tries_to_sign_in(WRONG)
        spent, code = [await signed_in(AuthorizeBrowser(world), web) for _ in range(2)]
        theirs = (await redeems(web, spent)).tokens
        approved, waiting = [(await each.asks(START)).tokens for each in (cli, web)]
        await DeviceBrowser(world).allows(approved["user_code"])
        copied = tmp_path / "copy" / "stolen.db"
        copied.parent.mkdir()
        back_up(tmp_path / "gatepass.db", copied)
        texts = {
            "password": PASSWORD,
            "wrong password": WRONG,
            "client secret": web.secret.reveal(),
            "secret key": settings.require_secret_key().reveal(),
            "authorization code": code,
            "spent code": spent,
            "device code": approved["device_code"],
            "waiting device code": waiting["device_code"],
            "user code": waiting["user_code"].replace("-", ""),
            "shown user code": waiting["user_code"],
            "access token": tokens.access,
            "their access token": theirs["access_token"],
            "refresh token": tokens.refresh,
            "first refresh token": first.refresh,
            "their refresh token": theirs["refresh_token"],
            "device hint": hint,
        }
        secrets = {name: text.encode() for name, text in texts.items()}
        secrets |= {f"{name}, decoded": raw for name, text in texts.items() for raw in _decoded(text)}
        secrets |= await _keys(world)
        yield Theft(world, ana, web, tokens, copied, secrets)


def _decoded(text: str) -> Iterator[bytes]:
    """What stands in a token or code: the part that is no identifier."""
    for prefix, public in (("gpr_", 25), ("gph_", 26), ("gpc_", 0), ("gpd_", 0), ("gpcs_", 0)):
        if text.startswith(prefix):
            yield base64.urlsafe_b64decode(text.removeprefix(prefix) + "==")[public:]


async def _keys(world: World) -> dict[str, bytes]:
    """What the sealed keys are when they are open: the whole, and the number in the private one of P-256."""
    sealer = Sealer(world.settings.require_secret_key())
    store = await open_store(world.settings.store_url)
    try:
        found: dict[str, bytes] = {}
        for key in await store.keys.all():
            raw = sealer.open(key.sealed, key_id=key.id, use=key.use, algorithm=key.algorithm).reveal()
            found |= {f"{key.use} key": raw, f"{key.use} key, from its 37th byte": raw[36:68] or raw}
        return found
    finally:
        await store.close()


def _forms(secret: bytes) -> Iterator[bytes]:
    """Plain, in hexadecimal, and in both alphabets of base64 at each of three places in a group."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield secret.decode("latin-1").encode("utf-16-le")
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # What the neighbours of a group have a part in is cut off at both ends.
            yield encode(bytes(before) + secret)[4 if before else 0 : -4]


async def test_no_secret_is_in_it_in_any_form(theft: Theft) -> None:
    """Not in a page, free or used, and not in a value, which may lie on several pages."""
    pages = theft.copied.read_bytes()
    values = list(theft.values())
    assert {name.partition(".")[0] for name, _ in values} >= {
        *("accounts", "sessions", "sealed_keys", "clients", "authorization_codes", "device_codes", "attempts"),
        "audit_entries",
    }
    found = [
        (name, place)
        for name, secret in theft.secrets.items()
        for form in _forms(secret)
        for place, value in (("pages", pages), *values)
        if form in value
    ]
    assert found == []


async def test_the_search_would_find_a_secret(theft: Theft) -> None:
    """Every form of it, wherever it begins."""
    secret = theft.secrets["refresh token, decoded"]
    assert len(secret) == 32
    for before in range(3):
        page = b"x" * before + secret + b"behind"
        for kept in (page, page.hex().encode(), base64.b64encode(page), base64.urlsafe_b64encode(page)):
            assert any(form in kept for form in _forms(secret)), (before, kept)


async def test_without_the_secret_key_no_key_of_it_opens(theft: Theft) -> None:
    store = await open_store(f"sqlite:///{theft.copied}")
    try:
        with pytest.raises(KeyUnusable):
            await Keyring.open(store.keys, Sealer(generate_secret_key()), clock=theft.world.clock)
    finally:
        await store.close()


@_TAKES_IT_FOR_SECRETS
async def test_no_refresh_token_can_be_made_of_it(theft: Theft) -> None:
    """Whatever in it is taken for the key of the MAC, under the true salt and generation of a live session."""
    parsed = refresh_token.parse(theft.tokens.refresh)
    with closing(sqlite3.connect(theft.copied)) as connection:
        row = connection.execute("SELECT * FROM sessions WHERE id = ?", (parsed.session.bytes,)).fetchone()
    salts = [value for value in row if isinstance(value, bytes) and value != parsed.session.bytes]
    assert salts
    tried = 0
    for salt in salts:
        for value in theft.blobs():
            made = refresh_token.mint(RefreshKey(parsed.key_id, Secret(value)), parsed.session, parsed.generation, salt)
            answered = await theft.ana.tries_to_refresh(Tokens("", made.reveal()))
            assert answered.code == "INVALID_REFRESH_TOKEN"
            tried += 1
    assert tried > 20
    await theft.ana.refreshes(theft.tokens)


@_TAKES_IT_FOR_SECRETS
async def test_no_access_token_can_be_made_of_it(theft: Theft) -> None:
    """Whatever in it is taken for a key: a private one of P-256, or one of HMAC."""
    head, body, _ = theft.tokens.access.split(".")
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(head + "=="))
    for value in theft.blobs():
        for token in (_with_es256(header, body, value), _with_hs256(header, body, value)):
            answered = await theft.world.posts("{ me { subject } }", bearer=token)
            assert (answered.status, answered.code) == (401, "UNAUTHENTICATED")
    assert (await theft.ana.asks_who_they_are(theft.tokens)).status == 200


@_TAKES_IT_FOR_SECRETS
async def test_digests_are_neither_codes_nor_secrets(theft: Theft) -> None:
    """What is kept of a code or a client secret is not good for what it is the digest of."""
    for value in theft.blobs():
        text = base64.urlsafe_b64encode(value).decode().rstrip("=")
        for candidate in (text, value.hex(), value.decode("latin-1").replace("\x00", "0")):
            assert (await redeems(theft.web, f"gpc_{candidate}"[:500])).error == "invalid_grant"
        thief = Program(theft.world, theft.web.client, Secret(f"gpcs_{text}"[:500]))
        assert (await thief.gets_tokens_for_itself()).error == "invalid_client"


def _message(header: dict[str, Any], body: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=") + f".{body}"


def _with_hs256(header: dict[str, Any], body: str, key: bytes) -> str:
    message = _message(header | {"alg": "HS256"}, body)
    mac = hmac.digest(key, message.encode(), "sha256")
    return f"{message}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _with_es256(header: dict[str, Any], body: str, value: bytes) -> str:
    """With the first 32 bytes of a value as the private key, or with its digest where it is shorter."""
    number = int.from_bytes(value[:32] if len(value) >= 32 else hashlib.sha256(value).digest()) or 1
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    key = ec.derive_private_key(number % order or 1, ec.SECP256R1())
    message = _message(header, body)
    r, s = decode_dss_signature(key.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32) + s.to_bytes(32)
    return f"{message}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

"""The server's keys: made once, opened with the secret key, published without it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gatepass.crypto.key_maker import KeyMaker
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain.errors import KeyUnusable, StoreUnavailable
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.usecases.reseal_keys import ResealKeys
from tests.crypto.key_store import KeysInMemory, noon

SECRET_KEY = generate_secret_key()
SEALER = Sealer(SECRET_KEY)
ALGORITHMS = [Algorithm.ES256, Algorithm.EDDSA, Algorithm.RS256]
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


async def opened(keys: KeysInMemory, algorithm: Algorithm = Algorithm.ES256, rsa_bits: int = 2048) -> Keyring:
    return await Keyring.open(keys, SEALER, clock=noon, algorithm=algorithm, rsa_bits=rsa_bits)


def jwks(ring: Keyring) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = json.loads(ring.jwks())["keys"]
    return keys


async def another_row(use: KeyUse, state: KeyState, algorithm: Algorithm = Algorithm.ES256) -> SealedKey:
    """A key that an earlier or later rotation left in the store."""
    other = KeysInMemory()
    await opened(other, algorithm)
    return next(replace(row, state=state) for row in other.rows if row.use is use)


class Racing(KeysInMemory):
    """Another process opens the same empty store and is a moment quicker."""

    async def add_first(self, key: SealedKey, *, note: object = None) -> bool:
        self.rows.append(await another_row(key.use, KeyState.ACTIVE))
        return await super().add_first(key)


class Counting(KeysInMemory):
    """Counts how often it was read."""

    reads = 0

    async def all(self) -> Sequence[SealedKey]:
        self.reads += 1
        return await super().all()


class Failing(KeysInMemory):
    """A store that can be turned off."""

    available = True

    async def all(self) -> Sequence[SealedKey]:
        if not self.available:
            raise StoreUnavailable
        return await super().all()


# -- the first keys ---------------------------------------------------------------------------------------------------


async def test_an_empty_store_gets_one_active_key_of_each_use() -> None:
    """Without any set-up beside the secret key."""
    keys = KeysInMemory()
    ring = await opened(keys)
    assert [(row.use, row.state, row.algorithm) for row in keys.rows] == [
        (KeyUse.ACCESS, KeyState.ACTIVE, Algorithm.ES256),
        (KeyUse.REFRESH, KeyState.ACTIVE, Algorithm.HS256),
    ]
    assert keys.rows[1].public_jwk == ""
    assert ring.active() is ring.find(ring.active().id)
    assert len(ring.active().secret.reveal()) == 32


async def test_a_restart_loses_nothing() -> None:
    """The same keys come back, and none is added."""
    keys = KeysInMemory()
    first = await opened(keys)
    second = await opened(keys)
    assert len(keys.rows) == 2
    assert second.jwks() == first.jwks()
    assert second.active().secret.reveal() == first.active().secret.reveal()
    assert second.signing().id == first.signing().id


async def test_processes_that_open_an_empty_store_at_once_end_with_the_same_keys() -> None:
    """One wins; the others read again."""
    keys = KeysInMemory()
    rings = await asyncio.gather(*(opened(keys) for _ in range(5)))
    assert len(keys.rows) == 2
    assert len({ring.jwks() for ring in rings}) == 1
    assert len({ring.active().secret.reveal() for ring in rings}) == 1


async def test_the_loser_of_a_race_uses_the_winner_s_keys() -> None:
    """Even where the other process wrote between reading and adding."""
    keys = Racing()
    ring = await opened(keys)
    assert {row.id for row in keys.rows} == {ring.signing().id, ring.active().id.hex()}


# -- sealed -----------------------------------------------------------------------------------------------------------


async def test_the_store_holds_no_key_in_the_clear() -> None:
    """Neither the MAC key nor a PKCS #8 structure."""
    keys = KeysInMemory()
    ring = await opened(keys)
    rows = repr(keys.rows).encode()
    assert ring.active().secret.reveal() not in rows
    assert all(b"-----BEGIN" not in row.sealed and not row.sealed.startswith(b"\x30") for row in keys.rows)


async def test_another_secret_key_opens_no_ring_and_adds_no_key() -> None:
    """A wrong GATEPASS_SECRET_KEY must not quietly sign everybody out by making new keys."""
    keys = KeysInMemory()
    await opened(keys)
    with pytest.raises(KeyUnusable, match="GATEPASS_SECRET_KEY"):
        await Keyring.open(keys, Sealer(generate_secret_key()), clock=noon)
    assert len(keys.rows) == 2


async def test_a_public_key_that_was_slipped_into_the_store_is_not_published() -> None:
    """Whoever can write to the store but lacks the secret key must not get their key into the JWKS."""
    keys = KeysInMemory()
    await opened(keys)
    stranger = await another_row(KeyUse.ACCESS, KeyState.ACTIVE)
    keys.rows[0] = replace(keys.rows[0], public_jwk=stranger.public_jwk)
    with pytest.raises(KeyUnusable, match="not that of its private half"):
        await opened(keys)


async def test_rows_that_changed_places_do_not_open() -> None:
    """Sealing binds a key to its id and use."""
    keys = KeysInMemory()
    await opened(keys)
    access, refresh = keys.rows
    keys.rows = [replace(access, sealed=refresh.sealed), replace(refresh, sealed=access.sealed)]
    with pytest.raises(KeyUnusable):
        await opened(keys)


async def test_a_key_of_another_type_than_its_algorithm_says_is_unusable() -> None:
    """A sealed row is still checked for what is in it."""
    row = await another_row(KeyUse.ACCESS, KeyState.ACTIVE)
    plain = SEALER.open(row.sealed, key_id=row.id, use=row.use, algorithm=row.algorithm)
    for algorithm in (Algorithm.RS256, Algorithm.EDDSA, Algorithm.HS256):
        forged = SEALER.seal(plain, key_id=row.id, use=row.use, algorithm=algorithm)
        with pytest.raises(KeyUnusable):
            await opened(KeysInMemory(replace(row, algorithm=algorithm, sealed=forged)))


# -- published --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_the_jwks_holds_the_public_half_only(algorithm: Algorithm) -> None:
    """RFC 7517: kty, use, alg, kid and the public numbers; nothing of a refresh key."""
    ring = await opened(KeysInMemory(), algorithm)
    (key,) = jwks(ring)
    assert not key.keys() & PRIVATE_MEMBERS
    assert key["use"] == "sig"
    assert key["alg"] == algorithm
    assert key["kid"] == ring.signing().id
    assert ring.active().secret.reveal().hex() not in ring.jwks().decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_key_id_is_the_rfc_7638_thumbprint(algorithm: Algorithm) -> None:
    """Computed here from the required members alone."""
    (key,) = jwks(await opened(KeysInMemory(), algorithm))
    required = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}[key["kty"]]
    text = json.dumps({name: key[name] for name in required}, sort_keys=True, separators=(",", ":"))
    assert key["kid"] == base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@pytest.mark.parametrize(("bits", "characters"), [(2048, 342), (3072, 512)])
async def test_rsa_keys_have_the_size_that_was_set(bits: int, characters: int) -> None:
    """2,048 bits unless the settings say more."""
    (key,) = jwks(await opened(KeysInMemory(), Algorithm.RS256, bits))
    assert len(key["n"]) == characters


@pytest.mark.parametrize("bits", [512, 1024, 2047, 65_536])
async def test_a_weak_or_absurd_rsa_size_is_refused(bits: int) -> None:
    """And no key is made."""
    keys = KeysInMemory()
    with pytest.raises(ValueError, match="RSA keys have"):
        await opened(keys, Algorithm.RS256, bits)
    assert keys.rows == []


@pytest.mark.parametrize("state", [KeyState.NEXT, KeyState.RETIRING])
async def test_next_and_retiring_keys_are_published_and_verify_but_do_not_sign(state: KeyState) -> None:
    """So rotation signs nobody out. DESIGN §6."""
    other = await another_row(KeyUse.ACCESS, state, Algorithm.EDDSA)
    ring = await opened(KeysInMemory(other))
    assert {key["kid"] for key in jwks(ring)} == {other.id, ring.signing().id}
    assert ring.signing().id != other.id
    found = ring.verifying(other.id)
    assert found is not None
    assert found.algorithm is Algorithm.EDDSA


@pytest.mark.parametrize("state", [KeyState.NEXT, KeyState.RETIRING])
async def test_next_and_retiring_refresh_keys_are_found_but_do_not_mint(state: KeyState) -> None:
    """Tokens of the old key live on."""
    other = await another_row(KeyUse.REFRESH, state)
    ring = await opened(KeysInMemory(other))
    found = ring.find(bytes.fromhex(other.id))
    assert isinstance(found, RefreshKey)
    assert ring.active().id != found.id


async def test_an_unknown_id_finds_nothing() -> None:
    """Whatever form it has."""
    ring = await opened(KeysInMemory())
    assert ring.find(b"") is None
    assert ring.find(b"\0\0\0\0") is None
    assert ring.verifying("") is None
    assert ring.verifying("../../etc/passwd") is None
    assert ring.verifying(ring.active().id.hex()) is None


# -- as time goes on --------------------------------------------------------------------------------------------------


async def test_reload_picks_up_a_rotation_by_another_process() -> None:
    """The new key signs, the old one still verifies."""
    keys = KeysInMemory()
    ring = await opened(keys)
    old = ring.signing()
    new = await another_row(KeyUse.ACCESS, KeyState.ACTIVE)
    keys.rows[0] = replace(keys.rows[0], state=KeyState.RETIRING)
    keys.rows.append(new)
    await ring.reload()
    assert ring.signing().id == new.id
    assert ring.verifying(old.id) is not None


async def test_a_reload_that_fails_leaves_the_keys_as_they_were() -> None:
    """A store that is down for a moment signs nobody out."""
    keys = Failing()
    ring = await opened(keys)
    before = ring.jwks()
    keys.available = False
    with pytest.raises(StoreUnavailable):
        await ring.reload()
    assert ring.jwks() == before
    ring.signing()
    ring.active()


async def test_a_store_whose_keys_are_gone_signs_nothing() -> None:
    """It fails closed."""
    keys = KeysInMemory()
    ring = await opened(keys)
    keys.rows.clear()
    await ring.reload()
    with pytest.raises(KeyUnusable):
        ring.signing()
    with pytest.raises(KeyUnusable):
        ring.active()
    assert json.loads(ring.jwks()) == {"keys": []}


async def test_a_server_outlives_a_change_of_the_secret_key() -> None:
    """What it has opened it need not open again: every key is sealed anew under its feet."""
    keys = KeysInMemory()
    ring = await opened(keys)
    before = ring.jwks(), ring.signing(), ring.active()
    await ResealKeys(keys, Sealer(generate_secret_key(), SECRET_KEY))()
    await ring.reload()
    assert (ring.jwks(), ring.signing(), ring.active()) == before


async def test_a_new_key_that_cannot_be_opened_is_left_out_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """The others are needed all the same; one log line, however often the store is read."""
    keys = KeysInMemory()
    ring = await opened(keys)
    before = ring.jwks()
    stranger = await KeyMaker(Sealer(generate_secret_key())).make(KeyUse.ACCESS, KeyState.NEXT, noon())
    keys.rows.append(stranger)
    for _ in range(3):
        await ring.reload()
        keys.rows = list(keys.rows)
    keys.rows[0] = replace(keys.rows[0], since=noon() + timedelta(seconds=1))
    await ring.reload()
    assert ring.jwks() == before
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert stranger.id in caplog.text
    ring.check_usable()


async def test_where_the_key_that_signs_cannot_be_opened_nothing_is_signed() -> None:
    """It fails closed, and `/readyz` says so."""
    keys = KeysInMemory()
    ring = await opened(keys)
    maker = KeyMaker(Sealer(generate_secret_key()))
    stranger = await maker.make(KeyUse.ACCESS, KeyState.NEXT, noon())
    await keys.publish_next(stranger)
    assert await keys.activate(stranger.id, keys.rows[0].id, noon())
    await ring.reload()
    with pytest.raises(KeyUnusable):
        ring.check_usable()


async def test_whoever_remembers_what_a_key_signed_hears_that_it_is_gone() -> None:
    """And hears nothing of other changes."""
    keys = KeysInMemory(await another_row(KeyUse.ACCESS, KeyState.RETIRING))
    ring = await opened(keys)
    heard: list[str] = []
    ring.when_keys_go(lambda: heard.append("gone"))
    await keys.publish_next(await another_row(KeyUse.ACCESS, KeyState.NEXT))
    await ring.reload()
    assert heard == []
    await keys.remove(keys.rows[0].id)
    await ring.reload()
    await ring.reload()
    assert heard == ["gone"]


async def test_a_key_of_another_process_is_found_by_looking_again() -> None:
    """And a key that nobody has is not."""
    keys = KeysInMemory()
    ring = await opened(keys)
    new = await another_row(KeyUse.REFRESH, KeyState.NEXT)
    await keys.publish_next(new)
    assert ring.find(bytes.fromhex(new.id)) is None
    assert await ring.find_anew(bytes.fromhex(new.id)) is not None
    assert await ring.find_anew(b"\0\0\0\0") is None


async def test_many_that_look_again_share_a_look() -> None:
    """Invented key ids must not become a load on the store; and who came after it began gets one of their own."""
    keys = Counting()
    ring = await opened(keys)
    before = keys.reads
    await asyncio.gather(*(ring.catch_up() for _ in range(200)))
    assert keys.reads == before + 1
    await ring.catch_up()
    assert keys.reads == before + 2


async def test_another_algorithm_in_the_settings_does_not_replace_the_active_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It goes on signing, and the operator reads so; the setting takes effect with the next key."""
    keys = KeysInMemory()
    first = await opened(keys)
    assert first.notice is None
    with caplog.at_level(logging.WARNING):
        second = await opened(keys, Algorithm.EDDSA)
    assert second.signing().id == first.signing().id
    assert len(keys.rows) == 2
    assert second.notice is not None
    assert "EdDSA" in second.notice
    assert second.notice in caplog.text

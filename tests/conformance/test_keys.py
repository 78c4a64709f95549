"""What every store promises about keys at rest."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gatepass.domain.identifiers import KeyId
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.usecases.ports import Resealed, Store
from tests.kit.store_world import HOUR, NOW, SECOND

LATER = NOW + HOUR
SIGNING = SealedKey(
    KeyId("k1"),
    KeyUse.ACCESS,
    Algorithm.ES256,
    KeyState.ACTIVE,
    os.urandom(60),
    '{"kty":"EC"}',
    NOW + SECOND,
    NOW + SECOND,
)
MAC = SealedKey(KeyId("AAECAw"), KeyUse.REFRESH, Algorithm.HS256, KeyState.ACTIVE, b"\x00\xff" * 30, "", NOW, NOW)


def following(key: SealedKey, name: str = "k2") -> SealedKey:
    """A key to take another one's place."""
    return replace(
        key,
        id=KeyId(name),
        state=KeyState.NEXT,
        sealed=os.urandom(60),
        created_at=key.created_at + SECOND,
        since=NOW + SECOND,
    )


async def states(store: Store) -> dict[str, KeyState]:
    return {key.id: key.state for key in await store.keys.all()}


# -- the first keys ---------------------------------------------------------------------------------------------------


async def test_a_first_key_is_kept_as_it_was_given(store: Store) -> None:
    assert await store.keys.add_first(SIGNING)
    assert list(await store.keys.all()) == [SIGNING]


async def test_a_fresh_store_has_no_key(store: Store) -> None:
    assert list(await store.keys.all()) == []


async def test_where_there_is_an_active_key_of_the_use_another_is_not_added(store: Store) -> None:
    await store.keys.add_first(SIGNING)
    assert not await store.keys.add_first(replace(SIGNING, id=KeyId("k2"), algorithm=Algorithm.EDDSA))
    assert list(await store.keys.all()) == [SIGNING]


async def test_each_use_has_its_own_first_key_and_the_oldest_comes_first(store: Store) -> None:
    assert await store.keys.add_first(SIGNING)
    assert await store.keys.add_first(MAC)
    assert list(await store.keys.all()) == [MAC, SIGNING]


async def test_of_processes_that_start_at_once_one_brings_the_key(store: Store, elsewhere: Store) -> None:
    deeds = [
        view.keys.add_first(replace(SIGNING, id=KeyId(f"{number}-{index}")))
        for number in range(5)
        for index, view in enumerate((store, elsewhere))
    ]
    assert sum(await asyncio.gather(*deeds)) == 1
    assert list(await store.keys.all()) == list(await elsewhere.keys.all())
    assert len(await store.keys.all()) == 1


# -- rotation ---------------------------------------------------------------------------------------------------------


async def test_a_next_key_is_published_beside_the_active_one(store: Store, elsewhere: Store) -> None:
    await store.keys.add_first(SIGNING)
    assert await store.keys.publish_next(following(SIGNING))
    assert [key.state for key in await elsewhere.keys.all()] == [KeyState.ACTIVE, KeyState.NEXT]


async def test_there_is_one_next_key_of_a_use_at_most(store: Store) -> None:
    await store.keys.add_first(SIGNING)
    await store.keys.add_first(MAC)
    assert await store.keys.publish_next(following(SIGNING))
    assert not await store.keys.publish_next(following(SIGNING, "k3"))
    assert await store.keys.publish_next(following(MAC, "k4"))
    assert await states(store) == {"k1": "active", "AAECAw": "active", "k2": "next", "k4": "next"}


async def test_a_next_key_takes_the_place_of_the_active_one(store: Store, elsewhere: Store) -> None:
    """Both remember when; nothing else of them changes."""
    await store.keys.add_first(SIGNING)
    new = following(SIGNING)
    await store.keys.publish_next(new)
    assert await store.keys.activate(new.id, SIGNING.id, LATER)
    assert list(await elsewhere.keys.all()) == [
        replace(SIGNING, state=KeyState.RETIRING, since=LATER),
        replace(new, state=KeyState.ACTIVE, since=LATER),
    ]


@pytest.mark.parametrize(
    ("following_id", "active_id"),
    [("k2", "k2"), ("k1", "k2"), ("k1", "k1"), ("k2", "AAECAw"), ("k2", "none"), ("none", "k1"), ("", "")],
)
async def test_nothing_is_activated_but_the_next_key_for_the_active_one_of_its_use(
    store: Store, following_id: str, active_id: str
) -> None:
    await store.keys.add_first(SIGNING)
    await store.keys.add_first(MAC)
    await store.keys.publish_next(following(SIGNING))
    before = list(await store.keys.all())
    assert not await store.keys.activate(KeyId(following_id), KeyId(active_id), LATER)
    assert list(await store.keys.all()) == before


async def test_a_rotation_is_done_once_however_many_do_it(store: Store, elsewhere: Store) -> None:
    """Two processes find it due at the same moment."""
    await store.keys.add_first(SIGNING)
    new = following(SIGNING)
    await store.keys.publish_next(new)
    deeds = [view.keys.activate(new.id, SIGNING.id, LATER) for _ in range(5) for view in (store, elsewhere)]
    assert sum(await asyncio.gather(*deeds)) == 1
    assert await states(store) == {"k1": "retiring", "k2": "active"}


async def test_of_several_next_keys_at_once_one_is_published(store: Store, elsewhere: Store) -> None:
    await store.keys.add_first(SIGNING)
    deeds = [
        view.keys.publish_next(following(SIGNING, f"{number}-{index}"))
        for number in range(5)
        for index, view in enumerate((store, elsewhere))
    ]
    assert sum(await asyncio.gather(*deeds)) == 1
    assert len(await store.keys.all()) == 2


async def test_many_rotations_leave_one_active_key(store: Store, elsewhere: Store) -> None:
    """Whoever does which step, nothing is lost and nothing is done twice."""
    await store.keys.add_first(SIGNING)
    active = SIGNING.id
    for number in range(10):
        new = following(SIGNING, f"n{number}")
        published = await asyncio.gather(
            store.keys.publish_next(new), elsewhere.keys.publish_next(replace(new, id=KeyId(f"m{number}")))
        )
        assert sorted(published) == [False, True]
        there = new.id if published[0] else KeyId(f"m{number}")
        done = await asyncio.gather(*(view.keys.activate(there, active, LATER) for view in (store, elsewhere)))
        assert sorted(done) == [False, True]
        active = there
    found = await states(elsewhere)
    assert len(found) == 11
    assert [key for key, state in found.items() if state is not KeyState.RETIRING] == [active]


# -- removal ----------------------------------------------------------------------------------------------------------


async def test_retiring_and_next_keys_can_be_removed_and_the_active_one_cannot(store: Store) -> None:
    """A store without an active key would sign nobody in."""
    await store.keys.add_first(SIGNING)
    await store.keys.publish_next(following(SIGNING))
    await store.keys.activate(KeyId("k2"), SIGNING.id, LATER)
    await store.keys.publish_next(following(SIGNING, "k3"))
    assert not await store.keys.remove(KeyId("k2"))
    assert await store.keys.remove(SIGNING.id)
    assert await store.keys.remove(KeyId("k3"))
    assert not await store.keys.remove(KeyId("k3"))
    assert await states(store) == {"k2": "active"}


async def test_a_next_key_is_either_removed_or_activated(store: Store, elsewhere: Store) -> None:
    """Not both, and never neither."""
    await store.keys.add_first(SIGNING)
    new = following(SIGNING)
    await store.keys.publish_next(new)
    done = await asyncio.gather(store.keys.activate(new.id, SIGNING.id, LATER), elsewhere.keys.remove(new.id))
    assert sorted(done) == [False, True]
    expected = {"k1": "retiring", "k2": "active"} if done[0] else {"k1": "active"}
    assert await states(store) == expected


# -- sealed anew ------------------------------------------------------------------------------------------------------


def resealed(keys: Sequence[SealedKey], sealed: bytes) -> list[Resealed]:
    return [Resealed(key.id, key.sealed, sealed + key.id.encode()) for key in keys]


async def test_keys_are_sealed_anew_all_at_once(store: Store, elsewhere: Store) -> None:
    """Nothing but the sealed form changes."""
    await store.keys.add_first(SIGNING)
    await store.keys.add_first(MAC)
    assert await store.keys.reseal(resealed([SIGNING, MAC], b"new "))
    assert list(await elsewhere.keys.all()) == [
        replace(MAC, sealed=b"new AAECAw"),
        replace(SIGNING, sealed=b"new k1"),
    ]


@pytest.mark.parametrize(
    "wrong", [replace(MAC, sealed=b"another form"), replace(MAC, id=KeyId("gone"))], ids=["changed", "gone"]
)
async def test_where_one_key_is_not_as_it_was_none_is_sealed_anew(store: Store, wrong: SealedKey) -> None:
    await store.keys.add_first(SIGNING)
    await store.keys.add_first(MAC)
    assert not await store.keys.reseal(resealed([SIGNING, wrong], b"new "))
    assert list(await store.keys.all()) == [MAC, SIGNING]


async def test_of_two_that_seal_anew_at_once_one_gets_through(store: Store, elsewhere: Store) -> None:
    """And not half of each."""
    await store.keys.add_first(SIGNING)
    await store.keys.add_first(MAC)
    done = await asyncio.gather(
        store.keys.reseal(resealed([SIGNING, MAC], b"one ")), elsewhere.keys.reseal(resealed([MAC, SIGNING], b"two "))
    )
    assert sorted(done) == [False, True]
    assert {key.sealed[:4] for key in await store.keys.all()} == {b"one " if done[0] else b"two "}


async def test_sealing_nothing_anew_is_done(store: Store) -> None:
    assert await store.keys.reseal([])

"""What every store promises about keys at rest."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

from gatepass.domain.identifiers import KeyId
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.usecases.ports import Store
from tests.kit.store_world import NOW, SECOND

SIGNING = SealedKey(
    KeyId("k1"), KeyUse.ACCESS, Algorithm.ES256, KeyState.ACTIVE, os.urandom(60), '{"kty":"EC"}', NOW + SECOND
)
MAC = SealedKey(KeyId("AAECAw"), KeyUse.REFRESH, Algorithm.HS256, KeyState.ACTIVE, b"\x00\xff" * 30, "", NOW)


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

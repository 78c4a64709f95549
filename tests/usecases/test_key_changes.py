"""What operators do to the server's keys: rotate, at once or in time, retire, seal anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gatepass.crypto.key_maker import KeyMaker
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain.errors import BadUserInput, KeyUnusable
from gatepass.domain.identifiers import KeyId
from gatepass.domain.key_schedule import KeySchedule, tokens_live
from gatepass.domain.session import SessionLimits
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.usecases.begin_rotation import BeginRotation
from gatepass.usecases.ports import Resealed
from gatepass.usecases.reseal_keys import ResealKeys
from gatepass.usecases.retire_key import RetireKey, named
from gatepass.usecases.rotate_at_once import RotateAtOnce
from gatepass.usecases.rotate_keys import RotateKeys
from tests.crypto.key_store import NOON, KeysInMemory

OLD_SECRET, NEW_SECRET = generate_secret_key(), generate_secret_key()
SEALER = Sealer(OLD_SECRET)
SCHEDULE = KeySchedule(timedelta(days=90), timedelta(hours=2), tokens_live(SessionLimits()))


class Operator:
    """Somebody with a store, a clock and every use case."""

    def __init__(self, keys: KeysInMemory, algorithm: Algorithm = Algorithm.ES256) -> None:
        self.keys, self.now, self.waits = keys, NOON, 0
        maker = KeyMaker(SEALER, algorithm)
        self.begin = BeginRotation(keys, maker, self.clock)
        self.at_once = RotateAtOnce(keys, self.begin, self.clock, self.until_seen)
        self.retire = RetireKey(keys, self.at_once, SCHEDULE, self.clock)
        self.rotate = RotateKeys(keys, maker, SCHEDULE, self.clock)

    def clock(self) -> datetime:
        return self.now

    async def until_seen(self) -> None:
        self.waits += 1

    def key(self, use: KeyUse, state: KeyState) -> SealedKey:
        (found,) = [row for row in self.keys.rows if row.use is use and row.state is state]
        return found

    @property
    def states(self) -> list[KeyState]:
        return [row.state for row in self.keys.rows if row.use is KeyUse.ACCESS]


@pytest.fixture
async def operator() -> Operator:
    keys = KeysInMemory()
    operator = Operator(keys)
    await Keyring.open(keys, SEALER, clock=operator.clock)
    return operator


# -- by age -----------------------------------------------------------------------------------------------------------


async def test_keys_go_through_their_whole_life_by_themselves(operator: Operator) -> None:
    """90 days, two hours before that published, an hour and some minutes after that gone."""
    first = operator.key(KeyUse.ACCESS, KeyState.ACTIVE)
    operator.now += timedelta(days=90) - timedelta(hours=2)
    assert len(await operator.rotate()) == 2
    assert operator.states == [KeyState.ACTIVE, KeyState.NEXT]
    operator.now += timedelta(hours=2)
    assert len(await operator.rotate()) == 2
    assert operator.states == [KeyState.RETIRING, KeyState.ACTIVE]
    assert operator.key(KeyUse.ACCESS, KeyState.RETIRING).id == first.id
    operator.now += timedelta(minutes=70)
    await operator.rotate()
    assert operator.states == [KeyState.ACTIVE]
    assert len([row for row in operator.keys.rows if row.use is KeyUse.REFRESH]) == 2
    assert await operator.rotate() == []


# -- by hand ----------------------------------------------------------------------------------------------------------


async def test_a_rotation_by_hand_publishes_a_key_and_the_servers_do_the_rest(operator: Operator) -> None:
    following = await operator.begin(KeyUse.ACCESS)
    assert following.state is KeyState.NEXT
    assert operator.states == [KeyState.ACTIVE, KeyState.NEXT]
    operator.now += timedelta(hours=2)
    await operator.rotate()
    assert operator.key(KeyUse.ACCESS, KeyState.ACTIVE).id == following.id


async def test_a_rotation_that_has_begun_is_not_begun_again(operator: Operator) -> None:
    """Else an impatient operator would put it off each time."""
    first = await operator.begin(KeyUse.ACCESS)
    assert await operator.begin(KeyUse.ACCESS) == first


async def test_a_changed_algorithm_takes_effect_through_a_rotation(operator: Operator) -> None:
    """Also where a next key for the former algorithm is waiting: it has signed nothing."""
    await operator.begin(KeyUse.ACCESS)
    changed = Operator(operator.keys, Algorithm.EDDSA)
    following = await changed.begin(KeyUse.ACCESS)
    assert following.algorithm is Algorithm.EDDSA
    changed.now += timedelta(hours=2)
    await changed.rotate()
    assert [row.algorithm for row in operator.keys.rows if row.use is KeyUse.ACCESS] == ["ES256", "EdDSA"]
    assert changed.key(KeyUse.ACCESS, KeyState.ACTIVE).id == following.id


async def test_without_keys_there_is_nothing_to_rotate() -> None:
    with pytest.raises(KeyUnusable, match="first start of a server"):
        await Operator(KeysInMemory()).begin(KeyUse.ACCESS)


async def test_a_rotation_at_once_waits_only_until_every_process_has_seen_the_key(operator: Operator) -> None:
    """Published, waited for, active."""
    following = await operator.begin(KeyUse.REFRESH)
    assert (await operator.at_once(KeyUse.REFRESH)).id == following.id
    assert operator.waits == 1
    assert operator.key(KeyUse.REFRESH, KeyState.ACTIVE).id == following.id


# -- retiring ---------------------------------------------------------------------------------------------------------


async def test_the_key_that_signs_is_not_retired(operator: Operator) -> None:
    """Nothing is written; the refusal says what to do instead, in either case."""
    before = list(operator.keys.rows)
    with pytest.raises(BadUserInput, match=r"gatepass key rotate.*--now"):
        await operator.retire(operator.key(KeyUse.ACCESS, KeyState.ACTIVE).id, at_once=False)
    assert operator.keys.rows == before


async def test_a_key_whose_tokens_live_is_not_retired_unless_that_is_said(operator: Operator) -> None:
    """The refusal says until when."""
    old = operator.key(KeyUse.ACCESS, KeyState.ACTIVE)
    await operator.at_once(KeyUse.ACCESS)
    with pytest.raises(BadUserInput, match=r"may live until 2026-03-01 13:06 UTC"):
        await operator.retire(old.id, at_once=False)
    assert operator.states == [KeyState.RETIRING, KeyState.ACTIVE]
    assert (await operator.retire(old.id, at_once=True)).successor is None
    assert operator.states == [KeyState.ACTIVE]


async def test_a_key_whose_tokens_have_expired_may_go(operator: Operator) -> None:
    old = operator.key(KeyUse.ACCESS, KeyState.ACTIVE)
    await operator.at_once(KeyUse.ACCESS)
    operator.now += timedelta(minutes=66)
    await operator.retire(old.id, at_once=False)
    assert operator.states == [KeyState.ACTIVE]


async def test_a_next_key_may_go_at_any_time(operator: Operator) -> None:
    """It has signed nothing: that is how a rotation is called off."""
    following = await operator.begin(KeyUse.ACCESS)
    await operator.retire(following.id, at_once=False)
    assert operator.states == [KeyState.ACTIVE]


@pytest.mark.parametrize("use", KeyUse)
@pytest.mark.parametrize("is_rotating", [False, True])
async def test_a_compromised_key_is_replaced_by_a_fresh_one_and_is_gone(
    operator: Operator, use: KeyUse, is_rotating: bool
) -> None:
    """Not by a next key that waits already: whoever read one may have read both."""
    compromised = {operator.key(use, KeyState.ACTIVE).id}
    if is_rotating:
        compromised.add((await operator.begin(use)).id)
    retired = await operator.retire(operator.key(use, KeyState.ACTIVE).id, at_once=True)
    (left,) = [row for row in operator.keys.rows if row.use is use]
    assert retired.successor is not None
    assert (left.id, left.state) == (retired.successor.id, KeyState.ACTIVE)
    assert left.id not in compromised
    assert operator.waits == 1


class Meddling(KeysInMemory):
    """A server activates the next key while the operator takes it away."""

    async def remove(self, key: KeyId, *, note: object = None) -> bool:
        following = next((row for row in self.rows if row.id == key and row.state is KeyState.NEXT), None)
        if following is not None:
            active = next(row for row in self.rows if row.use is following.use and row.state is KeyState.ACTIVE)
            await self.activate(key, active.id, NOON)
        return await super().remove(key)


async def test_a_compromised_next_key_that_begins_to_sign_meanwhile_is_gone_too() -> None:
    keys = Meddling()
    operator = Operator(keys)
    await Keyring.open(keys, SEALER, clock=operator.clock)
    following = await operator.begin(KeyUse.ACCESS)
    await operator.retire(following.id, at_once=True)
    assert following.id not in {row.id for row in keys.rows}
    assert KeyState.ACTIVE in operator.states


async def test_a_key_may_be_named_by_the_beginning_of_its_id(operator: Operator) -> None:
    """If that is one key's, and no less than four characters."""
    access, refresh = operator.keys.rows
    twin = replace(access, id=KeyId(access.id[:6] + "another"))
    assert named([access, refresh, twin], access.id) == access
    assert named([access, refresh, twin], access.id[:8]) == access
    for name, message in ((access.id[:6], "Several"), (access.id[:3], "no key"), ("", "no key"), ("nobody", "no key")):
        with pytest.raises(BadUserInput, match=message):
            named([access, refresh, twin], name)


# -- another secret key -----------------------------------------------------------------------------------------------


async def test_every_key_is_sealed_anew_and_stays_what_it_is(operator: Operator) -> None:
    """The former secret key opens nothing any more; no token is lost."""
    await operator.begin(KeyUse.ACCESS)
    before = await Keyring.open(operator.keys, SEALER, clock=operator.clock)
    assert await ResealKeys(operator.keys, Sealer(NEW_SECRET, OLD_SECRET))() == (3, 3)
    after = await Keyring.open(operator.keys, Sealer(NEW_SECRET), clock=operator.clock)
    assert (after.jwks(), after.active().secret.reveal()) == (before.jwks(), before.active().secret.reveal())
    with pytest.raises(KeyUnusable):
        await Keyring.open(operator.keys, SEALER, clock=operator.clock)


async def test_sealing_anew_again_changes_nothing(operator: Operator) -> None:
    """So it can be repeated after an interruption."""
    await ResealKeys(operator.keys, Sealer(NEW_SECRET, OLD_SECRET))()
    before = list(operator.keys.rows)
    assert await ResealKeys(operator.keys, Sealer(NEW_SECRET, OLD_SECRET))() == (0, 2)
    assert await ResealKeys(operator.keys, Sealer(NEW_SECRET))() == (0, 2)
    assert operator.keys.rows == before


async def test_what_is_half_done_is_readable_with_both_and_can_be_finished(operator: Operator) -> None:
    """Some keys under the one secret key, some under the other."""
    both = Sealer(NEW_SECRET, OLD_SECRET)
    sealed = both.reseal(operator.keys.rows[0])
    assert sealed is not None
    operator.keys.rows[0] = replace(operator.keys.rows[0], sealed=sealed)
    await Keyring.open(operator.keys, both, clock=operator.clock)
    await Keyring.open(operator.keys, Sealer(OLD_SECRET, NEW_SECRET), clock=operator.clock)
    assert await ResealKeys(operator.keys, both)() == (1, 2)


async def test_a_key_that_neither_secret_key_opens_stops_it_before_anything_is_written(operator: Operator) -> None:
    before = list(operator.keys.rows)
    with pytest.raises(KeyUnusable, match="GATEPASS_SECRET_KEY"):
        await ResealKeys(operator.keys, Sealer(NEW_SECRET, generate_secret_key()))()
    assert operator.keys.rows == before


class Rotating(KeysInMemory):
    """A server publishes a key, under the former secret key, just before the keys are sealed anew."""

    has_published = False

    async def reseal(self, keys: Sequence[Resealed], *, note: object = None) -> bool:
        if not self.has_published:
            self.has_published = True
            (gone,) = [row for row in self.rows if row.use is KeyUse.ACCESS]
            self.rows.remove(gone)
            self.rows.append(await KeyMaker(SEALER).make(KeyUse.ACCESS, KeyState.ACTIVE, NOON))
        return await super().reseal(keys)


async def test_a_change_meanwhile_is_not_lost() -> None:
    keys = Rotating()
    await Keyring.open(keys, SEALER, clock=lambda: NOON)
    assert await ResealKeys(keys, Sealer(NEW_SECRET, OLD_SECRET))() == (2, 2)
    await Keyring.open(keys, Sealer(NEW_SECRET), clock=lambda: NOON)

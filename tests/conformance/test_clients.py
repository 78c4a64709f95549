"""What every store promises about OAuth clients and their assertions. RFC 6749 §2, RFC 7523 §3."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gatepass.domain.account import Account
from gatepass.domain.client import Client, ClientAuthentication, GrantType
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.session import Session
from gatepass.usecases.ports import NotRedeemed, Opened, Redeemed, Store, StoredClient, Unknown
from tests.kit.client_world import DIGEST, OTHER_DIGEST, a_client, a_service, with_secret
from tests.kit.code_world import ORIGIN, a_code, a_device, approval, poll, redeem
from tests.kit.store_world import DAY, HASH, MINUTE, NOW, SECOND, Person, a_session, announced, stored

CLIENTS = {
    "for browsers": with_secret(a_client()),
    "public": StoredClient(a_client(authentication=ClientAuthentication.NONE, is_first_party=True, scopes=None), None),
    "that signs": StoredClient(a_client(authentication=ClientAuthentication.PRIVATE_KEY_JWT, jwks='{"keys":[]}'), None),
    "without scopes": with_secret(a_client(scopes=())),
    "for itself": with_secret(a_service()),
    "for devices": StoredClient(
        a_client(grants=frozenset({GrantType.DEVICE_CODE}), redirect_uris=(), name="Ünï “device”"), None
    ),
}


async def added(store: Store, client: Client) -> Client:
    await store.clients.add(with_secret(client))
    return client


def own(client: Client) -> Account:
    account = client.own_account
    assert account is not None
    return account


async def of_its_own(store: Store, client: Client) -> Session:
    """A session that a client has for itself."""
    session = replace(a_session(own(client)), client_id=client.id)
    assert await store.sessions.open(session, None) == Opened()
    return session


async def of_somebody(person: Person, client: Client) -> Session:
    """A session that somebody has with a client."""
    session = replace(a_session(person.account), client_id=client.id)
    assert await person.store.sessions.open(session, person.password_hash) == Opened()
    return session


@pytest.mark.parametrize("which", CLIENTS)
async def test_a_client_is_found_as_it_was_added(store: Store, elsewhere: Store, which: str) -> None:
    await store.clients.add(CLIENTS[which])
    assert await elsewhere.clients.find(CLIENTS[which].client.id) == CLIENTS[which]
    assert await elsewhere.clients.all() == [CLIENTS[which].client]


@pytest.mark.parametrize("unknown", ["", "gatepass", "0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a", "' OR 1=1 --", "\x00"])
async def test_nobody_else_is_found(store: Store, unknown: str) -> None:
    await added(store, a_client())
    assert await store.clients.find(unknown) is None


async def test_all_come_in_the_order_of_their_making(store: Store) -> None:
    late, early = a_client(NOW + SECOND), a_service(NOW)
    for client in (late, early):
        await added(store, client)
    assert await store.clients.all() == [early, late]


async def test_a_client_that_acts_for_itself_has_an_account_without_a_password(store: Store) -> None:
    """It can open a session, and nobody can sign in as it."""
    service = await added(store, a_service())
    found = await store.accounts.find(own(service).email)
    assert found is not None
    assert (found.account, found.password_hash) == (own(service), None)
    session = await of_its_own(store, service)
    assert await stored(store, session.id) == session
    assert session.scopes == service.scopes


async def test_no_other_client_has_an_account(store: Store) -> None:
    await added(store, a_client())
    assert await store.accounts.page(None, 10) == []


async def test_another_secret_takes_the_place_of_the_first(store: Store, elsewhere: Store) -> None:
    client = await added(store, a_client())
    assert await store.clients.replace_secret(client.id, OTHER_DIGEST, NOW)
    assert await elsewhere.clients.find(client.id) == StoredClient(client, OTHER_DIGEST)


async def test_another_secret_ends_what_a_client_got_for_itself_with_the_first(ana: Person) -> None:
    """And nothing of anybody else's; it may go on with the new secret at once."""
    service, other = await added(ana.store, a_service()), await added(ana.store, a_service())
    session, others, somebodys = (
        await of_its_own(ana.store, service),
        await of_its_own(ana.store, other),
        await of_somebody(ana, service),
    )
    assert await ana.store.clients.replace_secret(service.id, OTHER_DIGEST, NOW)
    assert await announced(ana.store) == {session.id}
    for lives in (others, somebodys):
        kept = await stored(ana.store, lives.id)
        assert kept is not None
        assert kept.revoked_at is None
    await of_its_own(ana.store, service)


async def test_who_has_no_secret_gets_none(store: Store) -> None:
    public = StoredClient(a_client(authentication=ClientAuthentication.NONE), None)
    await store.clients.add(public)
    assert not await store.clients.replace_secret(public.client.id, DIGEST, NOW)
    assert await store.clients.find(public.client.id) == public
    assert not await store.clients.replace_secret(a_client().id, DIGEST, NOW)


async def test_a_clients_sessions_end_with_it(ana: Person, elsewhere: Store) -> None:
    """Its own and everybody's with it; those of others live on."""
    service, other = await added(ana.store, a_service()), await added(ana.store, a_client())
    own_session, with_it = await of_its_own(ana.store, service), await of_somebody(ana, service)
    with_another, plain = await of_somebody(ana, other), await ana.signs_in()
    assert await ana.store.clients.remove(service.id, NOW)
    assert await elsewhere.clients.find(service.id) is None
    assert await announced(elsewhere) == {own_session.id, with_it.id}
    assert await elsewhere.accounts.find(own(service).email) is None
    for lives in (with_another, plain):
        kept = await stored(ana.store, lives.id)
        assert kept is not None
        assert kept.revoked_at is None
    assert not await ana.store.clients.remove(service.id, NOW)


async def test_open_codes_for_a_client_end_with_it(ana: Person) -> None:
    client, other = await added(ana.store, a_client()), await added(ana.store, a_client())
    codes = [replace(a_code(ana), client_id=each.id) for each in (client, other)]
    devices = [replace(a_device(), client_id=each.id) for each in (client, other)]
    for code in codes:
        await ana.store.authorization_codes.add(code, HASH, ORIGIN)
    for device in devices:
        await ana.store.device_codes.add(device, ORIGIN)
        await ana.store.device_codes.approve(device.user_code_digest, approval(ana), HASH, NOW)
    assert await ana.store.clients.remove(client.id, NOW)
    assert await redeem(ana.store, codes[0], client_id=client.id) == Unknown()
    assert await poll(ana.store, devices[0], client_id=client.id) == Unknown()
    assert isinstance(await redeem(ana.store, codes[1], client_id=other.id), Redeemed)
    assert isinstance(await poll(ana.store, devices[1], client_id=other.id), Redeemed)


async def test_the_account_of_a_client_can_be_disabled_like_any_other(store: Store) -> None:
    service = await added(store, a_service())
    session = await of_its_own(store, service)
    assert await store.accounts.set_enabled(own(service).id, enabled=False, now=NOW)
    assert await announced(store) == {session.id}
    refused = replace(a_session(own(service)), client_id=service.id)
    assert await store.sessions.open(refused, None) != Opened()
    assert await store.clients.remove(service.id, NOW)


async def test_an_assertion_counts_once(store: Store, elsewhere: Store) -> None:
    """Of many at once too, in whatever process."""
    spent = await asyncio.gather(
        *(each.client_assertions.spend(DIGEST, NOW + MINUTE) for each in (store, elsewhere) * 10)
    )
    assert sorted(spent) == [False] * 19 + [True]
    assert await store.client_assertions.spend(OTHER_DIGEST, NOW + MINUTE)


async def test_an_assertion_is_forgotten_when_it_has_expired_and_not_before(store: Store) -> None:
    await store.client_assertions.spend(DIGEST, NOW)
    assert await store.client_assertions.sweep(NOW, 100) == 0
    assert not await store.client_assertions.spend(DIGEST, NOW + DAY)
    assert await store.client_assertions.sweep(NOW + timedelta(microseconds=1), 100) == 1
    assert await store.client_assertions.spend(DIGEST, NOW + DAY)


async def test_the_sweep_of_assertions_goes_in_small_steps(store: Store) -> None:
    for number in range(5):
        await store.client_assertions.spend(bytes([number]) * 32, NOW)
    assert [await store.client_assertions.sweep(NOW + DAY, 3) for _ in range(3)] == [3, 2, 0]


async def test_a_code_for_one_client_is_none_for_another(ana: Person) -> None:
    client, other = await added(ana.store, a_client()), await added(ana.store, a_client())
    code = replace(a_code(ana), client_id=client.id)
    await ana.store.authorization_codes.add(code, HASH, ORIGIN)
    assert await redeem(ana.store, code, client_id=other.id) == NotRedeemed(NoSession.REFUSE)

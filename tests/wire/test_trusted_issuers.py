"""Tokens of other issuers at the door of a whole service. docs/how-to/trust-another-issuer.md."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gatepass.crypto import issuer_keys
from tests.kit.issuer import AUDIENCE, ISSUER, Issuer, IssuerKey
from tests.kit.me_app import MeApp
from tests.kit.world import SIGN_OUT, Answered, Person, World, add_account, running, settings_for
from tests.verify.publisher import Publisher, publishing
from tests.wire.conftest import ANA_PASSWORD

ME = "{ me { subject scopes session } }"


@pytest.fixture
def idp() -> Issuer:
    """Return another issuer."""
    return Issuer()


@pytest.fixture
def publisher(idp: Issuer) -> Iterator[Publisher]:
    """Yield the place where its keys lie."""
    with publishing() as started:
        started.publishes(idp.jwks)
        yield started


@asynccontextmanager
async def trusting(folder: Path, place: str, app: MeApp | None = None, **settings: Any) -> AsyncIterator[World]:
    trusted = {"issuer": ISSUER, "audience": AUDIENCE, "jwks": place}
    made = settings_for(folder, trusted_issuers=[trusted], **settings)
    await add_account(made, "ana@example.org", ANA_PASSWORD, "read")
    async with running(made, app or MeApp()) as world:
        yield world


@pytest.fixture
async def trusting_world(tmp_path: Path, publisher: Publisher, me_app: MeApp) -> AsyncIterator[World]:
    """Yield a running service that trusts it."""
    async with trusting(tmp_path, publisher.url, me_app) as world:
        yield world


async def me(world: World, token: str) -> Answered:
    return await world.posts(ME, bearer=token)


# -- who passes -------------------------------------------------------------------------------------------------------


async def test_a_token_of_a_trusted_issuer_reaches_the_api(trusting_world: World, idp: Issuer, me_app: MeApp) -> None:
    """As somebody who is none of our accounts, with the issuer's name beside; and so does one of our own."""
    answered = await me(trusting_world, idp.token())
    assert answered.data["me"] == {"subject": f"{ISSUER}|248289761001", "scopes": ["read", "write"], "session": ""}
    scope, _ = me_app.received[-1]
    headers = dict(scope["headers"])
    assert scope["gatepass"].issuer == ISSUER
    assert headers[b"x-gatepass-subject"].decode() == f"{ISSUER}|248289761001"
    assert headers[b"x-gatepass-issuer"].decode() == ISSUER
    assert headers[b"x-gatepass-client"] == b"portal"
    tokens = await Person(trusting_world, "ana@example.org", ANA_PASSWORD).signs_in()
    assert (await me(trusting_world, tokens.access)).status == 200
    scope, _ = me_app.received[-1]
    assert scope["gatepass"].issuer is None
    assert b"x-gatepass-issuer" not in dict(scope["headers"])


async def test_nobody_says_of_themselves_who_vouches_for_them(trusting_world: World, me_app: MeApp) -> None:
    """The header is stripped like the others, in every spelling."""
    tokens = await Person(trusting_world, "ana@example.org", ANA_PASSWORD).signs_in()
    for name in ("X-Gatepass-Issuer", "x_gatepass_issuer"):
        await trusting_world.posts(ME, bearer=tokens.access, headers={name: ISSUER})
        assert ISSUER.encode() not in dict(me_app.received[-1][0]["headers"]).values()


async def test_it_passes_at_every_door(trusting_world: World, idp: Issuer) -> None:
    """Introspection, forward-auth with its scopes, and the application's own paths."""
    bearer = {"Authorization": f"Bearer {idp.token()}"}
    shown = await trusting_world.posts("{ __schema { queryType { fields { name } } } }", bearer=idp.token())
    assert "me" in {field["name"] for field in shown.data["__schema"]["queryType"]["fields"]}
    asked = await trusting_world.client.get("/authz?scope=read", headers=bearer)
    assert (asked.status_code, asked.headers["x-gatepass-issuer"]) == (200, ISSUER)
    assert (await trusting_world.client.get("/authz?scope=admin", headers=bearer)).status_code == 403
    own = await trusting_world.client.get("/elsewhere", headers=bearer)
    assert own.json() == {"caller": f"{ISSUER}|248289761001"}


async def test_what_belongs_to_our_accounts_is_refused(trusting_world: World, idp: Issuer) -> None:
    """There is no session here to sign out of; the refusal says where there is one."""
    answered = await trusting_world.posts(SIGN_OUT, {"everywhere": True}, bearer=idp.token())
    assert (answered.status, answered.code) == (403, "FORBIDDEN")
    assert ISSUER in answered.error["message"]


async def test_an_issuer_that_calls_somebody_like_an_account_of_ours_does_not_sign_them_in(
    trusting_world: World, idp: Issuer
) -> None:
    ana = Person(trusting_world, "ana@example.org", ANA_PASSWORD)
    tokens = await ana.signs_in()
    own = (await me(trusting_world, tokens.access)).data["me"]["subject"]
    theirs = (await me(trusting_world, idp.token(sub=own))).data["me"]["subject"]
    assert theirs == f"{ISSUER}|{own}"
    out = await trusting_world.posts(SIGN_OUT, {"everywhere": True}, bearer=idp.token(sub=own))
    assert out.code == "FORBIDDEN"
    assert (await me(trusting_world, tokens.access)).status == 200


async def test_a_token_is_over_at_its_end_although_it_was_remembered(trusting_world: World, idp: Issuer) -> None:
    token = idp.token(exp=int(time.time()) + 60)
    assert (await me(trusting_world, token)).status == 200
    trusting_world.clock.forward(seconds=61)
    answered = await me(trusting_world, token)
    assert answered.status == 401
    assert "expired" in answered.error["message"]


# -- keys come and go -------------------------------------------------------------------------------------------------


async def test_a_start_without_the_issuer_works_and_its_tokens_pass_once_it_is_there(
    tmp_path: Path, publisher: Publisher, idp: Issuer
) -> None:
    """Our own tokens pass all the while."""
    publisher.publishes({}, status=503)
    async with trusting(tmp_path, publisher.url) as world:
        tokens = await Person(world, "ana@example.org", ANA_PASSWORD).signs_in()
        assert (await me(world, tokens.access)).status == 200
        publisher.publishes(idp.jwks)
        assert (await me(world, idp.token())).status == 200


async def test_a_start_does_not_wait_long_for_an_issuer_that_is_silent(
    tmp_path: Path, publisher: Publisher, idp: Issuer
) -> None:
    publisher.hold.clear()
    begun = time.monotonic()
    async with trusting(tmp_path, publisher.url) as world:
        assert time.monotonic() - begun < 5
        assert (await world.client.get("/readyz")).status_code == 200
        waiting = asyncio.create_task(me(world, idp.token()))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        publisher.hold.set()
        assert (await waiting).status == 200


async def test_a_new_key_of_the_issuer_is_learnt_from_the_first_token_of_it(
    trusting_world: World, publisher: Publisher, idp: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That token waits and passes. After it, unknown keys cause no reading for half a minute."""
    idp.keys.append(IssuerKey(kid="second"))
    publisher.publishes(idp.jwks)
    assert (await me(trusting_world, idp.token())).status == 200
    asked = publisher.asked
    stranger = Issuer(IssuerKey(kid="stranger"))
    for _ in range(20):
        assert (await me(trusting_world, stranger.token())).status == 401
    assert publisher.asked == asked
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 0.0)
    assert (await me(trusting_world, stranger.token())).status == 401
    assert publisher.asked == asked + 1


async def test_where_the_issuer_is_away_its_tokens_pass_on_with_the_keys_that_are_known(
    tmp_path: Path, publisher: Publisher, idp: Issuer
) -> None:
    async with trusting(tmp_path, publisher.url, trusted_keys_refresh_seconds=1) as world:
        assert (await me(world, idp.token())).status == 200
        publisher.publishes(b"<html>502 Bad Gateway</html>", status=502)
        asked = publisher.asked
        assert await asyncio.to_thread(publisher.was_asked, asked + 1)
        assert (await me(world, idp.token())).status == 200


async def test_a_key_that_the_issuer_gives_up_counts_no_longer_although_its_tokens_were_remembered(
    tmp_path: Path, publisher: Publisher, idp: Issuer
) -> None:
    """After the next reading on the timer."""
    async with trusting(tmp_path, publisher.url, trusted_keys_refresh_seconds=1) as world:
        token = idp.token()
        assert (await me(world, token)).status == 200
        idp.keys = [IssuerKey(kid="second")]
        publisher.publishes(idp.jwks)
        asked = publisher.asked
        assert await asyncio.to_thread(publisher.was_asked, asked + 1)
        await asyncio.sleep(0.1)
        assert (await me(world, token)).status == 401
        assert (await me(world, idp.token())).status == 200


async def test_keys_may_lie_in_a_file(tmp_path: Path, idp: Issuer) -> None:
    file = tmp_path / "issuer.json"
    file.write_text(json.dumps(idp.jwks))
    async with trusting(tmp_path, str(file)) as world:
        assert (await me(world, idp.token())).status == 200


# -- tokens that somebody made to get in ------------------------------------------------------------------------------


async def test_no_token_leads_the_server_anywhere(trusting_world: World, idp: Issuer, me_app: MeApp) -> None:
    """`jku`, `x5u`, a key id that is an address or a path, an issuer that is somebody's server: nobody is asked."""
    thief = Issuer(IssuerKey(kid="thief"))
    with publishing() as trap:
        trap.publishes(thief.jwks)
        tokens = [
            thief.token(header={"jku": trap.url}),
            thief.token(header={"jku": trap.url, "kid": "first"}),
            thief.token(header={"x5u": trap.url, "kid": trap.url}),
            thief.token(header={"kid": "../../../../dev/null"}),
            thief.token(header={"kid": "' OR '1'='1"}),
            thief.token(header={"jwk": thief.keys[0].jwk}),
            thief.token(iss=trap.url, header={"jku": trap.url}),
            thief.token(iss=trap.url.removesuffix("/.well-known/jwks.json")),
        ]
        for token in tokens:
            answered = await me(trusting_world, token)
            assert (answered.status, answered.code) == (401, "UNAUTHENTICATED")
            assert token not in answered.error["message"]
        assert trap.asked == 0
    assert all(scope["gatepass"] is None for scope, _ in me_app.received)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(lambda idp: idp.token(aud="another-api"), id="for another API"),
        pytest.param(lambda idp: idp.token(exp=1), id="expired"),
        pytest.param(lambda idp: idp.token(exp=None), id="without end"),
        pytest.param(lambda idp: idp.token(exp=str(int(time.time()) + 60)), id="exp as text"),
        pytest.param(lambda idp: idp.token(exp=time.time() + 60), id="exp as float"),
        pytest.param(lambda idp: idp.token(header={"alg": "none"}).rpartition(".")[0] + ".", id="unsigned"),
        pytest.param(lambda idp: idp.token(header={"alg": "none"}), id="alg none"),
        pytest.param(lambda idp: idp.token(header={"crit": ["exp"]}), id="crit"),
        pytest.param(lambda idp: idp.token(header={"typ": "id+jwt"}), id="an ID token"),
        pytest.param(lambda idp: idp.macced(json.dumps(idp.jwks).encode()), id="HMAC with the public keys"),
        pytest.param(lambda idp: idp.token() + "=", id="padding"),
        pytest.param(lambda idp: f"{idp.token()}.AA.AA", id="five parts"),
        pytest.param(lambda idp: idp.token(sub="a\nb"), id="a line break"),
        pytest.param(lambda idp: Issuer().token(), id="another's signature"),
        pytest.param(lambda idp: "gpr_" + "A" * 76, id="a refresh token"),
        pytest.param(lambda idp: idp.token(pad="A" * 9000), id="too long"),
    ],
)
async def test_a_bad_token_of_a_trusted_issuer_is_refused_at_every_door(
    trusting_world: World, idp: Issuer, me_app: MeApp, token: Any
) -> None:
    """401 with a challenge; nothing reaches the API with an identity."""
    bad = token(idp)
    header = {"Authorization": f"Bearer {bad}"}
    answered = await me(trusting_world, bad)
    assert (answered.status, answered.code) == (401, "UNAUTHENTICATED")
    assert 'error="invalid_token"' in answered.headers["www-authenticate"]
    assert (await trusting_world.posts(SIGN_OUT, bearer=bad)).status == 401
    assert (await trusting_world.client.get("/authz", headers=header)).status_code == 401
    assert (await trusting_world.client.get("/elsewhere", headers=header)).json() == {"caller": None}
    assert all(scope["gatepass"] is None for scope, _ in me_app.received)

"""The phases that all grants share: form, client, scope, policy, answer. RFC 6749 §2.3, §3.2 and §5."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

from gatepass.domain.client import BUILT_IN, ClientAuthentication, GrantType
from tests.kit.oauth_world import DEVICE_GRANT, FORM, Program, basic, program
from tests.kit.world import Person, World

Rows = Callable[[], dict[str, Any]]
TOKEN = "/oauth/token"
SERVICE = {"grants": frozenset({GrantType.CLIENT_CREDENTIALS}), "redirect_uris": (), "scopes": ("read", "write")}
CREDENTIALS = {"grant_type": "client_credentials"}


@pytest.fixture
async def service(world: World) -> Program:
    """Return a client that acts for itself, with a secret."""
    return await program(world, **SERVICE)


def secret_of(client: Program) -> str:
    assert client.secret is not None
    return client.secret.reveal()


async def test_an_answer_is_as_rfc_6749_has_it(service: Program) -> None:
    """§5.1: the members, the media type, and what no cache may keep."""
    answer = await service.gets_tokens_for_itself()
    assert set(answer.tokens) == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer.tokens["token_type"], answer.tokens["expires_in"]) == ("Bearer", 3600)
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", [TOKEN, "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization"])
async def test_only_post_is_taken(world: World, method: str, path: str) -> None:
    response = await world.client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_passwords_are_not_taken(world: World, rows: Rows) -> None:
    """RFC 9700 §2.4; the answer says where they are."""
    before = rows()
    for client in (Program(world, BUILT_IN), await program(world, **SERVICE)):
        answer = await client.asks_for_tokens("password", username="ana@example.org", password="x")
        assert (answer.status, answer.error) == (400, "unsupported_grant_type")
        assert "signIn" in answer.body["error_description"]
        assert "?" not in answer.body["error_description"], "a character that RFC 6749 does not allow"
    assert rows()["sessions"] == before["sessions"]


@pytest.mark.parametrize("word", ["implicit", "CLIENT_CREDENTIALS", "client_credentials ", "urn:x", "\u00e9" * 100])
async def test_an_unknown_grant_is_said_to_be_unknown(service: Program, word: str) -> None:
    answer = await service.asks_for_tokens(word)
    assert (answer.status, answer.error) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("twice", ["grant_type", "client_id", "client_secret", "scope", "unknown", "refresh_token"])
async def test_a_parameter_that_is_there_twice_is_refused(service: Program, twice: str, rows: Rows) -> None:
    """§3.2; equal or not, known or not, empty or not."""
    good = {**CREDENTIALS, "client_id": service.id, "client_secret": secret_of(service), "scope": "read"}
    before = rows()
    for second in (good.get(twice, ""), "other", ""):
        pairs = [*good.items(), (twice, good.get(twice, "x"))] if twice not in good else list(good.items())
        answer = await service.posts(TOKEN, [*pairs, (twice, second)])
        assert (answer.status, answer.error) == (400, "invalid_request")
    assert rows() == before


async def test_a_parameter_without_a_value_is_not_there(service: Program) -> None:
    """§3.1."""
    answer = await service.asks("/oauth/token", **CREDENTIALS, scope="", resource="")
    assert answer.tokens["scope"] == "read write"
    assert (await service.asks("/oauth/token", grant_type="")).error == "invalid_request"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", FORM, 400),
        (b"grant_type=client_credentials", {}, 400),
        (b'{"grant_type":"client_credentials"}', {"Content-Type": "application/json"}, 400),
        (b"grant_type=client_credentials", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        (b"grant_type=%FF", FORM, 400),
        (b"grant_type=a%00b", FORM, 400),
        (b"\xff\xfe", FORM, 400),
        (b"&".join(b"p%d=1" % n for n in range(65)), FORM, 400),
        (b"scope=" + b"x" * 40_000, FORM, 413),
        (b"grant_type=x", {**FORM, "Content-Encoding": "gzip"}, 400),
        (b"grant_type=x", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-16"}, 400),
    ],
)
async def test_what_is_no_form_is_refused(
    world: World, body: bytes, headers: dict[str, str], status: int, rows: Rows
) -> None:
    before = rows()
    response = await world.client.post(TOKEN, content=body, headers=headers)
    assert response.status_code == status
    assert response.json()["error"] == "invalid_request"
    assert re.fullmatch(r"[ !#-\[\]-~]+", response.json()["error_description"])
    assert rows() == before


async def test_parameters_in_the_address_are_refused(world: World, service: Program, rows: Rows) -> None:
    """§3.2: addresses stay in histories and logs."""
    before = rows()
    header = {**FORM, **basic(service.id, secret_of(service))}
    response = await world.client.post(f"{TOKEN}?grant_type=client_credentials", content=b"", headers=header)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert rows() == before


async def test_a_charset_of_utf_8_is_taken(world: World, service: Program) -> None:
    kind = {"Content-Type": "Application/x-www-form-urlencoded; charset=UTF-8"}
    header = {**kind, **basic(service.id, secret_of(service))}
    response = await world.client.post(TOKEN, content=b"grant_type=client_credentials", headers=header)
    assert response.status_code == 200


class TestClientAuthentication:
    """§2.3 and §5.2."""

    async def test_a_secret_may_stand_in_the_header_or_in_the_form(self, service: Program) -> None:
        in_header = await service.posts(TOKEN, CREDENTIALS, basic(service.id, secret_of(service)))
        named = {"client_id": service.id}
        both_ids = await service.posts(TOKEN, {**CREDENTIALS, **named}, basic(service.id, secret_of(service)))
        in_form = await service.posts(TOKEN, {**CREDENTIALS, **named, "client_secret": secret_of(service)})
        assert [answer.status for answer in (in_header, both_ids, in_form)] == [200, 200, 200]

    async def test_in_two_ways_at_once_is_refused(self, service: Program, rows: Rows) -> None:
        """§2.3: whichever is wrong, one of two readers would not look at it."""
        before, header = rows(), basic(service.id, secret_of(service))
        for more in ({"client_secret": secret_of(service)}, {"client_assertion": "x"}):
            answer = await service.posts(TOKEN, {**CREDENTIALS, "client_id": service.id, **more}, header)
            assert (answer.status, answer.error) == (400, "invalid_request")
        answer = await service.posts(TOKEN, {**CREDENTIALS, "client_id": "another"}, header)
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert rows() == before

    @pytest.mark.parametrize(
        "header",
        [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic eDp5",
            "Bearer x",
            "Digest x",
            "x",
            "Basic " + base64.b64encode(b"no colon").decode(),
            "Basic " + base64.b64encode(b":no id").decode(),
            "Basic " + base64.b64encode(b"\xff:\xfe").decode(),
            "Basic " + base64.b64encode(b"%ff:%fe").decode(),
            "Basic " + base64.b64encode(b"x:" + b"y" * 3000).decode(),
        ],
    )
    async def test_a_header_that_proves_nothing_is_401(self, service: Program, header: str, rows: Rows) -> None:
        """With a challenge of the scheme that was used, RFC 6749 §5.2 and RFC 9110 §15.5.2."""
        before = rows()
        answer = await service.posts(TOKEN, CREDENTIALS, {"Authorization": header})
        assert (answer.status, answer.error) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        assert rows() == before

    async def test_nobody_learns_whether_a_client_exists(self, service: Program, world: World, rows: Rows) -> None:
        """Unknown, wrong secret, another's secret, a public one with a secret, a secret one without."""
        other = await program(world, **SERVICE)
        public = await program(world, authentication=ClientAuthentication.NONE)
        before = rows()
        wrong = [
            {"client_id": "nobody", "client_secret": secret_of(service)},
            {"client_id": service.id, "client_secret": secret_of(other)},
            {"client_id": service.id, "client_secret": secret_of(service) + "x"},
            {"client_id": service.id, "client_secret": secret_of(service)[:-1]},
            {"client_id": service.id},
            {"client_id": public.id, "client_secret": secret_of(service)},
            {"client_id": "gatepass", "client_secret": "x"},
            {"client_id": service.id.upper(), "client_secret": secret_of(service)},
        ]
        answers = [await service.posts(TOKEN, {**CREDENTIALS, **each}) for each in wrong]
        assert {(answer.status, answer.error) for answer in answers} == {(401, "invalid_client")}
        assert len({answer.body["error_description"] for answer in answers}) == 1
        assert rows() == before

    async def test_who_says_nothing_is_asked(self, service: Program) -> None:
        answer = await service.posts(TOKEN, CREDENTIALS)
        assert (answer.status, answer.error) == (401, "invalid_client")

    async def test_an_empty_secret_is_none(self, world: World) -> None:
        """So do libraries send public clients."""
        public = await program(world, authentication=ClientAuthentication.NONE)
        refused = await public.posts(TOKEN, {"grant_type": "refresh_token", "refresh_token": "x"}, basic(public.id, ""))
        assert refused.error == "invalid_grant"

    async def test_a_removed_client_is_nobody(self, service: Program, world: World) -> None:
        from gatepass.stores.opening import open_store

        assert (await service.gets_tokens_for_itself()).status == 200
        store = await open_store(world.settings.store_url)
        await store.clients.remove(service.id, world.clock())
        await store.close()
        assert (await service.gets_tokens_for_itself()).error == "invalid_client"


class TestScopes:
    """They narrow, and never widen. §3.3."""

    async def test_none_asked_for_are_all(self, service: Program) -> None:
        assert (await service.gets_tokens_for_itself()).tokens["scope"] == "read write"

    @pytest.mark.parametrize(
        ("asked", "given"), [("read", "read"), ("write read", "read write"), ("read read", "read")]
    )
    async def test_fewer_are_given_as_asked(self, service: Program, asked: str, given: str) -> None:
        assert (await service.gets_tokens_for_itself(scope=asked)).tokens["scope"] == given

    @pytest.mark.parametrize("asked", ["admin", "read admin", "READ", "read  write", " read", "a\tb", 'a"b', "ü"])
    async def test_more_are_refused(self, service: Program, asked: str, rows: Rows) -> None:
        before = rows()
        answer = await service.gets_tokens_for_itself(scope=asked)
        assert (answer.status, answer.error) == (400, "invalid_scope")
        assert rows() == before


class TestPolicy:
    """Who may use which grant. §5.2."""

    @pytest.mark.parametrize("grant", sorted(GrantType))
    async def test_a_client_uses_what_it_was_registered_for(self, world: World, grant: GrantType, rows: Rows) -> None:
        others = frozenset(GrantType) - {grant}
        client = await program(world, grants=others, scopes=("read",))
        before = rows()
        answer = await client.asks_for_tokens(grant, code="x", refresh_token="x", device_code="x")
        assert (answer.status, answer.error) == (400, "unauthorized_client")
        assert rows() == before

    async def test_public_clients_never_act_for_themselves(self, world: World, rows: Rows) -> None:
        """Even if somebody put one into the store that may."""
        client = await program(world, authentication=ClientAuthentication.NONE, grants=frozenset(GrantType))
        before = rows()
        answer = await client.gets_tokens_for_itself()
        assert (answer.status, answer.error) == (400, "unauthorized_client")
        assert rows() == before

    async def test_tokens_are_for_this_api_alone(self, service: Program, world: World, rows: Rows) -> None:
        """RFC 8707 §2."""
        resource = world.settings.audience
        for good in (resource, f"{resource}/"):
            assert (await service.gets_tokens_for_itself(resource=good)).status == 200
        before = rows()
        answer = await service.gets_tokens_for_itself(resource="https://another.example")
        assert (answer.status, answer.error) == (400, "invalid_target")
        assert rows() == before


class TestClientCredentials:
    """A client for itself. §4.4."""

    async def test_its_token_passes_the_gateway(self, service: Program, world: World) -> None:
        """`sub` is the client (RFC 9068 §2.2)."""
        answer = await service.gets_tokens_for_itself(scope="read")
        me = await world.posts("{ me { subject scopes } }", bearer=answer.tokens["access_token"])
        assert me.data["me"] == {"subject": service.id, "scopes": ["read"]}

    async def test_nothing_of_it_can_be_refreshed(self, service: Program) -> None:
        assert "refresh_token" not in (await service.gets_tokens_for_itself()).tokens

    async def test_another_secret_ends_what_came_from_the_first(self, service: Program, world: World) -> None:
        """Within a second, in every process; with the new one it goes on."""
        from gatepass.domain import client_secret
        from gatepass.domain.secret import Secret
        from gatepass.stores.opening import open_store

        token = (await service.gets_tokens_for_itself()).tokens["access_token"]
        store, new = await open_store(world.settings.store_url), Secret("gpcs_new")
        assert await store.clients.replace_secret(service.id, client_secret.digest(new), world.clock())
        await store.close()
        await world.has_taken_in_revocations()
        assert (await world.posts("{ me { subject } }", bearer=token)).status == 401
        assert (await service.gets_tokens_for_itself()).error == "invalid_client"
        renewed = Program(world, service.client, new)
        token = (await renewed.gets_tokens_for_itself()).tokens["access_token"]
        assert (await world.posts("{ me { subject } }", bearer=token)).status == 200

    async def test_nobody_signs_in_as_a_client(self, service: Program, world: World) -> None:
        """Its account has no password, whatever is tried."""
        for password in ("", secret_of(service), "None"):
            robot = Person(world, f"{service.id}@client.invalid", password)
            assert (await robot.tries_to_sign_in()).code == "INVALID_CREDENTIALS"

    async def test_a_disabled_account_gets_no_token(self, service: Program, world: World, rows: Rows) -> None:
        from gatepass.stores.opening import open_store

        account = service.client.own_account
        assert account is not None
        store = await open_store(world.settings.store_url)
        await store.accounts.set_enabled(account.id, enabled=False, now=world.clock())
        await store.close()
        before = rows()
        answer = await service.gets_tokens_for_itself()
        assert (answer.status, answer.error) == (400, "unauthorized_client")
        assert rows() == before


class TestRefreshToken:
    """The second door to `signInRefresh`. §6."""

    async def test_both_doors_lead_to_one_session(self, world: World, ana: Person) -> None:
        """Rotation, replay and reuse count whichever door was used."""
        cli, first = Program(world, BUILT_IN), await ana.signs_in()
        second = (await cli.refreshes(first.refresh)).tokens
        replayed = (await ana.tries_to_refresh(first)).tokens
        assert replayed.refresh == second["refresh_token"]
        third = (await cli.refreshes(second["refresh_token"])).tokens
        assert third["scope"] == "read write"
        world.clock.forward(seconds=61)
        assert (await cli.refreshes(second["refresh_token"])).error == "invalid_grant"
        assert (await cli.refreshes(third["refresh_token"])).error == "invalid_grant"

    async def test_scopes_narrow_the_access_token_alone(self, world: World, ana: Person) -> None:
        """The next refresh has them all again."""
        cli, first = Program(world, BUILT_IN), await ana.signs_in()
        narrow = (await cli.refreshes(first.refresh, scope="read")).tokens
        assert narrow["scope"] == "read"
        me = await world.posts("{ me { scopes } }", bearer=narrow["access_token"])
        assert me.data["me"]["scopes"] == ["read"]
        assert (await cli.refreshes(narrow["refresh_token"])).tokens["scope"] == "read write"

    async def test_scopes_never_widen(self, world: World, ana: Person, rows: Rows) -> None:
        """And a refusal does not spend the token."""
        cli, first = Program(world, BUILT_IN), await ana.signs_in()
        before = rows()
        for asked in ("admin", "read admin"):
            assert (await cli.refreshes(first.refresh, scope=asked)).error == "invalid_scope"
        assert rows() == before
        assert (await cli.refreshes(first.refresh)).status == 200

    async def test_a_refresh_token_is_its_clients_own(self, world: World, ana: Person, rows: Rows) -> None:
        """§10.4: another client neither gets nor ends anything, at either door."""
        first, other = await ana.signs_in(), await program(world)
        before = rows()
        assert (await other.refreshes(first.refresh)).error == "invalid_grant"
        assert rows() == before
        assert (await ana.tries_to_refresh(first)).status == 200

    @pytest.mark.parametrize("token", ["x", "gpr_", "gpr_" + "A" * 76, "eyJ.e30.x", "\U0001f511"])
    async def test_what_is_no_refresh_token_is_invalid_grant(self, world: World, token: str, rows: Rows) -> None:
        before = rows()
        answer = await Program(world, BUILT_IN).refreshes(token)
        assert (answer.status, answer.error) == (400, "invalid_grant")
        assert rows() == before

    async def test_without_one_the_request_is_invalid(self, world: World) -> None:
        answer = await Program(world, BUILT_IN).asks_for_tokens("refresh_token")
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert "refresh_token is missing" in answer.body["error_description"]


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", DEVICE_GRANT])
async def test_every_grant_names_what_is_missing(world: World, grant: str) -> None:
    client = await program(world, grants=frozenset(GrantType), scopes=("read",))
    answer = await client.asks_for_tokens(grant)
    assert answer.error == "invalid_request"
    assert "is missing" in answer.body["error_description"]


async def test_a_fault_says_nothing_of_itself(world: World, service: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 in the same form, with a request id."""
    from gatepass.stores.postgres.clients import PostgresClients
    from gatepass.stores.sqlite.clients import SqliteClients

    async def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(SqliteClients, "find", broken)
    monkeypatch.setattr(PostgresClients, "find", broken)
    answer = await service.gets_tokens_for_itself()
    assert (answer.status, answer.error) == (500, "server_error")
    assert "secret detail" not in answer.body["error_description"]
    assert answer.headers["x-request-id"] in answer.body["error_description"]

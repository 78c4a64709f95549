"""`/authz`: 200, 401 or 403, and never anything else. RFC 6750 §3.1, RFC 9110 §15.5."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import StoreUnavailable, Unauthenticated
from gatepass.http.asgi import Headers, Message, Scope
from gatepass.http.edge import Edge
from gatepass.http.messages import Request
from gatepass.oauth.forward_auth import ForwardAuth
from tests.kit.me_app import MeApp
from tests.kit.world import Person, Tokens, World, add_account, running, settings_for

GOOD = b"t.o.k"
CALLER = Caller("ana", frozenset({"read", "a:b"}), "s-1", "gatepass", datetime.now(UTC) + timedelta(hours=1))
IDENTITY = ("x-gatepass-subject", "x-gatepass-scope", "x-gatepass-session", "x-gatepass-client")


class Asked:
    """What came back, and what was reported."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.reports: list[BaseException] = []

    def header(self, name: str) -> str | None:
        values = [value.decode() for key, value in self.headers if key == name.encode()]
        assert len(values) <= 1, f"{name} came twice"
        return values[0] if values else None


async def _body_is_not_read() -> Message:
    raise AssertionError("the body was read")


async def ask(
    headers: Headers | None = None,
    *,
    query: bytes = b"",
    path: str = "/authz",
    method: str = "GET",
    known: Caller | Exception = CALLER,
) -> Asked:
    """Ask through the real edge; only who is behind a token is made up."""
    asked = Asked()

    async def authenticate(token: str) -> Caller:
        if isinstance(known, Exception):
            raise known
        if token.encode() != GOOD:
            raise Unauthenticated("The access token is damaged.", presented=True)
        return known

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not asked.status
            asked.status, asked.headers = message["status"], message["headers"]
        else:
            asked.body += message["body"]

    def report(_: Request, error: BaseException) -> None:
        asked.reports.append(error)

    scope: Scope = {
        "type": "http", "method": method, "path": path, "query_string": query, "client": ("192.0.2.1", 1),
        "headers": headers if headers is not None else [(b"authorization", b"Bearer " + GOOD)],
    }  # fmt: skip
    await Edge(ForwardAuth(authenticate, report), observe=lambda *_: None, report=report)(
        scope, _body_is_not_read, send
    )
    return asked


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Yield a running service with an account, around an application."""
    settings = settings_for(tmp_path, revocation_stale_seconds=0.6)
    await add_account(settings, "ana@example.org", "a long enough secret of ana", "read", "write")
    async with running(settings, MeApp()) as started:
        yield started


@pytest.fixture
def ana(world: World) -> Person:
    """Return somebody who may read and write."""
    return Person(world, "ana@example.org", "a long enough secret of ana")


def bearer(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.access}"}


async def test_a_good_token_is_told_who_it_is(world: World, ana: Person) -> None:
    """The same identity as the API behind the gateway gets."""
    tokens = await ana.signs_in()
    me = (await world.posts("{ me { subject scopes session } }", bearer=tokens.access)).data["me"]
    answer = await world.client.get("/authz", headers=bearer(tokens))
    assert (answer.status_code, answer.content) == (200, b"")
    assert [answer.headers[name] for name in IDENTITY] == [me["subject"], "read write", me["session"], "gatepass"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "QUERY"])
@pytest.mark.parametrize("path", ["/authz", "/authz/", "/authz/graphql", "/authz//x/../y"])
async def test_any_method_and_any_path_below(world: World, ana: Person, method: str, path: str) -> None:
    """Proxies pass the client's method on, and Envoy its path too."""
    tokens = await ana.signs_in()
    assert (await world.client.request(method, path, headers=bearer(tokens))).status_code == 200
    assert (await world.client.request(method, path)).status_code == 401


async def test_only_its_own_paths_are_taken_from_the_application(world: World) -> None:
    """What merely begins with the same letters belongs to the application around which this is."""
    assert (await world.client.get("/authzed/elsewhere")).json() == {"caller": None}


async def test_a_head_request_is_told_the_same(world: World, ana: Person) -> None:
    answer = await world.client.head("/authz", headers=bearer(await ana.signs_in()))
    assert answer.status_code == 200
    assert answer.headers["x-gatepass-client"] == "gatepass"


async def test_who_signed_out_is_refused(world: World, ana: Person) -> None:
    tokens = await ana.signs_in()
    await ana.signs_out(tokens)
    await world.has_taken_in_revocations()
    answer = await world.client.get("/authz", headers=bearer(tokens))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_refresh_token_opens_nothing(world: World, ana: Person) -> None:
    tokens = await ana.signs_in()
    answer = await world.client.get("/authz", headers={"Authorization": f"Bearer {tokens.refresh}"})
    assert answer.status_code == 401


async def test_where_revocations_are_unknown_nobody_passes(
    world: World, ana: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """403 without a challenge: 401 would make every client sign in again, and the store is what is missing."""
    tokens = await ana.signs_in()
    world.clock.forward(seconds=5)  # the next poll is a moment away
    answer = await world.client.get("/authz", headers=bearer(tokens))
    assert answer.status_code == 403
    assert "www-authenticate" not in answer.headers
    assert not any(name in answer.headers for name in IDENTITY)
    assert "Internal error" in answer.json()["errors"][0]["message"]
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["fault"]


async def test_no_token_gets_a_challenge_without_an_error() -> None:
    """RFC 6750 §3.1: who showed nothing is told no error code."""
    asked = await ask([])
    assert (asked.status, asked.header("www-authenticate")) == (401, 'Bearer realm="gatepass"')
    assert json.loads(asked.body)["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert asked.header("cache-control") == "no-store"


async def test_both_spellings_of_the_header_count() -> None:
    both = [(b"authorization", b"Bearer " + GOOD), (b"authorisation", b"Bearer " + GOOD)]
    for headers in ([both[0]], [both[1]], both):
        assert (await ask(headers)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer t.o.k"), (b"authorisation", b"Bearer other")],
        [(b"authorization", b"Bearer t.o.k"), (b"authorization", b"Bearer t.o.k")],
        [(b"authorisation", b"Bearer t.o.k"), (b"authorisation", b"Bearer other")],
    ],
)
async def test_two_tokens_are_an_invalid_request(headers: Headers) -> None:
    """RFC 6750 §3.1 has 400 for it, which no proxy understands; the error code says it all the same."""
    asked = await ask(headers)
    assert asked.status == 401
    assert 'error="invalid_request"' in (asked.header("www-authenticate") or "")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (b"", 200),
        (b"scope=read", 200),
        (b"scope=read%20a:b", 200),
        (b"scope=read+a%3Ab", 200),
        (b"scope=read&scope=a:b", 200),
        (b"scope=write", 403),
        (b"scope=read%20write", 403),
        (b"scope=read&scope=write", 403),
        (b"scope=READ", 403),
        (b"scope=read,a:b", 403),
    ],
)
async def test_every_scope_that_is_asked_for_is_needed(query: bytes, status: int) -> None:
    assert (await ask(query=query)).status == status


async def test_a_missing_scope_is_named() -> None:
    """RFC 6750 §3.1: insufficient_scope, with all that is needed."""
    asked = await ask(query=b"scope=write+read")
    challenge = asked.header("www-authenticate") or ""
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="read write"' in challenge
    assert asked.header("x-gatepass-subject") is None


@pytest.mark.parametrize(
    "query", [b"scope=", b"scope", b"scope=read++a:b", b"scope=%22", b"scope=%ff", b"scope=a%0d%0ab", b"scope=%20"]
)
@pytest.mark.parametrize("path", ["/authz", "/authz/x"])
async def test_a_question_that_makes_no_sense_lets_nobody_in(query: bytes, path: str) -> None:
    """An empty variable in a proxy's configuration must not mean that nothing is needed."""
    asked = await ask(query=query, path=path)
    assert (asked.status, asked.header("www-authenticate")) == (403, None)


@pytest.mark.parametrize("path", ["/authz", "/authz/x"])
async def test_the_challenge_stays_within_what_proxies_take(path: str) -> None:
    """Some read 4 KiB of headers and make an error of more; the question may be the client's own."""
    for query in (b"scope=" + b"x" * 30_000, b"&".join(b"scope=%d" % number for number in range(5000))):
        asked = await ask(query=query, path=path)
        assert asked.status == 403
        assert sum(len(name) + len(value) + 4 for name, value in asked.headers) < 3000
    assert "insufficient" in ((await ask(query=b"scope=" + b"x" * 1000, path=path)).header("www-authenticate") or "")


@pytest.mark.parametrize("query", [b"scop=write", b"scope=read&x=1", b"access_token=t.o.k", b"Scope=write", b"=", b"%"])
async def test_a_misspelled_parameter_lets_nobody_in(query: bytes) -> None:
    assert (await ask(query=query)).status == 403
    assert (await ask(query=query, path="/authz/")).status == 403


async def test_below_it_the_clients_own_parameters_mean_nothing() -> None:
    """Envoy puts the client's path and query behind the prefix; a scope there can only ask for more."""
    assert (await ask(query=b"query=%7Ba%7D&variables=%FF", path="/authz/graphql")).status == 200
    assert (await ask(query=b"query=%7Ba%7D&scope=write", path="/authz/graphql")).status == 403


@pytest.mark.parametrize("error", [StoreUnavailable("disk"), RuntimeError("bug"), KeyError("x"), RecursionError()])
async def test_whatever_breaks_is_403_and_reported(error: Exception) -> None:
    asked = await ask(known=error)
    assert (asked.status, asked.reports) == (403, [error])
    assert str(error) not in asked.body.decode() or not str(error)


@pytest.mark.parametrize("evil", ["a\r\nX-Admin: 1", "a\x00", "ünï", "a b", "\u2028", "a\x7f", "a\t"])
@pytest.mark.parametrize("where", ["subject", "session_id", "client_id", "scopes"])
async def test_an_identity_that_is_no_header_value_is_refused(evil: str, where: str) -> None:
    """Another issuer's token may say anything; nothing of it becomes a header, or half of one."""
    values = {"subject": "ana", "session_id": "s", "client_id": "c"} | ({} if where == "scopes" else {where: evil})
    scopes = frozenset({evil} if where == "scopes" else {"read"})
    asked = await ask(known=Caller(scopes=scopes, expires_at=CALLER.expires_at, **values))
    assert asked.status == 401
    assert all(b"\r" not in value and b"\n" not in value for _, value in asked.headers)
    assert not any(name.decode() in IDENTITY for name, _ in asked.headers)


async def test_an_identity_without_scopes_has_all_four_headers() -> None:
    """So that a proxy always replaces what the client sent under these names."""
    asked = await ask(known=Caller("ana", frozenset(), "", "", CALLER.expires_at))
    assert [asked.header(name) for name in IDENTITY] == ["ana", "", "", ""]


@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"authorization", b"authorisation", b"x-gatepass-subject", b"content-length", b"host"]),
            st.one_of(st.binary(max_size=40), st.just(b"Bearer t.o.k"), st.just(b"bearer  t.o.k")),
        ),
        max_size=4,
    ),
    query=st.one_of(st.binary(max_size=30), st.builds(lambda tail: b"scope=" + tail, st.binary(max_size=20))),
    path=st.sampled_from(["/authz", "/authz/", "/authz/\udcff", "/authz/a?b"]),
    method=st.text(max_size=8),
)
async def test_nothing_but_the_three_statuses_ever(headers: Headers, query: bytes, path: str, method: str) -> None:
    """Whatever a client, a proxy, or both of them send. Nothing of it is a fault of ours."""
    asked = await ask(headers, query=query, path=path, method=method)
    assert asked.status in (200, 401, 403)
    assert asked.reports == []
    names = [name for name, _ in asked.headers]
    assert len(names) == len(set(names))
    identity = [name for name in IDENTITY if asked.header(name) is not None]
    assert identity == (list(IDENTITY) if asked.status == 200 else [])

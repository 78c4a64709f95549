"""Several operations at once, uploads, and what errors carry."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

import gatepass.client
from gatepass.client import (
    AsyncClient,
    Client,
    ClientError,
    GraphQLErrors,
    ProtocolError,
    ServerUnreachable,
    SignInRefused,
    SignInRequired,
)
from gatepass.client.calls import Operation
from gatepass.client.device import DeviceSignInFailed
from gatepass.client.stored import StoreError
from tests.client.conftest import Clock, stored, stored_async, with_password
from tests.kit.event_server import EventServer, event_server
from tests.kit.memory_store import MemoryStore
from tests.kit.plain_server import EMAIL, PASSWORD
from tests.kit.rough_network import ADDRESS, Fault, RoughNetwork

NUMBER = "query ($first: Int!) { companies(first: $first) { items { company_number } } }"


def test_several_operations_are_answered_in_their_order(network: RoughNetwork, clock: Clock) -> None:
    """In each of the three forms; an error is in its own answer alone."""
    api = with_password(network, clock)
    replies = api.execute_many(
        ["{ me }", (NUMBER, {"first": 1}), "{ nonsense }", Operation("query a { me } query b { x: me }", None, "b")]
    )
    assert replies[0].data == {"me": EMAIL}
    assert replies[1].data == {"companies": {"items": [{"company_number": "PL000001"}]}}
    assert "nonsense" in replies[2].errors[0]["message"]
    assert replies[3].data == {"x": EMAIL}
    assert api.execute_many([]) == []
    assert network.server.counts["signIn"] == 1


async def test_the_same_awaited(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """No more at once than was said."""
    api = await stored_async(network, clock, store)
    network.delay_seconds = 0.005
    replies = await api.execute_many([(NUMBER, {"first": n}) for n in range(1, 21)], at_once=4)
    assert [len((reply.data or {})["companies"]["items"]) for reply in replies] == list(range(1, 21))
    assert network.at_once == 4
    await api.close()


def test_what_nobody_answered_raises(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """And what had not begun by then is not sent."""
    api = stored(network, clock, store)
    network.requests, network.faults = 0, [Fault.LOST]
    with pytest.raises(ServerUnreachable):
        api.execute_many(["{ me }"] * 50, at_once=1)
    assert network.requests < 50

    async def awaited() -> None:
        network.requests, network.faults = 0, [Fault.LOST]
        async with await stored_async(network, clock, store) as asynchronous:
            with pytest.raises(ServerUnreachable):
                await asynchronous.execute_many(["{ me }"] * 50, at_once=1)

    asyncio.run(awaited())
    assert network.requests < 50


# -- uploads -------------------------------------------------------------------------------------------------------

UPLOAD = "mutation ($file: Upload!) { store(file: $file) }"


@pytest.fixture
def server() -> Iterator[EventServer]:
    with event_server() as running:
        yield running


@pytest.fixture
def api(server: EventServer) -> Iterator[Client]:
    with Client(server.address, username=EMAIL, password=PASSWORD) as api:
        yield api


def test_a_file_goes_as_the_multipart_specification_says(api: Client, tmp_path: Path) -> None:
    """Null in its place among the variables; by path with name and media type."""
    (tmp_path / "note.txt").write_text("Hello.")
    got = api(UPLOAD, {"x": 1}, files={"file": tmp_path / "note.txt"})
    assert got["operations"] == {"query": UPLOAD, "variables": {"x": 1, "file": None}}
    assert got["map"] == {"0": ["variables.file"]}
    assert got["files"] == {"0": ["note.txt", "text/plain", "Hello."]}


def test_several_files_have_places_in_lists_and_objects(api: Client) -> None:
    """As bytes, as open files, with a name and a type."""
    variables = {"files": [None, None], "input": {"title": "T"}}
    files: dict[str, Any] = {
        "files.0": b"zero",
        "variables.files.1": ("one.csv", b"one"),
        "input.picture": ("two.bin", io.BytesIO(b"two"), "image/png"),
    }
    got = api(UPLOAD, variables, operation_name=None, files=files)
    assert got["operations"]["variables"] == {"files": [None, None], "input": {"title": "T", "picture": None}}
    assert got["map"] == {"0": ["variables.files.0"], "1": ["variables.files.1"], "2": ["variables.input.picture"]}
    assert got["files"] == {
        "0": ["file", "application/octet-stream", "zero"],
        "1": ["one.csv", "text/csv", "one"],
        "2": ["two.bin", "image/png", "two"],
    }
    assert variables == {"files": [None, None], "input": {"title": "T"}}


def test_a_refused_upload_is_sent_again_from_its_beginning(server: EventServer, api: Client, tmp_path: Path) -> None:
    """The file was read to its end by then."""
    (tmp_path / "note.txt").write_text("Hello.")
    api.token()
    server.plain.expire_access_tokens()
    with (tmp_path / "note.txt").open("rb") as opened:
        assert api(UPLOAD, files={"file": opened})["files"]["0"][2] == "Hello."
        assert not opened.closed
    assert server.plain.counts["signInRefresh"] == 1


async def test_an_upload_awaited(server: EventServer, tmp_path: Path) -> None:
    """Also after a refusal."""
    (tmp_path / "note.txt").write_text("Hello.")
    async with AsyncClient(server.address, username=EMAIL, password=PASSWORD) as api:
        await api.token()
        server.plain.expire_access_tokens()
        got = await api(UPLOAD, files={"file": tmp_path / "note.txt"})
    assert got["files"]["0"] == ["note.txt", "text/plain", "Hello."]


@pytest.mark.parametrize("place", ["files.5", "files.x", "text.file", "files.0.a.b"])
def test_a_place_that_is_not_there_is_told(api: Client, place: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match="no place"):
        api(UPLOAD, {"files": [None], "text": "x"}, files={place: b"x"})


def test_a_file_that_is_not_there_is_told(api: Client, tmp_path: Path) -> None:
    """As Python tells it."""
    with pytest.raises(FileNotFoundError):
        api(UPLOAD, files={"file": tmp_path / "missing"})


# -- answers and errors --------------------------------------------------------------------------------------------


def answering(response: httpx2.Response) -> Client:
    """A client of a server that says this to everything."""
    return Client(ADDRESS, token="x", transport=httpx2.MockTransport(lambda _: response))


def test_an_error_of_graphql_carries_what_the_server_said() -> None:
    """`.code`, `.errors`, `.data`, `.request_id`."""
    body = {
        "errors": [{"message": "Not that one.", "path": ["b"], "extensions": {"code": "BAD_USER_INPUT"}}, {}],
        "data": {"a": 1, "b": None},
        "extensions": {"cost": 5},
    }
    response = httpx2.Response(200, json=body, headers={"X-Request-Id": "r-1"})
    with pytest.raises(GraphQLErrors, match=r"Not that one\. \(and 1 more\)") as raised:
        answering(response)("{ a b }")
    error = raised.value
    assert (error.code, error.data, error.request_id) == ("BAD_USER_INPUT", {"a": 1, "b": None}, "r-1")
    assert error.errors == body["errors"]
    reply = answering(response).execute("{ a b }")
    assert (reply.data, reply.extensions, reply.request_id) == ({"a": 1, "b": None}, {"cost": 5}, "r-1")


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx2.Response(200, text="<html>Hello</html>"), "something that is not GraphQL: <html>Hello</html>"),
        (httpx2.Response(200, json=[1]), "something that is not GraphQL"),
        (httpx2.Response(200, json={"data": None}), "something that is not GraphQL"),
        (httpx2.Response(200, json={"data": 5}), "something that is not GraphQL"),
        (httpx2.Response(200, json={"errors": "x"}), "something that is not GraphQL"),
        (httpx2.Response(200, json={"errors": []}), "something that is not GraphQL"),
        (httpx2.Response(200, content=b"\xff\xfe\x1b[31m"), "something that is not GraphQL"),
        (httpx2.Response(200), r"HTTP 200 with something that is not GraphQL\.$"),
        (httpx2.Response(404, text="no"), "Is it the address of the GraphQL endpoint"),
        (httpx2.Response(301, headers={"Location": "https://b.example.org/"}), "redirects to https://b.example.org/"),
    ],
)
def test_what_is_not_graphql_is_told(response: httpx2.Response, words: str) -> None:
    """With what came, on one line, without what a terminal would obey."""
    with pytest.raises(ProtocolError, match=words) as raised:
        answering(response)("{ me }")
    assert raised.value.status == response.status_code
    assert str(raised.value).isprintable()


def test_an_answer_that_may_hold_a_token_is_not_shown() -> None:
    """It would end in a log."""
    with pytest.raises(ProtocolError) as raised:
        answering(httpx2.Response(200, text='{"accessToken": "canary"'))("{ me }")
    assert "canary" not in str(raised.value)


def test_variables_that_are_no_json_are_told_before_anything_is_sent(network: RoughNetwork, clock: Clock) -> None:
    """As Python tells it."""
    api = with_password(network, clock)
    for wrong in (object(), float("nan")):
        with pytest.raises((TypeError, ValueError)):
            api("{ me }", {"x": wrong})
    assert network.requests == 0


ERRORS = [
    ClientError("x"),
    SignInRequired("Nobody.", url=ADDRESS, profile="p"),
    GraphQLErrors([{"message": "m", "extensions": {"code": "C"}}], {"a": 1}, request_id="r"),
    SignInRefused([{"message": "m"}]),
    ServerUnreachable("gone", may_have_run=False),
    ProtocolError("odd", status=500, request_id="r"),
    DeviceSignInFailed("no", "access_denied"),
    StoreError("full"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("how", ["pickle", "copy", "again"])
def test_an_error_can_be_sent_to_another_process_or_thread(error: ClientError, how: str) -> None:
    """With all that it carries: pools of processes pickle what was raised."""
    made = {
        "pickle": lambda: pickle.loads(pickle.dumps(error)),
        "copy": lambda: copy.copy(error),
        "again": error.again,
    }[how]()
    assert made is not error
    assert (type(made), str(made), made.args, made.__dict__) == (type(error), str(error), error.args, error.__dict__)


def test_every_error_has_a_code_of_its_own() -> None:
    """Which programs may ask for."""
    names = [name for name in gatepass.client.__all__ if name[0].isupper()]
    kinds = [kind for name in names if isinstance(kind := getattr(gatepass.client, name), type)]
    codes = [kind.code for kind in kinds if issubclass(kind, ClientError)]
    assert len(codes) == len(set(codes)) == 6
    assert json.dumps(codes)


def test_a_client_shows_its_address_and_closes() -> None:
    """And can be used again afterwards: the connections are made anew."""
    api = answering(httpx2.Response(200, json={"data": {"a": 1}}))
    assert repr(api) == f"Client('{ADDRESS}')"
    api("{ a }")
    api.close()
    assert api("{ a }") == {"a": 1}

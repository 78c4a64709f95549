"""Gatepass around an ASGI application."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from gatepass.embed import Gatepass
from gatepass.http.asgi import App, Message
from gatepass.settings import Settings, SettingsError
from tests.kit.me_app import MeApp
from tests.kit.world import Person, World, add_account, running, settings_for
from tests.wire.conftest import ANA_PASSWORD

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_the_wrapped_application_finds_the_caller_in_its_scope(ana: Person, me_app: MeApp) -> None:
    """`scope["gatepass"]`: subject, scopes, session."""
    tokens = await ana.signs_in()
    me = (await ana.asks_who_they_are(tokens)).data["me"]
    assert me["scopes"] == ["read", "write"]
    scope, _ = me_app.received[-1]
    assert (scope["path"], scope["method"]) == ("/graphql", "POST")
    assert dict(scope["headers"])[b"x-gatepass-subject"].decode() == me["subject"]


async def test_an_application_in_this_process_gets_no_assertion(tmp_path: Path, me_app: MeApp) -> None:
    """Whatever the settings say: its scope tells who is asking, and nobody can come between. Decision 0010."""
    settings = settings_for(tmp_path, upstream="http://api:4000/graphql", upstream_assertion=True)
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    async with running(settings, me_app) as world:
        tokens = await Person(world, "ana@example.org", ANA_PASSWORD).signs_in()
        await world.posts("{ hello }", bearer=tokens.access, headers={"X-Gatepass-Assertion": "a.b.c"})
    names = [[name for name, _ in scope["headers"]] for scope, _ in me_app.received]
    assert b"x-gatepass-subject" in names[-1]
    assert not any(b"x-gatepass-assertion" in each for each in names)


async def test_without_a_bearer_nothing_reaches_the_application(world: World, me_app: MeApp) -> None:
    """401 with a challenge and advice."""
    before = len(me_app.received)
    answered = await world.posts("{ hello }")
    assert answered.status == 401
    assert answered.headers["www-authenticate"] == 'Bearer realm="gatepass"'
    assert "signIn" in answered.error["message"]
    assert len(me_app.received) == before


async def test_public_operations_reach_the_application_without_an_identity(tmp_path: Path) -> None:
    """By setting only; a bearer that is there must be good."""
    settings = settings_for(tmp_path, public_operations=True)
    async with running(settings, MeApp()) as world:
        forged = {"X-Gatepass-Subject": "somebody", "X_Gatepass_Scope": "admin"}
        assert (await world.posts("{ hello me { subject } }", headers=forged)).data == {"hello": "world", "me": None}
        assert (await world.posts("{ hello }", bearer="not.a.token")).status == 401


async def test_unguarded_paths_go_to_the_application_with_the_caller_where_one_is_proven(
    world: World, ana: Person, me_app: MeApp
) -> None:
    """And with no identity header that we did not write."""
    tokens = await ana.signs_in()
    forged = {"X-Gatepass-Subject": "somebody", "x_gatepass_scope": "admin"}
    anonymous = await world.client.get("/elsewhere", headers=forged)
    assert anonymous.json() == {"caller": None}
    scope, _ = me_app.received[-1]
    assert not [name for name, _ in scope["headers"] if b"gatepass" in name.lower()]
    known = await world.client.get("/elsewhere", headers={"Authorization": f"Bearer {tokens.access}"})
    assert known.json()["caller"]
    assert (await world.client.get("/elsewhere", headers={"Authorization": "Bearer x.y.z"})).json() == {"caller": None}


@pytest.mark.parametrize("path", ["/", "/x", "/graphql/x", "/graphql//", "//graphql", "/Graphql", "/elsewhere2"])
async def test_no_other_path_reaches_an_application_that_answers_everywhere(
    path: str, world: World, me_app: MeApp
) -> None:
    """Strawberry's and Ariadne's do, and answered everybody there: `/x` needed no token. Decision 0032."""
    before = len(me_app.received)
    answered = await world.client.post(f"http://gatepass.test{path}", json={"query": "{ hello }"})
    assert answered.status_code == 404
    assert "The API is at /graphql" in answered.text
    assert len(me_app.received) == before


async def test_who_forgot_to_name_a_page_finds_it_in_the_log_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/report\n", "/other"):
        await world.client.get(f"http://gatepass.test{quote(path)}")
    told = [record.getMessage() for record in caplog.records if "unguarded" in record.getMessage()]
    assert told == ["404 at '/report\\n': pages of the application need Gatepass(…, unguarded=[…])"]


@pytest.mark.parametrize("unguarded", [["/"], ["/graphql"], ["/graphql/"], ["/", "/graphql/x"]])
async def test_what_is_below_the_endpoint_is_never_unguarded(
    unguarded: list[str], tmp_path: Path, me_app: MeApp
) -> None:
    """An application mounted at `/graphql` answers at `/graphql/x` as well."""
    async with running(settings_for(tmp_path), me_app, unguarded=unguarded) as world:
        before = len(me_app.received)
        for path in ("/graphql/x", "/graphql//"):
            assert (await world.client.post(path, json={"query": "{ hello }"})).status_code == 404
        assert (await world.posts("{ hello }")).status == 401
        assert len(me_app.received) == before


async def test_unguarded_paths_are_those_named_and_what_is_below(tmp_path: Path, me_app: MeApp) -> None:
    """Segment by segment; `/` is all of them."""
    settings = settings_for(tmp_path)
    async with running(settings, me_app, unguarded=["/a/"]) as world:
        assert (await world.client.get("/a/elsewhere")).json() == {"caller": None}
        assert (await world.client.get("/ab/elsewhere")).status_code == 404
    async with running(settings, me_app, unguarded=["/"]) as world:
        assert (await world.client.get("/ab/elsewhere")).json() == {"caller": None}


@pytest.mark.parametrize("unguarded", ["/report", ["report"], [""]])
def test_what_is_no_list_of_paths_is_refused(unguarded: Any, tmp_path: Path) -> None:
    """A text is a list of its letters, and the first of them would be `/`, all paths."""
    with pytest.raises(ValueError, match="begin with a slash"):
        Gatepass(MeApp(), settings_for(tmp_path), unguarded=unguarded)


async def test_introspection_shows_the_sign_in_schema_before_and_both_after_the_sign_in(
    world: World, ana: Person
) -> None:
    """An upstream that uses fewer of the built-in scalars than we do is merged too."""
    query = "{ __schema { types { name fields { name type { name } } } } }"
    for _ in range(100):
        tokens = await ana.signs_in()
        after = {entry["name"] for entry in (await world.posts(query, bearer=tokens.access)).data["__schema"]["types"]}
        if "Me" in after:
            break
        await asyncio.sleep(0.05)
    before = {entry["name"] for entry in (await world.posts(query)).data["__schema"]["types"]}
    assert {"Tokens", "SignInCredentials", "Int"} <= before & after
    assert "Me" in after - before


async def test_web_sockets_on_the_endpoint_are_refused(world: World, me_app: MeApp) -> None:
    """Nothing here would check what they carry."""
    sent: list[Message] = []
    before = len(me_app.received)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    for path in ("/graphql", "/graphql/", "/graphql/x", "/x"):
        await world.app({"type": "websocket", "path": path, "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"] * 4
    assert len(me_app.received) == before


async def test_web_sockets_on_unguarded_paths_are_the_application_s_own(tmp_path: Path) -> None:
    """With the caller where one is proven."""
    seen: list[Any] = []

    async def chat(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            seen.append(scope["gatepass"])

    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", ANA_PASSWORD)
    async with running(settings, chat, unguarded=["/chat"]) as world:
        tokens = await Person(world, "ana@example.org", ANA_PASSWORD).signs_in()
        for headers in ([], [(b"authorization", f"Bearer {tokens.access}".encode())]):
            await world.app({"type": "websocket", "path": "/chat", "headers": headers}, print, print)  # type: ignore[arg-type]
    anonymous, known = seen
    assert anonymous is None
    assert known.session_id


async def test_what_the_application_raises_is_logged_with_its_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Around it stands no server that would: whoever wrote it could not learn what failed."""

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError("only http here")
        raise LookupError("a mistake of its author")

    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", ANA_PASSWORD)
    async with running(settings, failing) as world:
        tokens = await Person(world, "ana@example.org", ANA_PASSWORD).signs_in()
        answered = await world.posts("{ hello }", bearer=tokens.access)
    assert answered.code == "UPSTREAM_UNAVAILABLE"
    assert "mistake" not in str(answered.body)
    (record,) = [record for record in caplog.records if record.exc_info]
    assert (record.levelname, str(record.exc_info and record.exc_info[1])) == ("ERROR", "a mistake of its author")


async def test_the_schema_is_asked_for_under_the_public_address(tmp_path: Path) -> None:
    """An application that knows its name refuses every other."""
    asked = asyncio.Event()
    hosts: list[Any] = []

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            hosts.append((scope["scheme"], dict(scope["headers"]).get(b"host")))
            asked.set()
        raise RuntimeError("nothing more is needed")

    async with running(settings_for(tmp_path, public_url="https://api.example.org"), wrapped):
        await asked.wait()
    assert hosts[0] == ("https", b"api.example.org")


async def test_it_works_below_a_mount(world: World, me_app: MeApp) -> None:
    """Frameworks that mount an application leave its place in `root_path`, and in the path of what is passed on."""

    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await world.app({**scope, "root_path": "/api", "path": "/api" + scope["path"]}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(mounted), base_url="http://x.test") as client:
        assert (await client.post("/graphql", json={"query": "{ __typename }"})).json()["data"]
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/elsewhere")).json() == {"caller": None}
    assert me_app.received[-1][0]["path"] == "/api/elsewhere"


async def test_a_mount_ends_where_a_segment_ends(world: World, me_app: MeApp) -> None:
    """A server that leaves the prefix `/g` off the path sends `/graphql`, not `raphql`: it went past the check."""

    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await world.app({**scope, "root_path": "/g"}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(mounted), base_url="http://x.test") as client:
        assert (await client.post("/graphql", json={"query": "{ hello }"})).status_code == 401


@pytest.mark.parametrize("root", ["/api", "/api/"])
async def test_below_a_mount_the_application_gets_its_whole_path(root: str, world: World, ana: Person) -> None:
    """ASGI says that `path` includes `root_path`; Quart answers 404 where it does not."""
    bearer = {"Authorization": f"Bearer {(await ana.signs_in()).access}"}

    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await world.app({**scope, "root_path": root, "path": "/api" + scope["path"]}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(mounted), base_url="http://x.test") as client:
        answered = await client.post("/graphql", json={"query": "{ hello }"}, headers=bearer)
    assert answered.json() == {"data": {"hello": "world"}}
    wrapped: Any = world.app._wrapped
    scope, _ = wrapped.received[-1]
    assert (scope["path"], scope["raw_path"]) == ("/api/graphql", b"/api/graphql")


async def test_a_server_without_lifespan_is_told_what_to_do(tmp_path: Path) -> None:
    """Fails closed: not started means no answer."""
    app = Gatepass(MeApp(), settings_for(tmp_path))
    with pytest.raises(RuntimeError, match="lifespan"):
        await app({"type": "http", "path": "/graphql", "headers": []}, asyncio.Event().wait, print)  # type: ignore[arg-type]


async def test_it_runs_where_no_server_starts_it(tmp_path: Path) -> None:
    """Below a mount, or in a test: the application is started with it, shares its state, and is stopped with it."""
    steps: list[str] = []

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        for step in ("startup", "shutdown"):
            await receive()
            steps.append(step)
            scope["state"]["pool"] = "open"
            await send({"type": f"lifespan.{step}.complete"})

    app = Gatepass(wrapped, settings_for(tmp_path))
    state: dict[str, Any] = {}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x.test") as client:
        async with app.running(state):
            assert (await client.post("/graphql", json={"query": "{ __typename }"})).json() == {
                "data": {"__typename": "Query"}
            }
            assert (steps, state) == (["startup"], {"pool": "open"})
        assert steps == ["startup", "shutdown"]
        with pytest.raises(RuntimeError, match=r"running\(\)"):
            await client.get("/livez")


async def test_what_keeps_it_from_running_is_raised(tmp_path: Path) -> None:
    """By its own name, not as a wrapped application's."""
    (tmp_path / "secret.key").write_text("gps_there_and_not_read")
    with pytest.raises(SettingsError, match=r"Settings\.load"):
        async with Gatepass(MeApp(), Settings(data_dir=tmp_path)).running():
            pass


@pytest.mark.parametrize("name", ["embed_strawberry", "embed_ariadne"])
async def test_the_examples_answer_who_is_calling(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Strawberry application, and an Ariadne one, in one line each."""
    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    monkeypatch.setenv("GATEPASS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GATEPASS_SECRET_KEY", settings.require_secret_key().reveal())
    wrapped = _wrapped_by(_load(name))
    async with running(settings, wrapped) as world:
        tokens = await Person(world, "ana@example.org", ANA_PASSWORD).signs_in()
        answered = await world.posts("{ hello me { subject scopes } }", bearer=tokens.access)
        assert answered.data["me"]["scopes"] == ["read"]
        assert (await world.posts("{ hello }")).status == 401


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _wrapped_by(module: ModuleType) -> App:
    app = module.app
    assert isinstance(app, Gatepass)
    wrapped = app._wrapped
    assert wrapped is not None
    return wrapped

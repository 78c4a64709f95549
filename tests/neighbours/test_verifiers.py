"""APIs that verify assertions as the documentation shows it, behind a real server: Node with jose, Go, Python."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gatepass.crypto.assertions import JwtAssertions
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.sealing import Sealer
from gatepass.domain.access_token import Caller
from gatepass.settings import Settings
from gatepass.stores.opening import open_store
from tests.crypto.forger import encoded
from tests.e2e.conftest import Site, site_before
from tests.kit.processes import free_port, post
from tests.neighbours.conftest import Person, Starts, base_of, needed, put, shown

PAGE = "verify-the-assertion"
BODY = b'{"query":"{ hello }"}'
ANA = Caller("0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a", frozenset({"read"}), "s-1", "gatepass", datetime.now(UTC))
SERVE_WSGI = (
    "import sys; from wsgiref.simple_server import make_server; from wsgi_api import app;"
    "make_server('127.0.0.1', int(sys.argv[1]), app).serve_forever()"
)

Signs = Callable[..., str]


@dataclass(frozen=True)
class Api:
    """A running API, and the site in front of it."""

    site: Site
    address: str
    signs: Signs

    def answers(self, assertion: str | None, body: bytes = BODY) -> httpx2.Response:
        """What somebody gets who goes around Gatepass."""
        headers = {"Content-Type": "application/json", "X-Gatepass-Subject": "the-king"}
        if assertion is not None:
            headers["X-Gatepass-Assertion"] = assertion
        return httpx2.post(f"{self.address}/graphql", content=body, headers=headers, timeout=20)


def with_jose(folder: Path) -> None:
    """Install jose into the folder, as the page's reader would."""
    needed("node", "nodejs")
    command = [
        needed("npm", "npm"),
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--prefix",
        str(folder),
        "jose@6",
    ]
    command += ["--fetch-retries", "0", "--fetch-timeout", "20000"]
    if subprocess.run(command, capture_output=True, check=False, timeout=120).returncode:
        pytest.skip("needs the npm package jose: npm install jose@6, which needs a registry")


def node(folder: Path, text: str, port: int) -> list[str]:
    with_jose(folder)
    (folder / "server.mjs").write_text(text, "utf-8")
    return [needed("node", "nodejs"), "server.mjs"]


def go(folder: Path, text: str, port: int) -> list[str]:
    program = needed("go", "golang-go")
    (folder / "main.go").write_text(f"{text}\n", "utf-8")
    environ = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOCACHE": str(folder / "cache")}
    for arguments in (("vet", "main.go"), ("build", "-o", "api", "main.go")):
        ended = subprocess.run(
            [program, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=240
        )
        assert ended.returncode == 0, ended.stderr
    return [str(folder / "api")]


def wsgi(folder: Path, text: str, port: int) -> list[str]:
    (folder / "wsgi_api.py").write_text(text, "utf-8")
    return [sys.executable, "-c", SERVE_WSGI, str(port)]


APIS: dict[str, tuple[str, str, Callable[[Path, str, int], list[str]]]] = {
    "node": ("js", "", node),
    "go": ("go", "", go),
    "wsgi": ("python", "VerifiedWsgi", wsgi),
}


@pytest.fixture(scope="module", params=sorted(APIS))
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, starts: Starts) -> Iterator[Api]:
    """Run an API with the block of the documentation, and Gatepass in front of it."""
    language, holding, prepare = APIS[request.param]
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    address = f"http://127.0.0.1:{port}"
    with site_before(f"{address}/graphql", folder / "gatepass", GATEPASS_UPSTREAM_ASSERTION="true") as site:
        places = {"http://127.0.0.1:4000": address, "http://127.0.0.1:8000": base_of(site)}
        text = put(shown(PAGE, language, holding=holding), places)
        text = text.replace("127.0.0.1:4000", f"127.0.0.1:{port}").replace("listen(4000", f"listen({port}")
        starts(*prepare(folder, text, port), folder=folder, port=port)
        yield Api(site, address, asyncio.run(signer(site, address)))


async def signer(site: Site, audience: str) -> Signs:
    """What signs with the site's own keys, whatever a test wants to have signed."""
    settings = Settings.load({}, site.environ)
    store = await open_store(settings.store_url)
    ring = await Keyring.open(store.keys, Sealer(settings.require_secret_key()), clock=lambda: datetime.now(UTC))
    await store.close()

    def sign(who: Caller | None = ANA, body: bytes = BODY, *, aud: str = audience, ago: float = 0) -> str:
        digest = hashlib.sha256(body).digest()
        made = JwtAssertions(ring, issuer=base_of(site), audience=aud)
        return made.sign(who, digest, datetime.now(UTC) - timedelta(seconds=ago)).decode()

    return sign


def hello(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["hello"]


def test_through_gatepass_it_knows_who_asks(api: Api) -> None:
    ana = Person(api.site, "ana@example.org", "a password without surprises")
    said = post(api.site.address, "{ hello }", ana.token)["data"]["hello"]
    assert said.startswith("Hello, 01")
    assert post(api.site.address, "mutation { hello }", ana.token)["data"]["hello"] == said


def test_a_get_goes_up_as_a_post_that_is_signed_like_any_other(api: Api) -> None:
    ana = Person(api.site, "ana@example.org", "a password without surprises")
    answer = httpx2.get(api.site.address, params={"query": "{ hello }"}, headers=ana.headers, timeout=20)
    assert hello(answer).startswith("Hello, 01")


def test_what_gatepass_signs_is_good(api: Api) -> None:
    """Once more within its minute, for nobody, and for a body in any encoding."""
    assert hello(api.answers(api.signs())) == f"Hello, {ANA.subject}"
    assert hello(api.answers(api.signs(ago=50))) == f"Hello, {ANA.subject}"
    assert hello(api.answers(api.signs(None))) == "Hello, nobody"
    body = '{"query":"{ hello }","x":"ünï\\u0000"}'.encode()
    assert hello(api.answers(api.signs(body=body), body)) == f"Hello, {ANA.subject}"


def test_around_gatepass_nobody_gets_anything(api: Api) -> None:
    assert api.answers(None).status_code == 401


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ({"body": b"{}"}, BODY),
        ({}, BODY + b" "),
        ({}, b""),
        ({"aud": "http://127.0.0.1:1"}, BODY),
        ({"ago": 66}, BODY),
        ({"ago": -10}, BODY),
    ],
    ids=["another body", "a longer body", "no body", "another audience", "too old", "from the future"],
)
def test_what_was_signed_for_something_else_is_refused(api: Api, signed: dict[str, Any], sent: bytes) -> None:
    assert api.answers(api.signs(**signed), sent).status_code == 401


def test_no_other_token_is_an_assertion(api: Api) -> None:
    """An access token of the same server, unsigned ones, damaged ones, two at once."""
    good = api.signs()
    _, payload, signature = good.split(".")
    unsigned = encoded(json.dumps({"alg": "none", "typ": "gatepass-assertion+jwt"}).encode())
    ana = Person(api.site, "ana@example.org", "a password without surprises")
    swapped = signature[:20] + ("A" if signature[20] != "A" else "B") + signature[21:]
    for token in (
        ana.token, f"{unsigned}.{payload}.", f"{unsigned}.{payload}.{signature}", good.rpartition(".")[0], f"{good}.",
        good.replace(signature, swapped), f"{good}, {good}", "a.b.c", "..", "",
    ):  # fmt: skip
        assert api.answers(token).status_code == 401, token

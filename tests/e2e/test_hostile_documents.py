"""The documents and bodies of `tests/kit/hostile.py` on the wire, at a real server before a real API."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site, site_before
from tests.kit.hostile import BODIES
from tests.kit.http_api import on_http
from tests.kit.processes import sign_in
from tests.wire.test_hostile_documents import ANSWER_BYTES, BEARER, BODY_DOORS, DOCUMENTS, TEXT_DOORS, Sent, api

ROUNDS = 6
GROWTH_KIB = 64 * 1024
"""What a process may have grown by in all this; a document that stayed would show."""

CREEP_KIB = 8 * 1024
"""What it may grow by once everything was there twice: parsed documents are circles, which have to be collected."""

READ_BYTES = 16_384
"""More than that may be hung up on while it is sent, and the answer be lost on its way."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a server that lets everybody try as often as they like."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    unlimited = {f"GATEPASS_THROTTLE_{name}_FAILURES": "1000000" for name in ("NETWORK", "OVERALL")}
    with on_http(api) as address, site_before(address, folder / "gatepass", **unlimited) as site:
        yield site


def answered(site: Site, sent: Sent, bearer: str) -> tuple[int, bytes]:
    """By a connection of its own; a server that will not read on may answer and hang up."""
    method, target, body, headers = sent
    own = {name: f"Bearer {bearer}" if value == BEARER["Authorization"] else value for name, value in headers.items()}
    connection = http.client.HTTPConnection(urlsplit(site.address).netloc, timeout=20)
    try:
        connection.request(method, target, body, own)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except ConnectionError:
        if max(len(body), len(target)) <= READ_BYTES:
            raise
        return 413, b""
    finally:
        connection.close()


@pytest.mark.shows_secrets("the page says again what was typed as a code")
def test_no_hostile_input_is_too_much_for_a_server(site: Site) -> None:
    """Every one at every door: bounded answers, no trace, no memory that stays; and then it serves as before."""
    bearer: str = sign_in(site.address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"]["accessToken"]
    sent = {f"{door}: {name}": make(text) for door, make in TEXT_DOORS.items() for name, text in DOCUMENTS.items()}
    sent |= {f"{door}: {name}": make(body) for door, make in BODY_DOORS.items() for name, body in BODIES.items()}
    wrong, grown = {}, [resident_kib(site)]
    for _ in range(ROUNDS):
        for name, each in sent.items():
            status, body = answered(site, each, bearer)
            if not 200 <= status < 500 or len(body) > ANSWER_BYTES or b"Traceback" in body:
                wrong[name] = f"{status} {body[:200]!r}"
        grown.append(resident_kib(site))
    assert wrong == {}
    assert grown[-1] - grown[0] < GROWTH_KIB
    assert grown[-1] - grown[2] < CREEP_KIB, f"it grows with each round: {grown}"
    assert "Traceback" not in site.server.err
    assert not [line for line in site.server.err.splitlines() if json.loads(line)["level"] == "error"]
    assert answered(site, ("GET", "/readyz", b"", {}), bearer)[0] == 200
    assert sign_in(site.address, EMAIL, PLAIN_PASSWORD)["data"]


def resident_kib(site: Site) -> int:
    """Memory of the server's process; 0 where the system does not tell."""
    status = Path(f"/proc/{site.server.pid}/status")
    if not status.exists():
        return 0
    (line,) = [line for line in status.read_text("ascii").splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])

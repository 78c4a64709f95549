"""What the process says of itself, and the headers of every route."""

from __future__ import annotations

import logging

import pytest

from gatepass.app.observing import ReadinessReport
from gatepass.domain.errors import Code, Fault, StoreUnavailable
from gatepass.http.error_table import TABLE
from tests.kit.world import Person, World

# code: status for application/json, status for application/graphql-response+json, whether data is null beside it
ERRORS = {
    "INVALID_CREDENTIALS": (200, 294, True),
    "INVALID_REFRESH_TOKEN": (200, 294, True),
    "FLOW_UNAVAILABLE": (200, 294, True),
    "UNAUTHENTICATED": (401, 401, False),
    "FORBIDDEN": (403, 403, False),
    "RATE_LIMITED": (200, 429, False),
    "OVERLOADED": (200, 503, False),
    "BAD_USER_INPUT": (200, 400, False),
    "GRAPHQL_PARSE_FAILED": (200, 400, False),
    "GRAPHQL_VALIDATION_FAILED": (200, 400, False),
    "REQUEST_TOO_LARGE": (413, 413, False),
    "UPSTREAM_UNAVAILABLE": (502, 502, False),
    "INTERNAL": (500, 500, False),
}


def test_the_error_table_is_the_documented_one() -> None:
    """A change here is a breaking change of the wire: docs/reference/errors.md, decision 0005."""
    assert {code.value: (row.json, row.graphql_response, row.executed) for code, row in TABLE.items()} == ERRORS
    assert set(TABLE) == set(Code)


async def test_health_says_up_and_ready(world: World) -> None:
    """`/livez`: the process; `/readyz`: store, revocations, keys."""
    assert (await world.client.get("/livez")).json() == {"status": "ok", "checks": {}}
    ready = await world.client.get("/readyz")
    assert ready.json() == {"status": "ok", "checks": {"store": True, "revocations": True, "keys": True}}


def test_why_a_process_is_not_ready_is_logged_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    """`/readyz` is asked every few seconds."""
    report = ReadinessReport()
    full, away = StoreUnavailable("The disk is full."), StoreUnavailable("The database cannot be reached.")
    with caplog.at_level(logging.INFO, "gatepass"):
        seen: list[dict[str, Fault]] = [{}, {"store": full}, {"store": full}, {"store": away}, {}, {}]
        for faults in seen:
            report(faults)
    assert [(record.getMessage(), getattr(record, "store", None)) for record in caplog.records] == [
        ("not ready", "The disk is full."),
        ("not ready", "The database cannot be reached."),
        ("ready again", None),
    ]


async def test_metrics_count_what_happened(world: World, ana: Person) -> None:
    """Prometheus text, by operation and code; no address, no account."""
    await ana.signs_in()
    await ana.tries_to_sign_in("wrong")
    text = (await world.client.get("/metrics")).text
    assert 'gatepass_requests_total{code="OK",operation="sign_in"} 1.0' in text
    assert 'gatepass_requests_total{code="INVALID_CREDENTIALS",operation="sign_in"} 1.0' in text
    assert "ana@example.org" not in text


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/livez", "*/*"),
        ("/readyz", "*/*"),
        ("/metrics", "*/*"),
        ("/authz", "*/*"),
        ("/.well-known/jwks.json", "*/*"),
        ("/graphql", "text/html"),
        ("/graphql/?query={__typename}", "application/json"),
        ("/graphql/?ide=nothing.js", "*/*"),
    ],
)
async def test_every_route_has_the_security_headers_once(world: World, path: str, accept: str) -> None:
    """nosniff, no-referrer, a request id; and none of them twice."""
    answer = await world.client.get(path, headers={"Accept": accept})
    names = [name.lower() for name, _ in answer.headers.raw]
    assert len(names) == len(set(names)), names
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-request-id"]
    assert "cache-control" in answer.headers


async def test_public_keys_are_cached_for_five_minutes_and_read_again_only_if_they_changed(world: World) -> None:
    """Gateways poll them every one to ten minutes. RFC 9110 §13.1.2."""
    path = "/.well-known/jwks.json"
    first = await world.client.get(path)
    assert first.headers["cache-control"] == "public, max-age=300"
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await world.client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "public, max-age=300"
    for other in ('"other"', "", "*x", tag[1:]):
        assert (await world.client.get(path, headers={"If-None-Match": other})).content == first.content


async def test_service_routes_are_for_get(world: World) -> None:
    """RFC 9110 §15.5.6."""
    answer = await world.client.post("/readyz")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/json, text/html;q=0.5", "application/json"),
    ],
)
async def test_a_browser_gets_the_ide_and_nobody_else(world: World, accept: str, kind: str) -> None:
    """A GET with `Accept: application/json` never gets HTML."""
    answer = await world.client.get("/graphql/", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        ("Bearer: x", "no ':'"),
        ("Bearer", "missing"),
        ("eyJhbGciOiJFUzI1NiJ9.e30.c2ln", "word 'Bearer' before the token is missing"),
        ('Bearer "x"', "quotes"),
        ("Basic YTpi", "Only the scheme 'Bearer'"),
        ("Bearer Bearer x", "twice"),
        ("Bearer <accessToken>", "placeholder"),
        ("", "empty"),
    ],
)
async def test_a_malformed_bearer_is_told_how_to_mend_it(world: World, header: str, advice: str) -> None:
    """401 with a challenge that says invalid_token (RFC 6750 §3.1)."""
    answered = await world.posts("{ hello }", headers={"Authorization": header})
    assert answered.status == 401
    assert advice in answered.error["message"]
    assert 'error="invalid_token"' in answered.headers["www-authenticate"]
    assert answered.headers["cache-control"] == "no-store"


async def test_an_expired_token_says_so(world: World, ana: Person) -> None:
    """And how to get another hour."""
    tokens = await ana.signs_in()
    world.clock.forward(seconds=3601)
    await world.has_taken_in_revocations()
    answered = await ana.asks_who_they_are(tokens)
    assert answered.status == 401
    assert "expired" in answered.error["message"]
    assert "signInRefresh" in answered.error["message"]

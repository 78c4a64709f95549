"""Signing in on a device without a browser (RFC 8628), driven by hand."""

from __future__ import annotations

from typing import Any

import pytest

from gatepass.client.address import BadAddress
from gatepass.client.device import DeviceCode, DeviceSignInFailed, device_sign_in
from gatepass.client.effects import Answer
from gatepass.client.errors import ProtocolError, ServerUnreachable
from gatepass.client.exchange import Clocks, Endpoint
from tests.kit.driven import Driven, answer, drive

ISSUER = "https://api.example.org"
METADATA = {
    "issuer": ISSUER,
    "device_authorization_endpoint": f"{ISSUER}/oauth/device_authorization",
    "token_endpoint": f"{ISSUER}/oauth/token",
}
CODE = {
    "device_code": "device-canary",
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{ISSUER}/device",
    "verification_uri_complete": f"{ISSUER}/device?user_code=WDJB-MJHT",
    "expires_in": 600,
    "interval": 2,
}
TOKENS = answer({"access_token": "a", "refresh_token": "r", "expires_in": 900, "token_type": "Bearer"})
PENDING = answer({"error": "authorization_pending"}, 400)


class Turning:
    """A clock that a pause moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def signing_in(
    *outcomes: Answer | Exception, metadata: Any = METADATA, code: Any = CODE, scope: str | None = None
) -> tuple[Driven, list[DeviceCode]]:
    """What happens after the code; a clock that goes by the pauses."""
    clock = Turning()
    shown: list[DeviceCode] = []
    endpoint = Endpoint(f"{ISSUER}/graphql/", management_flow=True, clocks=Clocks(clock, lambda: 1e9))
    flow = device_sign_in(endpoint, shown.append, scope=scope)

    def moved() -> Any:
        """The flow, with the time that its pauses take."""
        given: Any = None
        while True:
            try:
                effect = flow.throw(given) if isinstance(given, Exception) else flow.send(given)
            except StopIteration as end:
                return end.value
            clock.now += getattr(effect, "seconds", 0.0)
            try:
                given = yield effect
            except Exception as error:
                given = error

    return drive(moved(), [answer(metadata), answer(code), *outcomes]), shown


def test_a_code_is_shown_and_asked_for_until_somebody_says_yes() -> None:
    """As often as the server said; then the tokens are those of any sign-in."""
    driven, shown = signing_in(PENDING, PENDING, TOKENS, scope="read")
    assert [request.url for request in driven.sent] == [
        f"{ISSUER}/.well-known/oauth-authorization-server",
        METADATA["device_authorization_endpoint"],
        *[METADATA["token_endpoint"]] * 3,
    ]
    assert driven.sent[1].fields == {"client_id": "gatepass", "scope": "read"}
    assert driven.sent[2].fields == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "device-canary",
        "client_id": "gatepass",
    }
    assert driven.paused == [2.0, 2.0, 2.0]
    assert shown[0].user_code == "WDJB-MJHT"
    assert shown[0].verification_uri_complete == CODE["verification_uri_complete"]
    assert "canary" not in repr(shown[0])
    held = driven.result
    assert (held.access, held.refresh, held.lifetime_seconds, held.until) == ("a", "r", 900, 6 + 900)


def test_a_server_that_is_asked_too_often_is_asked_less_often() -> None:
    """Five seconds more each time (RFC 8628 §3.5); twice as long after no answer."""
    slow, lost = answer({"error": "slow_down"}, 400), ServerUnreachable("gone")
    driven, _ = signing_in(slow, slow, lost, TOKENS)
    assert driven.paused == [2.0, 7.0, 12.0, 24.0]


@pytest.mark.parametrize("error", ["access_denied", "expired_token", "invalid_grant", "something_new"])
def test_a_no_ends_it(error: str) -> None:
    """With the server's code, in capitals as all codes here."""
    driven, _ = signing_in(PENDING, answer({"error": error}, 400))
    assert isinstance(driven.error, DeviceSignInFailed)
    assert driven.error.code == error.upper()


def test_nobody_waits_longer_than_the_code_lives() -> None:
    """It ends by itself."""
    driven, _ = signing_in(*[PENDING] * 4, code=CODE | {"expires_in": 10})
    assert isinstance(driven.error, DeviceSignInFailed)
    assert driven.error.code == "EXPIRED_TOKEN"


@pytest.mark.parametrize("interval", [None, -1, 0, "soon", True])
def test_without_a_usable_interval_it_is_five_seconds(interval: Any) -> None:
    """RFC 8628 §3.2."""
    driven, _ = signing_in(TOKENS, code=CODE | {"interval": interval})
    assert driven.paused == [5.0]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/t"},
        {"issuer": ISSUER, "device_authorization_endpoint": 5},
    ],
)
def test_a_server_without_device_sign_in_is_told(metadata: Any) -> None:
    """And what to do instead."""
    endpoint = Endpoint(f"{ISSUER}/graphql/", management_flow=True, clocks=Clocks(lambda: 0, lambda: 0))
    status = 200 if metadata else 404
    driven = drive(device_sign_in(endpoint, lambda _: None), [answer(metadata, status)])
    assert isinstance(driven.error, DeviceSignInFailed)
    assert "with a password" in str(driven.error)


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://login.example.org"},
        {"issuer": "http://api.example.org"},
        {"device_authorization_endpoint": "http://api.example.org/device"},
    ],
)
def test_metadata_of_somebody_else_is_not_followed(change: Any) -> None:
    """RFC 8414 §3.3; and nothing goes from https to http."""
    endpoint = Endpoint(f"{ISSUER}/graphql/", management_flow=True, clocks=Clocks(lambda: 0, lambda: 0))
    driven = drive(device_sign_in(endpoint, lambda _: None), [answer(METADATA | change)])
    assert isinstance(driven.error, ProtocolError)
    assert len(driven.sent) == 1


ELSEWHERE = "https://login.example.org/tenant"
THEIRS = {
    "issuer": ELSEWHERE,
    "device_authorization_endpoint": f"{ELSEWHERE}/device_authorization",
    "token_endpoint": f"{ELSEWHERE}/token",
    "protected_resources": [f"{ISSUER}/graphql"],
}


def test_an_issuer_elsewhere_that_knows_the_api_is_followed() -> None:
    """Its own document counts (RFC 9728 §4); the well-known part stands before its path."""
    endpoint = Endpoint(f"{ISSUER}/graphql/", management_flow=True, clocks=Clocks(lambda: 0, lambda: 0))
    outcomes = [answer({"issuer": ELSEWHERE}), answer(THEIRS), answer(CODE), TOKENS]
    driven = drive(device_sign_in(endpoint, lambda _: None), outcomes)
    assert driven.error is None
    assert [request.url for request in driven.sent] == [
        f"{ISSUER}/.well-known/oauth-authorization-server",
        "https://login.example.org/.well-known/oauth-authorization-server/tenant",
        THEIRS["device_authorization_endpoint"],
        THEIRS["token_endpoint"],
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"protected_resources": None},
        {"protected_resources": ["https://other.example.org/graphql", 5]},
        {"protected_resources": f"{ISSUER}/graphql"},
        {"issuer": "https://login.example.org"},
    ],
)
def test_an_issuer_elsewhere_that_does_not_know_the_api_is_not(change: Any) -> None:
    """An API could have us fetch a token for another one, and we would give it away."""
    endpoint = Endpoint(f"{ISSUER}/graphql/", management_flow=True, clocks=Clocks(lambda: 0, lambda: 0))
    driven = drive(device_sign_in(endpoint, lambda _: None), [answer({"issuer": ELSEWHERE}), answer(THEIRS | change)])
    assert isinstance(driven.error, ProtocolError)
    assert "does not know it" in str(driven.error)


def test_an_issuer_that_is_no_address_is_told() -> None:
    """Nothing is sent there."""
    endpoint = Endpoint("http://localhost/graphql/", management_flow=True, clocks=Clocks(lambda: 0, lambda: 0))
    driven = drive(device_sign_in(endpoint, lambda _: None), [answer({"issuer": None})])
    assert isinstance(driven.error, BadAddress)


def test_an_endpoint_that_is_no_address_is_told() -> None:
    """Before anything goes there."""
    endpoint = Endpoint("http://localhost/graphql/", management_flow=True, clocks=Clocks(lambda: 0, lambda: 0))
    metadata = {"issuer": "http://localhost", "device_authorization_endpoint": "file:///etc/passwd"}
    driven = drive(device_sign_in(endpoint, lambda _: None), [answer(metadata)])
    assert isinstance(driven.error, BadAddress)


@pytest.mark.parametrize("name", ["user_code", "verification_uri", "device_code"])
@pytest.mark.parametrize("value", [None, "", 5, "a\x1b[2Jb", "two\nlines"])
def test_what_a_terminal_would_obey_is_not_shown(name: str, value: Any) -> None:
    """It could rewrite what was shown before."""
    driven, shown = signing_in(code=CODE | {name: value})
    assert isinstance(driven.error, ProtocolError)
    assert shown == []


def test_a_refusal_to_give_a_code_is_told_in_the_server_s_words() -> None:
    """Unless a terminal would obey them."""
    endpoint = Endpoint(f"{ISSUER}/graphql/", management_flow=True, clocks=Clocks(lambda: 0, lambda: 0))
    for said, words in (("No such client.", "No such client"), ("\x1b[2J", "unauthorized_client")):
        refused = answer({"error": "unauthorized_client", "error_description": said}, 401)
        driven = drive(device_sign_in(endpoint, lambda _: None), [answer(METADATA), refused])
        assert isinstance(driven.error, DeviceSignInFailed)
        assert words in str(driven.error)
        assert str(driven.error).isprintable()

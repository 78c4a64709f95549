"""`signIn` and `signInRefresh` with any server: what is asked, and what its answers mean."""

from __future__ import annotations

from typing import Any

import pytest

from gatepass.client.effects import Answer
from gatepass.client.errors import ClientError, GraphQLErrors, ProtocolError, ServerUnreachable, SignInRefused
from gatepass.client.exchange import RETRY_SECONDS, Clocks, Endpoint, PassingRefusal, refresh, sign_in
from gatepass.client.tokens import Held
from tests.kit.driven import Driven, answer, drive, error_body

URL = "https://api.example.org/graphql/"
ENDPOINT = Endpoint(URL, management_flow=True, clocks=Clocks(lambda: 10.0, lambda: 1e9))
UNKNOWN_FIELD = error_body("Cannot query field 'expiresIn' on type 'LoginResult'.")
PASSWORD, REFRESH_TOKEN = "password-canary", "refresh-canary"


@pytest.fixture(scope="module", autouse=True)
def no_waiting() -> None:
    """The pauses are as they are: here nobody waits for them."""


def pair(name: str, **fields: Any) -> Answer:
    return answer({"data": {name: {"accessToken": "a", "refreshToken": "r", **fields}}})


def held(knows: bool | None, hint: str | None = None) -> Held:
    return Held("", REFRESH_TOKEN, says_lifetime=knows, gives_hint=knows, device_hint=hint)


def signing_in(*outcomes: Answer | Exception, knows: bool | None = None) -> Driven:
    return drive(sign_in(ENDPOINT, "ada@example.org", PASSWORD, before=held(knows)), outcomes)


def refreshing(*outcomes: Answer | Exception, knows: bool | None = None) -> Driven:
    return drive(refresh(ENDPOINT, held(knows)), outcomes)


def test_credentials_travel_as_variables() -> None:
    """Scalars, since the input types' names are not in the specification; a server's log of documents has no secret."""
    driven = signing_in(pair("signIn", expiresIn=900))
    (body,) = driven.bodies
    assert body["variables"] == {"userName": "ada@example.org", "password": PASSWORD}
    assert PASSWORD not in body["query"]
    assert "signIn(useManagementflow: true, credentials: {userName: $userName, password: $password})" in body["query"]
    assert "Authorization" not in driven.sent[0].headers


def test_the_management_flow_is_what_was_asked_for() -> None:
    """The specification wants it said."""
    endpoint = Endpoint(URL, management_flow=False, clocks=ENDPOINT.clocks)
    driven = drive(sign_in(endpoint, "ada", "x"), [pair("signIn", expiresIn=1)])
    assert "useManagementflow: false" in driven.bodies[0]["query"]


@pytest.mark.parametrize(
    "refusal",
    [
        answer(UNKNOWN_FIELD, 400),
        answer(UNKNOWN_FIELD),
        answer(UNKNOWN_FIELD | {"data": None}),
        answer(error_body("Something was wrong with the request."), 400),
    ],
)
def test_a_server_without_expires_in_is_asked_without_it(refusal: Answer) -> None:
    """It refuses the document before anything runs; that its tokens say nothing else makes one hour of it."""
    driven = signing_in(refusal, pair("signIn"))
    assert ["expiresIn" in body["query"] for body in driven.bodies] == [True, False]
    assert (driven.result.lifetime_seconds, driven.result.says_lifetime) == (3600, False)


@pytest.mark.parametrize(("knows", "asked"), [(True, True), (False, False)])
def test_what_a_server_has_is_asked_once_only(knows: bool, asked: bool) -> None:
    """Then it is known."""
    (body,) = refreshing(pair("signInRefresh", expiresIn=5), knows=knows).bodies
    assert ("expiresIn" in body["query"]) is asked


def test_an_error_of_what_ran_is_no_missing_field() -> None:
    """It has a path. To ask again would spend a refresh token twice."""
    ran = answer({"data": None, "errors": [{"message": "expiresIn failed", "path": ["signInRefresh", "expiresIn"]}]})
    driven = refreshing(ran)
    assert isinstance(driven.error, SignInRefused)
    assert len(driven.sent) == 1


@pytest.mark.parametrize(
    "lost",
    [
        ServerUnreachable("The connection broke."),
        answer("<html>Bad gateway</html>", 502),
        answer(error_body("Too many.", "RATE_LIMITED"), 429),
        answer(error_body("Busy.", "OVERLOADED"), 503),
        answer(error_body("Busy.", "OVERLOADED")),
        answer(error_body("Internal error.", "INTERNAL"), 500),
    ],
)
def test_a_lost_refresh_is_retried_with_the_same_refresh_token(lost: Answer | Exception) -> None:
    """Within the server's replay window the answer is the same successor (RFC 9700 §4.14)."""
    driven = refreshing(lost, lost, pair("signInRefresh", expiresIn=5), knows=True)
    assert [body["variables"] for body in driven.bodies] == [{"refreshToken": REFRESH_TOKEN}] * 3
    assert driven.paused == list(RETRY_SECONDS)
    assert driven.result.access == "a"


def test_a_refresh_that_is_lost_again_and_again_is_told() -> None:
    """As no answer, not as an ended sign-in: the token may be good still."""
    lost = ServerUnreachable("The connection broke.")
    driven = refreshing(lost, lost, lost, knows=True)
    assert driven.error is lost


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_refused_refresh_is_not_retried(status: int) -> None:
    """It would be refused again, and some servers count that."""
    driven = refreshing(answer(error_body("Invalid refresh token.", "INVALID_REFRESH_TOKEN"), status), knows=True)
    assert isinstance(driven.error, SignInRefused)
    assert driven.error.code == "INVALID_REFRESH_TOKEN"
    assert len(driven.sent) == 1


def test_a_lost_sign_in_is_not_retried() -> None:
    """It might open a second session."""
    lost = ServerUnreachable("The connection broke.")
    assert signing_in(lost, knows=True).error is lost


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (error_body("Wrong.", "INVALID_CREDENTIALS"), SignInRefused, "INVALID_CREDENTIALS"),
        (error_body("Wrong."), SignInRefused, "SIGN_IN_REFUSED"),
        (error_body("Wrong.", data={"signIn": None}), SignInRefused, "SIGN_IN_REFUSED"),
        (error_body("Slow down.", "RATE_LIMITED"), PassingRefusal, "RATE_LIMITED"),
        ({"data": {"signIn": None}}, ProtocolError, "PROTOCOL_ERROR"),
        ({"data": {"signIn": {"accessToken": None}}}, ProtocolError, "PROTOCOL_ERROR"),
        ({"data": {"signIn": [1]}}, ProtocolError, "PROTOCOL_ERROR"),
        ([1, 2], ProtocolError, "PROTOCOL_ERROR"),
        ("<html>", ProtocolError, "PROTOCOL_ERROR"),
    ],
)
def test_what_is_no_pair_is_an_error_with_a_code(body: Any, kind: type[ClientError], code: str) -> None:
    """And without the password."""
    error = signing_in(answer(body), knows=True).error
    assert type(error) is kind
    assert isinstance(error, ClientError)
    assert error.code == code
    assert PASSWORD not in str(error) + repr(error)


def test_half_a_pair_beside_an_error_is_in_no_error() -> None:
    """An error is logged; tokens must not be."""
    body = error_body("Half.", data={"signIn": {"accessToken": None, "refreshToken": "token-canary"}})
    error = signing_in(answer(body), knows=True).error
    assert isinstance(error, GraphQLErrors)
    assert "canary" not in f"{error} {error!r} {error.data} {error.__dict__}"


def test_a_server_error_without_graphql_is_no_answer() -> None:
    """Something in between said it, so a refresh token is not spent for good."""
    assert isinstance(signing_in(answer("oops", 500), knows=True).error, ServerUnreachable)


HINT = "gph_hint-canary"
UNKNOWN_HINT = error_body("Cannot query field 'deviceHint' on type 'Tokens'.")


def test_a_device_hint_is_kept_and_sent_with_the_next_sign_in() -> None:
    """By it the server knows who signed in before, while strangers guess. A refresh takes the newest one."""
    first = signing_in(pair("signIn", expiresIn=900, deviceHint=HINT)).result
    assert (first.device_hint, first.gives_hint) == (HINT, True)
    again = drive(sign_in(ENDPOINT, "ada@example.org", PASSWORD, before=first), [pair("signIn", expiresIn=900)])
    (body,) = again.bodies
    assert body["variables"]["deviceHint"] == HINT
    assert "password: $password, deviceHint: $deviceHint}" in body["query"]
    assert again.result.device_hint == HINT, "an answer without one takes none away"
    renewed = drive(refresh(ENDPOINT, first), [pair("signInRefresh", expiresIn=900, deviceHint="gph_newer")])
    assert renewed.result.device_hint == "gph_newer"
    assert list(renewed.bodies[0]["variables"]) == ["refreshToken"]


@pytest.mark.parametrize("refusal", [answer(UNKNOWN_HINT, 400), answer(UNKNOWN_HINT)])
def test_a_server_without_device_hints_is_asked_without(refusal: Answer) -> None:
    """It is not in the specification. What it is known to have is still asked for, and it is asked once only."""
    driven = signing_in(refusal, pair("signIn", expiresIn=900))
    assert [("deviceHint" in body["query"], "expiresIn" in body["query"]) for body in driven.bodies] == [
        (True, True),
        (False, True),
    ]
    assert (driven.result.says_lifetime, driven.result.gives_hint) == (True, False)
    (body,) = drive(refresh(ENDPOINT, driven.result), [pair("signInRefresh", expiresIn=900)]).bodies
    assert "deviceHint" not in body["query"]


def test_a_server_that_takes_hints_no_more_is_asked_without() -> None:
    """An older version was put back."""
    refusal = answer(error_body("Field 'deviceHint' is not defined by type 'SignInCredentials'."), 400)
    before = Held("", device_hint=HINT, says_lifetime=True, gives_hint=True)
    driven = drive(
        sign_in(ENDPOINT, "ada@example.org", PASSWORD, before=before), [refusal, pair("signIn", expiresIn=1)]
    )
    assert "deviceHint" not in driven.bodies[1]["variables"]
    assert driven.result.access == "a"

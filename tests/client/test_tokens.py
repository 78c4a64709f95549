"""How long a token lives, and when it is renewed."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.client.errors import ProtocolError
from gatepass.client.stored import StoredSignIn, is_fresh, is_lasting, margin_seconds
from gatepass.client.tokens import ONE_HOUR, held_from_answer, held_from_store, lifetime_seconds


def jwt(**claims: Any) -> str:
    """A token with these claims; its signature is nobody's business here."""
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJFUzI1NiJ9.{middle}.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("token", "expires_in", "seconds"),
    [
        ("opaque", 900, 900),
        ("opaque", 900.5, 900.5),
        (jwt(iat=100, exp=400), 900, 900),
        (jwt(iat=100, exp=400), None, 300),
        (jwt(iat=100, exp=400), "soon", 300),
        ("opaque", None, ONE_HOUR),
        ("opaque", 0, ONE_HOUR),
        ("opaque", -5, ONE_HOUR),
        ("opaque", True, ONE_HOUR),
        ("opaque", "900", ONE_HOUR),
        ("opaque", math.nan, ONE_HOUR),
        ("opaque", math.inf, ONE_HOUR),
        (jwt(exp=400), None, ONE_HOUR),
        (jwt(iat=400, exp=400), None, ONE_HOUR),
        (jwt(iat="x", exp=[]), None, ONE_HOUR),
        ("a.%%%.c", None, ONE_HOUR),
        ("a." + base64.urlsafe_b64encode(b"[" * 9000).decode() + ".c", None, ONE_HOUR),
        (f"a.{'e' * 20000}.c", None, ONE_HOUR),
    ],
)
def test_a_life_is_what_the_server_says_else_what_the_jwt_says_else_one_hour(
    token: str, expires_in: object, seconds: float
) -> None:
    """Only relative times are read, and nothing a server may say is an error."""
    assert lifetime_seconds(token, expires_in) == seconds


@pytest.mark.parametrize(("lifetime", "margin"), [(3600, 60), (300, 60), (299, 59.8), (10, 2), (3, 0.6)])
def test_it_is_renewed_60_seconds_or_a_fifth_of_its_life_before_it_ends(lifetime: float, margin: float) -> None:
    """Whichever is shorter."""
    assert margin_seconds(lifetime) == pytest.approx(margin)
    assert is_lasting(margin + 0.001, lifetime)
    assert not is_lasting(margin - 0.001, lifetime)


def test_who_wants_more_time_gets_it_but_never_more_than_a_fresh_token_has() -> None:
    """Otherwise five minutes of a token that lives three would be asked for over and over."""
    assert not is_lasting(200, 3600, min_ttl_seconds=300)
    assert is_lasting(301, 3600, min_ttl_seconds=300)
    assert is_lasting(180, 180, min_ttl_seconds=300)
    assert not is_lasting(140, 180, min_ttl_seconds=300)


@given(lifetime=st.floats(0.01, 1e8), min_ttl=st.floats(0, 1e9))
def test_a_fresh_token_always_lasts(lifetime: float, min_ttl: float) -> None:
    """Whatever is wished for: a renewal ends with a token that needs none."""
    assert is_lasting(lifetime, lifetime, min_ttl)


def test_a_life_is_counted_from_before_the_request() -> None:
    """It may look shorter than it is, never longer: the answer may have taken its time."""
    held = held_from_answer(
        {"accessToken": "a", "refreshToken": "r", "expiresIn": 100}, asked_at=50.0, wall=0.0, says_lifetime=True
    )
    assert held.until == 150.0


@pytest.mark.parametrize("token", [None, "", 5, "two words", "line\nbreak", "\u00e9", ["x"]])
@pytest.mark.parametrize("name", ["accessToken", "refreshToken"])
def test_what_cannot_be_sent_back_is_no_token(name: str, token: object) -> None:
    """A header could be smuggled in with it. A missing refresh token is none at all."""
    fields = {"accessToken": "a", "refreshToken": "r"} | {name: token}
    if (name, token) == ("refreshToken", None):
        assert held_from_answer(fields, asked_at=0, wall=0, says_lifetime=None).refresh is None
        return
    with pytest.raises(ProtocolError) as raised:
        held_from_answer(fields, asked_at=0, wall=0, says_lifetime=None)
    assert str(token) == "" or str(token) not in str(raised.value)


def kept(**changes: Any) -> StoredSignIn:
    fields = {"access_token": "a", "refresh_token": "r", "obtained_at": 1000.0, "expires_at": 4600.0, **changes}
    return StoredSignIn(profile="p", url="https://api.example.org/", username="ada", **fields)


@given(wrong=st.floats(-1e9, 1e9), passed=st.floats(0, 3000))
def test_a_wrong_clock_does_not_matter(wrong: float, passed: float) -> None:
    """The same wrong clock wrote the file and reads it: only what has passed since counts."""
    ours = kept(obtained_at=1000.0 + wrong, expires_at=4600.0 + wrong)
    held = held_from_store(ours, now=0.0, wall=1000.0 + wrong + passed)
    assert held.until == pytest.approx(3600 - passed, abs=1e-3)


@pytest.mark.parametrize("wall", [-1e9, 900.0])
def test_a_clock_set_back_to_before_a_kept_token_came_costs_one_renewal(wall: float) -> None:
    """How old it is cannot be told; it would be used for years otherwise."""
    assert not held_from_store(kept(), now=50.0, wall=wall).is_alive(50.0)
    assert not is_fresh(kept(), now=wall)


def test_a_clock_that_is_kept_right_costs_none() -> None:
    """It may have gone back by a second meanwhile."""
    assert is_fresh(kept(), now=999.0)


def test_a_clock_set_forward_costs_one_renewal() -> None:
    """It only looks expired."""
    assert not held_from_store(kept(), now=0.0, wall=1e9).is_alive(0.0)
    assert not is_fresh(kept(), now=1e9)


def test_a_kept_sign_in_without_an_access_token_is_renewed_first() -> None:
    """Its refresh token is what counts."""
    held = held_from_store(kept(access_token=None), now=0.0, wall=1000.0)
    assert (held.is_lasting(0.0), held.is_alive(0.0), held.refresh) == (False, False, "r")


def test_a_token_shows_itself_to_nobody() -> None:
    """Neither in a traceback's locals nor in a debugger's line."""
    held = held_from_store(kept(access_token="access-canary", refresh_token="refresh-canary"), now=0, wall=1000)
    assert "canary" not in repr(held) + repr(kept(access_token="access-canary", refresh_token="refresh-canary"))

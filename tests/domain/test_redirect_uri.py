"""Redirect URIs: exactly as registered, but for the port of a loopback literal. RFC 9700 §2.1, RFC 8252 §7.3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.redirect_uri import is_registered, matches

WEB = "https://client.example/callback?tenant=a"
NATIVE = "http://127.0.0.1/callback"


@given(st.text(max_size=80), st.text(max_size=80))
def test_texts_match_where_they_are_equal(one: str, other: str) -> None:
    assert matches(one, one)
    assert matches(one, other) is (one == other)


@pytest.mark.parametrize(
    "asked",
    [
        WEB.upper(),
        WEB.replace("https", "http"),
        WEB.replace("client.example", "client.example:443"),
        WEB.replace("client.example", "client.example."),
        WEB.replace("//", "//user@"),
        WEB.replace("callback", "callback/"),
        WEB.replace("callback", "x/../callback"),
        WEB.replace("callback", "%63allback"),
        f"{WEB}&more=1",
        f"{WEB}#fragment",
        f"{WEB} ",
        WEB.partition("?")[0],
        "https://client.example.evil.example/callback?tenant=a",
        "https://evil.example/?https://client.example/callback?tenant=a",
        "",
    ],
)
def test_another_spelling_is_another_address(asked: str) -> None:
    """Nothing is normalised, no prefix and no wildcard counts."""
    assert not matches(WEB, asked)


@given(st.integers(1, 65_535))
def test_the_port_of_a_loopback_literal_may_be_any(port: int) -> None:
    for registered in (NATIVE, "http://127.0.0.1:7777/callback"):
        assert matches(registered, f"http://127.0.0.1:{port}/callback")
    assert matches("http://[::1]/callback?a=b", f"http://[::1]:{port}/callback?a=b")


@pytest.mark.parametrize(
    "asked",
    [
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1:8000evil.example/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:+80/callback",
        "http://127.0.0.1:٨٠/callback",
        "http://127.0.0.1:8000\\@evil.example/callback",
        "http://127.0.0.1:8000/callback/",
        "http://127.0.0.1:8000/callback\n",
        "http://127.0.0.1:8000",
        "http://127.0.0.2:8000/callback",
        "http://[::1]:8000/callback",
        "http://localhost:8000/callback",
        "http://127.1:8000/callback",
        "http://2130706433:8000/callback",
        "https://127.0.0.1:8000/callback",
    ],
)
def test_nothing_but_the_port_may_be_another(asked: str) -> None:
    assert not matches(NATIVE, asked)


@pytest.mark.parametrize("registered", ["http://localhost/cb", "https://127.0.0.1/cb", "http://10.0.0.1/cb"])
def test_the_port_of_anything_else_is_fixed(registered: str) -> None:
    """`localhost` can be led elsewhere. RFC 8252 §8.3."""
    host = registered.removesuffix("/cb")
    assert matches(registered, registered)
    assert not matches(registered, f"{host}:8000/cb")


def test_one_of_several_is_enough() -> None:
    assert is_registered("http://127.0.0.1:9/callback", (WEB, NATIVE))
    assert not is_registered(WEB, (NATIVE,))
    assert not is_registered("", ())

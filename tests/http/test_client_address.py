"""Whose request it is, behind proxies. RFC 7239."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.http.client_address import ClientAddress
from gatepass.http.refusals import BadRequest

PROXY, OUTER = "10.0.0.1", "10.0.0.2"
TRUSTING = ClientAddress(["10.0.0.0/8", "2001:db8:1::/48"])
CLIENT = "203.0.113.7"


def seen(*headers: tuple[str, str], peer: str | None = PROXY, by: ClientAddress = TRUSTING) -> str:
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return by({"type": "http", "client": (peer, 1234) if peer is not None else None, "headers": pairs})


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
def test_nobody_is_trusted_by_default(name: str) -> None:
    value = CLIENT if name != "Forwarded" else f"for={CLIENT}"
    assert seen((name, value), by=ClientAddress()) == PROXY
    assert seen((name, value), peer="198.51.100.1") == "198.51.100.1"


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (CLIENT, CLIENT),
        (f"1.1.1.1, {CLIENT}", CLIENT),
        (f"1.1.1.1, {CLIENT}, {OUTER}", CLIENT),
        (f"{CLIENT}:4711", CLIENT),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.7", CLIENT),
        (f"{OUTER}", OUTER),
        ("1.1.1.1, unknown", PROXY),
        (f"1.1.1.1, nonsense, {OUTER}", OUTER),
        ("", PROXY),
        (f"{CLIENT},", PROXY),
        (f"  {CLIENT}  ", CLIENT),
    ],
)
def test_x_forwarded_for_is_read_from_the_right_to_the_first_who_is_not_trusted(value: str, client: str) -> None:
    assert seen(("X-Forwarded-For", value)) == client


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (f"for={CLIENT}", CLIENT),
        (f"For={CLIENT};proto=https;by={PROXY}", CLIENT),
        (f"proto=https; FOR={CLIENT}", CLIENT),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        (f'for="{CLIENT}:80"', CLIENT),
        (f"for=1.1.1.1, for={CLIENT}, for={OUTER}", CLIENT),
        (f'for="1.1.1.1, for=2.2.2.2", for={CLIENT}', CLIENT),
        ("for=_hidden", PROXY),
        ("for=unknown", PROXY),
        ("proto=https", PROXY),
        (f"notfor=1.1.1.1;for={CLIENT}", CLIENT),
        (f'host="a;for=1.1.1.1";for={CLIENT}', CLIENT),
        (rf'host="a\";for=1.1.1.1";for="{CLIENT}"', CLIENT),
        (f" ;; for={CLIENT} ; ", CLIENT),
        (f"for={CLIENT},", CLIENT),
        (f"for=1.1.1.1, ;, for={OUTER}", OUTER),
        ("", PROXY),
    ],
)
def test_forwarded_is_read_in_the_same_way(value: str, client: str) -> None:
    assert seen(("Forwarded", value)) == client


def test_several_headers_are_one_list() -> None:
    assert seen(("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", CLIENT)) == CLIENT


def test_the_two_headers_must_agree() -> None:
    """A proxy that writes one of them lets the other pass, as the client sent it."""
    assert seen(("X-Forwarded-For", CLIENT), ("Forwarded", f'for="{CLIENT}"')) == CLIENT
    with pytest.raises(BadRequest, match="different clients"):
        seen(("X-Forwarded-For", CLIENT), ("Forwarded", "for=1.1.1.1"))


@pytest.mark.parametrize(
    "value", ['for="', f'for=", for={CLIENT}', "for=", "for", f"for={CLIENT} for=x", "=", "for=a b", "\n", "for=a\n"]
)
def test_a_header_that_cannot_be_read_is_refused(value: str) -> None:
    """An open quote would swallow what the next proxy appends; a line break at the end must not be waited for."""
    with pytest.raises(BadRequest):
        seen(("Forwarded", value))


def test_an_endless_header_is_refused() -> None:
    with pytest.raises(BadRequest):
        seen(("X-Forwarded-For", "1.1.1.1, " * 10_000))


@pytest.mark.parametrize("repeated", ["; ", " ;", ", ", " \t", "a=b; ", "a", 'a="', 'a="\\"', "\\"])
def test_no_header_takes_longer_to_read_than_its_length_warrants(repeated: str) -> None:
    """Spaces that two neighbours could both claim took twice as long for each `; ` more: 13 s for 22 of them."""
    began = time.thread_time()
    for length in (40, 400, 4_000):
        with suppress(BadRequest):
            seen(("Forwarded", (repeated * length)[:length] + "!"))
        assert time.thread_time() - began < 2


def test_without_an_address_there_is_nobody_to_trust() -> None:
    """Behind a Unix socket."""
    assert seen(("X-Forwarded-For", CLIENT), peer=None) == ""


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_whatever_the_headers_hold_the_address_is_canonical_or_the_request_refused(one: bytes, other: bytes) -> None:
    scope = {"client": (PROXY, 1), "headers": [(b"forwarded", one), (b"x-forwarded-for", other)]}
    try:
        address = TRUSTING(scope)
    except BadRequest:
        return
    assert address == PROXY or not address.startswith("10.") or seen(peer=address) == address


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=80))
def test_nothing_that_a_client_sends_changes_what_its_proxy_saw(claim: str) -> None:
    assert seen(("X-Forwarded-For", f"{claim}, {CLIENT}")) == CLIENT


def test_a_proxy_that_nobody_named_is_noticed_once() -> None:
    """Or all its clients would count as one, and nobody know why."""
    notices: list[tuple[object, ...]] = []
    unconfigured = ClientAddress([], lambda *words: notices.append(words))
    seen(("X-Forwarded-For", CLIENT), peer="8.8.8.8", by=unconfigured)
    assert notices == []
    for _ in range(3):
        seen(("X-Forwarded-For", CLIENT), peer="127.0.0.1", by=unconfigured)
    ((text, *values),) = notices
    assert "trusted_proxies" in str(text)
    assert values == ["127.0.0.1", "X-Forwarded-For"]

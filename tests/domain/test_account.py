"""Addresses have one spelling, scopes are what RFC 6749 allows."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.account import Account, EmailAddress, email_address, scopes
from gatepass.domain.errors import BadUserInput
from gatepass.domain.identifiers import AccountId

letters = st.characters()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def full_width(text: str) -> str:
    """As an East Asian keyboard writes it."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ana@example.org", "ana@example.org"),
        ("  Ana@Example.ORG\n", "ana@example.org"),
        (full_width("ana@example.org"), "ana@example.org"),
        ("STRASSE@EXAMPLE.ORG", "strasse@example.org"),
        ("straße@example.org", "strasse@example.org"),
        ("jose\u0301@example.org", "josé@example.org"),
        ("o'neil+tag@example.co.uk", "o'neil+tag@example.co.uk"),
    ],
)
def test_an_address_is_kept_in_one_spelling(typed: str, kept: str) -> None:
    """Whoever types it in capitals, with blanks around or in full width is the same account."""
    assert email_address(typed) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ana",
        "@example.org",
        "ana@",
        "ana@@example.org",
        "ana@example@org",
        "ana silva@example.org",
        "ana\0@example.org",
        "ana\x7f@example.org",
        "ana@exam\nple.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 253,
        "lone\ud800@example.org",
        "\u00a8@example.org",
    ],
)
def test_what_could_not_receive_mail_is_no_address(text: str) -> None:
    """And the refusal shows the form."""
    with pytest.raises(BadUserInput, match=r"name@example\.org"):
        email_address(text)


def test_what_is_too_long_is_refused_before_its_spelling_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Putting accents into their order takes time that grows with the square of their number: 30 s for 40,000."""

    def spelled(_: str) -> str:
        raise AssertionError("it is looked for")

    monkeypatch.setattr("gatepass.domain.account._normal", spelled)
    with pytest.raises(BadUserInput):
        email_address("\u0f73" * 40_000 + "@example.org")


def test_an_accent_may_be_a_character_of_its_own_in_the_longest_address_too() -> None:
    letters_apart = "e\u0301" * 64 + "@" + "e\u0301" * 189
    assert email_address(letters_apart) == "é" * 64 + "@" + "é" * 189


@given(st.text(alphabet=letters, max_size=20), st.text(alphabet=letters, max_size=20))
def test_the_kept_spelling_is_a_fixed_point(local: str, domain: str) -> None:
    """An address read back from the store finds its own account."""
    try:
        once = email_address(f"{local}@{domain}")
    except BadUserInput:
        return
    assert email_address(once) == once


def test_scopes_are_sorted_and_each_stands_once() -> None:
    """The same set is the same claim."""
    assert scopes(["write:x", "read:x", "write:x"]) == ("read:x", "write:x")
    assert scopes([]) == ()


@pytest.mark.parametrize("scope", ["", " ", "a b", 'a"b', "a\\b", "é", "a\n", "a" * 65, "\x7f"])
def test_a_scope_that_rfc_6749_does_not_allow_is_refused(scope: str) -> None:
    """RFC 6749 §3.3: printable ASCII without space, quote and backslash."""
    with pytest.raises(BadUserInput, match="is not a scope"):
        scopes([scope])


def test_scopes_fit_into_an_access_token() -> None:
    """At most 32, and 200 characters with the spaces between."""
    scopes([f"s{number:02}" for number in range(32)])
    scopes(["a" * 64, "b" * 64, "c" * 64, "d" * 5])
    for too_much in ([f"s{number:02}" for number in range(33)], ["a" * 64, "b" * 64, "c" * 64, "d" * 6]):
        with pytest.raises(BadUserInput, match="Too many scopes"):
            scopes(too_much)


def test_a_disabled_account_is_not_enabled() -> None:
    """`disabled_at` alone decides."""
    ana = Account(AccountId(uuid.UUID(int=1)), EmailAddress("ana@example.org"), (), NOON)
    assert ana.enabled
    assert not replace(ana, disabled_at=NOON).enabled

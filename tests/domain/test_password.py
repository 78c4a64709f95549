"""Passwords: one spelling for each, and which may be set. RFC 8265 §4.2, NIST SP 800-63B §3.1.1.2."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.account import EmailAddress
from gatepass.domain.errors import BadUserInput
from gatepass.domain.password import MAX_CHARACTERS, check_new, common_passwords, prepare
from gatepass.domain.secret import Secret

ANA = EmailAddress("ana.silva@example.org")
GOOD = "teal otter, nine lanterns"


def full_width(text: str) -> str:
    """As an East Asian keyboard writes it."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


def prepared(text: str) -> bytes | None:
    secret = prepare(Secret(text))
    return secret.reveal() if secret is not None else None


def refusal(text: str, email: EmailAddress = ANA) -> str:
    with pytest.raises(BadUserInput) as caught:
        check_new(Secret(text), email)
    return caught.value.message


# -- one spelling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param("Cafe\u0301", "Café", id="a combining accent is the accented letter"),
        pytest.param(full_width("pass"), "pass", id="full-width letters of an East Asian keyboard are plain ones"),
        pytest.param("ﬁsh", "fish", id="a ligature is its letters"),
        pytest.param("two\u00a0words", "two words", id="a no-break space is a space"),
        pytest.param("two\u3000words", "two words", id="an ideographic space is a space"),
        pytest.param("two\u1680words", "two words", id="an ogham space, which NFKC leaves alone, is a space"),
    ],
)
def test_keyboards_that_spell_a_password_differently_give_the_same_bytes(typed: str, meant: str) -> None:
    """What a person means by a password does not depend on the device. RFC 8265 §4.2.2."""
    assert prepared(typed) == prepared(meant) == meant.encode()


@pytest.mark.parametrize(("one", "other"), [("Pass", "pass"), ("a b", "ab"), (" pass", "pass"), ("a  b", "a b")])
def test_case_and_spaces_count(one: str, other: str) -> None:
    """Nothing is folded or trimmed. RFC 8265 §4.2.2 (no case mapping; spaces are only unified)."""
    assert prepared(one) != prepared(other)


@given(st.text(min_size=1, max_size=60))
def test_preparing_twice_changes_nothing(text: str) -> None:
    """The prepared form is a fixed point: a client that normalises first meets the same hash."""
    once = prepared(text)
    if once is not None and len(once.decode()) <= MAX_CHARACTERS:
        assert prepared(once.decode()) == once


@given(st.text(min_size=1, max_size=60))
def test_every_unicode_spelling_of_a_password_is_the_same(text: str) -> None:
    """NFC, NFD and NFKC forms of one text hash alike."""
    assert (
        prepared(unicodedata.normalize("NFD", text)) == prepared(unicodedata.normalize("NFC", text)) == prepared(text)
    )


# -- what no account can have -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("tab\there", id="tab"),
        pytest.param("line\nbreak", id="line feed"),
        pytest.param("nul\0byte", id="NUL"),
        pytest.param("delete\x7f", id="DEL"),
        pytest.param("next\x85line", id="C1 control"),
        pytest.param("é\nü", id="control beside other letters"),
        pytest.param("lone\ud800surrogate", id="lone surrogate"),
        pytest.param("\udfff", id="low surrogate"),
        pytest.param("unassigned\u0378", id="unassigned code point"),
        pytest.param("noncharacter\ufffe", id="noncharacter"),
    ],
)
def test_a_text_with_unusable_characters_is_no_password(text: str) -> None:
    """No account can have it; no exception either, since it must cost the same as a wrong password."""
    assert prepared(text) is None


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_no_text_at_all_makes_preparing_fail(text: str) -> None:
    """Hostile input has two outcomes, bytes or none."""
    result = prepared(text)
    assert result is None or result.decode()


@pytest.mark.parametrize("letter", ["a", "é", "🦦"])
def test_a_password_may_have_1024_characters_and_no_more(letter: str) -> None:
    """Over-long is refused as a whole."""
    assert prepared(letter * 1024) == (letter * 1024).encode()
    assert prepared(letter * 1025) is None


@pytest.mark.parametrize("letter", ["a", "é", "🦦"])
def test_a_long_password_is_never_cut(letter: str) -> None:
    """The last of 1,024 characters counts as much as the first. NIST SP 800-63B §3.1.1.2."""
    assert prepared(letter * 1023 + "x") != prepared(letter * 1023 + "y")


# -- which may be set -------------------------------------------------------------------------------------------------


def test_a_good_password_may_be_set() -> None:
    """What comes back is the prepared form."""
    assert check_new(Secret(GOOD), ANA).reveal() == GOOD.encode()


def test_eleven_characters_are_too_few() -> None:
    """The minimum is 12."""
    assert "too short" in refusal("k3#vT9!qLm2")
    check_new(Secret("k3#vT9!qLm2w"), ANA)


def test_the_empty_password_is_too_short() -> None:
    """Not a riddle about characters."""
    assert "too short" in refusal("")


def test_length_is_counted_in_the_normal_form() -> None:
    """Twelve code points that are six letters with accents are six characters."""
    assert "too short" in refusal("e\u0301a\u0300o\u0302u\u0308i\u0301n\u0303")


def test_1025_characters_are_too_many() -> None:
    """It is refused, never cut."""
    assert "too long" in refusal("ab3 xk9q" * 128 + "z")
    check_new(Secret("ab3 xk9q" * 128), ANA)


def test_a_control_character_is_named_as_the_trouble() -> None:
    """The refusal says how to mend it."""
    assert "control characters" in refusal("teal otter\tnine lanterns")


@pytest.mark.parametrize(
    "text",
    [
        "correct horse battery staple",
        "Correct Horse Battery Staple",
        "correcthorsebatterystaple",
        "qwertyuiop123",
        "QWERTYUIOP123",
        "1qaz2wsx3edc",
        "123456789012",
        "Password1234",
        full_width("password1234"),
        "administrator",
        "iloveyou1234",
    ],
)
def test_a_common_password_is_refused_in_any_case_and_width(text: str) -> None:
    """The first that attackers try. NIST SP 800-63B §3.1.1.2, OWASP ASVS 5.0 V6.2.4."""
    assert "attackers" in refusal(text)


@pytest.mark.parametrize("text", ["aaaaaaaaaaaa", "abcabcabcabc", "12341234123412", "ababababababa", "🦦" * 12])
def test_a_short_unit_over_and_over_is_refused(text: str) -> None:
    """Up to four characters repeated are no longer than those four."""
    assert "attackers" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "ana.silva@example.org",
        "ANA.SILVA@EXAMPLE.ORG",
        "ana.silva2026",
        "example!2026",
        "ana.silvaana.silva",
        "Example.Example1",
    ],
)
def test_a_password_made_of_the_account_s_own_name_is_refused(text: str) -> None:
    """What is left beside the name must be worth something. NIST SP 800-63B §3.1.1.2."""
    assert "own name" in refusal(text)


def test_a_name_beside_a_good_password_does_no_harm() -> None:
    """Only what the name contributes does not count."""
    check_new(Secret("ana.silva keeps teal otters"), ANA)


def test_a_name_of_three_letters_forbids_nothing() -> None:
    """Short names occur inside of ordinary words."""
    check_new(Secret("banana lanterns"), EmailAddress("ana@b.org"))


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_whatever_may_be_set_can_be_used(text: str) -> None:
    """A password that was accepted is prepared the same way at sign-in."""
    try:
        accepted = check_new(Secret(text), ANA).reveal()
    except BadUserInput:
        return
    assert prepared(text) == accepted


# -- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_holds_what_the_rules_would_let_through() -> None:
    """Each entry is in the form that is compared, long enough to be set at all, and once in sorted order."""
    entries = common_passwords()
    assert 2_000 < len(entries) < 20_000
    for entry in entries:
        assert entry == unicodedata.normalize("NFKC", entry).casefold()
        assert len(entry) >= 12
        assert entry.strip() == entry
        assert "attackers" in refusal(entry, EmailAddress("x@y.zz"))

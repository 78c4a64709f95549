"""The refresh token: recognised as ours without a look-up, and in one spelling only."""

from __future__ import annotations

import base64
import hmac
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import InvalidRefreshToken
from gatepass.domain.identifiers import MAX_GENERATION, Generation, SessionId
from gatepass.domain.refresh_token import RefreshKey, RefreshToken, is_authentic, mint, parse
from gatepass.domain.secret import Secret

KEY = RefreshKey(b"\x01\x02\x03\x04", Secret(bytes(range(32))))
SESSION = SessionId(uuid.UUID("0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a"))
SALT = bytes(range(100, 116))
TOKEN = mint(KEY, SESSION, Generation(7), SALT).reveal()

keys = st.builds(
    RefreshKey, st.binary(min_size=4, max_size=4), st.builds(Secret[bytes], st.binary(min_size=32, max_size=32))
)
sessions = st.builds(SessionId, st.uuids())
generations = st.builds(Generation, st.integers(0, MAX_GENERATION))
salts = st.binary(min_size=16, max_size=16)


def parsed(text: str) -> RefreshToken | None:
    try:
        return parse(text)
    except InvalidRefreshToken:
        return None


@given(keys, sessions, generations, salts)
def test_what_was_minted_is_parsed_and_authentic(
    key: RefreshKey, session: SessionId, generation: Generation, salt: bytes
) -> None:
    """Every key, session, generation and salt makes the round trip."""
    token = parse(mint(key, session, generation, salt).reveal())
    assert (token.key_id, token.session, token.generation) == (key.id, session, generation)
    assert is_authentic(token, key, salt)


@given(keys, sessions, generations, salts)
def test_the_same_facts_give_the_same_token(
    key: RefreshKey, session: SessionId, generation: Generation, salt: bytes
) -> None:
    """A successor can be computed again, so the store holds none."""
    assert mint(key, session, generation, salt).reveal() == mint(key, session, generation, salt).reveal()


@given(st.integers(0, 57 * 8 - 1))
def test_any_flipped_bit_makes_a_token_worthless(bit: int) -> None:
    """Nothing in a token can be changed: neither session nor generation, key id, version or MAC."""
    raw = bytearray(base64.urlsafe_b64decode(TOKEN[4:]))
    raw[bit // 8] ^= 1 << (bit % 8)
    token = parsed("gpr_" + base64.urlsafe_b64encode(bytes(raw)).decode())
    assert token is None or not is_authentic(token, KEY, SALT)


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_any_changed_character_makes_a_token_worthless(place: int, character: str) -> None:
    """One spelling only: no other text is the same token."""
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    token = parsed(changed)
    assert changed == TOKEN or token is None or not is_authentic(token, KEY, SALT)


@given(st.text(max_size=100) | st.from_regex(r"gpr_[A-Za-z0-9_-]{70,80}", fullmatch=True))
def test_no_text_at_all_makes_parsing_fail_otherwise(text: str) -> None:
    """Hostile input has two outcomes, a token or InvalidRefreshToken; and it is never authentic by luck."""
    token = parsed(text)
    assert token is None or not is_authentic(token, KEY, SALT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gpr_",
        TOKEN[4:],
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN + "=",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN.replace("gpr_", "GPR_"),
        TOKEN.replace("gpr_", "gpr-"),
        TOKEN[:-1] + "+",
        TOKEN[:-1] + "é",
        "gpr_" + "\uff21" * 76,
        TOKEN * 2,
        TOKEN * 10_000,
    ],
)
def test_another_spelling_is_not_a_token(text: str) -> None:
    """No padding, no white space, no other alphabet, no other length."""
    assert parsed(text) is None


def test_another_key_or_another_salt_did_not_make_this_token() -> None:
    """The salt ties a token to its session's row: a restored or re-created row has another one."""
    token = parse(TOKEN)
    assert is_authentic(token, KEY, SALT)
    assert not is_authentic(token, RefreshKey(KEY.id, Secret(b"\xff" * 32)), SALT)
    assert not is_authentic(token, KEY, b"\xff" * 16)


def test_the_form_on_the_wire_does_not_change() -> None:
    """`gpr_` + base64url(version 1 ‖ key id ‖ session id ‖ generation ‖ HMAC-SHA-256 over those and the salt)."""
    head = b"\x01" + KEY.id + SESSION.bytes + (7).to_bytes(4)
    mac = hmac.digest(bytes(range(32)), head + SALT, "sha256")
    assert "gpr_" + base64.urlsafe_b64encode(head + mac).decode() == TOKEN


def test_a_token_of_a_later_version_is_refused() -> None:
    """Not misread as one of ours."""
    raw = b"\x02" + base64.urlsafe_b64decode(TOKEN[4:])[1:]
    assert parsed("gpr_" + base64.urlsafe_b64encode(raw).decode()) is None


def test_a_token_is_not_seen_by_accident() -> None:
    """Neither a minted token nor a key shows itself."""
    assert TOKEN not in repr(mint(KEY, SESSION, Generation(7), SALT))
    assert "\\x1f" not in repr(KEY)

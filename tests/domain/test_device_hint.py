"""The device hint: whose it is, and that nobody else can make one."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain import device_hint
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.secret import Secret

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = RefreshKey(b"key1", Secret(b"k" * 32))
ANA, BEN = AccountId(uuid.UUID(int=1)), AccountId(uuid.UUID(int=2))
SESSION = SessionId(uuid.UUID(int=3))
HINT = device_hint.mint(KEY, ANA, SESSION, NOON).reveal()


def test_a_hint_says_which_session_it_came_from_and_when() -> None:
    hint = device_hint.parse(HINT)
    assert hint is not None
    assert (hint.key_id, hint.session, hint.issued_at) == (KEY.id, SESSION, NOON)
    assert device_hint.is_authentic(hint, KEY, ANA)


def test_a_hint_is_good_for_one_account_under_one_key() -> None:
    hint = device_hint.parse(HINT)
    assert hint is not None
    assert not device_hint.is_authentic(hint, KEY, BEN)
    assert not device_hint.is_authentic(hint, RefreshKey(b"key1", Secret(b"x" * 32)), ANA)


def test_a_hint_does_not_tell_whose_it_is() -> None:
    assert ANA.hex not in HINT
    assert device_hint.mint(KEY, BEN, SESSION, NOON).reveal()[: len(HINT) - 22] == HINT[: len(HINT) - 22]


@pytest.mark.parametrize("position", range(4, 60))
def test_a_hint_that_was_changed_anywhere_is_none(position: int) -> None:
    changed = HINT[:position] + ("A" if HINT[position] != "A" else "B") + HINT[position + 1 :]
    hint = device_hint.parse(changed)
    assert hint is None or not device_hint.is_authentic(hint, KEY, ANA)


@given(st.text(max_size=80) | st.from_regex(r"gph_[A-Za-z0-9_-]{56}", fullmatch=True))
def test_whatever_is_sent_is_taken_apart_or_refused(text: str) -> None:
    hint = device_hint.parse(text)
    assert hint is None or not device_hint.is_authentic(hint, KEY, ANA)

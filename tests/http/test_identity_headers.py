"""Who is calling, as headers that cannot be broken out of. RFC 9110 §5.5."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import Unauthenticated
from gatepass.http.identity_headers import identity_headers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_caller_has_four_headers() -> None:
    who = Caller("ana", frozenset({"write", "a:b", "read"}), "s-1", "gatepass", NOON)
    assert identity_headers(who) == (
        (b"x-gatepass-subject", b"ana"),
        (b"x-gatepass-scope", b"a:b read write"),
        (b"x-gatepass-session", b"s-1"),
        (b"x-gatepass-client", b"gatepass"),
    )


def test_nobody_has_no_name() -> None:
    with pytest.raises(Unauthenticated):
        identity_headers(Caller("", frozenset(), "", "", NOON))


@given(st.text(min_size=1), st.frozensets(st.text(max_size=5), max_size=3), st.text(), st.text())
def test_every_value_is_visible_ascii_or_nobody_passes(
    subject: str, scopes: frozenset[str], session: str, client: str
) -> None:
    """And a scope cannot be two."""
    try:
        headers = dict(identity_headers(Caller(subject, scopes, session, client, NOON)))
    except Unauthenticated:
        return
    assert all(0x20 <= byte < 0x7F for value in headers.values() for byte in value)
    assert headers[b"x-gatepass-subject"].decode() == subject
    assert set(headers[b"x-gatepass-scope"].decode().split(" ")) == (scopes or {""})

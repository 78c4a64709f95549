"""Keys at rest are worth nothing without the operator's secret key, and cannot change places."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain.errors import KeyUnusable
from gatepass.domain.identifiers import KeyId
from gatepass.domain.secret import Secret
from gatepass.domain.signing_key import Algorithm, KeyUse

SEALER = Sealer(generate_secret_key())
KEY = Secret(bytes(range(32)))
ID = KeyId("0a0b0c0d")


def seal(sealer: Sealer = SEALER) -> bytes:
    return sealer.seal(KEY, key_id=ID, use=KeyUse.REFRESH, algorithm=Algorithm.HS256)


def opened(
    sealed: bytes,
    *,
    key_id: str = ID,
    use: KeyUse = KeyUse.REFRESH,
    algorithm: Algorithm = Algorithm.HS256,
    sealer: Sealer = SEALER,
) -> bytes:
    return sealer.open(sealed, key_id=KeyId(key_id), use=use, algorithm=algorithm).reveal()


def test_what_was_sealed_can_be_opened() -> None:
    """With the same secret key, in another process too."""
    secret_key = generate_secret_key()
    assert opened(seal(Sealer(secret_key)), sealer=Sealer(secret_key)) == KEY.reveal()


def test_the_sealed_form_shows_nothing_and_never_repeats() -> None:
    """A fresh nonce each time."""
    one, other = seal(), seal()
    assert one != other
    assert KEY.reveal() not in one


def test_another_secret_key_opens_nothing_and_the_message_helps() -> None:
    """The operator reads which setting to look at, and neither key."""
    with pytest.raises(KeyUnusable, match=r"GATEPASS_SECRET_KEY .* this store was set up with") as caught:
        opened(seal(), sealer=Sealer(generate_secret_key()))
    assert "gps_" not in str(caught.value)
    assert ID in str(caught.value)


def test_a_row_cannot_pass_for_another() -> None:
    """A MAC key moved to the place of a signing key, or under another id, does not open."""
    sealed = seal()
    with pytest.raises(KeyUnusable):
        opened(sealed, key_id="0a0b0c0e")
    with pytest.raises(KeyUnusable):
        opened(sealed, use=KeyUse.ACCESS)
    with pytest.raises(KeyUnusable):
        opened(sealed, algorithm=Algorithm.ES256)


@given(st.integers(0, (1 + 12 + 32 + 16) * 8 - 1))
def test_a_changed_bit_is_noticed(bit: int) -> None:
    """Format, nonce, content and tag alike."""
    sealed = bytearray(seal())
    sealed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(KeyUnusable):
        opened(bytes(sealed))


@given(st.binary(max_size=80))
def test_no_bytes_at_all_make_opening_fail_otherwise(sealed: bytes) -> None:
    """A damaged row is KeyUnusable, whatever is in it."""
    with pytest.raises(KeyUnusable):
        opened(sealed)


def test_a_secret_key_is_32_random_bytes_in_base64url() -> None:
    """With a prefix that secret scanners can look for; each is another."""
    text = generate_secret_key().reveal()
    assert text.startswith("gps_")
    assert len(base64.urlsafe_b64decode(text[4:] + "=")) == 32
    assert generate_secret_key().reveal() != text


def test_a_secret_key_from_a_file_may_end_with_a_line_feed() -> None:
    """As editors and `echo` leave it."""
    text = generate_secret_key().reveal()
    assert opened(seal(Sealer(Secret(text))), sealer=Sealer(Secret(text + "\n"))) == KEY.reveal()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "swordfish",
        "gps_",
        "gps_c2hvcnQ",
        "gps_" + "A1-_" * 10 + "A1",
        "gps_" + "A1-_" * 30,
        "gpr_" + "A1-_" * 11,
        "A1-_" * 11,
        "gps_" + "A1+/" * 11,
        "gps_" + "A1-é" * 11,
        "gps_" + "A1-_" * 5 + " " + "A1-_" * 6,
    ],
)
def test_a_secret_key_of_another_form_is_refused_with_advice(text: str) -> None:
    """The message says what it must look like and how to make one, and does not repeat it."""
    with pytest.raises(KeyUnusable, match=r"at least 32 random bytes .* `gatepass init`") as caught:
        Sealer(Secret(text))
    assert len(text) < 5 or text not in str(caught.value)


@pytest.mark.parametrize("raw", [b"\0" * 32, b"changeme" * 4, b"0123456789" * 4])
def test_a_placeholder_is_no_secret_key(raw: bytes) -> None:
    """What repeats itself was typed or copied from an example."""
    with pytest.raises(KeyUnusable, match="not random"):
        Sealer(Secret("gps_" + base64.urlsafe_b64encode(raw).decode().rstrip("=")))

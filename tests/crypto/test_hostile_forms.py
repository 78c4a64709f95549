"""Tokens that somebody made to get in: serialisations and signatures. After Project Wycheproof, RFC 8725."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import example, given
from hypothesis import strategies as st

from gatepass.domain.signing_key import Algorithm
from tests.crypto.forger import (
    BODY,
    HEAD,
    SERVER,
    SERVERS,
    SIGNATURE,
    Server,
    as_json,
    decoded,
    encoded,
)

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


# -- serialisation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "....",
        "undefined",
        "null",
        "[object Object]",
        "Bearer",
        f"Bearer {SERVER.good}",
        f'"{SERVER.good}"',
        f" {SERVER.good}",
        f"{SERVER.good}\n",
        f"{HEAD}.{BODY}",
        f"{HEAD}.{BODY}.",
        f".{BODY}.{SIGNATURE}",
        f"{HEAD}..{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE}.",
        f"{HEAD}.{BODY}.{SIGNATURE}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE}.{BODY}.{SIGNATURE}",
        f"{HEAD}=.{BODY}.{SIGNATURE}",
        f"{HEAD}.{BODY}==.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE}==",
        f"{HEAD}.{BODY}.{SIGNATURE}%3D%3D",
        f"{HEAD}.{BODY[:20]}\n{BODY[20:]}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE[:-1]}",
        f"{HEAD}.{BODY}.{SIGNATURE}A",
        SERVER.good[:-10],
        SERVER.good[: len(SERVER.good) // 2],
        SERVER.good * 2,
        SERVER.good + "A" * 10_000,
        "A" * 1_000_000,
        "." * 1_000_000,
        "é" * 20,
        "\ud800.\ud800.\ud800",
        SERVER.good.replace("e", "\u0435", 1),
        "\uff45" + SERVER.good[1:],
        json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE}),
        json.dumps({"payload": BODY, "signatures": [{"protected": HEAD, "signature": SIGNATURE}]}),
    ],
    ids=lambda token: repr(token[:16]) + str(len(token)),
)
def test_only_the_compact_form_in_its_one_spelling_is_a_token(token: str) -> None:
    """Three parts of unpadded base64url. RFC 7515 §7.1, RFC 8725 §3.12."""
    assert SERVER.refusal(token)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_slack_bits_are_refused(part: int) -> None:
    """The last character of a part has bits that no byte holds: only zero is canonical. RFC 4648 §3.5."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for server in SERVERS.values():
        parts = server.good.split(".")
        if len(parts[part]) % 4:
            last = alphabet.index(parts[part][-1])
            parts[part] = parts[part][:-1] + alphabet[last + 1]
            assert decoded(parts[part]) == decoded(server.good.split(".")[part])
            assert "damaged" in server.refusal(".".join(parts))


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS.keys())
def test_standard_base64_is_another_alphabet(server: Server) -> None:
    """`+` and `/` are not `-` and `_`."""
    tokens = (server.with_claims(jti=str(number)) for number in range(1000))
    token = next(token for token in tokens if {"-", "_"} & set(token.rpartition(".")[2]))
    assert server.refusal(token.replace("-", "+").replace("_", "/"))


@given(st.integers(0, len(SERVER.good) - 1), st.characters())
def test_any_changed_character_is_noticed(place: int, character: str) -> None:
    """Header, payload, signature and the dots between."""
    changed = SERVER.good[:place] + character + SERVER.good[place + 1 :]
    if changed != SERVER.good:
        SERVER.refusal(changed)


@given(st.text(max_size=200) | st.text(alphabet="eyJ.hbGciOi-_0", max_size=200))
@example("gpr_" + "A" * 76)
def test_no_text_at_all_makes_verification_fail_otherwise(text: str) -> None:
    """Hostile input has one outcome."""
    SERVER.refusal(text)


# -- signature ---------------------------------------------------------------------------------------------------------


def es256(change: Callable[[int, int], bytes]) -> str:
    r, s = (int.from_bytes(half) for half in (decoded(SIGNATURE)[:32], decoded(SIGNATURE)[32:]))
    return f"{HEAD}.{BODY}.{encoded(change(r, s))}"


def raw(r: int, s: int, size: int = 32) -> bytes:
    return r.to_bytes(size) + s.to_bytes(size)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(encode_dss_signature, id="DER instead of raw"),
        pytest.param(lambda r, s: raw(r, P256_ORDER - s), id="the other of the two signatures"),
        pytest.param(lambda r, s: raw(0, 0), id="zero"),
        pytest.param(lambda r, s: raw(r, 0), id="s zero"),
        pytest.param(lambda r, s: raw(0, s), id="r zero"),
        pytest.param(lambda r, s: raw(P256_ORDER, P256_ORDER), id="the order"),
        pytest.param(lambda r, s: raw(P256_ORDER, 0), id="r the order, s zero"),
        pytest.param(lambda r, s: raw(1, 1), id="one"),
        pytest.param(lambda r, s: raw(2**256 - 1, 2**256 - 1), id="all bits"),
        pytest.param(lambda r, s: raw(s, r), id="changed places"),
        pytest.param(lambda r, s: raw(r, s, 33), id="33 bytes each"),
        pytest.param(lambda r, s: raw(r, s)[:-1], id="a byte short"),
        pytest.param(lambda r, s: raw(r, s) + b"\0", id="a byte long"),
        pytest.param(lambda r, s: raw(r, s)[:32], id="r only"),
        pytest.param(lambda r, s: b"\0", id="one zero byte"),
        pytest.param(lambda r, s: bytes(64) + raw(r, s), id="behind 64 zero bytes"),
    ],
)
def test_an_es256_signature_has_one_form(change: Callable[[int, int], bytes]) -> None:
    """Both numbers in range, 32 bytes each, the lower s: psychic signatures (CVE-2022-21449) and malleability."""
    assert "signature" in SERVER.refusal(es256(change))


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS.keys())
def test_a_signature_of_other_content_or_length_is_wrong(server: Server) -> None:
    """Cut, padded with zero bytes, zeroed, or that of another token."""
    head, body, signature = server.good.split(".")
    right = decoded(signature)
    other = decoded(server.with_claims(jti="another").split(".")[2])
    for wrong in (right[:-1], right + b"\0", b"\0" + right, bytes(len(right)), b"\xff" * len(right), other):
        assert "signature" in server.refusal(f"{head}.{body}.{encoded(wrong)}")


def test_an_eddsa_signature_is_not_malleable() -> None:
    """S plus the order of the group is refused. RFC 8032 §5.1.7."""
    server = SERVERS[Algorithm.EDDSA]
    head, body, signature = server.good.split(".")
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(decoded(signature)[32:], "little") + order
    assert server.refusal(f"{head}.{body}.{encoded(decoded(signature)[:32] + s.to_bytes(32, 'little'))}")


def test_content_of_one_token_under_the_signature_of_another_is_refused() -> None:
    """The signature covers header and payload together."""
    richer = encoded(as_json({**SERVER.payload, "scope": "admin"}))
    assert "signature" in SERVER.refusal(f"{HEAD}.{richer}.{SIGNATURE}")

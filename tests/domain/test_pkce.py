"""PKCE: S256, and nothing else. RFC 7636."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import BadUserInput
from gatepass.domain.pkce import METHOD, CodeChallenge, challenge, is_met
from tests.kit.code_world import CHALLENGE, VERIFIER, challenge_of

verifiers = st.text("ABCXYZabcxyz0189-._~", min_size=43, max_size=128)


def test_the_example_of_the_rfc() -> None:
    """RFC 7636 Appendix B."""
    assert is_met(challenge(CHALLENGE, METHOD), VERIFIER)


@given(verifiers)
def test_every_verifier_meets_the_challenge_that_was_made_from_it(verifier: str) -> None:
    assert is_met(challenge(challenge_of(verifier), METHOD), verifier)


@given(verifiers, verifiers)
def test_no_other_verifier_meets_it(verifier: str, other: str) -> None:
    assert is_met(challenge(challenge_of(verifier), METHOD), other) is (verifier == other)


@given(st.text(max_size=200))
def test_a_challenge_is_not_its_own_verifier(text: str) -> None:
    """As it would be with `plain`; and whatever is not a verifier meets nothing."""
    assert not is_met(CHALLENGE, CHALLENGE)
    assert not is_met(CodeChallenge(text), text)


@pytest.mark.parametrize("method", [None, "plain", "s256", "S512", "", "S256 "])
def test_only_s256_is_taken(method: str | None) -> None:
    """No method means `plain`. RFC 7636 §4.3."""
    with pytest.raises(BadUserInput, match="S256"):
        challenge(CHALLENGE, method)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        CHALLENGE[:-1],
        f"{CHALLENGE}=",
        f"{CHALLENGE}A",
        CHALLENGE.replace("-", "+"),
        f"{CHALLENGE[:-1]}N",  # the same bytes in another spelling
        f"{CHALLENGE[:-1]}\n",
        "é" * 43,
    ],
)
def test_a_challenge_has_one_form(text: str | None) -> None:
    with pytest.raises(BadUserInput, match="code_challenge"):
        challenge(text, METHOD)


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 42 + " ", "ä" * 43, "a" * 43 + "\n"])
def test_what_is_no_verifier_meets_nothing(verifier: str) -> None:
    """43 to 128 unreserved characters. RFC 7636 §4.1."""
    assert not is_met(CHALLENGE, verifier)

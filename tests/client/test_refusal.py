"""Whether an answer refuses the access token, in the forms that servers have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.client.effects import Answer
from gatepass.client.refusal import Refusal, refusal
from tests.kit.driven import answer, error_body

CERTAIN = Refusal(is_certain=True, is_before_running=True)
IN_DOUBT = Refusal(is_certain=False, is_before_running=True)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, "", CERTAIN),
        (401, "<html>", CERTAIN),
        (401, error_body("Whatever.", "SOMETHING"), CERTAIN),
        (200, error_body("Who are you?", "UNAUTHENTICATED"), CERTAIN),
        (200, error_body("Who are you?", "auth-not-authenticated"), CERTAIN),
        (403, error_body("Who are you?", "TOKEN_EXPIRED"), CERTAIN),
        (403, "", IN_DOUBT),
        (403, "<html>", IN_DOUBT),
        (403, error_body("No."), IN_DOUBT),
        (200, error_body("The current user is not authorized to access this resource."), IN_DOUBT),
        (200, error_body("jwt expired"), IN_DOUBT),
        (200, error_body("Signature has expired"), IN_DOUBT),
        (200, error_body("Invalid token."), IN_DOUBT),
        (400, error_body("You are not logged in"), IN_DOUBT),
        (403, error_body("You may not do that.", "FORBIDDEN"), None),
        (200, error_body("This needs an access token with the scope `write`.", "FORBIDDEN"), None),
        (200, error_body("Cannot query field 'token' on type 'Query'."), None),
        (200, error_body("There is no company GP000042."), None),
        (200, {"data": {"me": "ada"}}, None),
        (200, {"data": {"errors": ["expired token"]}}, None),
        (500, error_body("Internal error."), None),
        (503, "expired token", None),
    ],
)
def test_an_answer_refuses_the_token_or_does_not(status: int, body: Any, expected: Refusal | None) -> None:
    """401 by itself (RFC 9110 §15.5.2), anything else by its code, or by its words where it has no code."""
    assert refusal(answer(body, status)) == expected


@pytest.mark.parametrize(
    ("body", "is_before"),
    [
        (error_body("No.", "UNAUTHENTICATED"), True),
        (error_body("No.", "UNAUTHENTICATED", data=None), False),
        (error_body("No.", "UNAUTHENTICATED", data={"rename": None}), False),
        ({"errors": [{"message": "No.", "path": ["rename"], "extensions": {"code": "UNAUTHENTICATED"}}]}, False),
    ],
)
def test_only_an_answer_without_data_and_path_ran_nothing(body: Any, is_before: bool) -> None:
    """GraphQL §7.1: a request error has no data entry. Where there is one, another field may have run."""
    found = refusal(answer(body))
    assert found is not None
    assert found.is_before_running is is_before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["errors", "data", "message", "extensions", "code", "path"]), inner)
    ),
    max_leaves=12,
)


@given(status=st.integers(200, 599), body=JSON)
def test_no_answer_is_a_surprise(status: int, body: Any) -> None:
    """Whatever a server sends, the question has an answer."""
    found = refusal(answer(body, status))
    assert found is None or isinstance(found, Refusal)


def test_a_body_that_nests_too_deep_is_no_json() -> None:
    """And no crash."""
    assert refusal(Answer(200, b"[" * 100_000)) is None

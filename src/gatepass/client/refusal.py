"""Whether an answer means that the server did not take the access token, in any of the forms that servers have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatepass.client.effects import Answer

_UNAUTHORIZED, _FORBIDDEN = 401, 403
_CERTAIN_CODES: Final = frozenset(
    ("UNAUTHENTICATED", "AUTH_NOT_AUTHENTICATED", "NOT_AUTHENTICATED", "AUTHENTICATION_ERROR", "TOKEN_EXPIRED",
     "INVALID_TOKEN", "INVALID_JWT", "JWT_EXPIRED", "UNAUTHORIZED", "401")
)  # fmt: skip
# Servers without error codes leave nothing but their words. They lead to one renewal, never to more.
_WORDS: Final = re.compile(
    r"\bunauthenticated\b|\bunauthori[sz]ed\b|\bnot (?:authenticated|authori[sz]ed|logged in|signed in)\b"
    r"|\b(?:token|jwt|signature|session|authori[sz]ation)\b.{0,40}\b(?:expired|invalid|not valid|missing|required)\b"
    r"|\b(?:expired|invalid|missing)\b.{0,20}\b(?:token|jwt|bearer|session)\b|\bauthentication (?:is )?required\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    The server did not take the token.

    Args:
        is_certain: it cannot mean "you may not do that" instead.
        is_before_running: no part of the operation ran.
    """

    is_certain: bool
    is_before_running: bool


def refusal(answer: Answer) -> Refusal | None:
    """
    How an answer refuses the token; None if it does not.

    401 says it by itself (RFC 9110 §15.5.2). 403, and 200 with errors, say it in `extensions.code` or in words. An
    answer without a `data` entry did not run (GraphQL §7.1.1: a request error); errors beside data may have.
    """
    if answer.status == _UNAUTHORIZED:
        return Refusal(is_certain=True, is_before_running=True)
    body = answer.body
    errors = body.get("errors") if isinstance(body, dict) else None
    if not errors or not isinstance(errors, list):
        return Refusal(is_certain=False, is_before_running=True) if answer.status == _FORBIDDEN else None
    codes = list(_codes(errors))
    is_before_running = "data" not in body and not any(isinstance(e, dict) and e.get("path") for e in errors)
    if any(code in _CERTAIN_CODES for code in codes):
        return Refusal(is_certain=True, is_before_running=is_before_running)
    if not codes and (answer.status == _FORBIDDEN or _says_so(errors)):
        return Refusal(is_certain=False, is_before_running=is_before_running)
    return None


def _codes(errors: Sequence[Any]) -> Iterator[str]:
    for error in errors:
        extensions = error.get("extensions") if isinstance(error, Mapping) else None
        code = extensions.get("code") if isinstance(extensions, Mapping) else None
        if code:
            yield str(code).upper().replace("-", "_")


def _says_so(errors: Sequence[Any]) -> bool:
    messages = (error.get("message") for error in errors if isinstance(error, Mapping))
    return any(isinstance(message, str) and _WORDS.search(message[:500]) for message in messages)

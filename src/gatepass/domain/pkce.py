"""
Proof Key for Code Exchange: who redeems an authorization code is who asked for it.

S256 alone. `plain` would put the proof into the browser's address bar, where the code is too.

Source: RFC 7636, RFC 9700 §2.1.1.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final, NewType

from gatepass.domain.errors import BadUserInput

CodeChallenge = NewType("CodeChallenge", str)
"""BASE64URL(SHA-256(verifier)), without padding."""

METHOD: Final = "S256"
# 32 bytes are 43 characters, the last of which has four bits: each challenge has exactly one spelling.
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def challenge(text: str | None, method: str | None) -> CodeChallenge:
    """
    The challenge of an authorization request.

    Args:
        method: None means `plain`, says the RFC, and is refused like it.

    Raises:
        BadUserInput: missing, of another method, or not the form of S256.

    Source: RFC 7636 §4.3 and §4.4.1.
    """
    if text is None:
        raise BadUserInput("code_challenge is missing: this server wants PKCE, with code_challenge_method=S256.")
    if method != METHOD:
        raise BadUserInput("code_challenge_method must be S256: 'plain' is not accepted.")
    if not _CHALLENGE.fullmatch(text):
        raise BadUserInput("code_challenge must be the base64url of a SHA-256, 43 characters without padding.")
    return CodeChallenge(text)


def is_met(expected: CodeChallenge, verifier: str) -> bool:
    """
    Whether `verifier` is what the challenge was made from; in constant time.

    Source: RFC 7636 §4.6.
    """
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(made, expected.encode("ascii"))

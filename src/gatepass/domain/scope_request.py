"""What a client asks for, within what it may have: scopes narrow, they never widen."""

from __future__ import annotations

import re
from typing import Final

from gatepass.domain.account import Scope
from gatepass.domain.errors import ScopeRefused

MAX_CHARACTERS: Final = 1024
_SCOPES: Final = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*", re.ASCII)


def parse(text: str | None) -> tuple[Scope, ...] | None:
    """
    The scopes in the parameter `scope`, sorted, each once; None where there is none.

    Raises:
        ScopeRefused: not a list of scopes with a space between.

    Source: RFC 6749 §3.3.
    """
    if text is None:
        return None
    if len(text) > MAX_CHARACTERS or not _SCOPES.fullmatch(text):
        raise ScopeRefused("scope is not a list of scopes: printable ASCII, one space between two of them.")
    return tuple(Scope(word) for word in sorted(set(text.split(" "))))


def narrowed(asked: tuple[Scope, ...] | None, allowed: tuple[Scope, ...] | None) -> tuple[Scope, ...] | None:
    """
    What is asked for, or all that is allowed where nothing is.

    Args:
        allowed: None for all that an account has.

    Raises:
        ScopeRefused: more than that.

    Source: RFC 6749 §3.3 and §6.
    """
    if asked is None:
        return allowed
    if allowed is not None and (beyond := sorted(set(asked) - set(allowed))):
        may = " ".join(allowed) if allowed else "none at all"
        raise ScopeRefused(f"This client may not have the scope {beyond[0]}: what it may have is {may}.")
    return asked

"""Passwords: one spelling for each, and which may be set."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files

from gatepass.domain.account import EmailAddress
from gatepass.domain.errors import BadUserInput
from gatepass.domain.secret import Secret

MAX_CHARACTERS = 1024
MIN_CHARACTERS = 12
_SHORTEST_NAME = 4
_LONGEST_UNIT = 4
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Cn"})


def prepare(plain: Secret[str]) -> Secret[bytes] | None:
    """
    The bytes to hash: spaces unified, NFKC, UTF-8; `None` where no account can have this password.

    `None` means empty, over 1,024 characters, or with control, unassigned or surrogate code points. It is never cut.
    Check `None` at the same cost as a wrong password.

    Source: RFC 8265 §4.2 (OpaqueString) with NFKC for NFC, see decision 0004; NIST SP 800-63B §3.1.1.2.
    """
    text = plain.reveal()
    if not 0 < len(text) <= MAX_CHARACTERS:
        return None
    if text.isascii():
        return Secret(text.encode()) if text.isprintable() else None
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)
    normal = unicodedata.normalize("NFKC", spaced)
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in normal):
        return None
    return Secret(normal.encode())


def check_new(plain: Secret[str], email: EmailAddress) -> Secret[bytes]:
    """
    The prepared form of a password that somebody wants to set.

    Raises:
        BadUserInput: too short, too long, common, made of the account's own name, or with unusable characters.

    Source: NIST SP 800-63B §3.1.1.2, OWASP ASVS 5.0 V6.2.
    """
    text = plain.reveal()
    if len(text) > MAX_CHARACTERS:
        raise BadUserInput(f"The password is too long: use at most {MAX_CHARACTERS} characters.")
    prepared = prepare(plain) if text else Secret(b"")
    if prepared is None:
        raise BadUserInput("The password has characters that cannot be used: remove control characters.")
    normal = prepared.reveal().decode()
    if len(normal) < MIN_CHARACTERS:
        raise BadUserInput(f"The password is too short: use at least {MIN_CHARACTERS} characters.")
    folded = normal.casefold()
    if _is_named_after(folded, email):
        raise BadUserInput("The password contains the account's own name: use one that does not.")
    if folded in common_passwords() or _is_repeated_unit(folded):
        raise BadUserInput("The password is one of the first that attackers try: use a less common one.")
    return prepared


@cache
def common_passwords() -> frozenset[str]:
    """The bundled list of common passwords long enough to be set at all, case folded."""
    text = files("gatepass.domain").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _is_named_after(folded: str, email: EmailAddress) -> bool:
    local, _, domain = email.partition("@")
    names = (email, local, domain.rpartition(".")[0])
    rest = folded
    for name in names:
        if len(name) >= _SHORTEST_NAME:
            rest = rest.replace(name, "")
    return len(rest) < MIN_CHARACTERS - _SHORTEST_NAME and rest != folded


def _is_repeated_unit(folded: str) -> bool:
    """`aaaaaaaaaaaa`, `abcabcabcabc`, `12341234123`: a unit of up to four characters over and over."""
    return any((folded[:size] * len(folded))[: len(folded)] == folded for size in range(1, _LONGEST_UNIT + 1))

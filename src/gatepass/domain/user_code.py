"""
The short code that a person reads on one device and types into another: `WDJB-MJHT`.

Twenty consonants, no vowels and no digits: none looks like another, and no word comes out. Eight of them are 34 bits,
enough for ten minutes behind a limit of attempts, and no more than that.

Source: RFC 8628 §5.1 and §6.1.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Final, NewType

from gatepass.domain.errors import BadUserInput

UserCode = NewType("UserCode", str)
"""Eight letters, upper case, as typed without the hyphen."""

ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
RANDOM_BYTES: Final = 16
_MAX_TYPED: Final = 40
_GROUP: Final = LENGTH // 2


def make(random: bytes) -> UserCode:
    """
    A code out of 16 fresh random bytes.

    20^8 codes out of 2^128 numbers: no code is likelier than another by more than one part in 2^93.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a user code takes {RANDOM_BYTES} random bytes, not {len(random)}")
    number, letters = int.from_bytes(random), ""
    for _ in range(LENGTH):
        number, index = divmod(number, len(ALPHABET))
        letters += ALPHABET[index]
    return UserCode(letters)


def parse(typed: str) -> UserCode:
    """
    The code in what somebody typed: any case, with or without hyphens and spaces.

    Raises:
        BadUserInput: not the form of a code; that needs no look-up.
    """
    text = unicodedata.normalize("NFKC", typed[:_MAX_TYPED]).upper()
    letters = "".join(character for character in text if character.isalnum())
    if len(typed) > _MAX_TYPED or len(letters) != LENGTH or not set(letters) <= set(ALPHABET):
        raise BadUserInput(f"That is not a code: it has {LENGTH} letters, such as WDJB-MJHT, without vowels or digits.")
    return UserCode(letters)


def shown(code: UserCode) -> str:
    """As it is shown, in two groups."""
    return f"{code[:_GROUP]}-{code[_GROUP:]}"


def digest(code: UserCode) -> bytes:
    """What is stored of it: its SHA-256. It says little for 34 bits, but a code lives for minutes."""
    return hashlib.sha256(code.encode("ascii")).digest()

"""How often user codes may be guessed and devices may ask: 34 bits are enough only behind a limit (RFC 8628 §5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from gatepass.domain.attempts import Rate
from gatepass.domain.identifiers import AccountId
from gatepass.domain.network import network_of

EVERYBODY: Final = "user_code_overall:"


def rates(*, wrong_codes: int, wrong_codes_overall: int, starts: int, within: timedelta) -> Mapping[str, Rate]:
    """
    What may be tried `within` so long.

    Args:
        wrong_codes: by one network, and by one account.
        wrong_codes_overall: by all together.
        starts: device sign-ins begun by one network.
    """
    return {
        "user_code_network": Rate(wrong_codes, within),
        "user_code_account": Rate(wrong_codes, within),
        "user_code_overall": Rate(wrong_codes_overall, within),
        "device_start": Rate(starts, within),
    }


def by_network(kind: str, address: str | None) -> str:
    """The key of the network that an address is in."""
    return f"{kind}:{network_of(address)}"


def guesses(address: str | None) -> tuple[str, str]:
    """The keys of somebody who types in a user code."""
    return by_network("user_code_network", address), EVERYBODY


def guesses_of(account: AccountId) -> str:
    """The key of an account that does."""
    return f"user_code_account:{account}"

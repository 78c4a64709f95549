"""How often user codes may be guessed and devices may ask: 34 bits are enough only behind a limit (RFC 8628 §5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from gatepass.domain.identifiers import AccountId
from gatepass.usecases.attempts import Allowance

WRONG_CODES: Final = 10
WRONG_CODES_OVERALL: Final = 1_000
STARTS: Final = 100
WINDOW: Final = timedelta(minutes=10)
EVERYBODY: Final = "user_code_overall:"
_IPV6_SITE_BITS: Final = 64


def allowances(
    *, wrong_codes: int = WRONG_CODES, wrong_codes_overall: int = WRONG_CODES_OVERALL, starts: int = STARTS
) -> Mapping[str, Allowance]:
    """
    What may be tried within ten minutes.

    Args:
        wrong_codes: by one address, and by one account.
        wrong_codes_overall: by all together.
        starts: device sign-ins begun by one address.
    """
    return {
        "user_code_address": Allowance(wrong_codes, WINDOW),
        "user_code_account": Allowance(wrong_codes, WINDOW),
        "user_code_overall": Allowance(wrong_codes_overall, WINDOW),
        "device_start": Allowance(starts, WINDOW),
    }


def by_address(kind: str, address: str | None) -> str:
    """The key of an address; of IPv6 that of its site, where one host has 2^64 addresses."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return f"{kind}:{address or ''}"
    if isinstance(parsed, IPv6Address):
        return f"{kind}:{int(parsed) >> _IPV6_SITE_BITS:x}"
    return f"{kind}:{parsed}"


def guesses(address: str | None) -> tuple[str, str]:
    """The keys of somebody who types in a user code."""
    return by_address("user_code_address", address), EVERYBODY


def guesses_of(account: AccountId) -> str:
    """The key of an account that does."""
    return f"user_code_account:{account}"

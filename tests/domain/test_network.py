"""Addresses in one spelling, and who counts as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.network import canonical_address, network_of


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("0:0:0:0:0:ffff:c000:0201", "192.0.2.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("192.0.2.01", ""),
        ("192.0.2", ""),
        ("localhost", ""),
        ("", ""),
        ("/run/gatepass.sock", ""),
        ("1" * 10_000, ""),
    ],
)
def test_an_address_has_one_spelling(given: str, canonical: str) -> None:
    assert canonical_address(given) == canonical


def test_an_ipv4_address_is_a_network_and_an_ipv6_site_of_64_bits_is_one() -> None:
    assert network_of("192.0.2.1") == network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8::1") == network_of("2001:db8:0:0:ffff:ffff:ffff:ffff") == "2001:db8::/64"
    assert network_of("2001:db8:0:1::1") == "2001:db8:0:1::/64"


def test_who_has_no_address_is_one_network_together() -> None:
    assert network_of(None) == network_of("") == network_of("nonsense") == "unknown"


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_whatever_a_host_takes_in_its_site_it_stays_one(address: object, host: int) -> None:
    site = int(address) >> 64 << 64  # type: ignore[call-overload]
    if site >> 64 == 0:
        return
    text = ":".join(f"{(site | host) >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))
    assert network_of(text) == network_of(str(address))

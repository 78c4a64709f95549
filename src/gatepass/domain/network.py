"""Addresses of clients, in one spelling, and the network that stands for everybody at one connection."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

IPV6_SITE_BITS: Final = 64
_MAX_CHARACTERS: Final = 64
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@lru_cache(maxsize=4096)
def canonical_address(text: str) -> str:
    """
    The one spelling of an IP address: without zone, and an IPv4 address also where it came wrapped in an IPv6 one.

    What is no address, as a name or the path of a Unix socket, is the empty text.

    Source: RFC 5952, RFC 4291 §2.5.5.2.
    """
    address = parsed_address(text)
    return "" if address is None else str(address)


def parsed_address(text: str) -> Address | None:
    """The address that a text is, or None."""
    if len(text) > _MAX_CHARACTERS:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4096)
def network_of(address: str | None) -> str:
    """
    Who counts as one: an IPv4 address, or an IPv6 site of 64 bits, in which one host has as many addresses as it likes.

    Callers without an address are one network together.
    """
    parsed = parsed_address(address or "")
    if parsed is None:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed) >> IPV6_SITE_BITS << IPV6_SITE_BITS, IPV6_SITE_BITS)))
    return str(parsed)

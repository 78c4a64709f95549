"""Where an upstream on HTTP is."""

from __future__ import annotations

from yarl import URL


def upstream_address(url: str) -> URL:
    """
    The parsed address of an upstream.

    Raises:
        ValueError: not an http or https address, or one with credentials or a fragment.
    """
    address = URL(url)
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError(f"the upstream's address must start with http:// or https:// and have a host: {url!r}")
    if address.user is not None or address.password is not None or address.fragment:
        raise ValueError("the upstream's address must not have credentials or a fragment")
    return address

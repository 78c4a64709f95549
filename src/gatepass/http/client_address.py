"""
Whose request it is: the address of the client, also where proxies stand in between.

What a forwarded header says counts only as far as trusted proxies have written it: from the right, where each proxy
appends who it saw, to the first address that is no trusted proxy. All further left is what that client claims.

Source: RFC 7239; MDN on X-Forwarded-For, "Selecting an IP address".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

from gatepass.domain.network import Address, Network, canonical_address, parsed_address
from gatepass.http.asgi import Headers, Scope
from gatepass.http.refusals import BadRequest

MAX_HOPS: Final = 64
_MAX_BYTES: Final = 4096
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # noqa: S105 - of RFC 9110
# One pair, or none, and what ends it: RFC 7239 §4, RFC 9110 §5.6.1.2. Possessive, so that no text is gone over twice;
# one at a time, because spaces that two neighbours could both claim take exponential time to tell apart.
_PAIR: Final = re.compile(
    rf'[ \t]*+(?:({_TOKEN})=({_TOKEN}|"[^"\\]*+(?:\\.[^"\\]*+)*+"))?[ \t]*+(;|,|\Z)',
)
_HOST_AND_PORT: Final = re.compile(r"\[(?P<six>[^\]]*)\](?::\w+)?|(?P<four>[0-9.]+)(?::\w+)?")
_HINT: Final = (
    "%s sends %s and is not in trusted_proxies, so that all who come through it count as one client. If it is a proxy "
    "of yours that writes this header itself, name it in the setting trusted_proxies."
)
Notice = Callable[..., None]
"""As `logging.Logger.warning`."""


class ClientAddress:
    """
    Finds the address of a request's client, canonical; empty where there is none, as behind a Unix socket.

    Args:
        trusted: networks of our own proxies, such as `10.0.0.0/8`.
        on_notice: told once where a header comes that nobody has said to trust.
    """

    def __init__(self, trusted: Sequence[str] = (), on_notice: Notice | None = None) -> None:
        self._trusted: list[Network] = [ip_network(network) for network in trusted]
        self._is_trusted = lru_cache(maxsize=4096)(self._looked_up)
        self._notice = on_notice

    def __call__(self, scope: Scope) -> str:
        """
        The client's address.

        Raises:
            BadRequest: a trusted proxy sent headers that cannot be read, or that name different clients.
        """
        client = scope.get("client")
        peer = canonical_address(client[0]) if client else ""
        headers: Headers = scope["headers"]
        if not self._is_trusted(peer):
            if self._notice is not None:
                self._tell(peer, headers)
            return peer
        hops = _x_forwarded_for(headers), _forwarded(headers)
        found = {self._walk(peer, each) for each in hops if each is not None}
        if len(found) > 1:
            raise BadRequest(
                "The headers Forwarded and X-Forwarded-For name different clients. The proxy in front must set or "
                "remove both."
            )
        return found.pop() if found else peer

    def _walk(self, peer: str, hops: Sequence[str]) -> str:
        """From the right, as long as who wrote it is trusted. What is no address hides who is behind it."""
        nearest = peer
        for hop in reversed(hops[-MAX_HOPS:]):
            address = _host(hop)
            if not address:
                break
            nearest = address
            if not self._is_trusted(address):
                break
        return nearest

    def _looked_up(self, address: str) -> bool:
        parsed = parsed_address(address)
        return parsed is not None and any(_is_in(parsed, network) for network in self._trusted)

    def _tell(self, peer: str, headers: Headers) -> None:
        if self._notice is None or not _is_private(peer):
            return
        named = next((name for name, _ in headers if name in (b"x-forwarded-for", b"forwarded")), None)
        if named is not None:
            notice, self._notice = self._notice, None
            notice(_HINT, peer, named.decode("ascii").title())


@lru_cache(maxsize=4096)
def _is_private(address: str) -> bool:
    parsed = parsed_address(address)
    return parsed is not None and parsed.is_private


def _is_in(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network


def _values(headers: Headers, name: bytes) -> str | None:
    """Several headers of one name are one list (RFC 9110 §5.3)."""
    values = [value for key, value in headers if key == name]
    if not values:
        return None
    text = b",".join(values)
    if len(text) > _MAX_BYTES:
        raise BadRequest(f"The header {name.decode('ascii').title()} is too long.")
    return text.decode("latin-1")


def _x_forwarded_for(headers: Headers) -> list[str] | None:
    text = _values(headers, b"x-forwarded-for")
    return None if text is None else [hop.strip() for hop in text.split(",")]


def _forwarded(headers: Headers) -> list[str] | None:
    """
    The node of each `for`; empty where an element has none.

    Raises:
        BadRequest: not of the form of RFC 7239 §4. An open quote would swallow what the next proxy appends.
    """
    text = _values(headers, b"forwarded")
    if text is None:
        return None
    hops: list[str] = []
    position, node, end = 0, "", ""
    while position < len(text) or end == ";":
        pair = _PAIR.match(text, position)
        if pair is None:
            raise BadRequest("The header Forwarded is not of the form of RFC 7239.")
        name, value, end = pair.groups()
        if not node and name is not None and name.lower() == "for":
            node = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] == '"' else value
        if end != ";":
            hops.append(node)
            node = ""
        position = pair.end()
    return hops


def _host(hop: str) -> str:
    """The address of a node, without its port; empty where it is none, as `unknown` or an obfuscated one."""
    plain = canonical_address(hop)
    if plain:
        return plain
    match = _HOST_AND_PORT.fullmatch(hop)
    return canonical_address(match["six"] or match["four"] or "") if match else ""

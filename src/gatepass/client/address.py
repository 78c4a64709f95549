"""An API's address: checked before a password goes there, and compared with the one that a token belongs to."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from gatepass.client.errors import ClientError

_PORTS = {"http": 80, "https": 443}
_LONGEST_NAMED = 100
_LONGEST_LABEL = 63


class BadAddress(ClientError):
    """An address that nothing may be sent to."""

    code = "BAD_ADDRESS"


def checked(url: str) -> str:
    """
    The address as it was given.

    Raises:
        BadAddress: no http or https, no host, a fragment, or a user or password in it, which would end in logs.
    """
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in _PORTS and _is_name(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address or not url.isprintable() or " " in url:
        raise BadAddress(f"{_named(url)} is no address of an API: it should read like https://api.example.org/graphql/")
    if "@" in parts.netloc:
        raise BadAddress("The address must not hold a user or password: pass username and password beside it.")
    if parts.fragment:
        raise BadAddress(f"{url} has a '#': an API's address has none.")
    return url


def _is_name(host: str | None) -> bool:
    """Whether it has the form of a host's name or number: no part of a name is empty or too long (RFC 1035 §2.3.4)."""
    if not host:
        return False
    if host.isascii():
        return all(0 < len(label) <= _LONGEST_LABEL for label in host.removesuffix(".").split("."))
    return bool(host.encode("idna"))


def _named(url: str) -> str:
    """What was given, unless it might hold a password, or is no sight."""
    return repr(url) if url.isprintable() and "@" not in url and len(url) <= _LONGEST_NAMED else "This"


def origin(url: str) -> str:
    """Scheme, host and port, the port always said (RFC 6454 §4)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{_host(parts)}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def is_same(one: str, other: str) -> bool:
    """Whether two addresses name one API: the closing slash, the case of the host and a default port do not matter."""
    return _comparable(one) == _comparable(other)


def _comparable(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return origin(url), parts.path.rstrip("/"), parts.query


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host

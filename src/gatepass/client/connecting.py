"""What the environment says of the way to a server: proxies (`HTTPS_PROXY`, …) and authorities (`SSL_CERT_FILE`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from gatepass.client.errors import ClientError

Pool = TypeVar("Pool")


class BadNetworkSetting(ClientError):
    """A variable of the environment says how to reach servers, and cannot be followed."""

    code = "BAD_NETWORK_SETTING"


def opened(make: Callable[[], Pool]) -> Pool:
    """
    The pool of connections that `make` makes, which reads the environment.

    Raises:
        BadNetworkSetting: a proxy or an authority is named there that cannot be used.
    """
    import httpx2  # noqa: PLC0415 - not before it is needed: it takes longer than all the rest

    try:
        return make()
    except ImportError as error:
        raise BadNetworkSetting(
            f"{_named_proxies()} names a SOCKS proxy, and that needs a package: pip install 'httpx2[socks]'"
        ) from error
    except (ValueError, httpx2.InvalidURL) as error:
        raise BadNetworkSetting(
            f"{_named_proxies()} names no proxy that can be used: it should read like http://proxy.example.org:3128"
        ) from error
    except OSError as error:
        name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        reason = "it has no certificate" if error.strerror is None or "CERT" in error.strerror else error.strerror
        raise BadNetworkSetting(f"{name} is {os.environ.get(name, '')}, which cannot be used: {reason}.") from error


def proxy_of(url: str) -> str | None:
    """Host and port of the proxy that the environment names for that address; never its password."""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - httpx2 has imported it

    parts, proxies = urlsplit(url), getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or proxy_bypass(parts.hostname or ""):
        return None
    return found.rpartition("//")[2].rpartition("@")[2].rstrip("/")


def _named_proxies() -> str:
    """The variables that are set."""
    names = (name for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") if os.environ.get(name))
    lower = (name for name in ("http_proxy", "https_proxy", "all_proxy") if os.environ.get(name))
    return " or ".join([*names, *lower]) or "The system"

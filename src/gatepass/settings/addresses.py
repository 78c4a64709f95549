"""Kinds of addresses: of web servers, listeners, paths, and databases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gatepass.settings.kinds import Kind, UnusableError

_VISIBLE = re.compile(r"[\x21-\x7e]{1,2048}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,32})?", re.ASCII)
_URL_PATH = re.compile(r"(/[A-Za-z0-9._~-]{1,64}){1,8}", re.ASCII)
_LOOPBACK = re.compile(r"127(\.[0-9]{1,3}){3}", re.ASCII)
_MOST_NETWORKS: Final = 256
_TAKEN: Final = ("/livez", "/readyz", "/metrics", "/authz", "/oauth", "/.well-known")
_USUAL_PORTS: Final = {"http": 80, "https": 443}
SQLITE: Final = "sqlite:///"
_POSTGRES: Final = ("postgresql", "postgres")
_POSTGRES_HOST: Final = re.compile(r"([A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]|%2[Ff][A-Za-z0-9._%-]+)(:[0-9]{1,5})?")
_PASSWORD: Final = re.compile(r"^([a-z]+://[^:/@]*:)[^@/]*@")
_QUERY_PASSWORD: Final = re.compile(r"([?&](?:ssl)?password=)[^&]*")


@dataclass(frozen=True, slots=True)
class WebAddress(Kind[str]):
    """An absolute http or https URL. `is_base`: others are made from it, so it has no query and no closing slash."""

    is_base: bool = False

    @property
    def expected(self) -> str:
        """With an example."""
        return "an address like https://api.example.org" + ("" if self.is_base else "/graphql")

    def read(self, raw: object) -> str:
        """Take a URL without credentials and fragment."""
        if not isinstance(raw, str) or not _VISIBLE.fullmatch(raw):
            raise UnusableError
        parts = _split(raw)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment or "#" in raw:
            raise UnusableError
        if "@" in parts.netloc:
            raise UnusableError("an address must not hold credentials")
        if self.is_base and "?" in raw:
            raise UnusableError
        return raw.rstrip("/") if self.is_base else raw


class Host(Kind[str]):
    """Where to listen: a name or an IP address."""

    @property
    def expected(self) -> str:
        """With examples."""
        return "a host name or IP address to listen on, such as 127.0.0.1, 0.0.0.0 or ::1"

    def read(self, raw: object) -> str:
        """Take a name, or an address with or without the brackets of a URL."""
        host = raw.removeprefix("[").removesuffix("]") if isinstance(raw, str) else ""
        if not _HOST.fullmatch(host):
            raise UnusableError
        return host


class Networks(Kind[tuple[str, ...]]):
    """IP addresses and networks, in their one spelling."""

    @property
    def expected(self) -> str:
        """With examples."""
        return 'IP addresses and networks, such as ["127.0.0.1", "10.0.0.0/8"], or with commas: 127.0.0.1,10.0.0.0/8'

    def read(self, raw: object) -> tuple[str, ...]:
        """Take a list, or text with commas. Not the whole Internet: then everybody could claim any address."""
        given = [part.strip() for part in raw.split(",")] if isinstance(raw, str) and raw.strip() else raw or ()
        if not isinstance(given, list | tuple) or len(given) > _MOST_NETWORKS:
            raise UnusableError
        return tuple(_network(each) for each in given)

    def plain(self, value: tuple[str, ...]) -> object:
        """As a list."""
        return list(value)


def _network(raw: object) -> str:
    try:
        network = ip_network(raw if isinstance(raw, str) else "")
    except ValueError as error:
        words = str(error) if "host bits" in str(error) else ""
        raise UnusableError(words) from None
    if network.prefixlen == 0:
        raise UnusableError("that is everybody, who could then claim any address")
    return str(network.network_address) if network.num_addresses == 1 else str(network)


class Origins(Kind[tuple[str, ...]]):
    """Origins of web pages, in their one spelling."""

    @property
    def expected(self) -> str:
        """With an example."""
        return 'origins such as ["https://app.example.org"], or with commas; neither * nor null'

    def read(self, raw: object) -> tuple[str, ...]:
        """Take a list, or text with commas; each exactly as a browser writes it."""
        given = [part.strip() for part in raw.split(",")] if isinstance(raw, str) and raw.strip() else raw or ()
        if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
            raise UnusableError
        for each in given:
            if not _VISIBLE.fullmatch(each) or each != _origin_or_nothing(each):
                raise UnusableError
        return tuple(given)

    def plain(self, value: tuple[str, ...]) -> object:
        """As a list."""
        return list(value)


def _origin_or_nothing(text: str) -> str:
    parts = _split(text)
    return origin(text) if parts.scheme in _USUAL_PORTS and parts.hostname else ""


class UrlPath(Kind[str]):
    """The path of the endpoint, without a closing slash."""

    @property
    def expected(self) -> str:
        """With an example."""
        return f"a path like /graphql, of letters, digits and ._~-, and none of {' '.join(_TAKEN)}"

    def read(self, raw: object) -> str:
        """Take a path that is not another endpoint's."""
        path = raw.removesuffix("/") if isinstance(raw, str) else ""
        taken = any(path == other or path.startswith(f"{other}/") for other in _TAKEN)
        if not _URL_PATH.fullmatch(path) or taken or {".", ".."} & set(path.split("/")):
            raise UnusableError
        return path


class DatabaseUrl(Kind[str]):
    """Where accounts and sessions are kept. It may name a password, which is never shown."""

    is_secret = True

    @property
    def expected(self) -> str:
        """With examples."""
        return (
            "sqlite:///FILE, such as sqlite:////var/lib/gatepass/gatepass.db, or postgresql://HOST/DATABASE with "
            "ROLE:PASSWORD@ before the host"
        )

    def read(self, raw: object) -> str:
        """Take the URL of an SQLite file or of a PostgreSQL database."""
        if not isinstance(raw, str):
            raise UnusableError
        if raw.partition(":")[0] in _POSTGRES:
            return _postgres_url(raw)
        name = raw.removeprefix(SQLITE)
        if name == raw or not name or not name.isprintable() or "?" in name or name.endswith("/"):
            raise UnusableError
        return raw

    def hides(self, raw: object) -> bool:
        """Only a server has a password."""
        return not str(raw).startswith(SQLITE)

    def plain(self, value: str) -> object:
        """Without the password."""
        if value.startswith(SQLITE):
            return value
        return _QUERY_PASSWORD.sub(r"\1***", _PASSWORD.sub(r"\1***@", value))


def _postgres_url(raw: str) -> str:
    rest = raw.partition("://")[2]
    if not rest:
        raise UnusableError("after postgresql: come // and more")
    if not _VISIBLE.fullmatch(raw) or "#" in raw:
        raise UnusableError("in the password, # is written %23, and what is not ASCII in the same way")
    # Otherwise a piece of the password would be taken for a host or for the database, and named in an error.
    server, _, database = rest.partition("?")[0].partition("/")
    if "@" in database or server.count("@") > 1:
        raise UnusableError("in the password, / is written %2F, ? is written %3F, and @ is written %40")
    if not all(_POSTGRES_HOST.fullmatch(host) for host in server.rpartition("@")[2].split(",")):
        raise UnusableError("after the @ come hosts, each with or without :PORT, with commas between")
    return raw


def sqlite_url(file: Path) -> str:
    """The URL of an SQLite file: four slashes where its path is absolute."""
    return SQLITE + file.as_posix()


def sqlite_file(url: str, folder: Path) -> Path | None:
    """The file of an SQLite URL; a relative one starts at `folder`. None for a database on a server."""
    return folder / url.removeprefix(SQLITE) if url.startswith(SQLITE) else None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener there."""
    return host in ("localhost", "::1") or _LOOPBACK.fullmatch(host) is not None


def url_host(host: str) -> str:
    """How a listener's host stands in a URL: IPv6 in brackets, a wildcard as this machine's own name."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        return "localhost"
    return f"[{host}]" if ":" in host else host


def host_of(url: str) -> str:
    """The host of a web address, lower case, IPv6 without brackets."""
    return urlsplit(url).hostname or ""


def origin(url: str) -> str:
    """
    Scheme, host and port of a web address, in the one spelling of an origin: without the scheme's own port.

    Source: RFC 6454 §6.2.
    """
    parts = urlsplit(url)
    host = f"[{host_of(url)}]" if ":" in host_of(url) else host_of(url)
    is_usual = parts.port in (None, _USUAL_PORTS.get(parts.scheme))
    return f"{parts.scheme}://{host}" + ("" if is_usual else f":{parts.port}")


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise UnusableError from error
    return parts

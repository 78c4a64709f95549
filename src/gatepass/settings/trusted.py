"""The kind of setting that says which other issuers are trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Final

from gatepass.domain.trusted_issuer import DEFAULT_ALGORITHMS, DEFAULT_SCOPES_CLAIM, SEPARATOR, TrustedIssuer
from gatepass.settings.addresses import WebAddress, host_of, is_loopback
from gatepass.settings.kinds import Kind, UnusableError

ALGORITHMS: Final = (
    "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
)  # fmt: skip
_KEYS: Final = tuple(field.name for field in fields(TrustedIssuer))
_VISIBLE: Final = re.compile(r"[!-~]{1,255}")
_ADDRESS: Final = WebAddress()


class TrustedIssuers(Kind[tuple[TrustedIssuer, ...]]):
    """A list of other issuers. What is wrong with one is said with its name."""

    @property
    def expected(self) -> str:
        """For TOML and for the environment."""
        return "a list of tables with issuer, audience and jwks, in the environment as JSON"

    def read(self, raw: object) -> tuple[TrustedIssuer, ...]:
        """Take tables, their JSON, or the values themselves."""
        tables = _from_json(raw) if isinstance(raw, str) else raw
        if not isinstance(tables, list | tuple):
            raise UnusableError
        found = tuple(_issuer(table, f"number {number}") for number, table in enumerate(tables, 1))
        if len({each.issuer for each in found}) < len(found):
            raise UnusableError("an issuer stands there twice")
        return found

    def plain(self, value: tuple[TrustedIssuer, ...]) -> object:
        """As tables."""
        return [{name: _plain(part) for name, part in asdict(each).items()} for each in value]


def _from_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnusableError("it is not JSON") from None


def _issuer(table: object, name: str) -> TrustedIssuer:
    if isinstance(table, TrustedIssuer):
        table = asdict(table)
    if not isinstance(table, Mapping):
        raise UnusableError(f"{name} is not a table")
    if unknown := sorted(map(str, table.keys() - set(_KEYS))):
        raise UnusableError(f"{name} has {unknown[0]!r}, and there is only {', '.join(_KEYS)}")
    issuer = table.get("issuer")
    if not isinstance(issuer, str) or not _VISIBLE.fullmatch(issuer) or SEPARATOR in issuer:
        raise UnusableError(f"{name} needs an issuer: the claim 'iss' of its tokens, of visible ASCII without '|'")
    audience = table.get("audience")
    if not isinstance(audience, str) or not audience or not audience.isprintable():
        raise UnusableError(
            f"{issuer} needs an audience: the claim 'aud' that its tokens have for this API. Without it, tokens that "
            "were made for any other API of that issuer would pass"
        )
    algorithms = _names(table.get("algorithms", DEFAULT_ALGORITHMS), f"algorithms of {issuer}")
    if wrong := [algorithm for algorithm in algorithms if algorithm not in ALGORITHMS]:
        raise UnusableError(f"{issuer} has the algorithm {wrong[0]!r}, and there is {', '.join(ALGORITHMS)}")
    claim = table.get("scopes_claim", DEFAULT_SCOPES_CLAIM)
    path = _names([claim] if isinstance(claim, str) else claim, f"scopes_claim of {issuer}")
    return TrustedIssuer(issuer, audience, _place(table.get("jwks"), issuer), algorithms, path)


def _place(raw: object, issuer: str) -> str:
    """Where the keys are. Over plain HTTP anybody on the way could put theirs there."""
    if isinstance(raw, str) and "://" in raw:
        try:
            address = _ADDRESS.read(raw)
        except UnusableError:
            raise UnusableError(f"jwks of {issuer} is no address of the form https://host/path") from None
        if not address.startswith("https://") and not is_loopback(host_of(address)):
            raise UnusableError(f"jwks of {issuer} must begin with https://, where it is not on this machine")
        return address
    if isinstance(raw, str) and "\x00" not in raw and Path(raw).is_absolute():
        return raw
    raise UnusableError(f"{issuer} needs jwks: the address of its public keys, or the absolute path of a file")


def _names(raw: object, what: str) -> tuple[str, ...]:
    names = tuple(raw) if isinstance(raw, Iterable) and not isinstance(raw, str | Mapping) else ()
    if not names or not all(isinstance(name, str) and name for name in names):
        raise UnusableError(f"{what} must be a list of texts")
    return names


def _plain(part: object) -> object:
    return list(part) if isinstance(part, tuple) else part

"""An OAuth client: a program that gets tokens, for the people who use it or for itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from gatepass.domain.access_token import FIRST_PARTY_CLIENT
from gatepass.domain.account import Account, EmailAddress, Scope
from gatepass.domain.errors import BadUserInput
from gatepass.domain.identifiers import EPOCH, AccountId

MAX_NAME: Final = 80
MAX_REDIRECT_URIS: Final = 16


class GrantType(StrEnum):
    """How a client gets tokens, as `grant_type` says it on the wire (RFC 6749 §4 and §6, RFC 8628 §3.4)."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a word of the wire
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class ClientAuthentication(StrEnum):
    """How a client proves who it is."""

    NONE = "none"
    """It cannot: whoever has the program has all that it knows (public clients, RFC 6749 §2.1)."""
    SECRET = "client_secret"  # noqa: S105 - a word
    """With a secret, as `client_secret_basic` or `client_secret_post`."""
    PRIVATE_KEY_JWT = "private_key_jwt"
    """With a signature (RFC 7523 §2.2)."""


BEGINNINGS: Final = frozenset(GrantType) - {GrantType.REFRESH_TOKEN}
"""Grants that give a first token."""


@dataclass(frozen=True, slots=True)
class Client:
    """
    A client as everyone may see it; the digest of its secret travels apart, see `StoredClient`.

    `scopes` is what it may have at most, None for all that an account has. `redirect_uris` is where a browser may bring
    a code. Nobody is asked whether a first-party client may have what it wants. `jwks` is the JSON of its public keys,
    empty unless it signs.
    """

    id: str
    name: str
    authentication: ClientAuthentication
    grants: frozenset[GrantType]
    scopes: tuple[Scope, ...] | None
    redirect_uris: tuple[str, ...]
    created_at: datetime
    is_first_party: bool = False
    jwks: str = ""

    @property
    def is_public(self) -> bool:
        """Whether it cannot prove who it is."""
        return self.authentication is ClientAuthentication.NONE

    @property
    def own_account(self) -> Account | None:
        """
        The account as which it acts for itself; None where it never does.

        It has the client's id, so that `sub` of such a token is the client (RFC 9068 §2.2), and an address at which
        nobody can sign in (RFC 2606 §2).
        """
        if GrantType.CLIENT_CREDENTIALS not in self.grants:
            return None
        address = own_address(self.id)
        return Account(AccountId(UUID(self.id)), address, self.scopes or (), self.created_at)


BUILT_IN: Final = Client(
    id=FIRST_PARTY_CLIENT,
    name="Gatepass command line",
    authentication=ClientAuthentication.NONE,
    grants=frozenset({GrantType.DEVICE_CODE, GrantType.REFRESH_TOKEN}),
    scopes=None,
    redirect_uris=(),
    created_at=EPOCH,
    is_first_party=True,
)
"""Who signs in with `signIn`, and the command line on a device: it is always there, and in no store."""


def own_address(client_id: str) -> EmailAddress:
    """The address of a client's own account."""
    return EmailAddress(f"{client_id}@client.invalid")


def check(client: Client) -> Client:
    """
    A client that can be registered.

    Raises:
        BadUserInput: its parts do not fit together, or its name cannot be shown.
    """
    _check_name(client.name)
    _check_grants(client)
    if bool(client.redirect_uris) is not (GrantType.AUTHORIZATION_CODE in client.grants):
        raise BadUserInput("A client that gets authorization codes needs a redirect URI, and no other client has one.")
    if len(client.redirect_uris) > MAX_REDIRECT_URIS:
        raise BadUserInput(f"Too many redirect URIs: at most {MAX_REDIRECT_URIS}.")
    if bool(client.jwks) is not (client.authentication is ClientAuthentication.PRIVATE_KEY_JWT):
        raise BadUserInput("A client that signs needs its public keys, and no other client has some.")
    return client


def grant_types(words: Collection[str]) -> frozenset[GrantType]:
    """
    Grants by their words; `device_code` is short for the long one.

    Raises:
        BadUserInput: a word that is none.
    """
    known = {str(grant): grant for grant in GrantType} | {"device_code": GrantType.DEVICE_CODE}
    unknown = sorted(set(words) - known.keys())
    if unknown:
        raise BadUserInput(f"{unknown[0]!r} is not a grant: use {', '.join(sorted(known, key=len)[:4])}.")
    return frozenset(known[word] for word in words)


def _check_name(name: str) -> None:
    shown = name == name.strip() and all(unicodedata.category(character)[0] != "C" for character in name)
    if not 0 < len(name) <= MAX_NAME or not shown or not name.isprintable():
        raise BadUserInput(f"A client's name has 1 to {MAX_NAME} printable characters, for people to read.")


def _check_grants(client: Client) -> None:
    if not client.grants & BEGINNINGS:
        raise BadUserInput("A client needs a grant that gives a first token, not refresh_token alone.")
    if GrantType.CLIENT_CREDENTIALS not in client.grants:
        return
    if client.is_public:
        raise BadUserInput("client_credentials is for clients that can prove who they are, not for public ones.")
    if client.scopes is None:
        raise BadUserInput("A client that acts for itself has no account's scopes: list its own.")

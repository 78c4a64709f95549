"""What a grant has to say for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from gatepass.domain.access_token import IssuedAccess, IssuedTokens
from gatepass.domain.account import Scope
from gatepass.domain.client import Client, GrantType
from gatepass.domain.occasion import Occasion
from gatepass.oauth.form import Parameters


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """
    A request that has passed every shared phase.

    `client` is authenticated as far as it can be, and registered for the grant. `asked` are the scopes in the request,
    none of them more than the client may have; `scopes` are those, or all that it may have where it asks for none (None
    for all that an account has).
    """

    client: Client
    asked: tuple[Scope, ...] | None
    scopes: tuple[Scope, ...] | None
    parameters: Parameters
    occasion: Occasion


class Grant(Protocol):
    """A way to get tokens. `takes_public_clients`: whether a client that cannot prove itself may use it."""

    grant_type: ClassVar[GrantType]
    takes_public_clients: ClassVar[bool]

    async def issue(self, request: TokenRequest) -> IssuedTokens | IssuedAccess:
        """
        The tokens.

        Raises:
            Refused: not with these parameters; `oauth.errors` has its word.
        """
        ...

"""What resolvers see of a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import Unauthenticated
from gatepass.domain.occasion import Occasion
from gatepass.graphql.ports import Deeds


@dataclass(frozen=True, slots=True)
class Service:
    """What is the same for every request."""

    deeds: Deeds
    issuer: str
    access_ttl: timedelta


@dataclass(frozen=True, slots=True)
class Context:
    """What resolvers see of a request. `caller` is proven, and there only where the operation needs one."""

    service: Service
    occasion: Occasion
    caller: Caller | None = None

    @property
    def deeds(self) -> Deeds:
        """The use cases."""
        return self.service.deeds

    def proven(self) -> Caller:
        """
        The caller.

        Raises:
            Unauthenticated: there is none. Fails closed, should the classification not have asked for one.
        """
        if self.caller is None:
            raise Unauthenticated
        return self.caller

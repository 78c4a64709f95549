"""
X-Gatepass-Assertion: proof for the upstream that this very request comes from the gateway, and for whom.

The plain identity headers say the same, and are to be believed only by an upstream that nobody else can reach.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, Protocol

from gatepass.domain.access_token import Caller
from gatepass.gateway.header_names import ASSERTION
from gatepass.usecases.ports import Clock

REUSED_FOR: Final = timedelta(seconds=15)
"""An assertion lives for 60 s; this leaves three quarters of it for the way and for clocks that differ."""
MAX_REMEMBERED: Final = 4096


_Made = tuple[datetime, datetime, bytes]
"""When it was made, until when it is used again, and what it is."""


class SignsAssertions(Protocol):
    """`crypto.assertions.JwtAssertions`."""

    def sign(self, caller: Caller | None, body_digest: bytes, now: datetime) -> bytes:
        """
        A compact JWS for this caller and the SHA-256 of this body; None: nobody is signed in.

        Raises:
            KeyUnusable: there is no key to sign with.
        """
        ...


class Assertions:
    """
    Makes the header, and remembers it for a few seconds: the same caller often asks the same again.

    What is remembered are digests of bodies, never bodies, and assertions, which whoever gets them could have had
    anew for the same request. The gateway asks only after it has checked the caller, revocation included.
    """

    def __init__(self, signer: SignsAssertions, clock: Clock) -> None:
        self._signer = signer
        self._clock = clock
        self._remembered: OrderedDict[tuple[Caller | None, bytes], _Made] = OrderedDict()

    def header(self, caller: Caller | None, body: bytes) -> tuple[bytes, bytes]:
        """
        The header for a request with this body.

        Raises:
            KeyUnusable: there is no key to sign with. Fails closed: nothing goes up without it.
        """
        key = (caller, hashlib.sha256(body).digest())
        now = self._clock()
        found = self._remembered.get(key)
        # Also a clock that was set back makes a new one: the upstream must not get one from the future.
        if found is None or not found[0] <= now < found[1]:
            assertion = self._signer.sign(caller, key[1], now)
            found = self._remembered[key] = (now, now + REUSED_FOR, assertion)
            self._remembered.move_to_end(key)
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return (ASSERTION, found[2])

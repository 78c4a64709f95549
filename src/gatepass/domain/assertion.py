"""What proves to the API behind the gateway who is asking what. The gateway makes it, `gatepass.verify` checks it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

ASSERTION_TYPE: Final = "gatepass-assertion+jwt"
"""`typ` of the JWT, so that no other token passes for it, nor it for another (RFC 8725 §3.11)."""

ASSERTION_TTL: Final = timedelta(seconds=60)
"""How long one counts: for the way to the upstream and clocks that differ, not for keeping."""

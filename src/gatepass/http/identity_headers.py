"""Who is calling, as headers: for the API behind the gateway, and for proxies that ask `/authz`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import Unauthenticated

_VISIBLE: Final = re.compile(r"[!-~]*")
_UNFIT: Final = (
    "The access token says who you are in characters that cannot stand in an HTTP header. "
    "Ask whoever runs the server that issued it."
)


@lru_cache(maxsize=4096)
def identity_headers(caller: Caller) -> tuple[tuple[bytes, bytes], ...]:
    """
    X-Gatepass-Subject, -Scope (sorted, with a space between), -Session and -Client, always all four.

    X-Gatepass-Issuer comes fifth where another issuer vouches for the caller, and never otherwise.

    The same caller comes again and again, and looking it up costs half of writing it out.

    Raises:
        Unauthenticated: a value has a character that is not visible ASCII. Our own have none; a token of another
            issuer may say anything, and a line break in it would be a header of its own.
    """
    whole, optional = (caller.subject, *caller.scopes), (caller.session_id, caller.client_id)
    issuer = () if caller.issuer is None else (caller.issuer,)
    if not all(whole) or not all(map(_VISIBLE.fullmatch, whole + optional + issuer)):
        raise Unauthenticated(_UNFIT, presented=True)
    return (
        (b"x-gatepass-subject", caller.subject.encode("ascii")),
        (b"x-gatepass-scope", " ".join(sorted(caller.scopes)).encode("ascii")),
        (b"x-gatepass-session", caller.session_id.encode("ascii")),
        (b"x-gatepass-client", caller.client_id.encode("ascii")),
        *((b"x-gatepass-issuer", name.encode("ascii")) for name in issuer),
    )

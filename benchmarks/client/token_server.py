"""
A server of the protocol, lean, that counts renewals: `python -m benchmarks.client.token_server PORT`.

Tokens are opaque, a refresh token works once, and there is no replay window. `POST /begin` sets how long tokens live
and how many operations they are good for, `GET /figures` tells what came.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from benchmarks.harness.lean import serve
from gatepass.http.asgi import Receive, Scope, Send

# A second refresh for one expiry comes right after the first. The client renews when a fifth of the life is left.
_DUE_SHARE: Final = 0.5
_RENEWAL_SECONDS: Final = 0.005


@dataclass
class Figures:
    """
    What came since the beginning.

    Args:
        expiries: tokens that had to be renewed, since their time came or their operations were used up.
        early: refreshes of a token for which it was too early.
        reused: spent refresh tokens that came.
        refused: operations without a good token.
        at_once: most refreshes that were under way together.
    """

    sign_ins: int = 0
    refreshes: int = 0
    expiries: int = 0
    early: int = 0
    reused: int = 0
    refused: int = 0
    operations: int = 0
    at_once: int = 0


@dataclass
class Token:
    """An access token."""

    issued_at: float
    used: int = 0


@dataclass
class Tokens:
    """
    The one session that there is.

    Args:
        life_seconds: of an access token.
        good_for: so many operations; 0: for any number.
        answer_seconds: an operation takes so long on average, from half of it to half more, as over the internet.
    """

    life_seconds: float = 3600.0
    good_for: int = 0
    answer_seconds: float = 0.0
    access: dict[str, Token] = field(default_factory=dict)
    newest: Token = field(default_factory=lambda: Token(0.0))
    refresh: str = ""
    figures: Figures = field(default_factory=Figures)
    _under_way: int = 0

    def answer(self, authorization: str) -> Any:
        """An operation's answer; None if the token is not good."""
        token = self.access.get(authorization.removeprefix("Bearer "))
        if token is None or _age(token) > self.life_seconds or (self.good_for and token.used >= self.good_for):
            self.figures.refused += 1
            return None
        token.used += 1
        self.figures.operations += 1
        return {"data": {"company": {"company_number": "GP000042", "company_name": "Hopscotch Puddle Pumps"}}}

    async def refreshed(self, presented: str) -> Any:
        """The next pair, once."""
        self._under_way += 1
        self.figures.at_once = max(self.figures.at_once, self._under_way)
        await asyncio.sleep(_RENEWAL_SECONDS)
        self._under_way -= 1
        if not self.refresh or presented != self.refresh:
            self.figures.reused += 1
            return {"errors": [{"message": "Invalid refresh token."}]}
        self.figures.refreshes += 1
        if self._is_due:
            self.figures.expiries += 1
        else:
            self.figures.early += 1
        return {"data": {"signInRefresh": self._pair()}}

    def signed_in(self) -> Any:
        """The first pair."""
        self.figures.sign_ins += 1
        return {"data": {"signIn": self._pair()}}

    @property
    def _is_due(self) -> bool:
        is_used_up = bool(self.good_for) and self.newest.used >= self.good_for
        return is_used_up or _age(self.newest) >= _DUE_SHARE * self.life_seconds

    def _pair(self) -> Any:
        access, self.refresh = secrets.token_hex(24), secrets.token_hex(24)
        self.access[access] = self.newest = Token(time.monotonic())
        return {"accessToken": access, "refreshToken": self.refresh, "expiresIn": self.life_seconds}


def _age(token: Token) -> float:
    return time.monotonic() - token.issued_at


class TokenServer:
    """The ASGI application."""

    def __init__(self) -> None:
        self._tokens = Tokens()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = b""
        while (message := await receive()).get("more_body") or message.get("body"):
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, answer = await self._answer(scope, body)
        content = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Scope, body: bytes) -> tuple[int, Any]:
        if scope["path"] == "/begin":
            self._tokens = Tokens(**json.loads(body))
        tokens = self._tokens
        if scope["path"] == "/figures":
            return 200, asdict(tokens.figures)
        if scope["path"] == "/begin":
            return 200, {}
        if b"signInRefresh(" in body:
            return 200, await tokens.refreshed(json.loads(body)["variables"]["refreshToken"])
        if b"signIn(" in body:
            return 200, tokens.signed_in()
        # The token counts when the request comes, however long the answer takes then.
        answer = tokens.answer(dict(scope["headers"]).get(b"authorization", b"").decode())
        if tokens.answer_seconds:
            # Spread: what ends together would begin together, for ever.
            await asyncio.sleep(tokens.answer_seconds * random.uniform(0.5, 1.5))
        if answer is None:
            return 401, {"errors": [{"message": "Sign in.", "extensions": {"code": "UNAUTHENTICATED"}}]}
        return 200, answer


def main(port: int) -> None:
    """Serve until ended."""
    serve(TokenServer(), port)


if __name__ == "__main__":
    main(int(sys.argv[1]))

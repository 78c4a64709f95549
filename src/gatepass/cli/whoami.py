"""`gatepass whoami`: for whom the API takes you, as far as the token says."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import click

from gatepass.cli.connection import Connection, given_by_environment, with_connection
from gatepass.cli.rows import as_json
from gatepass.cli.terminal import say, shown

_SHOWN = {"sub": "subject", "scope": "scopes", "iss": "issuer", "client_id": "client"}


@click.command(short_help="Show who you are for the API.")
@click.option("--json", "is_json", is_flag=True, help="As a JSON object, with all that the token says.")
@with_connection
def whoami(connection: Connection, *, is_json: bool) -> None:
    """
    Show who you are for the API: the user that signed in, and what the access token says.

    The token is renewed if it is about to expire. It is read, not verified: that is the API's duty.
    """
    stored = connection.stored(connection.store())
    claims = claims_of(connection.token())
    url = stored.url if stored is not None else connection.url
    user = _user_of_the_environment() if given_by_environment() or stored is None else stored.username
    if is_json:
        click.echo(as_json({"url": url, "user": user, "claims": claims}))
        return
    lines = {"user": user, "url": url} | {word: (claims or {}).get(name) for name, word in _SHOWN.items()}
    for word, value in lines.items():
        if value:
            click.echo(shown(f"{word:8}  {value}"))
    if claims is None and user is None:
        say("the token does not say whose it is: only the API knows")


def _user_of_the_environment() -> str | None:
    """Who signs in, unless a token of the environment comes before."""
    return None if os.environ.get("GATEPASS_TOKEN") else os.environ.get("GATEPASS_USERNAME")


def claims_of(token: str) -> dict[str, Any] | None:
    """What a JWT says (RFC 7519 §3), unverified; None of a token that is none."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None

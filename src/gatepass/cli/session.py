"""`gatepass session`: who is signed in where."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import columns, say, shown

if TYPE_CHECKING:
    from gatepass.usecases.ports import ListedSession


@click.group()
def session() -> None:
    """List sign-ins, and end one of them."""


@session.command("list", short_help="List the sign-ins that live, newest first.")
@with_source
@click.argument("email", required=False)
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
def list_(source: Source, email: str | None, *, as_json: bool) -> None:
    """
    List the sign-ins that live, newest first: everybody's, or those of one account.

    LAST USED is when tokens were last issued, by a sign-in or a refresh; queries in between are not recorded.
    """
    from gatepass.cli import sessions  # noqa: PLC0415 - not for --help

    found = sessions.living(source.load(), email)
    if as_json:
        click.echo(json.dumps([_as_object(each) for each in found], indent=2))
        return
    for line in columns(_rows(found)):
        click.echo(shown(line))


@session.command(short_help="End one sign-in.")
@with_source
@click.argument("id_", metavar="ID", type=click.UUID)
def revoke(source: Source, id_: UUID) -> None:
    """End one sign-in: no refresh from then on, and its access tokens are refused within a second."""
    from gatepass.cli import sessions  # noqa: PLC0415 - not for --help
    from gatepass.domain.identifiers import SessionId  # noqa: PLC0415

    sessions.revoke(source.load(), SessionId(id_))
    say(f"ended {id_}")


def _as_object(listed: ListedSession) -> dict[str, object]:
    session = listed.session
    return {
        "id": str(session.id),
        "account": str(session.account.id),
        "email": session.account.email,
        "client": session.client_id,
        "scopes": list(session.scopes),
        "created_at": session.opened_at.isoformat(),
        "last_used_at": session.rotated_at.isoformat(),
        "ends_at": session.ends_at.isoformat(),
        "address": listed.origin.address,
        "user_agent": listed.origin.user_agent,
    }


def _rows(found: Iterable[ListedSession]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("ID", "EMAIL", "CREATED", "LAST USED", "CLIENT", "ADDRESS", "USER AGENT")]
    for listed in found:
        session, origin = listed.session, listed.origin
        rows.append(
            (
                str(session.id),
                session.account.email,
                f"{session.opened_at:%Y-%m-%d %H:%M}",
                f"{session.rotated_at:%Y-%m-%d %H:%M}",
                session.client_id,
                origin.address or "-",
                origin.user_agent or "-",
            )
        )
    return rows

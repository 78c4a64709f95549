"""`gatepass user`: accounts. They use the store's file; a server that runs on it sees the change within a second."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import columns, confirm, new_password, say, shown, sign_ins

if TYPE_CHECKING:
    from gatepass.domain.account import Account

_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; one closing line break is cut."
)


@click.group()
def user() -> None:
    """Add, list, sign out, disable and remove accounts."""


@user.command()
@with_source
@click.argument("email")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What the account may do; may be repeated.")
@_password_stdin
def add(source: Source, email: str, scopes: tuple[str, ...], *, password_stdin: bool) -> None:
    """Add an account. The password is asked for; it is never an argument, where others could read it."""
    from gatepass.cli import accounts  # noqa: PLC0415 - not for --help
    from gatepass.domain import account, password  # noqa: PLC0415

    settings = source.load()
    accounts.check_new(settings, email, scopes)
    check = functools.partial(password.check_new, email=account.email_address(email))
    plain = new_password(check, from_stdin=password_stdin)
    added = accounts.add(settings, email, plain, scopes)
    say(f"added {added.email} ({_scopes(added)})")


@user.command("list")
@with_source
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
def list_(source: Source, *, as_json: bool) -> None:
    """List the accounts."""
    from gatepass.cli import accounts  # noqa: PLC0415 - not for --help

    found = list(accounts.everyone(source.load()))
    if as_json:
        click.echo(json.dumps([_as_object(account) for account in found], indent=2))
        return
    for line in _columns(found):
        click.echo(shown(line))


@user.command(short_help="Disable an account, and end its sign-ins.")
@with_source
@click.argument("email")
def disable(source: Source, email: str) -> None:
    """Disable an account: no sign-in, no refresh, and every access token is refused within a second."""
    from gatepass.cli import accounts  # noqa: PLC0415 - not for --help

    accounts.enable(source.load(), email, enabled=False)
    say(f"disabled {email}; all its sign-ins have ended")


@user.command()
@with_source
@click.argument("email")
def enable(source: Source, email: str) -> None:
    """Enable a disabled account. Its former sign-ins stay ended."""
    from gatepass.cli import accounts  # noqa: PLC0415 - not for --help

    accounts.enable(source.load(), email, enabled=True)
    say(f"enabled {email}")


@user.command()
@with_source
@click.argument("email")
@_password_stdin
def passwd(source: Source, email: str, *, password_stdin: bool) -> None:
    """Give an account another password. All its sign-ins end."""
    from gatepass.cli import accounts  # noqa: PLC0415 - not for --help
    from gatepass.domain import password  # noqa: PLC0415

    settings = source.load()
    check = functools.partial(password.check_new, email=accounts.find(settings, email).email)
    accounts.change_password(settings, email, new_password(check, from_stdin=password_stdin))
    say(f"changed the password of {email}; all its sign-ins have ended")


@user.command("sign-out", short_help="End all sign-ins of an account.")
@with_source
@click.argument("email")
def sign_out(source: Source, email: str) -> None:
    """End all sign-ins of an account. It stays enabled, and can sign in again."""
    from gatepass.cli import sessions  # noqa: PLC0415 - not for --help

    ended = sessions.sign_out(source.load(), email)
    say(f"ended {sign_ins(ended)} of {email}")


@user.command()
@with_source
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(source: Source, email: str, *, yes: bool) -> None:
    """Remove an account and its sign-ins for good."""
    from gatepass.cli import accounts  # noqa: PLC0415 - not for --help

    settings = source.load()
    found = accounts.find(settings, email)
    confirm(f"Remove {found.email} for good?", is_confirmed=yes)
    accounts.remove(settings, email)
    say(f"removed {found.email}; all its sign-ins have ended")


def _scopes(account: Account) -> str:
    return f"scopes: {' '.join(account.scopes)}" if account.scopes else "no scopes"


def _as_object(account: Account) -> dict[str, object]:
    return {
        "id": str(account.id),
        "email": account.email,
        "scopes": list(account.scopes),
        "enabled": account.enabled,
        "created_at": account.created_at.isoformat(),
        "disabled_at": account.disabled_at.isoformat() if account.disabled_at else None,
    }


def _columns(accounts: Iterable[Account]) -> list[str]:
    rows = [("EMAIL", "STATE", "CREATED", "SCOPES")]
    for account in accounts:
        state = "enabled" if account.enabled else "disabled"
        rows.append((account.email, state, f"{account.created_at:%Y-%m-%d}", " ".join(account.scopes)))
    return columns(rows)

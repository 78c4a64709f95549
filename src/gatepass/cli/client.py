"""`gatepass client`: programs that get tokens with OAuth 2. A server on the same store sees a change at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import columns, confirm, say, shown

if TYPE_CHECKING:
    from gatepass.domain.client import Client
    from gatepass.domain.secret import Secret

_as_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group(short_help="Register, list and remove programs for OAuth 2.")
def client() -> None:
    """Register, list and remove programs that get tokens with OAuth 2."""


@client.command()
@with_source
@click.argument("name")
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    metavar="URI",
    help="Where a browser may bring a code; may be repeated. It is compared as it stands, but for a port on loopback.",
)
@click.option(
    "--grant",
    "grants",
    multiple=True,
    metavar="GRANT",
    help="authorization_code, refresh_token, client_credentials or device_code; may be repeated. Without it: the first "
    "two where there is a redirect URI, else client_credentials.",
)
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What it may have at most; may be repeated.")
@click.option("--all-scopes", is_flag=True, help="It may have all that the account has which signs in.")
@click.option("--public", "is_public", is_flag=True, help="It has no secret: an app, a browser, a command line.")
@click.option(
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="It signs (private_key_jwt): its public keys, as a JWK Set, a JWK or PEM.",
)
@click.option("--first-party", "is_first_party", is_flag=True, help="Nobody is asked whether it may have what it asks.")
@_as_json
def add(
    source: Source,
    name: str,
    redirect_uris: tuple[str, ...],
    grants: tuple[str, ...],
    scopes: tuple[str, ...],
    *,
    keys: Path | None,
    all_scopes: bool,
    is_public: bool,
    is_first_party: bool,
    as_json: bool,
) -> None:
    """
    Register a client. Its secret is shown this once; the store has no more than a digest of it.

    NAME is what people read when they sign in for it.
    """
    from gatepass.cli import clients  # noqa: PLC0415 - not for --help
    from gatepass.usecases.add_client import NewClient  # noqa: PLC0415

    if all_scopes and scopes:
        raise click.UsageError("--all-scopes and --scope contradict each other.")
    if keys is not None and is_public:
        raise click.UsageError("--public and --keys contradict each other: a public client proves nothing.")
    new = NewClient(
        name=name,
        redirect_uris=redirect_uris,
        grants=grants,
        granted=None if all_scopes else scopes,
        is_public=is_public,
        is_first_party=is_first_party,
        jwks=clients.keys_in(keys) if keys is not None else "",
    )
    added, secret = clients.add(source.load(), new)
    _give(added, secret, as_json=as_json)
    say(f"added {added.name}" + ("; the secret is not shown again" if secret else ""))


@client.command("list")
@with_source
@_as_json
def list_(source: Source, *, as_json: bool) -> None:
    """List the clients, without the built-in one that signIn is."""
    from gatepass.cli import clients  # noqa: PLC0415 - not for --help

    found = clients.everyone(source.load())
    if as_json:
        click.echo(json.dumps([_as_object(each) for each in found], indent=2))
        return
    rows = [("CLIENT ID", "NAME", "PROVES ITSELF BY", "GRANTS")]
    rows += [(each.id, each.name, each.authentication, " ".join(_grants(each))) for each in found]
    for line in columns(rows):
        click.echo(shown(line))


@client.command()
@with_source
@click.argument("client_id")
@_as_json
def show(source: Source, client_id: str, *, as_json: bool) -> None:
    """Show a client; never its secret, which nobody has any more."""
    from gatepass.cli import clients  # noqa: PLC0415 - not for --help

    found = _as_object(clients.find(source.load(), client_id))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    known = {name: value for name, value in found.items() if name != "jwks" or value is not None}
    for line in columns([(name, _in_words(value)) for name, value in known.items()]):
        click.echo(shown(line))


@client.command("rotate-secret", short_help="Give a client another secret.")
@with_source
@click.argument("client_id")
@_as_json
def rotate_secret(source: Source, client_id: str, *, as_json: bool) -> None:
    """
    Give a client another secret, which is shown this once.

    The old one is refused at once, and tokens that the client got for itself with it within a second. People stay
    signed in.
    """
    from gatepass.cli import clients  # noqa: PLC0415 - not for --help

    settings = source.load()
    secret = clients.rotate_secret(settings, client_id)
    _give(clients.find(settings, client_id), secret, as_json=as_json)
    say("the old secret is refused from now on; this one is not shown again")


@client.command()
@with_source
@click.argument("client_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(source: Source, client_id: str, *, yes: bool) -> None:
    """Remove a client for good. Every sign-in with it ends, its users' too."""
    from gatepass.cli import clients  # noqa: PLC0415 - not for --help

    settings = source.load()
    found = clients.find(settings, client_id)
    confirm(f"Remove {found.name} ({client_id}) for good?", is_confirmed=yes)
    clients.remove(settings, client_id)
    say(f"removed {found.name}; all sign-ins with it have ended")


def _give(client: Client, secret: Secret[str] | None, *, as_json: bool) -> None:
    """The client with its secret, on standard output, where a script takes it from."""
    plain = secret.reveal() if secret else None
    if as_json:
        object_ = _as_object(client)
        click.echo(json.dumps(object_ | ({"client_secret": plain} if plain else {}), indent=2))
        return
    click.echo(f"client_id      {client.id}")
    if plain:
        click.echo(f"client_secret  {plain}")


def _grants(client: Client) -> list[str]:
    return sorted(client.grants)


def _as_object(client: Client) -> dict[str, object]:
    """In the words of RFC 7591 §2, where it has one."""
    return {
        "client_id": client.id,
        "client_name": client.name,
        "authentication": client.authentication,
        "grant_types": _grants(client),
        "redirect_uris": list(client.redirect_uris),
        "scopes": None if client.scopes is None else list(client.scopes),
        "first_party": client.is_first_party,
        "jwks": json.loads(client.jwks) if client.jwks else None,
        "created_at": client.created_at.isoformat(),
    }


def _in_words(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return json.dumps(value)
    return "all that an account has" if value is None else str(value)

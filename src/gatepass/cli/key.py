"""`gatepass key`: the server's keys. The commands use the store's file; servers that run on it notice in a second."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import confirm, say, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepass.cli.server_keys import Listed
    from gatepass.domain.signing_key import SealedKey
    from gatepass.settings import Settings

_MOMENT = "%Y-%m-%d %H:%M"
_UNTIL = {"next": "signs from", "active": "replaced from", "retiring": "gone from"}
_as_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group(short_help="List and rotate the keys; change the secret key.")
def key() -> None:
    """List, rotate and retire the keys of tokens; change the secret key."""


@key.command("list")
@with_source
@_as_json
def list_(source: Source, *, as_json: bool) -> None:
    """
    List the keys, and what becomes of each.

    Access keys sign access tokens and are published; refresh keys make refresh tokens and are secret. A next key does
    not sign yet, a retiring one verifies until its last token has expired.
    """
    from gatepass.cli import server_keys  # noqa: PLC0415 - not for --help

    found = server_keys.everything(source.load())
    if as_json:
        click.echo(json.dumps([_as_object(each.key) | {"until": _iso(each)} for each in found], indent=2))
        return
    for line in _columns(found):
        click.echo(shown(line))


@key.command(short_help="Begin to replace a key.")
@with_source
@click.option(
    "--use", "uses", type=click.Choice(("access", "refresh")), multiple=True, help="Only this one; else both."
)
@click.option("--now", is_flag=True, help="Let the next key sign within seconds, without its lead.")
@_as_json
def rotate(source: Source, *, uses: tuple[str, ...], now: bool, as_json: bool) -> None:
    """
    Publish a next key now. The servers let it sign when key_lead_seconds are over; nobody is signed out.

    They also do all of this by themselves when a key is older than key_max_age_seconds. With --now, whoever verifies
    tokens elsewhere may refuse new ones until the public keys were fetched again.
    """
    from gatepass.cli import server_keys  # noqa: PLC0415 - not for --help

    settings = source.load()
    if now:
        _say_waiting(settings)
    following = server_keys.rotate(settings, uses or ("access", "refresh"), at_once=now)
    if as_json:
        until = [{**_as_object(each.key), "until": _iso(each)} for each in following]
        click.echo(json.dumps(until, indent=2))
        return
    for each in following:
        when = "signs now" if each.key.state == "active" else f"is published, and {_fate(each)}"
        say(f"{each.key.use} key {each.key.id} ({each.key.algorithm}) {when}")


class _NamesKey(click.Command):
    """An id may begin with `-`, as any base64url may, and an `h` in it is no wish for help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """With such an id behind `--`."""
        named = [each for each in args if each.startswith("-") and not each.startswith("--") and each != "-h"]
        return super().parse_args(ctx, [*(each for each in args if each not in named), "--", *named] if named else args)


@key.command(cls=_NamesKey, short_help="Remove a key.", context_settings={"ignore_unknown_options": True})
@with_source
@click.argument("key_id", metavar="KEY")
@click.option("--now", is_flag=True, help="Although its tokens live: they are refused. For a compromised key.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_as_json
def retire(source: Source, key_id: str, *, now: bool, yes: bool, as_json: bool) -> None:
    """
    Remove the key with this id, or the only one whose id begins so.

    Keys go by themselves when their last token has expired. Before that, and for the key that signs, it takes --now: a
    fresh key signs in its place then. Who had an access token of it refreshes; who had a refresh token of it signs in
    again.
    """
    from gatepass.cli import server_keys  # noqa: PLC0415 - not for --help

    settings = source.load()
    if now:
        found = server_keys.find(settings, key_id)
        confirm(f"Refuse every token of the {found.use} key {found.id} from now on?", is_confirmed=yes)
        if found.state == "active":
            _say_waiting(settings)
    retired = server_keys.retire(settings, key_id, at_once=now)
    if as_json:
        successor = _as_object(retired.successor) if retired.successor else None
        click.echo(json.dumps({"removed": _as_object(retired.key), "successor": successor}, indent=2))
        return
    say(f"removed the {retired.key.use} key {retired.key.id}")
    if retired.successor:
        say(f"{retired.successor.id} ({retired.successor.algorithm}) signs in its place")


@key.command(short_help="Change the secret key.")
@with_source
@click.option("--new", is_flag=True, help="Make a new secret.key first; the former one becomes secret.key.previous.")
@_as_json
def reseal(source: Source, *, new: bool, as_json: bool) -> None:
    """
    Seal every key in the store under the present secret key. No token is lost, and servers may run meanwhile.

    What the former secret key sealed is opened with secret_key_previous. The command may be interrupted and repeated.
    """
    from gatepass.cli import server_keys  # noqa: PLC0415 - not for --help

    settings = source.load()
    if new:
        for path in server_keys.make_new_secret_key(settings):
            say(f"made {path}")
        settings = source.load()
    changed, total = server_keys.reseal(settings)
    if as_json:
        click.echo(json.dumps({"resealed": changed, "keys": total}))
    else:
        say(f"{changed} of {total} keys sealed anew; all are under the present secret key")
    if settings.secret_key_previous is not None:
        previous = settings.origins["secret_key_previous"].removeprefix("environment ")
        say(
            "",
            "Keep a copy of the secret key apart from the store, and the former one for the backups made with it.",
            f"Next: restart every server, run 'gatepass key reseal' once more, then remove {previous}.",
        )


def _say_waiting(settings: Settings) -> None:
    from gatepass.cli.server_keys import seconds_until_seen  # noqa: PLC0415 - not for --help

    say(f"waiting {seconds_until_seen(settings):.0f} s, until every server has seen the key")


def _as_object(key: SealedKey) -> dict[str, object]:
    return {
        "id": key.id,
        "use": key.use,
        "algorithm": key.algorithm,
        "state": key.state,
        "created_at": key.created_at.isoformat(),
        "since": key.since.isoformat(),
    }


def _iso(listed: Listed) -> str | None:
    return listed.until.isoformat() if listed.until else None


def _fate(listed: Listed) -> str:
    if listed.until is None:
        return "replaced by hand"
    return f"{_UNTIL[listed.key.state]} {listed.until:{_MOMENT}} UTC"


def _columns(found: Sequence[Listed]) -> list[str]:
    rows = [("KEY", "USE", "ALGORITHM", "STATE", "SINCE", "")]
    for each in found:
        key = each.key
        rows.append((key.id, key.use, key.algorithm, key.state, f"{key.since:{_MOMENT}}", _fate(each)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=False)] for row in rows]
    return ["  ".join([*cells, row[5]]).rstrip() for cells, row in zip(padded, rows, strict=True)]

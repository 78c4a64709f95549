"""`gatepass throttle`: who has failed to sign in too often, and forgetting it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import say, shown

if TYPE_CHECKING:
    from gatepass.usecases.throttled import Throttled


@click.group()
def throttle() -> None:
    """Show or forget failed sign-ins."""


@throttle.command(short_help="List the counters of failures.")
@with_source
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
def show(source: Source, *, as_json: bool) -> None:
    """
    List the counters of failures: of accounts, of networks, of everybody.

    Those that make somebody wait come first. A name that has no account is not kept, only counted.
    """
    from gatepass.cli import throttling  # noqa: PLC0415 - not for --help

    found = throttling.throttled(source.load())
    if as_json:
        click.echo(json.dumps([_as_object(each) for each in found], indent=2))
        return
    for line in _columns(found):
        click.echo(shown(line))


@throttle.command(short_help="Forget failures of an account or a network.")
@with_source
@click.argument("who", required=False)
@click.option("--all", "everybody", is_flag=True, help="Forget the failures of everybody.")
@click.option("--json", "as_json", is_flag=True, help="Say how many counters there were, as a JSON object.")
def clear(source: Source, who: str | None, *, everybody: bool, as_json: bool) -> None:
    """
    Forget the failures of WHO: an e-mail address, an IP address, or a network as 'gatepass throttle show' prints it.

    The next attempt need not wait then. Running servers see it at once.
    """
    from gatepass.cli import throttling  # noqa: PLC0415 - not for --help

    if (who is None) is not everybody:
        raise click.UsageError("Name an account or a network, or say --all.")
    cleared = throttling.clear(source.load(), who)
    if as_json:
        click.echo(json.dumps({"cleared": cleared}))
    else:
        say(f"forgot {cleared} counter{'' if cleared == 1 else 's'} of {who or 'everybody'}")


def _as_object(each: Throttled) -> dict[str, object]:
    return {
        "who": each.who,
        "kind": each.kind,
        "network": each.network or None,
        "failures": each.failures,
        "next_attempt_at": each.next_attempt_at.isoformat() if each.next_attempt_at else None,
        "forgotten_at": each.forgotten_at.isoformat(),
    }


def _columns(found: Iterable[Throttled]) -> list[str]:
    rows = [("WHO", "COUNTER", "FAILURES", "NEXT ATTEMPT")]
    for each in found:
        kind = f"{each.kind} {each.network}".strip()
        failures = str(each.failures) if each.failures else "-"
        rows.append(
            (each.who, kind, failures, f"{each.next_attempt_at:%H:%M:%S} UTC" if each.next_attempt_at else "now")
        )
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows]

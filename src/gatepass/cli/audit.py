"""`gatepass audit`: who did what, when, from where, and how it ended."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import columns, confirm, say, shown

if TYPE_CHECKING:
    from gatepass.cli.audit_trail import Wanted
    from gatepass.usecases.ports import AuditEntry
    from gatepass.usecases.verify_audit import Verified

_AGO: Final = re.compile(r"(\d{1,6})(s|m|h|d|w)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
Command = TypeVar("Command", bound=Callable[..., Any])


class _Moment(click.ParamType[datetime]):
    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        text = str(value)
        ago = _AGO.fullmatch(text)
        if ago is not None:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(
                "expected is 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 90s, 15m, 24h, 7d, 2w", param, ctx
            )
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


class _Event(click.ParamType[str]):
    name = "EVENT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from gatepass.domain.audit import Deed  # noqa: PLC0415 - not for --help

        if value not in set(Deed):
            self.fail(f"the events are: {', '.join(Deed)}", param, ctx)
        return str(value)


def _narrowed(command: Command) -> Command:
    """The options that say which entries."""
    options = (
        click.option("--since", type=_Moment(), help="From then on (UTC), or from so long ago: 15m, 24h, 7d."),
        click.option("--account", metavar="EMAIL|ID", help="About this account, also one that was removed."),
        click.option("--event", type=_Event(), help="Of this kind, such as sign_in or password_changed."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _wanted(since: datetime | None, account: str | None, event: str | None) -> Wanted:
    from gatepass.cli.audit_trail import Wanted  # noqa: PLC0415 - not for --help
    from gatepass.domain.audit import Deed  # noqa: PLC0415

    return Wanted(since, account, None if event is None else Deed(event))


@click.group()
def audit() -> None:
    """Read, export and verify the audit log."""


@audit.command("list")
@with_source
@_narrowed
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The last so many.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
def list_(
    source: Source, since: datetime | None, account: str | None, event: str | None, *, limit: int, as_json: bool
) -> None:
    """List the last entries, oldest first. Times are UTC."""
    from gatepass.cli import audit_trail  # noqa: PLC0415 - not for --help

    found = audit_trail.newest(source.load(), _wanted(since, account, event), limit)
    if as_json:
        click.echo(json.dumps([dict(audit_trail.fields(entry)) for entry in found], indent=2))
        return
    for line in columns(_rows(found)):
        click.echo(shown(line))


@audit.command(short_help="Show the last entries, and new ones as they come.")
@with_source
@_narrowed
@click.option("-n", "--lines", type=click.IntRange(0, 10_000), default=10, show_default=True, help="Begin so far back.")
@click.option("--json", "as_json", is_flag=True, help="As lines of JSON.")
def tail(
    source: Source, since: datetime | None, account: str | None, event: str | None, *, lines: int, as_json: bool
) -> None:
    """Show the last entries, and every new one within a second, until Ctrl-C."""
    from gatepass.cli import audit_trail  # noqa: PLC0415 - not for --help

    def show(entries: Sequence[AuditEntry]) -> None:
        for entry in entries:
            click.echo(_json_line(entry) if as_json else shown("  ".join(_row(entry)).rstrip()))

    audit_trail.follow(source.load(), _wanted(since, account, event), lines, show)


@audit.command(short_help="Write entries to standard output.")
@with_source
@_narrowed
@click.option(
    "--format",
    "form",
    type=click.Choice(("jsonl", "csv")),
    default="jsonl",
    show_default=True,
    help="JSON lines or CSV.",
)
def export(source: Source, since: datetime | None, account: str | None, event: str | None, *, form: str) -> None:
    """Write entries to standard output, oldest first, with their digests."""
    from gatepass.cli import audit_trail  # noqa: PLC0415 - not for --help

    heads = ["number"]

    def show(entries: Sequence[AuditEntry]) -> None:
        for entry in entries:
            if form == "jsonl":
                click.echo(_json_line(entry))
                continue
            if heads:
                heads.clear()
                click.echo(_csv_line([name for name, _ in audit_trail.fields(entry)]))
            click.echo(_csv_line([_cell(value) for _, value in audit_trail.fields(entry)]))

    count = audit_trail.every(source.load(), _wanted(since, account, event), show)
    say(f"exported {count} {'entry' if count == 1 else 'entries'}")


@audit.command()
@with_source
@click.option("--expect", metavar="NUMBER:DIGEST", help="An entry that was noted elsewhere must be there, as it was.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def verify(source: Source, expect: str | None, *, as_json: bool) -> None:
    """
    Find entries that were edited, removed or reordered. Exit code 1 where there are any.

    The last line is for --expect at another time: keep it where nobody who can write to the store can change it.
    """
    from gatepass.cli import audit_trail  # noqa: PLC0415 - not for --help
    from gatepass.domain.errors import AuditBroken  # noqa: PLC0415

    expected = None if expect is None else audit_trail.link_of(expect)
    verified = audit_trail.verify(source.load(), expected)
    if as_json:
        click.echo(json.dumps(_verdict(verified), indent=2))
    for finding in verified.findings:
        say(finding)
    if verified.findings:
        raise AuditBroken(f"the audit log is not whole: findings: {len(verified.findings)}")
    sealed = "not sealed yet" if verified.seal is None else f"sealed up to entry {verified.seal.end.number}"
    say(f"the audit log is whole: {verified.entries} entries, {sealed}")
    if verified.entries and not as_json:
        click.echo(_end(verified))


def _end(verified: Verified) -> str:
    return f"{verified.end.number}:{verified.end.digest.hex()}"


def _verdict(verified: Verified) -> dict[str, Any]:
    return {
        "is_whole": not verified.findings,
        "entries": verified.entries,
        "findings": list(verified.findings),
        "sealed_up_to": verified.seal.end.number if verified.seal else None,
        "end": _end(verified) if verified.entries and not verified.findings else None,
    }


@audit.command("seal-anew", short_help="Seal the log after the secret key was lost.")
@with_source
@click.option("--drop-broken", is_flag=True, help="Delete entries up to the last break; export them first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def seal_anew(source: Source, *, drop_broken: bool, yes: bool) -> None:
    """
    Seal the log with the present secret key, whatever its seal says, and note that it was done.

    For when the secret key was lost, or a server refuses to go on sealing and somebody has looked into why. From then
    on the seal vouches for what comes; for what came before there is only the chain.
    """
    from gatepass.cli import audit_trail  # noqa: PLC0415 - not for --help
    from gatepass.domain.errors import AuditBroken  # noqa: PLC0415

    settings = source.load()
    confirm("Seal the audit log anew, whatever may have been done to it?", is_confirmed=yes)
    if not audit_trail.seal_anew(settings, drops_broken=drop_broken):
        raise AuditBroken("a server has sealed it meanwhile: try again")
    say("sealed the audit log anew, and noted that")


def _rows(found: Sequence[AuditEntry]) -> list[tuple[str, ...]]:
    return [("NUMBER", "TIME", "EVENT", "RESULT", "ACCOUNT", "BY", "FROM", "MORE"), *map(_row, found)]


def _row(entry: AuditEntry) -> tuple[str, ...]:
    event, occasion = entry.event, entry.event.occasion
    by = f"operator {occasion.operator}" if occasion.operator else occasion.door
    return (
        str(entry.link.number),
        f"{event.at:%Y-%m-%d %H:%M:%S}",
        event.deed,
        event.result,
        event.email or (str(event.account) if event.account else "-"),
        f"{by}, client {event.client_id}" if event.client_id and event.client_id != "gatepass" else by,
        occasion.origin.address or "-",
        "; ".join(filter(None, (event.reason, event.detail))) or "-",
    )


def _json_line(entry: AuditEntry) -> str:
    """In ASCII: nothing in it can break the line or move a cursor."""
    from gatepass.cli.audit_trail import fields  # noqa: PLC0415 - not for --help

    return json.dumps(dict(fields(entry)), separators=(",", ":"))


def _cell(value: object) -> str:
    """A spreadsheet must not take what a caller sent for a formula (OWASP, CSV injection)."""
    text = "" if value is None else shown(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()

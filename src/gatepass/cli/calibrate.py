"""`gatepass calibrate`: how much memory a password hash may take on this machine."""

from __future__ import annotations

import json

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import say


@click.command()
@with_source
@click.option(
    "--milliseconds", type=click.IntRange(10, 5000), default=100, show_default=True, help="What a sign-in may cost."
)
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def calibrate(source: Source, milliseconds: int, *, as_json: bool) -> None:
    """
    Propose Argon2 parameters for this machine.

    It looks for the largest memory whose hash stays within the time. More memory makes guessing dearer for an
    attacker, and sign-ins dearer for this machine. The proposal can be put into gatepass.toml as it is.
    """
    from gatepass.cli import calibration  # noqa: PLC0415 - not for --help

    workers = source.load().hash_workers
    found = calibration.measure(milliseconds / 1000)
    say(
        f"A hash takes {found.seconds * 1000:.0f} ms and {found.memory_kib // 1024} MiB: {workers} processes do about "
        f"{workers / found.seconds:.0f} sign-ins a second with {workers * found.memory_kib // 1024} MiB."
    )
    if found.seconds > milliseconds / 1000:
        say(f"That is more than {milliseconds} ms, and nevertheless the least that OWASP advises.")
    if calibration.pages_are_small():
        say(
            "Linux gives a hash its memory in small pages here, which takes longer than in large ones. To try those: "
            f"echo always | sudo tee {calibration.LARGE_PAGES}"
        )
    if as_json:
        proposed = {"argon2_memory_kib": found.memory_kib, "argon2_iterations": calibration.PASSES}
        click.echo(json.dumps({**proposed, "seconds": found.seconds, "processes": workers}, indent=2))
        return
    click.echo(f"argon2_memory_kib = {found.memory_kib}\nargon2_iterations = {calibration.PASSES}")

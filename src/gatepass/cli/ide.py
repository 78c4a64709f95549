"""`gatepass ide …`: the page that browsers get."""

from __future__ import annotations

from pathlib import Path

import click

from gatepass.cli.terminal import say
from gatepass.domain.errors import GatepassError


class IdeNotBuiltError(GatepassError):
    """The GraphiQL page was not built."""


@click.group()
def ide() -> None:
    """Build the page for browsers."""


@ide.command(short_help="Build the GraphiQL page into this installation.")
@click.option("--if-changed", is_flag=True, help="Do nothing if the page is there, built from these very sources.")
def build(if_changed: bool) -> None:
    """
    Build the GraphiQL page into this installation.

    Wheels from PyPI have it. It is for a checkout, and for a wheel that was built without network. It needs the npm
    registry, and Node 20 or newer; where there is none, it is fetched from PyPI for the time of the build.

    Servers that are running go on with what they have; restart them.
    """
    from gatepass.web import building  # noqa: PLC0415 - not for --help

    if if_changed and building.is_built():
        say("the GraphiQL page is built from these sources already")
        return
    try:
        building.build(say=lambda line: say(f"{line} …"))
    except building.CannotBuildError as error:
        raise IdeNotBuiltError(str(error)) from None
    except OSError as error:
        raise IdeNotBuiltError(f"{error.filename}: {error.strerror}") from None
    say(f"built {building.BUILT}: {_size(building.BUILT)}")


def _size(folder: Path) -> str:
    kilobytes = sum(path.stat().st_size for path in folder.glob("*.br")) / 1000
    return f"{kilobytes:.0f} kB with Brotli"

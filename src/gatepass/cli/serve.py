"""`gatepass serve`: the gateway in front of an API."""

from __future__ import annotations

import click

from gatepass.cli.source import Source, with_source


@click.command()
@with_source
@click.option("--upstream", metavar="URL", help="The GraphQL API to protect.")
@click.option("--host", metavar="HOST", help="Name or IP address to listen on; 127.0.0.1 unless set.")
@click.option("--port", metavar="PORT", help="TCP port to listen on; 8000 unless set.")
@click.option("--public-url", metavar="URL", help="How callers reach this server, where a proxy stands in front.")
@click.option("--workers", metavar="N", help="Server processes on the one port; 1 unless set.")
@click.option("--log-format", metavar="FORM", help="human, json, or auto: human on a terminal.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
def serve(source: Source, /, **flags: str | None) -> None:
    """
    Serve sign-in and tokens in front of a GraphQL API.

    Every setting can also come from the environment or from gatepass.toml. SIGTERM and Ctrl-C let open requests
    finish; SIGHUP reads the upstream's schema again. With --workers several processes share the port and one pool
    of hash processes; one that crashes is replaced.
    """
    settings = source.load(**flags)
    from gatepass.cli.serving import run_gateway  # noqa: PLC0415 - not for --help, and not before the settings are good

    run_gateway(settings)

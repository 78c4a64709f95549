"""What `gatepass serve` runs."""

from __future__ import annotations

import functools
import logging

from gatepass.cli.accounts import check_store_is_there
from gatepass.domain.errors import GatepassError
from gatepass.embed import Gatepass
from gatepass.server import ServerLimits, run_server
from gatepass.settings import Settings
from gatepass.settings.addresses import is_loopback
from gatepass.telemetry.logs import configure_logging

_log = logging.getLogger("gatepass")


class NoUpstreamError(GatepassError):
    """Nobody said what to protect."""


def run_gateway(settings: Settings) -> None:
    """
    Serve until told to stop.

    Raises:
        SettingsError, NoStoreError, NoUpstreamError, CannotListenError: before anything was started.
        KeyboardInterrupt: after the drain, if Ctrl-C was the reason.
    """
    _check_ready(settings)
    configure_logging(settings.log_format, settings.log_level)
    app = Gatepass(None, settings)
    run_server(
        app,
        host=settings.host,
        port=settings.port,
        on_listening=functools.partial(_say_listening, settings),
        limits=ServerLimits(
            max_header_bytes=settings.max_header_bytes,
            head_seconds=settings.request_timeout_seconds,
            drain_seconds=settings.drain_seconds,
        ),
        reload=app.reload,
    )


def _check_ready(settings: Settings) -> None:
    settings.require_secret_key()
    check_store_is_there(settings)
    if settings.upstream is None:
        raise NoUpstreamError("there is no API to protect: name it with --upstream URL, or set 'upstream'")


def _say_listening(settings: Settings, address: str) -> None:
    _log.info("listening", extra={"address": f"{address}{settings.graphql_path}/", "upstream": settings.upstream})
    if not is_loopback(settings.host) and not settings.public_url.startswith("https://"):
        _log.warning(
            "passwords and tokens travel in clear text: %s is not loopback, and there is no TLS here. Put a TLS proxy "
            "in front and set public_url to its https address",
            settings.host,
        )

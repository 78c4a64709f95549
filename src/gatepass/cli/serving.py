"""What `gatepass serve` runs."""

from __future__ import annotations

import functools
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from gatepass.app.doors import Siblings
from gatepass.app.passwords import password_pool
from gatepass.cli.accounts import check_store_is_there
from gatepass.crypto.password_worker import forbid_core_dumps
from gatepass.crypto.shared_pool import share
from gatepass.domain.errors import GatepassError
from gatepass.embed import Gatepass
from gatepass.server import Inherited, ServerLimits, run_inherited, run_server, run_servers
from gatepass.settings import Settings
from gatepass.settings.addresses import is_loopback
from gatepass.telemetry.logs import configure_logging
from gatepass.telemetry.metrics import settled

_log = logging.getLogger("gatepass")


class NoUpstreamError(GatepassError):
    """Nobody said what to protect."""


def run_gateway(settings: Settings) -> None:
    """
    Serve until told to stop: in this process, or in `settings.workers` more that share its socket and its hash pool.

    Raises:
        SettingsError, NoStoreError, NoUpstreamError, CannotListenError: before anything was started.
        NotStartedError: one of several processes did not come up; it has said why.
        KeyboardInterrupt: after the drain, if Ctrl-C was the reason.
    """
    forbid_core_dumps()
    _check_ready(settings)
    configure_logging(settings.log_format, settings.log_level)
    limits = ServerLimits(
        max_header_bytes=settings.max_header_bytes,
        max_connections=settings.max_connections,
        head_seconds=settings.request_timeout_seconds,
        unread_seconds=settings.reading_timeout_seconds,
        drain_seconds=settings.drain_seconds,
    )
    on_listening = functools.partial(_say_listening, settings)
    if (inherited := Inherited.take()) is not None:
        app = Gatepass(None, settings, siblings=Siblings(inherited.aid, inherited.others))
        run_inherited(app, inherited, report=app.report, limits=limits, reload=app.reload)
    elif settings.workers > 1:
        run_servers(
            settings.workers,
            host=settings.host,
            port=settings.port,
            on_listening=on_listening,
            aid=functools.partial(_hash_pool, settings),
            settle=settled,
            limits=limits,
        )
    else:
        app = Gatepass(None, settings)
        run_server(
            app,
            host=settings.host,
            port=settings.port,
            on_listening=on_listening,
            limits=limits,
            reload=app.reload,
        )


@asynccontextmanager
async def _hash_pool(settings: Settings) -> AsyncIterator[Callable[[socket.socket], Awaitable[None]]]:
    """What the processes share beside the socket: as many hash workers as one of them would have alone."""
    async with password_pool(settings) as pool:
        yield functools.partial(share, pool)


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

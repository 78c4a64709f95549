"""The API behind: how it is reached, what it is told, and its schema."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from gatepass.crypto.assertions import JwtAssertions
from gatepass.crypto.keyring import Keyring
from gatepass.gateway.asgi_upstream import AsgiUpstream
from gatepass.gateway.assertion import Assertions
from gatepass.gateway.forward import Gateway
from gatepass.gateway.http import http_upstream
from gatepass.gateway.schema import UpstreamSchema
from gatepass.gateway.upstream import Upstream, UpstreamLimits
from gatepass.graphql.sign_in_schema import RESERVED, sdl
from gatepass.http.asgi import App
from gatepass.settings import Settings
from gatepass.usecases.ports import Clock
from gatepass.usecases.revoked_sessions import RevokedSessions

_log = logging.getLogger("gatepass")


async def open_upstream(
    settings: Settings,
    wrapped: App | None,
    state: dict[str, Any],
    assertions: Assertions | None,
    stack: AsyncExitStack,
) -> tuple[Upstream | None, UpstreamSchema | None]:
    """Begin with it and with reading its schema; `stack` closes both. None for a sign-in endpoint alone."""
    upstream: Upstream
    if wrapped is not None:
        upstream = AsgiUpstream(wrapped, path=settings.graphql_path, state=state, address=settings.public_url)
    elif settings.upstream is not None:
        upstream = http_upstream(settings.upstream, _upstream_limits(settings))
    else:
        return None, None
    await upstream.start()
    stack.push_async_callback(upstream.close)
    schema = UpstreamSchema(
        upstream,
        sdl(),
        headers=settings.upstream_introspection_headers,
        interval=timedelta(seconds=settings.schema_refresh_seconds),
        on_notice=_log.warning,
        reserved=RESERVED,
        assertions=assertions,
    )
    await schema.start()
    stack.push_async_callback(schema.close)
    return upstream, schema


def assertions_of(settings: Settings, keyring: Keyring, wrapped: App | None, clock: Clock) -> Assertions | None:
    """What is proven to an application in this process stands in its scope; only a network needs signatures."""
    if wrapped is not None or settings.upstream is None or not settings.upstream_assertion:
        return None
    return Assertions(JwtAssertions(keyring, issuer=settings.issuer, audience=settings.upstream_audience), clock)


def gateway_to(
    settings: Settings,
    upstream: Upstream | None,
    revoked: RevokedSessions,
    assertions: Assertions | None,
    clock: Clock,
) -> Gateway | None:
    """What forwards operations; None where there is nothing behind."""
    if upstream is None:
        return None
    return Gateway(
        upstream,
        revoked,
        clock,
        on_fault=_application_failed if isinstance(upstream, AsgiUpstream) else _upstream_failed,
        forward_bearer=settings.forward_bearer,
        assertions=assertions,
    )


def _upstream_limits(settings: Settings) -> UpstreamLimits:
    return UpstreamLimits(
        connect_timeout=timedelta(seconds=settings.upstream_connect_timeout_seconds),
        response_timeout=timedelta(seconds=settings.upstream_response_timeout_seconds),
        idle_timeout=timedelta(seconds=settings.upstream_idle_timeout_seconds),
        max_connections=settings.upstream_max_connections,
    )


def _upstream_failed(reason: str, error: BaseException | None) -> None:
    _log.warning("upstream failed: %s", reason, extra={"error": type(error).__name__} if error else {})


def _application_failed(reason: str, error: BaseException | None) -> None:
    """With its traceback: no server sees what an application in this process raised, so nobody else would log it."""
    if error is None:
        _upstream_failed(reason, None)
    else:
        _log.error("upstream failed: %s", reason, exc_info=error)

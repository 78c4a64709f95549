"""Everything that the settings ask for, opened in order and closed in reverse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gatepass.app.deeds import make_deeds, make_parts
from gatepass.app.doors import Siblings, routes_of
from gatepass.app.ground import open_ground
from gatepass.app.observing import edge_before
from gatepass.app.upstream import assertions_of, gateway_to, open_upstream
from gatepass.domain.access_token import Caller
from gatepass.http.asgi import App
from gatepass.http.edge import Edge
from gatepass.http.routes import Paths
from gatepass.settings import Settings
from gatepass.telemetry.metrics import Metrics
from gatepass.usecases.ports import Clock, Directory


@dataclass(frozen=True, slots=True)
class Service:
    """A running Gatepass: what answers at which path, and what the application around it may ask of it."""

    edge: Edge
    paths: Paths
    authenticate: Callable[[str], Awaitable[Caller]]
    reload: Callable[[], Awaitable[None]]
    report: Callable[[], bytes]


@asynccontextmanager
async def compose(
    settings: Settings,
    wrapped: App | None,
    directory: Directory | None,
    state: dict[str, Any],
    clock: Clock,
    *,
    siblings: Siblings | None = None,
) -> AsyncIterator[Service]:
    """
    Open everything that the settings ask for, and close it in reverse.

    Args:
        wrapped: the ASGI application to protect; None forwards to `settings.upstream` on HTTP.
        state: the lifespan state that a wrapped application shares with its requests.
        clock: what time it is, for everything that expires.
        siblings: what this process shares with others on the same port; None starts a hash pool of its own.

    Raises:
        SettingsError, StoreUnavailable, KeyUnusable, HashingFailed: nothing stays open.
    """
    async with AsyncExitStack() as stack:
        ground = await open_ground(settings, stack, clock, siblings.hash_line if siblings else None)
        parts = make_parts(settings, ground, directory)
        deeds = make_deeds(settings, parts, ground)
        assertions = assertions_of(settings, ground.keyring, wrapped, clock)
        upstream, schema = await open_upstream(settings, wrapped, state, assertions, stack)
        metrics = Metrics(lambda: ground.passwords.waiting)
        paths = routes_of(
            settings,
            ground,
            parts,
            deeds,
            gateway=gateway_to(settings, upstream, ground.revoked, assertions, clock),
            schema=schema,
            metrics=metrics,
            siblings=siblings,
        )
        edge = edge_before(paths, settings, metrics)
        yield Service(edge, paths, deeds.authenticate, schema.refresh if schema else _nothing, metrics.snapshot)


def utc_now() -> datetime:
    """The clock of the running service."""
    return datetime.now(UTC)


async def _nothing() -> None:
    """Without an upstream there is nothing to read again."""

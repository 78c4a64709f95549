"""What answers at which path."""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatepass.app.ground import Ground
from gatepass.app.observing import ReadinessReport, report_fault
from gatepass.app.values import body_limits
from gatepass.gateway.forward import Gateway
from gatepass.gateway.schema import UpstreamSchema
from gatepass.graphql.endpoint import GraphqlEndpoint, IntrospectionPolicy, Policies
from gatepass.graphql.limits import DocumentLimits
from gatepass.graphql.ports import Deeds
from gatepass.http.routes import Paths, service_routes
from gatepass.oauth.forward_auth import forward_auth_routes
from gatepass.oauth.places import Places
from gatepass.oauth.routes import Rooms, oauth_routes
from gatepass.settings import Settings
from gatepass.telemetry.metrics import Metrics
from gatepass.usecases.check_readiness import CheckReadiness
from gatepass.web import ide_or

_log = logging.getLogger("gatepass")


@dataclass(frozen=True, slots=True)
class Siblings:
    """
    What a process shares with others that answer on the same port.

    `hash_line` is its line to the one hash pool, `reports` asks what the others have counted (`Service.report`).
    """

    hash_line: socket.socket
    reports: Callable[[], Awaitable[Sequence[bytes]]]


def routes_of(
    settings: Settings,
    ground: Ground,
    parts: Rooms,
    deeds: Deeds,
    *,
    gateway: Gateway | None,
    schema: UpstreamSchema | None,
    metrics: Metrics,
    siblings: Siblings | None,
) -> Paths:
    """Every path of ours with its handler."""
    endpoint = _graphql_endpoint(settings, deeds, gateway, schema)
    return Paths(
        {
            **dict.fromkeys(
                (settings.graphql_path, f"{settings.graphql_path}/"),
                ide_or(endpoint, settings.ide, keeps_sign_in=settings.ide_keeps_sign_in, on_notice=_log.warning),
            ),
            **service_routes(
                jwks=ground.keyring.jwks,
                readiness=CheckReadiness(ground.store, ground.keyring.check_usable, ground.revoked, ReadinessReport()),
                metrics=_metrics_page(metrics, siblings),
            ),
            **forward_auth_routes(deeds.authenticate, report_fault),
            **oauth_routes(
                parts,
                _places(settings),
                device_ttl=timedelta(seconds=settings.device_code_seconds),
                limits=body_limits(settings),
                report=report_fault,
            ),
        }
    )


def _graphql_endpoint(
    settings: Settings, deeds: Deeds, gateway: Gateway | None, schema: UpstreamSchema | None
) -> GraphqlEndpoint:
    return GraphqlEndpoint(
        deeds,
        issuer=settings.issuer,
        access_ttl=timedelta(seconds=settings.access_ttl_seconds),
        forward=gateway,
        schema_source=schema,
        policies=Policies(settings.public_operations, IntrospectionPolicy(settings.introspection)),
        document_limits=DocumentLimits(
            max_document_characters=settings.max_document_characters,
            max_tokens=settings.max_tokens,
            max_depth=settings.max_depth,
            max_aliases=settings.max_aliases,
            max_root_fields=settings.max_root_fields,
        ),
        body_limits=body_limits(settings),
    )


def _places(settings: Settings) -> Places:
    return Places(
        issuer=settings.issuer,
        public_url=settings.public_url,
        resource=settings.public_url + settings.graphql_path,
        audience=settings.audience,
    )


def _metrics_page(metrics: Metrics, siblings: Siblings | None) -> Callable[[], Awaitable[tuple[bytes, bytes]]]:
    async def page() -> tuple[bytes, bytes]:
        return metrics.render(await siblings.reports() if siblings else ())

    return page

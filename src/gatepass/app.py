"""The composition root: the only module that sees every room."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from gatepass.crypto.access_tokens import JwtAccessTokens
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.assertions import JwtAssertions
from gatepass.crypto.audit_seals import AuditSeals
from gatepass.crypto.client_assertions import JoseAssertionReader
from gatepass.crypto.foreign_tokens import ForeignTokens
from gatepass.crypto.issuer_keys import IssuerKeys
from gatepass.crypto.key_maker import KeyMaker
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.password_pool import PasswordPool
from gatepass.crypto.pseudonym import Pseudonyms
from gatepass.crypto.random_pool import RandomPool
from gatepass.crypto.sealing import Sealer
from gatepass.crypto.shared_pool import SharedPool
from gatepass.domain.access_token import MAX_ACCESS_TTL, MAX_LEEWAY, Caller
from gatepass.domain.key_schedule import Activate, KeySchedule, Publish, Remove, Step, tokens_live
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.session import SessionLimits
from gatepass.domain.signing_key import Algorithm
from gatepass.gateway.asgi_upstream import AsgiUpstream
from gatepass.gateway.assertion import Assertions
from gatepass.gateway.forward import Gateway
from gatepass.gateway.http import http_upstream
from gatepass.gateway.key_set import read_key_set
from gatepass.gateway.schema import UpstreamSchema
from gatepass.gateway.upstream import Upstream, UpstreamLimits
from gatepass.graphql.endpoint import GraphqlEndpoint, IntrospectionPolicy, Policies
from gatepass.graphql.limits import DocumentLimits
from gatepass.graphql.ports import Deeds
from gatepass.graphql.sign_in_schema import RESERVED, sdl
from gatepass.http.asgi import App
from gatepass.http.body import Arriving, BodyLimits
from gatepass.http.client_address import ClientAddress
from gatepass.http.cross_origin import CrossOrigin
from gatepass.http.edge import Edge, Observer
from gatepass.http.in_flight import InFlight
from gatepass.http.messages import Answer, Request
from gatepass.http.routes import Paths, router, service_routes
from gatepass.oauth.forward_auth import forward_auth_routes
from gatepass.oauth.places import Places
from gatepass.oauth.routes import Rooms, oauth_routes
from gatepass.settings import Settings
from gatepass.settings.attempts import attempt_limits, device_rates
from gatepass.stores.opening import open_store
from gatepass.telemetry.audit_log import LoggedAudit
from gatepass.telemetry.metrics import Metrics
from gatepass.telemetry.request_log import RequestLog
from gatepass.usecases.attempts import Attempts
from gatepass.usecases.authenticate import Authenticate
from gatepass.usecases.change_own_password import ChangeOwnPassword
from gatepass.usecases.check_credentials import CheckCredentials
from gatepass.usecases.check_readiness import CheckReadiness
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.keep_audit import MOST_AT_ONCE, KeepAudit
from gatepass.usecases.list_sessions import ListSessions
from gatepass.usecases.meet_unknown_keys import MeetUnknownKeys
from gatepass.usecases.new_session import NewSession
from gatepass.usecases.noted_store import NotedKeys
from gatepass.usecases.ports import Clock, Directory, Store
from gatepass.usecases.revoke_session import RevokeSession
from gatepass.usecases.revoked_sessions import RevokedSessions
from gatepass.usecases.rotate_keys import RotateKeys
from gatepass.usecases.show_account import ShowAccount
from gatepass.usecases.sign_in import SignIn
from gatepass.usecases.sign_in_attempts import SignInAttempts
from gatepass.usecases.sign_in_refresh import SignInRefresh
from gatepass.usecases.sign_out import SignOut
from gatepass.web import ide_or

SWEEP_SECONDS = 60.0
SWEEP_ROWS = 500
AUDIT_SECONDS = 5.0
FIRST_KEYS_SECONDS = 2.0

_log = logging.getLogger("gatepass")


@dataclass(frozen=True, slots=True)
class Siblings:
    """
    What a process shares with others that answer on the same port.

    `hash_line` is its line to the one hash pool, `reports` asks what the others have counted (`Service.report`).
    """

    hash_line: socket.socket
    reports: Callable[[], Awaitable[Sequence[bytes]]]


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
        sealer = Sealer(settings.require_secret_key(), settings.secret_key_previous)
        passwords = await stack.enter_async_context(password_pool(settings, siblings.hash_line if siblings else None))
        store = await open_store(settings.store_url)
        stack.push_async_callback(store.close)
        algorithm = Algorithm(settings.signing_algorithm)
        keys = NotedKeys(store.keys, Occasion(Door.SERVER), clock)
        keyring = await Keyring.open(keys, sealer, clock=clock, algorithm=algorithm)
        revoked = RevokedSessions(store.revocations, clock, timedelta(seconds=settings.revocation_stale_seconds))
        await revoked.refresh()
        await stack.enter_async_context(
            _repeating(revoked.refresh, settings.revocation_poll_seconds, store.revocations.news)
        )
        attempts = _attempts(settings, store, keyring, clock)
        stack.push_async_callback(attempts.close)
        rotate = RotateKeys(keys, KeyMaker(sealer, algorithm), key_schedule(settings), clock)
        await stack.enter_async_context(_repeating(_key_keeper(rotate, keyring), settings.key_poll_seconds))
        await stack.enter_async_context(_repeating(_sweeper(store, settings, clock), SWEEP_SECONDS))
        await stack.enter_async_context(_repeating(_audit_keeper(settings, store, clock), AUDIT_SECONDS))

        parts = _parts(
            settings, store, keyring, passwords, revoked=revoked, attempts=attempts, directory=directory, clock=clock
        )
        trusted = await stack.enter_async_context(_trusted_tokens(settings))
        deeds = _deeds(settings, parts, keyring, trusted)
        assertions = _assertions(settings, keyring, wrapped, clock)
        upstream, schema = await _open_upstream(settings, wrapped, state, assertions, stack)
        endpoint = _endpoint(settings, deeds, _gateway(settings, upstream, revoked, assertions, clock), schema)
        metrics = Metrics(lambda: passwords.waiting)
        routes = {
            **dict.fromkeys(
                (settings.graphql_path, f"{settings.graphql_path}/"),
                ide_or(endpoint, settings.ide, keeps_sign_in=settings.ide_keeps_sign_in, on_notice=_log.warning),
            ),
            **service_routes(
                jwks=keyring.jwks,
                readiness=CheckReadiness(store, keyring.check_usable, revoked),
                metrics=_metrics_page(metrics, siblings),
            ),
            **forward_auth_routes(deeds.authenticate, _report),
            **oauth_routes(
                parts,
                _places(settings),
                device_ttl=timedelta(seconds=settings.device_code_seconds),
                limits=_body_limits(settings),
                report=_report,
            ),
        }
        paths = Paths(routes)
        edge = Edge(
            router(paths),
            observe=_observer(RequestLog(), metrics),
            report=_report,
            client_address=ClientAddress(settings.trusted_proxies, _log.warning),
            cross_origin=CrossOrigin(settings.cors_origins),
            in_flight=InFlight(settings.max_requests_per_client),
        )
        yield Service(edge, paths, deeds.authenticate, schema.refresh if schema else _nothing, metrics.snapshot)


def utc_now() -> datetime:
    """The clock of the running service."""
    return datetime.now(UTC)


@asynccontextmanager
async def password_pool(
    settings: Settings, hash_line: socket.socket | None = None
) -> AsyncIterator[PasswordPool | SharedPool]:
    """
    A started pool of hash workers: of this process, or at the far end of a line to the process that has one.

    Raises:
        HashingFailed: it did not come up; nothing is left behind.
    """
    parameters = Argon2Parameters(settings.argon2_memory_kib, settings.argon2_iterations)
    pool: PasswordPool | SharedPool
    if hash_line is not None:
        pool = SharedPool(parameters, hash_line)
    else:
        pool = PasswordPool(
            parameters,
            workers=settings.hash_workers,
            queue_deadline=timedelta(seconds=settings.hash_queue_seconds),
            max_waiting=settings.hash_max_waiting,
        )
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


def _parts(
    settings: Settings,
    store: Store,
    keyring: Keyring,
    passwords: PasswordPool | SharedPool,
    *,
    revoked: RevokedSessions,
    attempts: SignInAttempts,
    directory: Directory | None,
    clock: Clock,
) -> Rooms:
    """What both doors, GraphQL and OAuth 2, are made of: so neither knows another truth than the other."""
    leeway = timedelta(seconds=settings.leeway_seconds)
    limits = _session_limits(settings)
    tokens = JwtAccessTokens(keyring, issuer=settings.issuer, audience=settings.audience, leeway=leeway)
    access_ttl = timedelta(seconds=settings.access_ttl_seconds)
    random, audit = RandomPool(), LoggedAudit()
    issue = IssueTokens(tokens, keyring, random, settings.issuer, settings.audience, access_ttl)
    return Rooms(
        store=store,
        check_credentials=CheckCredentials(store.accounts, passwords, attempts, store.audit, clock, directory),
        new_session=NewSession(random, limits),
        issue_tokens=issue,
        access_tokens=tokens,
        refresh_keys=keyring,
        revoked=revoked,
        refresh=SignInRefresh(
            store.sessions, keyring, issue, clock, limits, audit, has_directory=directory is not None
        ),
        catch_up=keyring.catch_up,
        assertions=JoseAssertionReader(),
        throttle=Attempts(device_rates(settings), store.counters, clock),
        audit_log=audit,
        clock=clock,
        random=random,
    )


def _deeds(settings: Settings, parts: Rooms, keyring: Keyring, trusted: ForeignTokens | None) -> Deeds:
    sessions, clock = parts.store.sessions, parts.clock
    show_account = ShowAccount(parts.store.accounts)
    return Deeds(
        sign_in=SignIn(parts.check_credentials, sessions, parts.new_session, parts.issue_tokens, clock),
        sign_in_refresh=parts.refresh,
        sign_out=SignOut(sessions, clock),
        show_account=show_account,
        list_sessions=ListSessions(sessions, clock, parts.new_session.limits),
        revoke_session=RevokeSession(sessions, clock),
        change_own_password=ChangeOwnPassword(
            parts.store.accounts, parts.check_credentials.passwords, parts.check_credentials, show_account, clock
        ),
        authenticate=_authenticate(settings, parts, keyring, trusted),
    )


def _authenticate(settings: Settings, parts: Rooms, keyring: Keyring, trusted: ForeignTokens | None) -> MeetUnknownKeys:
    leeway = timedelta(seconds=settings.leeway_seconds)
    authenticate = Authenticate(parts.access_tokens, parts.revoked, parts.clock, leeway=leeway, trusted=trusted)
    keyring.when_keys_go(authenticate.forget)
    if trusted is not None:
        trusted.when_keys_go(authenticate.forget)

    async def catch_up(issuer: str | None) -> None:
        if issuer is None:
            await keyring.catch_up()
        elif trusted is not None:
            await trusted.catch_up(issuer)

    return MeetUnknownKeys(authenticate, catch_up)


def _places(settings: Settings) -> Places:
    return Places(
        issuer=settings.issuer,
        public_url=settings.public_url,
        resource=settings.public_url + settings.graphql_path,
        audience=settings.audience,
    )


def _body_limits(settings: Settings) -> BodyLimits:
    timeout = timedelta(seconds=settings.request_timeout_seconds)
    return BodyLimits(settings.max_body_bytes, timeout, Arriving(settings.max_arriving_bytes))


@asynccontextmanager
async def _trusted_tokens(settings: Settings) -> AsyncIterator[ForeignTokens | None]:
    """The trusted issuers with their keys, read at once and on a timer. None of them can keep us from starting."""
    if not settings.trusted_issuers:
        yield None
        return
    issuers = [IssuerKeys(trusted, partial(read_key_set, trusted.jwks)) for trusted in settings.trusted_issuers]
    async with AsyncExitStack() as stack:
        for keys in issuers:
            stack.push_async_callback(keys.close)
            await stack.enter_async_context(_repeating(keys.refresh, settings.trusted_keys_refresh_seconds))
        await asyncio.wait([asyncio.create_task(keys.refresh()) for keys in issuers], timeout=FIRST_KEYS_SECONDS)
        yield ForeignTokens(issuers, leeway=timedelta(seconds=settings.leeway_seconds))


def key_schedule(settings: Settings) -> KeySchedule:
    """When the settings want keys to change."""
    return KeySchedule(
        max_age=timedelta(seconds=settings.key_max_age_seconds) if settings.key_max_age_seconds else None,
        lead=timedelta(seconds=settings.key_lead_seconds),
        tokens_live=tokens_live(_session_limits(settings)),
    )


def _attempts(settings: Settings, store: Store, keyring: Keyring, clock: Clock) -> SignInAttempts:
    return SignInAttempts(
        store.counters,
        attempt_limits(settings),
        clock,
        pseudonym=Pseudonyms(settings.require_secret_key()),
        hint_keys=keyring,
        patience=timedelta(seconds=settings.hash_queue_seconds),
    )


def _session_limits(settings: Settings) -> SessionLimits:
    return SessionLimits(
        idle=timedelta(seconds=settings.session_idle_seconds),
        absolute=timedelta(seconds=settings.session_absolute_seconds),
        replay_window=timedelta(seconds=settings.replay_window_seconds),
    )


async def _open_upstream(
    settings: Settings,
    wrapped: App | None,
    state: dict[str, Any],
    assertions: Assertions | None,
    stack: AsyncExitStack,
) -> tuple[Upstream | None, UpstreamSchema | None]:
    upstream: Upstream
    if wrapped is not None:
        upstream = AsgiUpstream(wrapped, path=settings.graphql_path, state=state)
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


def _assertions(settings: Settings, keyring: Keyring, wrapped: App | None, clock: Clock) -> Assertions | None:
    """What is proven to an application in this process stands in its scope; only a network needs signatures."""
    if wrapped is not None or settings.upstream is None or not settings.upstream_assertion:
        return None
    return Assertions(JwtAssertions(keyring, issuer=settings.issuer, audience=settings.upstream_audience), clock)


def _gateway(
    settings: Settings,
    upstream: Upstream | None,
    revoked: RevokedSessions,
    assertions: Assertions | None,
    clock: Clock,
) -> Gateway | None:
    if upstream is None:
        return None
    return Gateway(
        upstream,
        revoked,
        clock,
        on_fault=_upstream_failed,
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


def _endpoint(
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
        body_limits=_body_limits(settings),
    )


def _metrics_page(metrics: Metrics, siblings: Siblings | None) -> Callable[[], Awaitable[tuple[bytes, bytes]]]:
    async def page() -> tuple[bytes, bytes]:
        return metrics.render(await siblings.reports() if siblings else ())

    return page


def _observer(log: RequestLog, metrics: Metrics) -> Observer:
    def observe(request: Request, answer: Answer, seconds: float) -> None:
        metrics.request(answer.operation, answer.code, seconds)
        log(
            request_id=request.id,
            method=request.method,
            path=request.path,
            operation=answer.operation,
            code=answer.code,
            status=answer.status,
            seconds=seconds,
            client=request.client,
        )

    return observe


def _report(request: Request, error: BaseException) -> None:
    _log.error("fault", exc_info=error, extra={"request_id": request.id})


def _upstream_failed(reason: str, error: BaseException | None) -> None:
    _log.warning("upstream failed: %s", reason, extra={"error": type(error).__name__} if error else {})


async def _nothing() -> None:
    """Without an upstream there is nothing to read again."""


def audit_seals(settings: Settings) -> AuditSeals:
    """
    Who seals the audit log.

    Raises:
        SettingsError: there is no secret key.
    """
    return AuditSeals(settings.require_secret_key(), settings.secret_key_previous)


def _audit_keeper(settings: Settings, store: Store, clock: Clock) -> Callable[[], Awaitable[None]]:
    days = settings.audit_retention_days
    keep = KeepAudit(store.audit, audit_seals(settings), clock, timedelta(days=days) if days else None)

    async def keep_audit() -> None:
        while await keep() == MOST_AT_ONCE:
            continue

    return keep_audit


def _sweeper(store: Store, settings: Settings, clock: Clock) -> Callable[[], Awaitable[None]]:
    limits = _session_limits(settings)

    async def sweep() -> None:
        # While an access token of a session can live, its row must stay: signing out needs it.
        ended, swept = clock() - MAX_ACCESS_TTL - MAX_LEEWAY, SWEEP_ROWS
        while swept == SWEEP_ROWS:
            swept = await store.sessions.sweep(ended, ended - limits.idle, SWEEP_ROWS)
        for kept in (store.authorization_codes, store.device_codes, store.client_assertions):
            while await kept.sweep(ended, SWEEP_ROWS) == SWEEP_ROWS:
                pass
        while await store.counters.sweep(clock(), settings.throttle_max_counters, SWEEP_ROWS) == SWEEP_ROWS:
            pass

    return sweep


def _key_keeper(rotate: RotateKeys, keyring: Keyring) -> Callable[[], Awaitable[None]]:
    async def keep() -> None:
        for step in await rotate():
            _log.info("key rotation", extra=_step_fields(step))
        await keyring.reload()

    return keep


def _step_fields(step: Step) -> Mapping[str, str]:
    match step:
        case Publish(use):
            return {"step": "published", "use": use}
        case Activate(following, active):
            return {"step": "activated", "use": following.use, "key": following.id, "retiring": active.id}
        case Remove(key):
            return {"step": "removed", "use": key.use, "key": key.id}


@asynccontextmanager
async def _repeating(
    job: Callable[[], Awaitable[None]], seconds: float, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[None]:
    """
    Do `job` again and again beside the body. A failure is logged once until it has succeeded again.

    `pause` waits between two, for up to so many seconds.
    """

    async def repeat() -> None:
        failing = False
        while True:
            await pause(seconds)
            try:
                await job()
                failing = False
            except Exception as error:  # a loop that ended would leave revocations unknown until the next start
                if not failing:
                    _log.error("a background job fails", exc_info=error)
                failing = True

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

"""Which address of OAuth 2 is answered by whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from gatepass.http.body import BodyLimits
from gatepass.http.edge import FaultReporter, Handler
from gatepass.oauth.device_authorization import DeviceAuthorizationEndpoint
from gatepass.oauth.endpoint import Deed, FormEndpoint
from gatepass.oauth.form import MAX_FORM_BYTES
from gatepass.oauth.grants.authorization_code import AuthorizationCodeGrant
from gatepass.oauth.grants.client_credentials import ClientCredentialsGrant
from gatepass.oauth.grants.device_code import DeviceCodeGrant
from gatepass.oauth.grants.refresh_token import RefreshTokenGrant
from gatepass.oauth.introspection import IntrospectionEndpoint
from gatepass.oauth.metadata import metadata_routes
from gatepass.oauth.pages.assets import asset_routes
from gatepass.oauth.pages.authorize import AuthorizePage
from gatepass.oauth.pages.device import DevicePage
from gatepass.oauth.pages.endpoint import PageDeeds, PageEndpoint
from gatepass.oauth.places import (
    AUTHORIZATION_PATH,
    DEVICE_AUTHORIZATION_PATH,
    DEVICE_PATH,
    INTROSPECTION_PATH,
    REVOCATION_PATH,
    TOKEN_PATH,
    Places,
)
from gatepass.oauth.revocation import RevocationEndpoint
from gatepass.oauth.token import TokenEndpoint
from gatepass.usecases.answer_device import AnswerDevice
from gatepass.usecases.authenticate_client import AuthenticateClient
from gatepass.usecases.authorize import Authorize
from gatepass.usecases.check_credentials import CheckCredentials
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.look_up_token import LookUpToken
from gatepass.usecases.new_session import NewSession
from gatepass.usecases.poll_device import PollDevice
from gatepass.usecases.ports import (
    AccessTokens,
    AssertionReader,
    AuditLog,
    Clock,
    RandomBytes,
    RefreshKeys,
    Store,
    Throttle,
)
from gatepass.usecases.redeem_code import RedeemCode
from gatepass.usecases.revoke_token import RevokeToken
from gatepass.usecases.revoked_sessions import RevokedSessions
from gatepass.usecases.sign_in_refresh import SignInRefresh
from gatepass.usecases.sign_in_service import SignInService
from gatepass.usecases.start_device_sign_in import StartDeviceSignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What the use cases of these endpoints are made of; what GraphQL's are made of too is the very same."""

    store: Store
    check_credentials: CheckCredentials
    new_session: NewSession
    issue_tokens: IssueTokens
    access_tokens: AccessTokens
    refresh_keys: RefreshKeys
    revoked: RevokedSessions
    refresh: SignInRefresh
    assertions: AssertionReader
    catch_up: Callable[[], Awaitable[None]]
    throttle: Throttle
    audit_log: AuditLog
    clock: Clock
    random: RandomBytes


def oauth_routes(
    rooms: Rooms, places: Places, *, device_ttl: timedelta, limits: BodyLimits, report: FaultReporter
) -> dict[str, Handler]:
    """The handlers by path."""
    limits = replace(limits, max_body_bytes=min(limits.max_body_bytes, MAX_FORM_BYTES))
    store, clock = rooms.store, rooms.clock
    clients = AuthenticateClient(
        store.clients, rooms.assertions, store.client_assertions, clock, places.assertion_audiences
    )

    def form(deed: Deed, operation: str) -> FormEndpoint:
        return FormEndpoint(deed, operation=operation, limits=limits, report=report)

    def page(deeds: PageDeeds, operation: str) -> PageEndpoint:
        return PageEndpoint(deeds, operation=operation, is_https=places.is_https, limits=limits, report=report)

    look_up = LookUpToken(
        rooms.access_tokens,
        rooms.refresh_keys,
        store.sessions,
        rooms.revoked,
        rooms.refresh.limits,
        clock,
        rooms.catch_up,
    )
    revoke = RevokeToken(look_up, store.sessions, clock)
    authorize = Authorize(rooms.check_credentials, store.authorization_codes, clock, rooms.random)
    start = StartDeviceSignIn(store.device_codes, rooms.throttle, clock, rooms.random, device_ttl)
    answer = AnswerDevice(store.device_codes, rooms.check_credentials, rooms.throttle, clock)
    return {
        TOKEN_PATH: form(_token(rooms, places, clients), "token"),
        REVOCATION_PATH: form(RevocationEndpoint(clients, revoke), "revoke"),
        INTROSPECTION_PATH: form(IntrospectionEndpoint(clients, look_up), "introspect"),
        AUTHORIZATION_PATH: page(AuthorizePage(authorize, clients.find, places), "authorize"),
        DEVICE_AUTHORIZATION_PATH: form(
            DeviceAuthorizationEndpoint(clients, start, places.device), "device_authorization"
        ),
        DEVICE_PATH: page(DevicePage(answer, clients.find, places.host), "device_page"),
        **asset_routes(),
        **metadata_routes(places, rooms.assertions.algorithms),
    }


def _token(rooms: Rooms, places: Places, clients: AuthenticateClient) -> TokenEndpoint:
    new_session, issue, clock, audit = rooms.new_session, rooms.issue_tokens, rooms.clock, rooms.audit_log
    grants = (
        RefreshTokenGrant(rooms.refresh),
        ClientCredentialsGrant(SignInService(rooms.store.sessions, new_session, issue, clock)),
        AuthorizationCodeGrant(RedeemCode(rooms.store.authorization_codes, new_session, issue, clock, audit)),
        DeviceCodeGrant(PollDevice(rooms.store.device_codes, new_session, issue, clock, audit)),
    )
    return TokenEndpoint(clients, grants, places.resources)

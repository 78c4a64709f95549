"""The use cases, put together once for every door."""

from __future__ import annotations

from datetime import timedelta

from gatepass.app.ground import Ground
from gatepass.app.values import session_limits
from gatepass.crypto.access_tokens import JwtAccessTokens
from gatepass.crypto.client_assertions import JoseAssertionReader
from gatepass.crypto.foreign_tokens import ForeignTokens
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.random_pool import RandomPool
from gatepass.graphql.ports import Deeds
from gatepass.oauth.routes import Rooms
from gatepass.settings import Settings
from gatepass.settings.attempts import device_rates
from gatepass.telemetry.audit_log import LoggedAudit
from gatepass.usecases.attempts import Attempts
from gatepass.usecases.authenticate import Authenticate
from gatepass.usecases.change_own_password import ChangeOwnPassword
from gatepass.usecases.check_credentials import CheckCredentials
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.list_sessions import ListSessions
from gatepass.usecases.meet_unknown_keys import MeetUnknownKeys
from gatepass.usecases.new_session import NewSession
from gatepass.usecases.ports import Directory
from gatepass.usecases.revoke_session import RevokeSession
from gatepass.usecases.show_account import ShowAccount
from gatepass.usecases.sign_in import SignIn
from gatepass.usecases.sign_in_refresh import SignInRefresh
from gatepass.usecases.sign_out import SignOut


def make_parts(settings: Settings, ground: Ground, directory: Directory | None) -> Rooms:
    """What both doors, GraphQL and OAuth 2, are made of: so neither knows another truth than the other."""
    store, keyring, clock = ground.store, ground.keyring, ground.clock
    leeway = timedelta(seconds=settings.leeway_seconds)
    limits = session_limits(settings)
    tokens = JwtAccessTokens(keyring, issuer=settings.issuer, audience=settings.audience, leeway=leeway)
    access_ttl = timedelta(seconds=settings.access_ttl_seconds)
    random, audit = RandomPool(), LoggedAudit()
    issue = IssueTokens(tokens, keyring, random, settings.issuer, settings.audience, access_ttl)
    return Rooms(
        store=store,
        check_credentials=CheckCredentials(
            store.accounts, ground.passwords, ground.attempts, store.audit, clock, audit, directory
        ),
        new_session=NewSession(random, limits),
        issue_tokens=issue,
        access_tokens=tokens,
        refresh_keys=keyring,
        revoked=ground.revoked,
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


def make_deeds(settings: Settings, parts: Rooms, ground: Ground) -> Deeds:
    """What GraphQL's fields do."""
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
            parts.store.accounts, ground.passwords, parts.check_credentials, show_account, clock
        ),
        authenticate=_authenticate(settings, parts, ground.keyring, ground.trusted),
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

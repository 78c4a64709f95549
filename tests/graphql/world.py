"""The endpoint on real ASGI, with stubs for what lies behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from gatepass.domain.access_token import Caller, IssuedTokens
from gatepass.domain.account import Account, EmailAddress, Scope
from gatepass.domain.errors import FlowUnavailable, InvalidCredentials, InvalidRefreshToken, Unauthenticated
from gatepass.domain.identifiers import AccountId, Generation, SessionId
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session, SessionOrigin
from gatepass.graphql.endpoint import GraphqlEndpoint, Policies
from gatepass.graphql.limits import DocumentLimits
from gatepass.graphql.ports import Deeds, MergedSchema
from gatepass.http.asgi import Headers, Message
from gatepass.http.body import BodyLimits
from gatepass.http.edge import Edge
from gatepass.http.messages import Answer, ForwardedOperation, Request, Response
from gatepass.usecases.ports import ListedSession

ISSUED_AT = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
USER = "ana@example.org"
PASSWORD = "correct horse battery"
REFRESH_TOKEN = "gpr_" + "r" * 76
ACCESS_TOKEN = "header.payload.signature"

SIGN_IN = (
    "mutation signIn {signIn(useManagementflow: true, credentials: "
    f'{{ userName: "{USER}", password: "{PASSWORD}" }}) {{accessToken refreshToken}}}}'
)
SIGN_IN_REFRESH = (
    "mutation signInRefresh {signInRefresh(useManagementflow: true, credentials:"
    f'{{refreshToken:"{REFRESH_TOKEN}"}}){{accessToken refreshToken}}}}'
)
SIGN_OUT = "mutation { signOut { sessions } }"
ACCOUNT = Account(AccountId(UUID(int=1)), EmailAddress(USER), (Scope("read"),), ISSUED_AT)
SESSION = Session(
    id=SessionId(UUID(int=2)),
    account=ACCOUNT,
    client_id="gatepass",
    salt=b"salt" * 4,
    generation=Generation(1),
    opened_at=ISSUED_AT,
    rotated_at=ISSUED_AT + timedelta(minutes=50),
    ends_at=ISSUED_AT + timedelta(days=90),
)
OTHER_SESSION = SessionId(UUID(int=3))
COMPANIES = "{ companies { items { company_name } } }"


def tokens(access: str = "new.access.token", refresh: str = "gpr_new") -> IssuedTokens:
    """A pair of tokens as a use case gives it."""
    return IssuedTokens(Secret(access), Secret(refresh), ISSUED_AT, timedelta(hours=1), lambda: Secret("gph_hint"))


def caller(*scopes: str) -> Caller:
    """Who `ACCESS_TOKEN` proves."""
    return Caller("account-1", frozenset(scopes), str(SESSION.id), "gatepass", ISSUED_AT + timedelta(hours=1))


@dataclass
class StubDeeds:
    """Use cases that know one account and one refresh token, and remember who came. `fault` is raised by each."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    fault: BaseException | None = None
    occasions: list[Occasion] = field(default_factory=list)

    async def sign_in(
        self,
        user_name: str,
        plain: Secret[str],
        occasion: Occasion,
        *,
        use_management_flow: bool,
        device_hint: str | None = None,
    ) -> IssuedTokens:
        """Accepts `USER` with `PASSWORD`."""
        self.occasions.append(occasion)
        self._record("sign_in", user_name, plain.reveal(), use_management_flow)
        if not use_management_flow:
            raise FlowUnavailable
        if (user_name, plain.reveal()) != (USER, PASSWORD):
            raise InvalidCredentials
        return tokens()

    async def sign_in_refresh(
        self, presented: Secret[str], occasion: Occasion, *, use_management_flow: bool
    ) -> IssuedTokens:
        """Accepts `REFRESH_TOKEN`."""
        self.occasions.append(occasion)
        self._record("sign_in_refresh", presented.reveal(), use_management_flow)
        if not use_management_flow:
            raise FlowUnavailable
        if presented.reveal() != REFRESH_TOKEN:
            raise InvalidRefreshToken
        return tokens()

    async def sign_out(self, caller: Caller, occasion: Occasion, *, everywhere: bool, but_here: bool = False) -> int:
        """Ends one session, or three, or two."""
        self.occasions.append(occasion)
        self._record("sign_out", caller.session_id, everywhere, *([but_here] if but_here else []))
        return 3 - but_here if everywhere else 1

    async def show_account(self, caller: Caller) -> Account:
        """The account of `USER`."""
        self._record("show_account", caller.subject)
        return ACCOUNT

    async def list_sessions(self, caller: Caller, first: int, after: SessionId | None) -> list[ListedSession]:
        """Two sessions, the caller's first."""
        self._record("list_sessions", caller.subject, first, after)
        here = SessionOrigin("192.0.2.1", "Browser/1")
        return [ListedSession(SESSION, here), ListedSession(replace(SESSION, id=OTHER_SESSION), SessionOrigin())]

    async def revoke_session(self, caller: Caller, session: SessionId, occasion: Occasion) -> bool:
        """Ends the other session."""
        self.occasions.append(occasion)
        self._record("revoke_session", caller.subject, session)
        return session == OTHER_SESSION

    async def change_own_password(
        self, caller: Caller, current: Secret[str], new: Secret[str], occasion: Occasion, *, ends_others: bool
    ) -> int:
        """Accepts `PASSWORD`."""
        self.occasions.append(occasion)
        self._record("change_own_password", caller.subject, current.reveal(), new.reveal(), ends_others)
        if current.reveal() != PASSWORD:
            raise InvalidCredentials
        return int(ends_others)

    async def authenticate(self, token: str) -> Caller:
        """Accepts `ACCESS_TOKEN`."""
        self._record("authenticate", token)
        if token != ACCESS_TOKEN:
            raise Unauthenticated("The access token has expired.", presented=True)
        return caller()

    @property
    def deeds(self) -> Deeds:
        """These use cases, as the endpoint takes them."""
        return Deeds(
            self.sign_in,
            self.sign_in_refresh,
            self.sign_out,
            self.authenticate,
            self.show_account,
            self.list_sessions,
            self.revoke_session,
            self.change_own_password,
        )

    def _record(self, *call: Any) -> None:
        self.calls.append(call)
        if self.fault is not None:
            raise self.fault


@dataclass
class StubForward:
    """An upstream that takes everything."""

    operations: list[ForwardedOperation] = field(default_factory=list)
    refusal: BaseException | None = None

    async def __call__(self, operation: ForwardedOperation) -> Answer:
        """Remembers the operation and answers."""
        self.operations.append(operation)
        if self.refusal is not None:
            raise self.refusal
        headers = [(b"content-type", b"application/json")]
        return Response(200, b'{"data":{"from":"upstream"}}', headers, operation=operation.kind)

    @property
    def documents(self) -> list[str]:
        """The documents that arrived."""
        return [json.loads(operation.body)["query"] for operation in self.operations]


@dataclass
class StubSchemaSource:
    """What the gateway knows of the merged schema."""

    merged: MergedSchema | None = None

    def current(self) -> MergedSchema | None:
        """The schema as it stands."""
        return self.merged


@dataclass
class Reply:
    """An answer as the client sees it."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; its names must not repeat."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the first error."""
        code: str = self.json["errors"][0]["extensions"]["code"]
        return code

    @property
    def message(self) -> str:
        """The message of the first error."""
        message: str = self.json["errors"][0]["message"]
        return message

    def header(self, name: str) -> str | None:
        """The value of a header."""
        return next((value.decode() for key, value in self.headers if key == name.encode()), None)


class Api:
    """One server with one endpoint."""

    def __init__(
        self,
        policies: Policies | None = None,
        *,
        document_limits: DocumentLimits | None = None,
        body_limits: BodyLimits | None = None,
        upstream: bool = True,
    ) -> None:
        self.deeds = StubDeeds()
        self.upstream = StubForward()
        self.schema_source = StubSchemaSource()
        self.log: list[tuple[str, str, int]] = []
        self.faults: list[BaseException] = []
        self.endpoint = GraphqlEndpoint(
            self.deeds.deeds,
            issuer="https://issuer.example",
            access_ttl=timedelta(hours=1),
            forward=self.upstream if upstream else None,
            schema_source=self.schema_source,
            policies=policies,
            document_limits=document_limits,
            body_limits=body_limits,
        )
        self.app = Edge(self.endpoint, observe=self._observe, report=lambda _, error: self.faults.append(error))

    async def post(
        self,
        query: object,
        variables: object = None,
        operation_name: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST as most clients do."""
        members = {"query": query, "variables": variables, "operationName": operation_name}
        body = json.dumps({name: value for name, value in members.items() if value is not None})
        return await self.send("POST", body.encode(), headers={"content-type": "application/json", **(headers or {})})

    async def get(self, query_string: str, headers: Mapping[str, str] | None = None) -> Reply:
        """GET with this query string."""
        return await self.send("GET", b"", headers=headers or {}, query_string=query_string.encode())

    async def send(
        self,
        method: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | Headers,
        query_string: bytes = b"",
        chunks: int = 1,
    ) -> Reply:
        """Any request; `headers` as pairs may repeat."""
        pairs = headers if isinstance(headers, list) else [(k.encode(), v.encode()) for k, v in headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "path": "/graphql/",
            "query_string": query_string,
            "headers": [(b"host", b"localhost"), *pairs],
            "client": ("192.0.2.1", 50000),
        }
        step = max(1, -(-len(body) // chunks))
        pieces = [body[start : start + step] for start in range(0, len(body), step)] or [b""]
        sent: list[Message] = []

        async def receive() -> Message:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return Reply(sent[0]["status"], sent[0]["headers"], b"".join(message["body"] for message in sent[1:]))

    def _observe(self, _request: Request, answer: Answer, _seconds: float) -> None:
        self.log.append((answer.operation, answer.code, answer.status))


BEARER = {"authorization": f"Bearer {ACCESS_TOKEN}"}
GRAPHQL_RESPONSE = {"accept": "application/graphql-response+json"}

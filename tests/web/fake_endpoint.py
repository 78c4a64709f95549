"""
A small GraphQL endpoint that serves the page and speaks the sign-in protocol, for tests of the page alone.

Refresh tokens work exactly once here: a page that renews twice for one token is found out at once.
"""

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from graphql import GraphQLError, GraphQLSchema, build_schema, graphql_sync, parse
from typing_extensions import override

from gatepass.web import Page, PlainPage, asset_name

HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'
EMAIL, PASSWORD = "ana@example.org", "correct horse"

ANONYMOUS_QUERY = "type Query { service: String! }"
SIGN_IN_SDL = """
type Query { service: String! }
type Mutation {
  "Trades an e-mail address and a password for an access token that is valid for one hour."
  signIn(useManagementflow: Boolean!, credentials: SignInCredentials!): Tokens!
  "Trades a refresh token for a new pair of tokens."
  signInRefresh(useManagementflow: Boolean!, credentials: RefreshCredentials!): Tokens!
  signOut(everywhere: Boolean! = false): SignedOut!
}
type SignedOut { sessions: Int! }
input SignInCredentials { userName: String!, password: String!, deviceHint: String }
input RefreshCredentials { refreshToken: String! }
type Tokens {
  accessToken: String!, refreshToken: String!, deviceHint: String!, tokenType: String!, expiresIn: Int!
}
"""
MERGED_SDL = (
    SIGN_IN_SDL.replace(ANONYMOUS_QUERY, "")
    + '''
type Query {
  """Companies by name. HOSTILE"""
  companies(first: Int = 20, country: Country): [Company!]!
  company(number: ID!): Company
  "![seen](https://elsewhere.example/seen.png) [run](javascript:window.hurt=1) [far](https://x.example/) <b>x</b>"
  hello(name: String = "you"): String!
  fails(message: String): String
  gatepass: Gatepass!
}
type Subscription { ticks(count: Int = 3): Tick! }
type Tick { number: Int! }
"A registered company."
type Company {
  number: ID!
  name: String!
  country: Country!
  "In full years."
  age: Int
  officers(first: Int = 10): [Officer!]!
}
type Officer { name: String!, since: Date }
scalar Date
type Gatepass { account: GatepassAccount! }
type GatepassAccount { email: String! }
enum Country { GB, IE, NO @deprecated(reason: "HOSTILE") }
'''.replace("HOSTILE", HOSTILE.replace('"', "'"))
)
COMPANIES = [
    {"number": "00445790", "name": "Tesco PLC", "country": "GB", "age": 78, "officers": [{"name": "K. Murphy"}]},
    {"number": "00102498", "name": "BP p.l.c.", "country": "GB", "age": 117, "officers": [{"name": "M. Auchincloss"}]},
    {"number": "FC010892", "name": "Kerry Group", "country": "IE", "age": 40, "officers": []},
]


class Refusal(Exception):
    """An answer with one error."""

    def __init__(self, code: str, message: str, status: int = 200, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.retry_after = code, message, status, retry_after


@dataclass
class Service:
    """What the endpoint knows, and what happened at it."""

    expires_in: float = 3600
    next_lives: list[float] = field(default_factory=list)
    renewals_fail_with: Refusal | None = None
    renewals_may_pass: threading.Event = field(default_factory=threading.Event)
    streams_may_open: threading.Event = field(default_factory=threading.Event)
    streams_may_break: threading.Event = field(default_factory=threading.Event)
    sign_ins_fail_with: Refusal | None = None
    hangs_up_on_sign_out: bool = False
    live_access_tokens: dict[str, float] = field(default_factory=dict)
    live_refresh_tokens: set[str] = field(default_factory=set)
    calls: list[tuple[str, str | None]] = field(default_factory=list)
    refused_bearers: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    issued: int = 0
    hint: str = "gph_" + 56 * "h"
    hints: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.renewals_may_pass.set()
        self.streams_may_open.set()

    def count(self, operation: str) -> int:
        """How many requests ran an operation of that name."""
        return sum(name == operation for name, _ in self.calls)

    def issue(self) -> dict[str, object]:
        with self.lock:
            self.issued += 1
            now = time.time()
            life = self.next_lives.pop(0) if self.next_lives else self.expires_in
            claims = {"sub": "0192-ana", "scope": "api companies:read", "iat": int(now), "exp": int(now + life)}
            access = f"{_segment({'alg': 'none', 'typ': 'at+jwt'})}.{_segment(claims)}.sig{self.issued}"
            refresh = f"gpr_refresh{self.issued}"
            self.live_access_tokens[access] = now + life
            self.live_refresh_tokens.add(refresh)
        return {
            "accessToken": access, "refreshToken": refresh, "deviceHint": self.hint, "tokenType": "Bearer",
            "expiresIn": life,
        }  # fmt: skip

    def forget_access_tokens(self) -> None:
        """As if the server had been told to distrust everything it issued."""
        self.live_access_tokens.clear()

    def expire_all_but_the_newest(self) -> None:
        *_, newest = self.live_access_tokens
        self.live_access_tokens = {newest: self.live_access_tokens[newest]}

    def is_live(self, bearer: str | None) -> bool:
        return bearer is not None and self.live_access_tokens.get(bearer, 0) > time.time()

    def sign_in(self, _info: object, useManagementflow: bool, credentials: dict[str, str]) -> dict[str, object]:  # noqa: N803
        if self.sign_ins_fail_with:
            raise self.sign_ins_fail_with
        self.hints.append(credentials.pop("deviceHint", None))
        if credentials != {"userName": EMAIL, "password": PASSWORD}:
            message = f"E-mail address or password is wrong. {HOSTILE}"
            raise GraphQLError(message, extensions={"code": "INVALID_CREDENTIALS"})
        return self.issue()

    def sign_in_refresh(self, _info: object, useManagementflow: bool, credentials: dict[str, str]) -> dict[str, object]:  # noqa: N803
        self.renewals_may_pass.wait(timeout=10)
        if self.renewals_fail_with:
            raise self.renewals_fail_with
        with self.lock:
            known = credentials["refreshToken"] in self.live_refresh_tokens
            self.live_refresh_tokens.discard(credentials["refreshToken"])
        if not known:
            message = "The refresh token was used before or its session has ended."
            raise GraphQLError(message, extensions={"code": "INVALID_REFRESH_TOKEN"})
        return self.issue()

    def sign_out(self, _info: object, everywhere: bool) -> dict[str, int]:
        self.live_access_tokens.clear()
        self.live_refresh_tokens.clear()
        return {"sessions": 1}


def _segment(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _fails(_info: object, message: str | None = None) -> str:
    raise GraphQLError(message or HOSTILE, extensions={"code": "INTERNAL"})


SIGN_IN_SCHEMA: GraphQLSchema = build_schema(SIGN_IN_SDL)
MERGED_SCHEMA: GraphQLSchema = build_schema(MERGED_SDL)
PUBLIC = ("signIn", "signInRefresh")
FLOOD = 500 * b'event: next\ndata: {"data":{"ticks":{"number":1}}}\n\n'


class Endpoint(ThreadingHTTPServer):
    """Serves every path that ends in /graphql or /graphql/; 404 elsewhere."""

    daemon_threads = True

    def __init__(self, page: Page | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page or PlainPage()
        self.service = Service()

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that leaves in the middle of an answer is no error."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_address[1]}/api/graphql/"


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version = "HTTP/1.1"

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the tests look at `Service.calls`."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        name = asset_name(url.query.encode())
        is_ours = url.path.rstrip("/").endswith("/graphql")
        page, coding = self.server.page, self.headers["Accept-Encoding"].encode()
        found = page.page(coding) if name is None else page.asset(name, coding)
        if not found or not is_ours:
            return self._answer(404, b"", "text/plain")
        self.send_response(200)
        self.send_header("Content-Length", str(len(found.body)))
        for header, value in found.headers:
            self.send_header(header.decode(), value.decode())
        self.end_headers()
        self.wfile.write(found.body)
        return None

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service = self.server.service
        bearer = (self.headers["Authorization"] or "").removeprefix("Bearer ") or None
        try:
            self._run(service, request, bearer)
        except Refusal as refusal:
            body = {"errors": [{"message": refusal.message, "extensions": {"code": refusal.code}}]}
            wait = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
            self._answer(refusal.status, json.dumps(body).encode(), **wait)

    def _run(self, service: Service, request: dict[str, Any], bearer: str | None) -> None:
        root = _root_field(request)
        service.calls.append((root, self.headers["X-Extra"]))
        if root == "signOut" and service.hangs_up_on_sign_out:
            self.close_connection = True
            return None
        anonymous = root in PUBLIC or (root.startswith("__") and bearer is None)
        if not anonymous and not service.is_live(bearer):
            service.refused_bearers += 1
            raise Refusal("UNAUTHENTICATED", "The access token has expired. Renew it with signInRefresh.", 401)
        if root == "ticks":
            return self._stream(request, service, bearer)
        roots = {
            "signIn": service.sign_in, "signInRefresh": service.sign_in_refresh, "signOut": service.sign_out,
            "hello": lambda _info, name: f"Hello, {name}!", "fails": _fails,
            "gatepass": {"account": {"email": EMAIL}},
            "companies": lambda _info, **_: COMPANIES, "company": lambda _info, number: None,
        }  # fmt: skip
        schema = SIGN_IN_SCHEMA if anonymous else MERGED_SCHEMA
        result = graphql_sync(
            schema, request["query"], roots, None, request.get("variables"), request.get("operationName")
        )
        original = next((error.original_error for error in result.errors or [] if error.original_error), None)
        if isinstance(original, Refusal):
            raise original
        return self._answer(200 if result.data is not None else 400, json.dumps(result.formatted).encode())

    def _stream(self, request: dict[str, Any], service: Service, bearer: str | None) -> None:
        """Without the event `complete` when the token expires, as the gateway's curfew ends a stream."""
        service.streams_may_open.wait(10)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        if "breaks" in request["query"]:
            self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.close_connection = True
        endless = "endless" in request["query"]
        try:
            while "flood" in request["query"]:
                self.wfile.write(FLOOD)
            for number in range(1, 100_000 if endless else 4):
                if not service.is_live(bearer):
                    return
                data = json.dumps({"data": {"ticks": {"number": number}}})
                half = len(data) // 2
                for part in (": ping\r\n\r\nevent: next\r\ndata: " + data[:half], data[half:] + "\r", "\n\r\n"):
                    self.wfile.write(part.encode())
                    self.wfile.flush()
                time.sleep(0.02)
            if "breaks" in request["query"]:
                service.streams_may_break.wait(10)
            else:
                self.wfile.write(b"event: complete\ndata:\n\n")
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _answer(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _root_field(request: dict[str, Any]) -> str:
    try:
        document = parse(request["query"])
    except GraphQLError as error:
        raise Refusal("GRAPHQL_PARSE_FAILED", error.message, 400) from error
    wanted = request.get("operationName")
    for definition in document.definitions:
        name = getattr(getattr(definition, "name", None), "value", None)
        if definition.kind == "operation_definition" and wanted in (None, name):
            return str(definition.selection_set.selections[0].name.value)  # type: ignore[attr-defined]
    raise Refusal("BAD_USER_INPUT", f"Unknown operation named {wanted!r}.", 400)

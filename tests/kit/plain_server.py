"""
A GraphQL server that is not ours: it knows the two mutations of the specification, and nothing else that Gatepass has.

Opaque tokens; no `expiresIn`; a refresh token works once, and one that comes again ends its sign-in; an expired access
token is answered with HTTP 200 and an error, with 401, or with 403. It shares no code with `gatepass`, so that a client
which works here assumes nothing of Gatepass. In a test: `with plain_server(token_seconds=3) as server`. As a process:
`python -m tests.kit.plain_server --token-seconds 3`; its first line is its address.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal

from graphql import GraphQLError, build_schema, execute_sync, get_operation_ast, parse, validate

EMAIL: Final = "ada@example.org"
PASSWORD: Final = "wooden-lantern-quiet-harbour"
COMPANIES: Final = 250
# The names of the input types are not in the specification: a client must not need them.
_SCHEMA: Final = build_schema(
    """
    type Query {
      companies(first: Int = 20, after: String): CompanyConnection!
      me: String!
    }
    type Mutation {
      signIn(useManagementflow: Boolean!, credentials: PasswordLogin!): LoginResult
      signInRefresh(useManagementflow: Boolean!, credentials: RefreshLogin!): LoginResult
      rename(company_number: String!, company_name: String!): Company!
    }
    input PasswordLogin { userName: String!, password: String! }
    input RefreshLogin { refreshToken: String! }
    type LoginResult { accessToken: String!, refreshToken: String! }
    type CompanyConnection { items: [Company!]!, totalCount: Int!, pageInfo: PageInfo! }
    type PageInfo { hasNextPage: Boolean!, endCursor: String }
    type Company { company_number: String!, company_name: String!, turnover: Int! }
    """
)
_SIGN_IN_FIELDS: Final = frozenset({"signIn", "signInRefresh", "__typename"})
_INTROSPECTION: Final = frozenset({"__schema", "__type", "__typename"})


@dataclass
class PlainServer:
    """
    The server's state, which tests may read and turn while it runs.

    With `replay_seconds` a spent refresh token gives its successor again for that long, as some servers do.

    `counts` has `signIn` and `signInRefresh` (those that gave a new pair), `replayed` (those that gave one again),
    `reused` (spent refresh tokens that came), `refused` (requests without a good access token), `queries` and
    `mutations` (operations that ran).
    """

    token_seconds: float = 3600.0
    expired: Literal[200, 401, 403] = 200
    has_error_codes: bool = True
    allows_introspection: bool = True
    email: str = EMAIL
    password: str = PASSWORD
    replay_seconds: float = 0.0
    clock: Callable[[], float] = time.monotonic
    address: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _access: dict[str, tuple[int, float]] = field(default_factory=dict, repr=False)
    _refresh: dict[str, int] = field(default_factory=dict, repr=False)
    _spent: dict[str, int] = field(default_factory=dict, repr=False)
    _successors: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)
    _ended: set[int] = field(default_factory=set, repr=False)
    _names: dict[str, str] = field(default_factory=dict, repr=False)
    _sessions: int = 0

    def answers(self, body: Any, authorization: str | None) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer to one GraphQL request."""
        try:
            document = parse(body["query"])
            problems = validate(_SCHEMA, document)
        except (GraphQLError, KeyError, TypeError) as error:
            return 400, self._error(str(error), "HC0012")
        if problems:
            return 400, {"errors": [problem.formatted for problem in problems]}
        operation = get_operation_ast(document, body.get("operationName"))
        if operation is None:
            return 400, self._error("Which operation?", "HC0016")
        fields = {node.name.value for node in operation.selection_set.selections if hasattr(node, "name")}
        is_open = fields <= _SIGN_IN_FIELDS or (self.allows_introspection and fields <= _INTROSPECTION)
        if not is_open and not self._is_good(authorization):
            self.counts["refused"] += 1
            message = "The current user is not authorized to access this resource."
            return self.expired, self._error(message, "AUTH_NOT_AUTHENTICATED")
        if not is_open:
            self.counts["queries" if operation.operation.value == "query" else "mutations"] += 1
        result = execute_sync(
            _SCHEMA,
            document,
            self._roots(),
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
        )
        return 200, result.formatted  # type: ignore[return-value]

    def expire_access_tokens(self) -> None:
        """From now on no access token of before is good; refresh tokens are."""
        with self._lock:
            self._access.clear()

    def end_every_session(self) -> None:
        """From now on no token of before is good."""
        with self._lock:
            self._ended.update(range(self._sessions + 1))

    def _is_good(self, authorization: str | None) -> bool:
        kind, _, token = (authorization or "").partition(" ")
        with self._lock:
            session, until = self._access.get(token, (0, 0.0))
            return kind == "Bearer" and session not in self._ended and self.clock() < until

    def _roots(self) -> dict[str, Any]:
        return {
            "signIn": self._sign_in,
            "signInRefresh": self._sign_in_refresh,
            "companies": self._companies,
            "rename": self._rename,
            "me": self.email,
        }

    def _sign_in(self, _info: Any, useManagementflow: bool, credentials: dict[str, str]) -> dict[str, str]:  # noqa: N803
        given = (credentials["userName"], credentials["password"])
        if not useManagementflow or given != (self.email, self.password):
            raise GraphQLError("Invalid username or password.")
        with self._lock:
            self._sessions += 1
            self.counts["signIn"] += 1
            return self._pair(self._sessions)

    def _sign_in_refresh(self, _info: Any, useManagementflow: bool, credentials: dict[str, str]) -> dict[str, str]:  # noqa: N803
        presented = credentials["refreshToken"]
        with self._lock:
            if presented in self._spent:
                successor, until = self._successors[presented]
                session = self._spent[presented]
                if self.clock() < until and successor in self._refresh and session not in self._ended:
                    self.counts["replayed"] += 1
                    return {"accessToken": self._access_token(session), "refreshToken": successor}
                self.counts["reused"] += 1
                self._ended.add(session)
            session = self._refresh.pop(presented, 0)
            if session == 0 or session in self._ended or not useManagementflow:
                raise GraphQLError("Invalid refresh token.")
            self._spent[presented] = session
            self.counts["signInRefresh"] += 1
            pair = self._pair(session)
            self._successors[presented] = (pair["refreshToken"], self.clock() + self.replay_seconds)
            return pair

    def _pair(self, session: int) -> dict[str, str]:
        refresh = secrets.token_urlsafe(32)
        self._refresh[refresh] = session
        return {"accessToken": self._access_token(session), "refreshToken": refresh}

    def _access_token(self, session: int) -> str:
        access = secrets.token_hex(24)
        self._access[access] = (session, self.clock() + self.token_seconds)
        return access

    def _companies(self, _info: Any, first: int, after: str | None = None) -> dict[str, Any]:
        start = int(after or 0)
        end = min(start + first, COMPANIES)
        return {
            "items": [self._company(number) for number in range(start + 1, end + 1)],
            "totalCount": COMPANIES,
            "pageInfo": {"hasNextPage": end < COMPANIES, "endCursor": str(end)},
        }

    def _company(self, number: int) -> dict[str, Any]:
        key = f"PL{number:06}"
        name = self._names.get(key, f"Plain Company {number}")
        return {"company_number": key, "company_name": name, "turnover": number * 1000}

    def _rename(self, _info: Any, company_number: str, company_name: str) -> dict[str, Any]:
        # The answer is about this renaming, also while another one waits.
        with self._lock:
            self._names[company_number] = company_name
            return self._company(int(company_number[2:]))

    def _error(self, message: str, code: str) -> dict[str, Any]:
        return {"errors": [{"message": message} | ({"extensions": {"code": code}} if self.has_error_codes else {})]}


@contextlib.contextmanager
def plain_server(**switches: Any) -> Iterator[PlainServer]:
    """A server on a free port of loopback, in threads of this process; `address` is its endpoint."""
    server = PlainServer(**switches)
    with _listening(server, 0) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def _listening(server: PlainServer, port: int) -> ThreadingHTTPServer:
    class Handler(_Handler):
        plain = server

    http = _Http(("127.0.0.1", port), Handler)
    server.address = f"http://127.0.0.1:{http.server_address[1]}/graphql/"
    return http


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that keeps its connection must not keep a test from ending
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    plain: PlainServer

    def do_POST(self) -> None:
        """A GraphQL request as JSON, or 400."""
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        except ValueError:
            body = None
        if self.path.partition("?")[0].rstrip("/") != "/graphql":
            self._send(HTTPStatus.NOT_FOUND, b"Not found", "text/plain")
            return
        status, answer = self.plain.answers(body, self.headers.get("Authorization"))
        self._send(status, json.dumps(answer).encode(), "application/json; charset=utf-8")

    def do_GET(self) -> None:
        """There is nothing to get: no metadata, no keys, no page."""
        self._send(HTTPStatus.NOT_FOUND, b"Not found", "text/plain")

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kit.plain_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token-seconds", type=float, default=3600.0)
    parser.add_argument("--replay-seconds", type=float, default=0.0)
    parser.add_argument("--expired", type=int, choices=(200, 401, 403), default=200)
    parser.add_argument("--no-error-codes", dest="has_error_codes", action="store_false")
    parser.add_argument("--no-introspection", dest="allows_introspection", action="store_false")
    switches = vars(parser.parse_args())
    port = switches.pop("port")
    server = PlainServer(**switches)
    with _listening(server, port) as http:
        print(server.address, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            http.serve_forever()


if __name__ == "__main__":
    _main()

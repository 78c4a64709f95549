"""Verified identity for WSGI applications. Source: PEP 3333."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Final

from gatepass.gateway.header_names import ASSERTION
from gatepass.verify.assertion import Verifier
from gatepass.verify.request import DEFAULT_MAX_BODY_BYTES, RequestRefused, proven_identity, refusing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_STATUS_LINES: Final = {401: "401 Unauthorized", 413: "413 Content Too Large"}
_LENGTH: Final = re.compile(r"[0-9]{1,15}")


class VerifiedWsgi:
    """
    Lets only those requests reach an application that Gatepass sent, unchanged.

    What `VerifiedAsgi` does, for Flask, Django and their like: the `Caller` is in `environ["gatepass"]`.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        audience: str,
        jwks: str | Mapping[str, object],
        issuer: str | None = None,
        leeway: timedelta = timedelta(seconds=5),
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    ) -> None:
        """
        Stand before an application.

        Args:
            max_body_bytes: larger bodies are answered with 413; as much as Gatepass lets through, or more.
            audience, jwks, issuer, leeway: as `Verifier` takes them.

        Raises:
            ValueError: as `Verifier`.
        """
        self._app = app
        self._verifier = Verifier(audience=audience, jwks=jwks, issuer=issuer, leeway=leeway)
        self._max_body_bytes = max_body_bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI application."""
        try:
            with refusing(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")):
                proven = self._verifier.examined(environ.get(_ASSERTION))
                body = self._body(environ)
                caller = proven.for_body(body)
                identity = proven_identity(caller)
        except RequestRefused as refusal:
            head = [(name.decode("ascii"), value.decode("ascii")) for name, value in refusal.headers]
            start_response(_STATUS_LINES[refusal.status], head)
            return [refusal.body]
        kept = {name: value for name, value in environ.items() if not name.startswith(_NOT_KEPT)}
        kept |= {_variable(name): value.decode("ascii") for name, value in identity}
        kept |= {"gatepass": caller, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return self._app(kept, start_response)

    def _body(self, environ: WSGIEnvironment) -> bytes:
        """
        The whole body: as long as announced, or to its end where the server says that it has one.

        What is no number is no length. A body that came with it is not read, and fails the comparison.
        """
        announced = environ.get("CONTENT_LENGTH") or ""
        length = int(announced) if _LENGTH.fullmatch(announced) else 0
        wanted = self._max_body_bytes + 1 if environ.get("wsgi.input_terminated") else length
        body: bytes = environ["wsgi.input"].read(min(wanted, self._max_body_bytes + 1)) if wanted else b""
        if len(body) > self._max_body_bytes:
            raise RequestRefused.too_large(self._max_body_bytes)
        return body


def _variable(name: bytes) -> str:
    return "HTTP_" + name.decode("ascii").replace("-", "_").upper()


_ASSERTION: Final = _variable(ASSERTION)
_NOT_KEPT: Final = ("HTTP_X_GATEPASS", "HTTP_TRANSFER_ENCODING")

"""
Sign in on a device that has no browser: a code is shown, and somebody types it in elsewhere. No I/O.

Source: RFC 8628; RFC 8414 for where its endpoints are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from gatepass.client.address import checked, is_same, origin
from gatepass.client.effects import Answer, Do, Flow, Pause, Request, Send
from gatepass.client.errors import ClientError, ProtocolError, ServerUnreachable
from gatepass.client.exchange import Endpoint
from gatepass.client.tokens import Held, held_from_answer

CLIENT_ID: Final = "gatepass"
METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL_SECONDS: Final = 5.0
_LONGEST_SECONDS: Final = 3600.0
_LONGEST_INTERVAL: Final = 120.0
_OK: Final = 200
_HEADERS: Final = {"Accept": "application/json"}


class DeviceSignInFailed(ClientError):
    """It was refused, or took too long; `code` is the server's, in capitals (RFC 8628 §3.5)."""

    code = "DEVICE_SIGN_IN_FAILED"

    def __init__(self, message: str, code: str = "") -> None:
        self.code = code.upper() or type(self).code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """
    What to show (RFC 8628 §3.2).

    Args:
        user_code: what to type in at `verification_uri`.
        verification_uri_complete: the same with the code in it, for a link or a QR code; not every server gives one.
        expires_in_seconds: how long there is time for it.
    """

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in_seconds: float
    device_code: str = field(repr=False)
    interval_seconds: float = _INTERVAL_SECONDS


def device_sign_in(
    endpoint: Endpoint,
    show: Callable[[DeviceCode], object],
    *,
    client_id: str = CLIENT_ID,
    scope: str | None = None,
) -> Flow[Held]:
    """
    Show a code, wait until somebody has let this device in, and return its tokens.

    Raises:
        DeviceSignInFailed: the server has no device sign-in, somebody said no, or nobody said anything in time.
        ServerUnreachable, ProtocolError: no answer, or none that can be used.
    """
    metadata = yield from _metadata(endpoint.url)
    fields = {"client_id": client_id} | ({"scope": scope} if scope else {})
    answer: Answer = yield _form(_endpoint(metadata, "device_authorization_endpoint", endpoint.url), fields)
    asked_at = endpoint.clocks.monotonic()
    code = _device_code(answer)
    yield Do(partial(show, code))
    return (
        yield from _polled(endpoint, _endpoint(metadata, "token_endpoint", endpoint.url), code, client_id, asked_at)
    )


def _metadata(url: str) -> Flow[Mapping[str, Any]]:
    """
    The metadata of the API's issuer, which must be the one that was asked (RFC 8414 §3.3).

    An issuer elsewhere has to say that the API is one of its own: else an API could have us fetch a token of another
    one, and we would give it away.
    """
    parts = urlsplit(url)
    asked = f"{parts.scheme}://{parts.netloc}"
    found = yield from _document(asked, url)
    named = str(found.get("issuer"))
    if origin(named) == origin(asked) and not urlsplit(named).path.strip("/"):
        return found
    if parts.scheme == urlsplit(named).scheme or parts.scheme == "http":
        found = yield from _document(checked(named), url)
        resources = found.get("protected_resources")
        is_ours = isinstance(resources, list) and any(
            isinstance(each, str) and is_same(each, url) for each in resources
        )
        if found.get("issuer") == named and is_ours:
            return found
    raise ProtocolError(f"{asked} says that its sign-in is that of {named}, which does not know it. Nothing was sent.")


def _document(issuer: str, url: str) -> Flow[Mapping[str, Any]]:
    """Where an issuer has a path, the well-known part stands before it (RFC 8414 §3.1)."""
    parts = urlsplit(issuer)
    address = f"{parts.scheme}://{parts.netloc}{METADATA_PATH}{parts.path.rstrip('/')}"
    answer: Answer = yield Send(Request(address, headers=_HEADERS, method="GET"))
    found = answer.body
    if answer.status != _OK or not isinstance(found, dict):
        raise DeviceSignInFailed(f"{url} has no device sign-in. Sign in with a password instead.", "UNSUPPORTED")
    return found


def _endpoint(metadata: Mapping[str, Any], name: str, url: str) -> str:
    address = metadata.get(name)
    if not isinstance(address, str):
        raise DeviceSignInFailed("The server has no device sign-in. Sign in with a password instead.", "UNSUPPORTED")
    if urlsplit(url).scheme == "https" and urlsplit(address).scheme != "https":
        raise ProtocolError(f"The server's {name} is not https. Nothing was sent there.")
    return checked(address)


def _form(url: str, fields: Mapping[str, str]) -> Send:
    return Send(Request(url, headers=_HEADERS, fields=fields))


def _device_code(answer: Answer) -> DeviceCode:
    found = answer.body if isinstance(answer.body, dict) else {}
    if answer.status != _OK:
        raise _failed(found, "The server gave no code for this device")
    texts = [found.get(name) for name in ("user_code", "verification_uri", "device_code")]
    user_code, verification_uri, device_code = (text if _is_shown_safely(text) else "" for text in texts)
    if not (user_code and verification_uri and device_code):
        raise ProtocolError("The server's answer has no code that could be shown.")
    complete = found.get("verification_uri_complete")
    return DeviceCode(
        user_code,
        verification_uri,
        complete if _is_shown_safely(complete) else None,
        _seconds(found.get("expires_in"), _LONGEST_SECONDS, _LONGEST_SECONDS),
        device_code,
        _seconds(found.get("interval"), _INTERVAL_SECONDS, _LONGEST_INTERVAL),
    )


def _polled(endpoint: Endpoint, url: str, code: DeviceCode, client_id: str, asked_at: float) -> Flow[Held]:
    fields = {"grant_type": GRANT_TYPE, "device_code": code.device_code, "client_id": client_id}
    interval = code.interval_seconds
    clock = endpoint.clocks.monotonic
    while clock() + interval < asked_at + code.expires_in_seconds:
        yield Pause(interval)
        before = clock()
        try:
            answer: Answer = yield _form(url, fields)
        except ServerUnreachable:
            # RFC 8628 §3.5: who gets no answer asks less often.
            interval = min(interval * 2, _LONGEST_INTERVAL)
            continue
        found = answer.body if isinstance(answer.body, dict) else {}
        if answer.status == _OK:
            return _held(found, endpoint, before)
        match found.get("error"):
            case "authorization_pending":
                pass
            case "slow_down":
                interval = min(interval + _INTERVAL_SECONDS, _LONGEST_INTERVAL)
            case _:
                raise _failed(found, "The sign-in was refused")
    raise DeviceSignInFailed("Nobody let this device in in time. Start again.", "EXPIRED_TOKEN")


def _held(found: Mapping[str, Any], endpoint: Endpoint, asked_at: float) -> Held:
    fields = {
        "accessToken": found.get("access_token"),
        "refreshToken": found.get("refresh_token"),
        "expiresIn": found.get("expires_in"),
    }
    # Whether `signInRefresh` has `expiresIn` is not known from here.
    return held_from_answer(fields, asked_at=asked_at, wall=endpoint.clocks.wall(), says_lifetime=None)


def _failed(found: Mapping[str, Any], what: str) -> DeviceSignInFailed:
    code = found.get("error")
    words = {"access_denied": "somebody said no", "expired_token": "the code has expired"}
    said = found.get("error_description")
    reason = words.get(str(code)) or (said if _is_shown_safely(said) else None) or str(code or "no reason was given")
    return DeviceSignInFailed(f"{what}: {reason}.", str(code or ""))


def _is_shown_safely(value: object) -> bool:
    """A terminal shows it: no control characters that would rewrite what was shown before."""
    return isinstance(value, str) and value.isprintable() and bool(value)


def _seconds(value: object, otherwise: float, at_most: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return min(float(value), at_most) if is_number else otherwise  # type: ignore[arg-type]

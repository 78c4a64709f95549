"""The parameters of a request: each once, in UTF-8, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from gatepass.domain.secret import Secret
from gatepass.http.body import BodyLimits, read_body
from gatepass.http.messages import Request
from gatepass.http.refusals import MethodNotAllowed
from gatepass.oauth.errors import InvalidRequest

MAX_FORM_BYTES: Final = 32_768
MAX_PARAMETERS: Final = 64
_FORM: Final = b"application/x-www-form-urlencoded"


class Parameters:
    """
    Parameters by name. One without a value counts as not there (RFC 6749 §3.1); their `repr` shows none.

    Unknown ones are passed over, as that section asks.
    """

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str) -> str | None:
        """The value, if it is there."""
        return self._values.get(name)

    def require(self, name: str) -> str:
        """
        The value.

        Raises:
            InvalidRequest: it is not there.
        """
        value = self._values.get(name)
        if value is None:
            raise InvalidRequest(f"The parameter {name} is missing.")
        return value

    def secret(self, name: str) -> Secret[str]:
        """As `require`, for a value that must not be seen."""
        return Secret(self.require(name))


async def read_form(request: Request, limits: BodyLimits) -> Parameters:
    """
    The parameters in a body.

    Raises:
        MethodNotAllowed, BodyTooLarge, RequestTimeout: as they say.
        InvalidRequest: not a form, parameters in the address, one twice, or not UTF-8.

    Source: RFC 6749 §3.2 and Appendix B.
    """
    if request.method != "POST":
        raise MethodNotAllowed("This address is for POST.", allow="POST")
    if request.query_string:
        raise InvalidRequest("Send the parameters in the body: addresses stay in histories and logs.")
    media, _, parameters = (request.header(b"content-type") or b"").partition(b";")
    if media.strip().lower() != _FORM:
        raise InvalidRequest(f"Send the header 'Content-Type: {_FORM.decode()}' and a form.")
    if b"charset" in parameters.lower() and b"utf-8" not in parameters.lower():
        raise InvalidRequest("Send the form in UTF-8.")
    if (request.header(b"content-encoding") or b"identity").strip().lower() not in (b"", b"identity"):
        raise InvalidRequest("Send the body without Content-Encoding: compressed requests are not accepted.")
    return decoded(await read_body(request, limits))


def decoded(raw: bytes) -> Parameters:
    """
    The parameters of a form or a query string.

    Raises:
        InvalidRequest: one twice, too many, or not UTF-8. A parameter that is there twice is where two readers of one
            request part, and attacks begin (RFC 6749 §3.1 and §3.2).
    """
    if raw.count(b"&") >= MAX_PARAMETERS:
        raise InvalidRequest(f"There are more than {MAX_PARAMETERS} parameters.")
    values: dict[str, str] = {}
    for pair in filter(None, raw.split(b"&")):
        name, _, value = map(_text, pair.partition(b"="))
        if name in values:
            raise InvalidRequest("A parameter is there more than once: send each once.")
        values[name] = value
    return Parameters({name: value for name, value in values.items() if value})


def _text(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The parameters are not UTF-8 once they are percent-decoded.") from None
    if "\x00" in text:
        raise InvalidRequest("A parameter has the character NUL.")
    return text

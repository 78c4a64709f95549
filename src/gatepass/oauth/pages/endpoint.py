"""What the pages have in common: GET shows, POST does, and every refusal is a page too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from gatepass.domain.errors import Fault, GatepassError, InvalidCredentials, Overloaded, RateLimited, Refused
from gatepass.http.body import BodyLimits
from gatepass.http.edge import ClientGoneError, FaultReporter
from gatepass.http.error_table import headers_of, message_of
from gatepass.http.messages import Request, Response
from gatepass.http.refusals import MethodNotAllowed
from gatepass.oauth.errors import InvalidRequest, word_of
from gatepass.oauth.form import Parameters, decoded, read_form
from gatepass.oauth.pages.html import Html
from gatepass.oauth.pages.page import Page, answer, paragraph
from gatepass.oauth.pages.same_origin import check_same_origin

_METHODS: Final = "GET, HEAD, POST"


class PageDeeds(Protocol):
    """What a page shows and does."""

    async def show(self, parameters: Parameters) -> Response:
        """Answer a GET."""
        ...

    async def submit(self, request: Request, parameters: Parameters) -> Response:
        """Answer a form."""
        ...


class PageEndpoint:
    """An address for browsers."""

    def __init__(
        self, deeds: PageDeeds, *, operation: str, is_https: bool, limits: BodyLimits, report: FaultReporter
    ) -> None:
        """
        Take what it shows and does.

        Args:
            operation: its word in log and metrics.
            is_https: whether browsers reach this server by HTTPS.
            report: told of faults, which no page shows.
        """
        self._deeds = deeds
        self._operation = operation
        self._is_https = is_https
        self._limits = limits
        self._report = report

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        try:
            return await self._do(request)()
        except ClientGoneError:
            raise
        except Exception as error:  # the last place that can say it on a page
            known = error if isinstance(error, GatepassError) else Fault()
            if isinstance(known, Fault):
                self._report(request, error)
            return refusal_page(known, operation=self._operation, request_id=request.id)

    def _do(self, request: Request) -> Callable[[], Awaitable[Response]]:
        async def show() -> Response:
            return await self._deeds.show(decoded(request.query_string))

        async def submit() -> Response:
            check_same_origin(request, is_https=self._is_https)
            return await self._deeds.submit(request, await read_form(request, self._limits))

        if request.method == "POST":
            return submit
        if request.method in ("GET", "HEAD"):
            return show
        raise MethodNotAllowed("This address is for GET and POST.", allow=_METHODS)


def refusal_page(error: GatepassError, *, operation: str, request_id: str) -> Response:
    """A page that says what is wrong, where nothing can be mended on a page of ours."""
    word, status = word_of(error)
    words = message_of(error)
    if word == "server_error":
        words += f" Request id: {request_id}"
    page = Page(
        title="This did not work",
        heading=Html("This did not work"),
        body=paragraph(words, "problem"),
        foot="Go back to the program that sent you here, and begin there again." if status != 500 else "",  # noqa: PLR2004
        status=status,
        code=word,
        headers=tuple(headers_of(error)),
    )
    return answer(page, operation=operation)


def status_of_retry(error: Refused) -> int:
    """The status of a page that says what to do otherwise."""
    if isinstance(error, RateLimited):
        return 429
    return 503 if isinstance(error, Overloaded) else 400


def answer_of(parameters: Parameters, *known: str) -> str:
    """Which button was pressed."""
    pressed = parameters.get("answer")
    if pressed not in known:
        raise InvalidRequest("This form was not sent by one of its buttons.")
    return pressed


def code_of(refused: Refused | None) -> str:
    """For the log: wrong credentials by the name that they have at a sign-in."""
    if refused is None:
        return "OK"
    return refused.code if isinstance(refused, InvalidCredentials) else word_of(refused)[0]

"""`/oauth/authorize`: somebody signs in for a client, and the browser brings it a code. RFC 6749 §4.1."""

from __future__ import annotations

from typing import Final, Protocol

from gatepass.domain.errors import InvalidCredentials, Overloaded, RateLimited, Refused
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.secret import Secret
from gatepass.http.error_table import headers_of
from gatepass.http.messages import NO_STORE, Request, Response
from gatepass.http.occasion import occasion_of
from gatepass.http.security_headers import NOT_A_PAGE
from gatepass.oauth.authorization_request import CARRIED, AnswerAddress, FindClient, answer_address, code_request
from gatepass.oauth.errors import OauthError, description_of
from gatepass.oauth.form import Parameters
from gatepass.oauth.pages.endpoint import answer_of, code_of, status_of_retry
from gatepass.oauth.pages.html import NOTHING, Html, hidden, render
from gatepass.oauth.pages.page import Page, answer, paragraph, strong
from gatepass.oauth.pages.parts import consent, credentials, problem
from gatepass.oauth.places import Places
from gatepass.usecases.authorize import CodeRequest

OPERATION: Final = "authorize"
_SEE_OTHER: Final = 303
"""And never 307, with which the browser would send the password on (RFC 9700 §4.12)."""


class AuthorizeDeed(Protocol):
    """`usecases.authorize.Authorize`."""

    async def __call__(self, asked: CodeRequest, user_name: str, plain: Secret[str], occasion: Occasion) -> Secret[str]:
        """Check credentials and give a code."""
        ...


class AuthorizePage:
    """
    One page: sign-in, and consent for clients that are not first-party.

    Nobody stays signed in here, so there is no cookie that another site's form could use; whoever allows a client has
    typed the password for that.
    """

    def __init__(self, authorize: AuthorizeDeed, find_client: FindClient, places: Places) -> None:
        self._authorize = authorize
        self._find_client = find_client
        self._places = places

    async def show(self, parameters: Parameters) -> Response:
        """The page, or what is wrong with the request."""
        address = await answer_address(parameters, self._find_client, self._places.issuer)
        try:
            asked = code_request(parameters, address, self._places.resources)
        except OauthError as refused:
            return _sent_back(address.with_error(refused.error, description_of(refused)), refused.error)
        return self._page(address, asked, parameters, parameters.get("login_hint") or "")

    async def submit(self, request: Request, parameters: Parameters) -> Response:
        """What the button says; all that came back in the form is checked as if it came for the first time."""
        pressed = answer_of(parameters, "allow", "deny")
        address = await answer_address(parameters, self._find_client, self._places.issuer)
        if pressed == "deny":
            return _sent_back(address.with_error("access_denied", "Somebody said no."), "access_denied")
        username = parameters.get("username") or ""
        try:
            asked = code_request(parameters, address, self._places.resources)
            plain = Secret(parameters.get("password") or "")
            code = await self._authorize(asked, username, plain, occasion_of(request, Door.OAUTH))
        except OauthError as refused:
            return _sent_back(address.with_error(refused.error, description_of(refused)), refused.error)
        except (InvalidCredentials, Overloaded, RateLimited) as refused:
            return self._page(address, asked, parameters, username, refused)
        return _sent_back(address.with_code(code.reveal()))

    def _page(
        self,
        address: AnswerAddress,
        asked: CodeRequest,
        parameters: Parameters,
        username: str,
        refused: Refused | None = None,
    ) -> Response:
        client = address.client
        carried = ((name, parameters.get(name)) for name in CARRIED)
        body = render(
            "authorize",
            problem=problem(refused.message if refused else None),
            consent=NOTHING if client.is_first_party else consent(client.name, asked.scopes),
            hidden=hidden((name, value) for name, value in carried if value is not None),
            credentials=credentials(username, are_wrong=isinstance(refused, InvalidCredentials)),
            allow="Sign in" if client.is_first_party else "Sign in and allow",
            deny="Cancel" if client.is_first_party else "Deny",
        )
        page = Page(
            title="Sign in",
            heading=Html(f"Sign in to {strong(client.name).text}"),
            under=paragraph(Html(f"with your account at {strong(self._places.host).text}")),
            body=body,
            foot=f"You will be sent to {address.redirect_uri.partition('?')[0]}",
            goes_to=address.redirect_uri,
            status=status_of_retry(refused) if refused else 200,
            code=code_of(refused),
            headers=tuple(headers_of(refused)) if refused else (),
        )
        return answer(page, operation=OPERATION)


def _sent_back(address: str, code: str = "OK") -> Response:
    """The browser goes to the client. Nobody may keep that answer: it may hold a code."""
    headers = [(b"location", address.encode("ascii")), NO_STORE, NOT_A_PAGE]
    return Response(_SEE_OTHER, b"", headers, operation=OPERATION, code=code)

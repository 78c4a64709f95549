"""`/oauth/device`: somebody types in the code that a device shows, sees what it wants, signs in, and says yes or no."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from gatepass.domain import user_code
from gatepass.domain.client import Client
from gatepass.domain.device_code import DeviceCode
from gatepass.domain.errors import BadUserInput, CodeRefused, InvalidCredentials, Overloaded, RateLimited, Refused
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.secret import Secret
from gatepass.domain.user_code import UserCode
from gatepass.http.error_table import headers_of
from gatepass.http.messages import Request, Response
from gatepass.http.occasion import occasion_of
from gatepass.oauth.form import Parameters
from gatepass.oauth.pages.endpoint import answer_of, code_of, status_of_retry
from gatepass.oauth.pages.html import Html, render
from gatepass.oauth.pages.page import Page, answer, paragraph
from gatepass.oauth.pages.parts import code_field_state, consent, credentials, problem

OPERATION: Final = "device_page"
_TITLE: Final = "Connect a device"
_CLOSE: Final = "You can close this page."

FindClient = Callable[[str], Awaitable[Client | None]]


class AnswerDeed(Protocol):
    """`usecases.answer_device.AnswerDevice`."""

    async def look(self, code: UserCode, occasion: Occasion) -> DeviceCode:
        """What the device with this code asks for."""
        ...

    async def allow(self, code: UserCode, user_name: str, plain: Secret[str], occasion: Occasion) -> None:
        """Say yes."""
        ...

    async def deny(self, code: UserCode, occasion: Occasion) -> None:
        """Say no."""
        ...


class DevicePage:
    """
    Two steps on one address: the code, then what it stands for.

    A link with the code in it fills the first step in and does no more: whoever opens it still has to see what they
    let in, and links are opened by programs too (RFC 8628 §5.4).
    """

    def __init__(self, devices: AnswerDeed, find_client: FindClient, place: str) -> None:
        """
        Take who answers devices.

        Args:
            place: the name of the API, for people.
        """
        self._devices = devices
        self._find_client = find_client
        self._place = place

    async def show(self, parameters: Parameters) -> Response:
        """The first step; nothing is looked up."""
        typed = parameters.get("user_code") or ""
        try:
            typed = user_code.shown(user_code.parse(typed)) if typed else ""
        except BadUserInput as refused:
            return self._ask_for_code(typed, refused)
        return self._ask_for_code(typed)

    async def submit(self, request: Request, parameters: Parameters) -> Response:
        """What the button says."""
        pressed = answer_of(parameters, "continue", "allow", "deny")
        typed, occasion = parameters.get("user_code") or "", occasion_of(request, Door.OAUTH)
        try:
            code = user_code.parse(typed)
            match pressed:
                case "continue":
                    return await self._ask(code, occasion)
                case "allow":
                    return await self._allow(code, parameters, occasion)
                case _:
                    return await self._deny(code, occasion)
        except (BadUserInput, CodeRefused, RateLimited, Overloaded) as refused:
            return self._ask_for_code(typed, refused)

    async def _allow(self, code: UserCode, parameters: Parameters, occasion: Occasion) -> Response:
        username = parameters.get("username") or ""
        try:
            await self._devices.allow(code, username, Secret(parameters.get("password") or ""), occasion)
        except (InvalidCredentials, Overloaded, RateLimited) as refused:
            return await self._ask(code, occasion, username, refused)
        return self._done("Your device is connected", "It goes on by itself in a few seconds.")

    async def _deny(self, code: UserCode, occasion: Occasion) -> Response:
        await self._devices.deny(code, occasion)
        return self._done("The device was refused", "Nobody was signed in.")

    async def _ask(
        self, code: UserCode, occasion: Occasion, username: str = "", refused: Refused | None = None
    ) -> Response:
        """The second step."""
        asked = await self._devices.look(code, occasion)
        client = await self._find_client(asked.client_id)
        if client is None:
            raise CodeRefused
        body = render(
            "device_request",
            problem=problem(refused.message if refused else None),
            user_code=user_code.shown(code),
            consent=consent(client.name, asked.scopes),
            credentials=credentials(username, are_wrong=isinstance(refused, InvalidCredentials)),
        )
        return self._page("Let this device in?", body, refused)

    def _ask_for_code(self, typed: str, refused: Refused | None = None) -> Response:
        described, state = code_field_state(is_wrong=refused is not None)
        body = render(
            "device_code",
            problem=problem(refused.message if refused else None),
            user_code=typed[:40],
            described=described,
            state=state,
        )
        return self._page(_TITLE, body, refused)

    def _done(self, heading: str, words: str) -> Response:
        return self._page(heading, paragraph(f"{words} {_CLOSE}"))

    def _page(self, heading: str, body: Html, refused: Refused | None = None) -> Response:
        page = Page(
            title=heading,
            heading=Html(heading),
            under=paragraph(self._place),
            body=body,
            status=status_of_retry(refused) if refused else 200,
            code=code_of(refused),
            headers=tuple(headers_of(refused)) if refused else (),
        )
        return answer(page, operation=OPERATION)

"""Parts that several pages have: what is wrong, what is asked for, and the fields for a sign-in."""

from __future__ import annotations

from gatepass.domain.account import Scope
from gatepass.oauth.pages.html import NOTHING, Html, attributes, element, items, render

_PROBLEM_ID = "problem"


def problem(text: str | None) -> Html:
    """What is wrong; screen readers say it at once. Nothing where nothing is."""
    if text is None:
        return NOTHING
    return element("p", text, id=_PROBLEM_ID, role="alert", **{"class": "problem"})


def consent(client: str, scopes: tuple[Scope, ...] | None) -> Html:
    """What a client asks for; None is all that the account has."""
    if scopes:
        listed = items(scopes, **{"class": "scopes"})
    elif scopes is None:
        listed = element("p", "everything that your account may do")
    else:
        listed = element("p", "no more than to know which account is yours")
    return render("consent", client=client, scopes=listed)


def credentials(username: str = "", *, are_wrong: bool = False) -> Html:
    """The fields; where somebody has to type next has the focus."""
    wrong = attributes(aria_invalid="true", aria_describedby=_PROBLEM_ID).text if are_wrong else ""
    focus = attributes(autofocus="").text
    return render(
        "credentials",
        username=username,
        username_state=Html(wrong + ("" if username else focus)),
        password_state=Html(wrong + (focus if username else "")),
    )


def code_field_state(*, is_wrong: bool) -> tuple[str, Html]:
    """What describes the field for a device's code, and its further attributes."""
    if not is_wrong:
        return "hint", attributes(autofocus="")
    return f"{_PROBLEM_ID} hint", attributes(aria_invalid="true", autofocus="")

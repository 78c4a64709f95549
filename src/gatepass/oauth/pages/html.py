"""HTML out of templates. Whatever is put into one is escaped here, and nowhere else."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import Final

_FOLDER: Final = files("gatepass.oauth.pages") / "templates"


@dataclass(frozen=True, slots=True)
class Html:
    """Text that is HTML already. Made by this module alone."""

    text: str


NOTHING: Final = Html("")


def render(template: str, **values: str | Html) -> Html:
    """
    A template with its values.

    A `str` is text, whatever it looks like, and becomes text of an element or of a quoted attribute.

    Raises:
        KeyError: the template has a place for which there is no value.
    """
    return Html(_template(template).substitute({name: _escaped(value) for name, value in values.items()}))


def element(name: str, content: str | Html, **attributes: str) -> Html:
    """An element with its attributes; their names are ours."""
    return Html(f"<{name}{_attributes(attributes)}>{_escaped(content)}</{name}>")


def items(contents: Iterable[str], **attributes: str) -> Html:
    """A list."""
    return element("ul", Html("".join(element("li", content).text for content in contents)), **attributes)


def hidden(values: Iterable[tuple[str, str]]) -> Html:
    """Hidden fields of a form."""
    return Html(
        "\n".join(f"<input{_attributes({'type': 'hidden', 'name': name, 'value': value})}>" for name, value in values)
    )


def attributes(**values: str) -> Html:
    """Attributes to stand behind others; `_` in a name is a hyphen, an empty value stands alone."""
    return Html(_attributes({name.replace("_", "-"): value for name, value in values.items()}))


def _attributes(values: dict[str, str]) -> str:
    return "".join(
        f' {name.removesuffix("-")}="{html.escape(value)}"' if value else f" {name}" for name, value in values.items()
    )


def _escaped(value: str | Html) -> str:
    return value.text if isinstance(value, Html) else html.escape(value)


@cache
def _template(name: str) -> Template:
    return Template(_FOLDER.joinpath(f"{name}.html").read_text("utf-8").rstrip("\n"))

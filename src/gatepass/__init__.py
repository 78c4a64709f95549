"""
Gatepass: sign-in and one-hour OAuth2 bearer tokens for any GraphQL API.

    from gatepass import Gatepass, Settings
    app = Gatepass(app, Settings.load())        # around any ASGI GraphQL application

Names are imported on first use: `gatepass.client` needs nothing of the server, and the server is an extra.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gatepass.version import __version__

if TYPE_CHECKING:
    from gatepass.domain.access_token import Caller as Caller
    from gatepass.domain.account import EmailAddress as EmailAddress
    from gatepass.domain.errors import Code as Code
    from gatepass.domain.errors import FlowUnavailable as FlowUnavailable
    from gatepass.domain.errors import GatepassError as GatepassError
    from gatepass.domain.secret import Secret as Secret
    from gatepass.embed import Gatepass as Gatepass
    from gatepass.settings import Settings as Settings
    from gatepass.settings import SettingsError as SettingsError
    from gatepass.usecases.ports import Directory as Directory

_HOMES = {
    "Caller": "gatepass.domain.access_token",
    "Code": "gatepass.domain.errors",
    "Directory": "gatepass.usecases.ports",
    "EmailAddress": "gatepass.domain.account",
    "FlowUnavailable": "gatepass.domain.errors",
    "Gatepass": "gatepass.embed",
    "GatepassError": "gatepass.domain.errors",
    "Secret": "gatepass.domain.secret",
    "Settings": "gatepass.settings",
    "SettingsError": "gatepass.settings",
}

__all__ = [*sorted(_HOMES), "__version__"]  # noqa: PLE0604 - computed from the homes, and compared by a test


if not TYPE_CHECKING:  # a checker would take any name that is misspelt for one of ours

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'gatepass' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)

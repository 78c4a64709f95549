"""The far side: who else can vouch for a password."""

from __future__ import annotations

from typing import Protocol

from gatepass.domain.account import EmailAddress
from gatepass.domain.secret import Secret


class Directory(Protocol):
    """An external directory that checks credentials for `useManagementflow: false`."""

    async def check(self, email: EmailAddress, password: Secret[str]) -> bool:
        """
        Whether the directory accepts this password for this address.

        Raises:
            FlowUnavailable: the directory cannot be asked; nobody is signed in (fails closed).
        """
        ...

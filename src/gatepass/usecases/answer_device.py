"""Somebody types in the code that a device shows, sees what it asks for, and says yes or no."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gatepass.domain import user_code
from gatepass.domain.audit import AuditEvent, Deed, Note, Result
from gatepass.domain.device_code import Approval, DeviceCode
from gatepass.domain.errors import CodeRefused, InvalidCredentials
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.domain.user_code import UserCode
from gatepass.usecases.check_credentials import CheckCredentials
from gatepass.usecases.device_limits import guesses, guesses_of
from gatepass.usecases.notes import about
from gatepass.usecases.ports import AccountChanged, Clock, CodeKept, DeviceCodes, StoredCredentials, Throttle, Unknown

_WRONG_CODE = "There is no such code, or it has been used or has expired. Compare it with what your device shows now."


@dataclass(frozen=True, slots=True)
class AnswerDevice:
    """
    Approves or refuses a device. Fails closed.

    Each wrong code counts against the address, the account once it is known, and everybody: guessing codes would let
    somebody sign other people's devices in to an account of their own.
    """

    codes: DeviceCodes
    check_credentials: CheckCredentials
    throttle: Throttle
    clock: Clock

    async def look(self, code: UserCode, occasion: Occasion) -> DeviceCode:
        """
        What the device with this code asks for.

        Raises:
            CodeRefused: no device that waits for an answer shows this code.
            RateLimited: too many wrong codes.
        """
        async with self._guess(occasion, *guesses(occasion.origin.address)):
            return await self._find(code)

    async def allow(self, code: UserCode, user_name: str, plain: Secret[str], occasion: Occasion) -> None:
        """
        Say yes, as the account with these credentials.

        Raises:
            InvalidCredentials, Overloaded: as at a sign-in; nothing was written.
            CodeRefused, RateLimited: as `look`; nothing was written.

        Source: RFC 8628 §3.3 and §5.1.
        """
        async with self._guess(occasion, *guesses(occasion.origin.address)):
            stored = await self.check_credentials(user_name, plain, occasion, deed=Deed.DEVICE_APPROVED)
            async with self._guess(occasion, guesses_of(stored.account.id)):
                await self._approve(code, stored, occasion)
        await self.check_credentials.upgrade_hash(stored, plain)

    async def deny(self, code: UserCode, occasion: Occasion) -> None:
        """
        Say no; who knows the code may do that.

        Raises:
            CodeRefused, RateLimited: as `look`; nothing was written.
        """
        async with self._guess(occasion, *guesses(occasion.origin.address)):
            asked, now = await self._find(code), self.clock()
            event = AuditEvent(Deed.DEVICE_DENIED, now, occasion, client_id=asked.client_id)
            denied = await self.codes.deny(asked.user_code_digest, now, note=_if_kept(event))
            if isinstance(denied, Unknown):
                raise CodeRefused(_WRONG_CODE)

    async def _find(self, code: UserCode) -> DeviceCode:
        found = await self.codes.find(user_code.digest(code), self.clock())
        if found is None:
            raise CodeRefused(_WRONG_CODE)
        return found

    async def _approve(self, code: UserCode, stored: StoredCredentials, occasion: Occasion) -> None:
        asked, now = await self._find(code), self.clock()
        approval = Approval(stored.account, asked.scopes, now)
        event = about(stored.account, AuditEvent(Deed.DEVICE_APPROVED, now, occasion, client_id=asked.client_id))
        match await self.codes.approve(
            asked.user_code_digest, approval, stored.password_hash, now, note=_if_kept(event)
        ):
            case Unknown():
                raise CodeRefused(_WRONG_CODE)
            case AccountChanged():
                raise InvalidCredentials
            case CodeKept():
                pass

    @asynccontextmanager
    async def _guess(self, occasion: Occasion, *keys: str) -> AsyncIterator[None]:
        """Count an attempt; it stays counted only where the code turns out to be wrong."""
        refused = AuditEvent(Deed.DEVICE_APPROVED, self.clock(), occasion, Result.REFUSED)
        await self.throttle.take(*keys, refused_as=refused)
        try:
            yield
        except CodeRefused:
            raise
        except BaseException:
            await self.throttle.give_back(*keys)
            raise
        else:
            await self.throttle.give_back(*keys)


def _if_kept(event: AuditEvent) -> Note[object]:
    return lambda outcome: event if isinstance(outcome, CodeKept) else None

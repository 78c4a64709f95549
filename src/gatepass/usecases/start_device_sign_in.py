"""A device without a browser asks to be signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from gatepass.domain import one_time_code, user_code
from gatepass.domain.account import Scope
from gatepass.domain.device_code import POLL_INTERVAL, DeviceCode
from gatepass.domain.errors import Overloaded
from gatepass.domain.one_time_code import CODE_RANDOM_BYTES, DEVICE_CODE_PREFIX
from gatepass.domain.secret import Secret
from gatepass.domain.session import SessionOrigin
from gatepass.domain.user_code import UserCode
from gatepass.usecases.device_limits import by_network
from gatepass.usecases.ports import Clock, CodeKept, DeviceCodes, RandomBytes, Throttle

_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class StartedDeviceSignIn:
    """What the device shows (`user_code`), and what it polls with (`device_code`)."""

    device_code: Secret[str]
    user_code: UserCode
    expires_in: timedelta
    interval: timedelta


@dataclass(frozen=True, slots=True)
class StartDeviceSignIn:
    """Makes the two codes of a device sign-in."""

    codes: DeviceCodes
    throttle: Throttle
    clock: Clock
    random: RandomBytes
    ttl: timedelta

    async def __call__(
        self, client_id: str, scopes: tuple[Scope, ...] | None, origin: SessionOrigin
    ) -> StartedDeviceSignIn:
        """
        Two fresh codes.

        Args:
            scopes: what the client may have at most, None for all of the approver's; who approves may have less.
            origin: of the device.

        Raises:
            RateLimited: too many from this address; nothing was written.

        Source: RFC 8628 §3.2.
        """
        await self.throttle.take(by_network("device_start", origin.address))
        expires_at = self.clock() + self.ttl
        device_code = one_time_code.make(DEVICE_CODE_PREFIX, self.random(CODE_RANDOM_BYTES))
        for _ in range(_TRIES):
            shown = user_code.make(self.random(user_code.RANDOM_BYTES))
            kept = DeviceCode(
                digest=one_time_code.digest(device_code.reveal()),
                user_code_digest=user_code.digest(shown),
                client_id=client_id,
                scopes=scopes,
                expires_at=expires_at,
            )
            if isinstance(await self.codes.add(kept, origin), CodeKept):
                return StartedDeviceSignIn(device_code, shown, self.ttl, POLL_INTERVAL)
        raise Overloaded("More devices ask to be signed in than there are codes. Try again later.")

"""The settings of the group "Guessing" as the rules take them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gatepass.domain.attempts import AttemptLimits, Delays, Rate
from gatepass.settings.model import Settings
from gatepass.usecases import device_limits


def attempt_limits(settings: Settings) -> AttemptLimits:
    """What holds for attempts to sign in."""
    return AttemptLimits(
        delays=Delays(
            free=settings.throttle_account_failures,
            first=timedelta(seconds=settings.throttle_first_delay_seconds),
            longest=timedelta(seconds=settings.throttle_longest_delay_seconds),
            memory=timedelta(seconds=settings.throttle_memory_seconds),
        ),
        network=Rate(settings.throttle_network_failures, timedelta(seconds=settings.throttle_network_seconds)),
        overall=Rate(settings.throttle_overall_failures, timedelta(seconds=settings.throttle_overall_seconds)),
        reserve=settings.throttle_reserve_percent / 100,
        known_for=timedelta(seconds=settings.throttle_known_client_seconds),
    )


def device_rates(settings: Settings) -> Mapping[str, Rate]:
    """What holds for user codes and the devices that show them."""
    return device_limits.rates(
        wrong_codes=settings.throttle_code_failures,
        wrong_codes_overall=settings.throttle_code_overall_failures,
        starts=settings.throttle_device_starts,
        within=timedelta(seconds=settings.throttle_code_seconds),
    )

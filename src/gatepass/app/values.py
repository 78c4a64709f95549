"""What the settings say, as the values that the rooms take."""

from __future__ import annotations

from datetime import timedelta

from gatepass.crypto.audit_seals import AuditSeals
from gatepass.domain.key_schedule import KeySchedule, tokens_live
from gatepass.domain.session import SessionLimits
from gatepass.http.body import Arriving, BodyLimits
from gatepass.settings import Settings


def session_limits(settings: Settings) -> SessionLimits:
    """How long sign-ins last."""
    return SessionLimits(
        idle=timedelta(seconds=settings.session_idle_seconds),
        absolute=timedelta(seconds=settings.session_absolute_seconds),
        replay_window=timedelta(seconds=settings.replay_window_seconds),
    )


def key_schedule(settings: Settings) -> KeySchedule:
    """When the settings want keys to change."""
    return KeySchedule(
        max_age=timedelta(seconds=settings.key_max_age_seconds) if settings.key_max_age_seconds else None,
        lead=timedelta(seconds=settings.key_lead_seconds),
        tokens_live=tokens_live(session_limits(settings)),
    )


def audit_seals(settings: Settings) -> AuditSeals:
    """
    Who seals the audit log.

    Raises:
        SettingsError: there is no secret key.
    """
    return AuditSeals(settings.require_secret_key(), settings.secret_key_previous)


def body_limits(settings: Settings) -> BodyLimits:
    """What a request's body may be."""
    timeout = timedelta(seconds=settings.request_timeout_seconds)
    return BodyLimits(settings.max_body_bytes, timeout, Arriving(settings.max_arriving_bytes))

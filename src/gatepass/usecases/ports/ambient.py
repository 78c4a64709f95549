"""Time and randomness: they come in from outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Aware UTC now."""

RandomBytes = Callable[[int], bytes]
"""That many bytes from the operating system's generator."""

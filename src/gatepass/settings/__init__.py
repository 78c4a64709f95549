"""
What an operator can choose: one frozen `Settings`, and where each of its values came from.

Owns: the keys with their kinds, bounds and defaults; the order of the sources (flags, environment, file, default); the
messages that name the source of a bad value; the reference and the commented template, made from the same keys.
Does not know: what a value is used for. Standard library only, because every command of the shell loads it.
Called by: app, cli, embedders. Imports: domain (errors, secrets).
"""

from gatepass.settings.errors import SettingsError
from gatepass.settings.model import Reported, Settings

__all__ = ["Reported", "Settings", "SettingsError"]

"""The version, read by the build and by `gatepass --version`."""

__version__ = "0.1.0"

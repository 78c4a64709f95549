"""`--data-dir` and `--config`, which every command has, and the settings that follow from them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from gatepass.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the command line says that the settings are."""

    data_dir: str | None
    config: Path | None

    def load(self, **flags: object) -> Settings:
        """
        The settings.

        Raises:
            SettingsError: one of them cannot be used.
        """
        from gatepass.settings import Settings  # noqa: PLC0415 - not for --help

        return Settings.load({"data_dir": self.data_dir, **flags}, config_file=self.config)


def with_source(command: Callable[Concatenate[Source, P], R]) -> Callable[..., R]:
    """Give a command the two options; it gets them as its first argument."""

    @click.option("--data-dir", metavar="FOLDER", help="Folder of the store and the secret key.")
    @click.option(
        "--config", metavar="FILE", type=click.Path(path_type=Path), help="Read this in place of gatepass.toml there."
    )
    @functools.wraps(command)
    def with_options(*args: Any, data_dir: str | None, config: Path | None, **kwargs: Any) -> R:
        return command(Source(data_dir, config), *args, **kwargs)

    return with_options

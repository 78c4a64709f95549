"""The command `gatepass`: finds the file of a command when it is asked for, and says every error in one place."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from gatepass.cli.terminal import complain, is_traceback_wanted
from gatepass.domain.errors import GatepassError
from gatepass.version import __version__

FAILED: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 130
# Modules of the extra `server`: without one of them the whole extra is missing.
_SERVER_MODULES: Final = frozenset(
    ("aiohttp", "cryptography", "graphql", "httptools", "joserfc", "msgspec", "nacl", "prometheus_client",
     "starlette", "uvicorn", "uvloop")
)  # fmt: skip


class LazyGroup(click.Group):
    """A group whose commands are imported when they are looked at. `homes`: command → module and attribute."""

    def __init__(self, *args: Any, homes: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._homes = homes

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of a newcomer's way."""
        return list(self._homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import it."""
        if cmd_name not in self._homes:
            return None
        module, _, attribute = self._homes[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a slip in the table below
        return command


@click.group(
    "gatepass",
    cls=LazyGroup,
    homes={
        "demo": "gatepass.cli.demo:demo",
        "init": "gatepass.cli.init:init",
        "user": "gatepass.cli.user:user",
        "serve": "gatepass.cli.serve:serve",
        "config": "gatepass.cli.config:config",
        "calibrate": "gatepass.cli.calibrate:calibrate",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.",
)
@click.version_option(__version__, message="gatepass %(version)s")
def gatepass() -> None:
    """Sign-in and one-hour bearer tokens for any GraphQL API."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Do what the command line says, and exit."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a letter of a name gets its code; it is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code. Only wrong programs get past here, and even they in one line."""
    try:
        code = gatepass.main(arguments, prog_name="gatepass", standalone_mode=False)
    except click.ClickException as error:
        return _wrong_usage(error)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed()
    except GatepassError as error:
        complain(str(error) or type(error).__name__)
        return WRONG_USAGE if str(getattr(error, "origin", "")).startswith("flag ") else FAILED
    except Exception as error:  # the last place that can keep a stack trace from the terminal
        return _unforeseen(error)
    return code if isinstance(code, int) else 0


def _wrong_usage(error: click.ClickException) -> int:
    complain(error.format_message())
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        click.echo(f"Try '{context.command_path} --help'.", err=True)
    return error.exit_code


def _pipe_closed() -> int:
    """Who read our output has had enough, as `head` has. Nothing more can be written, at the exit either."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def _unforeseen(error: Exception) -> int:
    if is_traceback_wanted():
        raise error
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _SERVER_MODULES:
        complain(f"this needs the server, and it is not installed ({error.name}): pip install 'gatepass[server]'")
    elif isinstance(error, OSError) and error.strerror:
        complain(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    else:
        complain(
            f"internal error ({type(error).__name__}: {error}). This is a mistake in Gatepass: please report it, "
            "with what GATEPASS_TRACEBACK=1 shows."
        )
    return FAILED

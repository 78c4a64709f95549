"""The command `gatepass`: finds the file of a command when it is asked for, and says every error in one place."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from gatepass.cli.closed_streams import put_in_place
from gatepass.cli.terminal import complain, is_traceback_wanted
from gatepass.domain.errors import GatepassError
from gatepass.version import __version__

FAILED: Final = 1
WRONG_USAGE: Final = 2
SIGN_IN_NEEDED: Final = 4
NOT_REACHABLE: Final = 5
INTERRUPTED: Final = 130
EXIT_CODES: Final = {
    0: "done",
    FAILED: "failed",
    WRONG_USAGE: "wrong usage: what stands on the command line",
    SIGN_IN_NEEDED: "sign-in needed: there is none, it has ended, or what the environment gives is refused",
    NOT_REACHABLE: "server not reachable",
    INTERRUPTED: "interrupted with Ctrl-C",
}
# Modules of the extra `server`: without one of them the whole extra is missing.
_SERVER_MODULES: Final = frozenset(
    ("aiohttp", "cryptography", "graphql", "httptools", "joserfc", "msgspec", "nacl", "prometheus_client",
     "starlette", "uvicorn", "uvloop")
)  # fmt: skip


class LazyGroup(click.Group):
    """
    A group whose commands are imported when they are looked at.

    `homes`: command → module and attribute. `sections`: title in the help → commands, None for all the others.
    """

    def __init__(
        self,
        *args: Any,
        homes: Mapping[str, str],
        sections: Mapping[str, Sequence[str] | None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._homes = homes
        self.sections: Mapping[str, Sequence[str]] = _filled(sections or {"Commands": None}, homes)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the sections, and within them of a newcomer's way."""
        return [name for names in self.sections.values() for name in names]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Under the titles of the sections, the short helps in one column."""
        limit = formatter.width - 6 - max(map(len, self._homes))
        for title, names in self.sections.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            rows = [(name, command.get_short_help_str(limit)) for name, command in commands if command is not None]
            with formatter.section(title):
                formatter.write_dl(rows, col_spacing=2 + max(map(len, self._homes)) - max(map(len, names)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import it."""
        if cmd_name not in self._homes:
            return None
        module, _, attribute = self._homes[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a slip in the table below
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """With a guess at what a name that is none was to be."""
        if args[0] in self._homes or args[0].startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches  # noqa: PLC0415 - for slips alone

        close = get_close_matches(args[0], self._homes, n=1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        raise click.UsageError(f"No such command {args[0]!r}.{guess}", ctx)


def _filled(sections: Mapping[str, Sequence[str] | None], homes: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    named = {name for names in sections.values() for name in names or ()}
    others = [name for name in homes if name not in named]
    return {title: others if names is None else names for title, names in sections.items()}


@click.group(
    "gatepass",
    cls=LazyGroup,
    homes={
        "demo": "gatepass.cli.demo:demo",
        "init": "gatepass.cli.init:init",
        "user": "gatepass.cli.user:user",
        "client": "gatepass.cli.client:client",
        "session": "gatepass.cli.session:session",
        "revoke-all": "gatepass.cli.revoke_all:revoke_all",
        "audit": "gatepass.cli.audit:audit",
        "key": "gatepass.cli.key:key",
        "serve": "gatepass.cli.serve:serve",
        "throttle": "gatepass.cli.throttle:throttle",
        "config": "gatepass.cli.config:config",
        "db": "gatepass.cli.db:db",
        "calibrate": "gatepass.cli.calibrate:calibrate",
        "ide": "gatepass.cli.ide:ide",
        "login": "gatepass.cli.login:login",
        "logout": "gatepass.cli.logout:logout",
        "status": "gatepass.cli.status:status",
        "use": "gatepass.cli.use:use",
        "whoami": "gatepass.cli.whoami:whoami",
        "token": "gatepass.cli.token:token",
        "header": "gatepass.cli.header:header",
        "query": "gatepass.cli.query:query",
        "schema": "gatepass.cli.schema:schema",
        "subscribe": "gatepass.cli.subscribe:subscribe",
        "curl": "gatepass.cli.curl:curl",
        "completion": "gatepass.cli.completion:completion",
    },
    sections={
        "To try it": ("demo",),
        "Commands for API users": (
            "login",
            "logout",
            "status",
            "use",
            "whoami",
            "token",
            "header",
            "query",
            "schema",
            "subscribe",
            "curl",
            "completion",
        ),
        "Commands for operators": None,
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: "
    + ", ".join(f"{code} {re.split(':| with', words)[0]}" for code, words in EXIT_CODES.items())
    + ".",
)
@click.version_option(__version__, message="gatepass %(version)s")
def gatepass() -> None:
    """
    Sign-in and one-hour bearer tokens for any GraphQL API.

    Who uses an API begins with 'gatepass login URL', who protects one with 'gatepass init'.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Do what the command line says, and exit."""
    put_in_place()
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
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    context = error.ctx if isinstance(error, click.UsageError) else None
    where = ""
    if isinstance(error, click.NoSuchOption) and context is not None and isinstance(context.command, click.Group):
        where = f" Options of a command stand behind it: {context.command_path} COMMAND [OPTIONS]."
    complain(f"{' '.join(error.format_message().split())}{where}")  # click has a list over several lines
    if context is not None:
        click.echo(f"Try '{context.command_path} --help'.", err=True)
    return error.exit_code


def _pipe_closed() -> int:
    """Who read our output has had enough, as `head` has. Nothing more can be written, at the exit either."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def _of_the_client(error: Exception) -> int | None:
    """The exit code of an error of the client library; None for every other. What was raised was imported before."""
    errors = sys.modules.get("gatepass.client.errors")
    if errors is None or not isinstance(error, errors.ClientError):
        return None
    if isinstance(error, errors.SignInRequired | errors.SignInRefused):
        return SIGN_IN_NEEDED
    return NOT_REACHABLE if isinstance(error, errors.ServerUnreachable) else FAILED


def _unforeseen(error: Exception) -> int:
    if (code := _of_the_client(error)) is not None:
        complain(str(error))
        return code
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

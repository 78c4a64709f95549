"""`gatepass completion`: what a shell reads to complete commands, options and profiles."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print the completion for a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """
    Print what makes a shell complete gatepass commands, options and profiles.

    \b
    bash, in ~/.bashrc:                   eval "$(gatepass completion bash)"
    zsh, in ~/.zshrc after compinit:      eval "$(gatepass completion zsh)"
    fish, once:  gatepass completion fish > ~/.config/fish/completions/gatepass.fish
    """  # noqa: D301 - click's mark for lines that stay as they are
    from gatepass.cli.command import gatepass  # noqa: PLC0415 - it imports this file

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has all of SHELLS
    source = kind(gatepass, {}, "gatepass", "_GATEPASS_COMPLETE")
    # Not `source()`: that of bash runs bash to look how old it is, and this output may be for another machine.
    click.echo(source.source_template % source.source_vars())

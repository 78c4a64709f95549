"""`gatepass completion`: what shells read, and what they ask."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import Gatepass
from tests.kit.plain_server import PlainServer


def completes(shell: str, words: str, environ: dict[str, str] | None = None) -> str:
    """What the command answers to a shell that asks for the end of its last word."""
    asked = {"_GATEPASS_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()))}
    ended = subprocess.run(
        [sys.executable, "-m", "gatepass.cli"],
        env={**os.environ, **asked, **(environ or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_own(gatepass: Gatepass, shell: str) -> None:
    """Which names the command and the variable that asks it."""
    result = gatepass("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert f"_GATEPASS_COMPLETE={shell}_complete" in result.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_it(gatepass: Gatepass, shell: str, tmp_path: Path) -> None:
    """As far as it is on this machine."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"needs {shell}: apt-get install {shell}")
    script = tmp_path / "completion"
    script.write_text(gatepass("completion", shell).out)
    before = "autoload -Uz compinit && compinit -u -D; " if shell == "zsh" else ""
    ended = subprocess.run(
        [program, "-c", f"{before}source '{script}'"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_another_shell_is_wrong_usage(gatepass: Gatepass) -> None:
    """There are three, which are said in one line."""
    assert gatepass("completion", "tcsh").code == 2
    result = gatepass("completion")
    assert (result.code, result.err.count("\n")) == (2, 2)
    assert "Choose from: bash, zsh, fish\nTry" in result.err


def test_commands_and_options_are_completed() -> None:
    """In the words of the help."""
    assert "plain,query" in completes("bash", "gatepass ")
    words = "gatepass query --"
    asked = {"COMP_CWORD": "2"}
    assert "plain,--output" in completes("bash", words, asked)


TYPED = {
    "gatepass sta": "status",
    "gatepass query --out": "--output",
    "gatepass token --profile p": "plain",
    "gatepass login --profile p": "plain",
    "gatepass query to": "towns.graphql",
}
ZSHRC = """
autoload -Uz compinit && compinit -u -D
source completion
note() { print -r -- "$BUFFER" >> typed; BUFFER= }
zle -N note && bindkey '^G' note
PS1='ready> '
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """With this command in the path, and a home where nothing but a document is."""
    (tmp_path / "towns.graphql").touch()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path), "TERM": "dumb"}


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_the_shell_completes_commands_options_profiles_and_files(
    gatepass: Gatepass, signed_in: PlainServer, shell: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    """As if somebody pressed the key."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"needs {shell}: apt-get install {shell}")
    (tmp_path / "completion").write_text(gatepass("completion", shell).out)
    ask = {
        "bash": "source completion; COMP_WORDS=($1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
        "_gatepass_completion gatepass; printf '%s\\n' \"${COMPREPLY[@]}\"",
        "fish": "source completion; complete -C $argv[1]",
    }[shell]
    for typed, wanted in TYPED.items():
        # bash is told to look for files itself.
        expected = "" if shell == "bash" and wanted == "towns.graphql" else wanted
        ended = subprocess.run(
            [program, "-c", ask, *(["x"] if shell == "bash" else []), typed],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert [line.split("\t")[0] for line in ended.stdout.splitlines()] == [expected], (typed, ended)


def test_zsh_completes_commands_options_profiles_and_files(
    gatepass: Gatepass, signed_in: PlainServer, tmp_path: Path, environ: dict[str, str]
) -> None:
    """On a terminal, where somebody presses the key; another key notes what stands on the line then."""
    program = shutil.which("zsh")
    if program is None:
        pytest.skip("needs zsh: apt-get install zsh")
    (tmp_path / "completion").write_text(gatepass("completion", "zsh").out)
    (tmp_path / ".zshrc").write_text(ZSHRC)
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [program, "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=tmp_path, start_new_session=True
    ) as zsh:
        os.close(theirs)
        patience = threading.Timer(30, zsh.kill)
        patience.start()
        seen = b""
        while b"ready> " not in seen:
            seen += os.read(ours, 4096)
        os.write(ours, "".join(f"{typed}\t\x07" for typed in TYPED).encode() + b"exit\n")
        with contextlib.suppress(OSError):  # which is the end of a terminal
            while os.read(ours, 4096):
                pass
        os.close(ours)
        zsh.wait(30)
        patience.cancel()
    lines = (tmp_path / "typed").read_text().splitlines()
    assert [line.split() for line in lines] == [[*typed.split()[:-1], wanted] for typed, wanted in TYPED.items()]

"""What holds for every command: exit codes, one line for an error, quick help, and no server needed to ask."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gatepass.cli.command import gatepass as command_line
from tests.cli.conftest import CANARY, Gatepass
from tests.kit.plain_server import PlainServer

PAGE = "{ companies(first: 1) { items { company_name } pageInfo { hasNextPage } } }"


def commands(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    found = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        found += commands(command, *path, name) if isinstance(command, click.Group) else [(*path, name)]
    return found


ALL = commands(command_line)
MESSAGES_ALONE = {
    *((name,) for name in ("login", "logout", "use", "demo", "init", "serve", "revoke-all")),
    *(("user", name) for name in ("add", "disable", "enable", "passwd", "remove", "sign-out")),
    *(("db", name) for name in ("backup", "copy", "upgrade")),
    *(("client", "remove"), ("session", "revoke"), ("audit", "seal-anew"), ("ide", "build")),
}
OWN_FORM = {("completion",), ("curl",), ("audit", "export")}
GROUPS = sorted({path[:-1] for path in ALL} - {()})
WITHOUT_OPTIONS = {("demo",), ("use",), ("completion",), ("ide", "build")}


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself(gatepass: Gatepass, path: tuple[str, ...]) -> None:
    """With -h and --help, on standard output, with the common options of its kind."""
    result = gatepass(*path, "--help")
    assert result == gatepass(*path, "-h")
    assert (result.code, result.err) == (0, "")
    is_for_api_users = path[0] in command_line.sections["Commands for API users"]
    common = ("--profile", "--no-input") if is_for_api_users else ("--data-dir", "--config")
    assert all(option in result.out for option in common) or path in WITHOUT_OPTIONS


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_with_data_has_it_as_json(gatepass: Gatepass, path: tuple[str, ...]) -> None:
    """Without it are those with nothing to tell but messages, and those whose data has another form by its nature."""
    has_json = "--json" in gatepass(*path, "--help").out
    assert has_json != (path in MESSAGES_ALONE or path in OWN_FORM)


def test_the_help_tells_api_users_and_operators_apart(gatepass: Gatepass) -> None:
    """Every command is under one title; a new one is an operator's unless it is said."""
    assert re.findall(r"^(\S.*):$", gatepass("--help").out, re.MULTILINE) == [
        "Options",
        "To try it",
        "Commands for API users",
        "Commands for operators",
    ]
    assert {path[0] for path in ALL} == {name for names in command_line.sections.values() for name in names}


@pytest.mark.parametrize("path", [(), *GROUPS], ids=" ".join)
def test_every_line_of_a_list_of_commands_is_whole(
    gatepass: Gatepass, path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal of 80 columns: half a sentence explains nothing."""
    monkeypatch.setenv("COLUMNS", "80")
    lists = gatepass(*path, "--help").out
    assert "Commands" in lists
    assert "..." not in lists.split("Commands", 1)[1], lists


@pytest.mark.parametrize("path", [(), ("user",)], ids=["gatepass", "gatepass user"])
def test_a_group_without_a_command_shows_its_help_as_it_is(gatepass: Gatepass, path: tuple[str, ...]) -> None:
    """Where errors go, and as wrong usage: a script that forgot the rest must not go on."""
    result = gatepass(*path)
    assert (result.code, result.out, result.err) == (2, "", gatepass(*path, "--help").out)


def test_the_version_is_printed(gatepass: Gatepass) -> None:
    """For bug reports."""
    assert gatepass("--version").out.startswith("gatepass 0.")


@pytest.mark.parametrize(
    "arguments", [("nothing",), ("user", "ad"), ("serve", "--prot", "1"), ("user", "add"), ("user",)]
)
def test_wrong_usage_is_2(gatepass: Gatepass, arguments: tuple[str, ...]) -> None:
    """And where the help is."""
    result = gatepass(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "--help" in result.err


@pytest.mark.parametrize(("option", "of"), [("--no-input", "token"), ("--profile", "query")])
def test_an_option_before_its_command_is_told_where_it_stands(gatepass: Gatepass, option: str, of: str) -> None:
    """Behind the command; which has it is in the help."""
    result = gatepass(option, of)
    assert (result.code, result.out) == (2, "")
    assert "Options of a command stand behind it: gatepass COMMAND [OPTIONS]." in result.err
    assert "stand behind" not in gatepass(of, "--nonsense").err


def test_a_slip_in_a_command_s_name_gets_a_guess(gatepass: Gatepass) -> None:
    """What comes closest, if anything does."""
    assert "No such command 'tokne'. Did you mean 'token'?\n" in gatepass("tokne").err
    assert "No such command 'ad'. Did you mean 'add'?\n" in gatepass("user", "ad").err
    assert "No such command 'zzzzzz'.\n" in gatepass("zzzzzz").err


def test_ctrl_c_during_the_imports_is_130_without_a_stack_trace() -> None:
    """They are most of what a command is waited for."""
    stop = "class Stop:\n    def find_spec(self, name, *_):\n        if name == 'click': raise KeyboardInterrupt\n"
    ended = python(f"import sys\n{stop}sys.meta_path.insert(0, Stop())\nfrom gatepass.cli import main; main(['token'])")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_bad_flag_is_wrong_usage_and_a_bad_variable_a_failure(
    gatepass: Gatepass, initialised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 is for what stands on the command line."""
    assert gatepass("serve", "--port", "x").code == 2
    monkeypatch.setenv("GATEPASS_PORT", "x")
    assert gatepass("serve").code == 1


def test_an_unforeseen_error_is_one_line(gatepass: Gatepass, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stack trace, no secret, and how to get more."""

    def broken(*_: object) -> None:
        raise RuntimeError(f"odd\n{CANARY}")

    monkeypatch.setattr("gatepass.cli.source.Source.load", broken)
    result = gatepass("config", "show")
    assert result.code == 1
    assert result.err.startswith(
        "gatepass: internal error (RuntimeError: odd\\n(masked)). This is a mistake in Gatepass"
    )
    assert result.err.count("\n") == 1
    monkeypatch.setenv("GATEPASS_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        gatepass("config", "show")


def test_what_the_system_refuses_is_said_in_its_words(gatepass: Gatepass, tmp_path: Path) -> None:
    """With the path."""
    (tmp_path / "file").touch()
    result = gatepass("init", "--data-dir", tmp_path / "file" / "data")
    assert (result.code, result.err) == (1, f"gatepass: {tmp_path}/file: File exists\n")


def test_a_reader_that_has_had_enough_is_no_error(initialised: Path) -> None:
    """As in `gatepass config show | head -1`."""
    shell = f"{sys.executable} -m gatepass.cli config show | true"
    ended = subprocess.run(shell, shell=True, capture_output=True, text=True, check=False)
    assert ended.stderr == ""


@pytest.mark.parametrize("command", ["config show", "token", "--help", "status --json"])
@pytest.mark.parametrize("closed", [">&-", "<&- >&-"])
def test_output_that_nobody_can_get_is_an_error(
    initialised: Path, monkeypatch: pytest.MonkeyPatch, command: str, closed: str
) -> None:
    """As a script may have it that closed its standard output."""
    monkeypatch.setenv("GATEPASS_TOKEN", "x")
    monkeypatch.setenv("GATEPASS_URL", "http://127.0.0.1:9/")
    shell = f"{sys.executable} -m gatepass.cli {command} {closed}"
    ended = subprocess.run(shell, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "gatepass: standard output is closed\n")


@pytest.mark.parametrize("lost", ["2>&-", "2>/dev/full", "2> >(true)"])
@pytest.mark.parametrize(("command", "code"), [("query - -o csv", 0), ("query - --nonsense", 2), ("token", 0)])
def test_messages_that_nobody_can_get_change_nothing(
    signed_in: PlainServer, lost: str, command: str, code: int
) -> None:
    """A full disk below the log of a job, say. The first has something to say: that there are more pages."""
    if lost == "2>/dev/full" and not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    shell = f"{sys.executable} -m gatepass.cli {command} {lost} <<< '{PAGE}'"
    ended = subprocess.run(["bash", "-c", shell], stdout=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == code
    assert bool(ended.stdout) == (code == 0)


@pytest.mark.parametrize("command", ["'serve', '--upstream', 'http://x/'", "'demo'", "'init'"])
def test_without_the_server_extra_the_way_to_get_it_is_said(
    initialised: Path, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base install is the client and this command line."""
    if "init" in command:
        monkeypatch.setenv("GATEPASS_DATA_DIR", str(tmp_path / "other"))
    missing = "for name in ('uvicorn', 'msgspec', 'nacl', 'cryptography', 'structlog'): sys.modules[name] = None"
    ended = python(f"import sys\n{missing}\nfrom gatepass.cli import main; main([{command}])")
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.startswith("gatepass: this needs the server, and it is not installed (")
    assert ended.stderr.endswith("pip install 'gatepass[server]'\n")
    assert not (tmp_path / "other").exists()


def test_help_and_settings_load_click_and_the_standard_library_alone(initialised: Path) -> None:
    """So that they are quick, and work in the base install."""
    watched = "import sys; from gatepass.cli.command import run"
    for arguments in ("'--help'", "'serve', '--help'", "'login', '--help'", "'query', '-h'", "'config', 'show'"):
        names = "{name.partition('.')[0] for name in sys.modules}"
        code = f"{watched}; run([{arguments}]); print(*{names}, file=sys.stderr)"
        ended = python(code)
        loaded = set(ended.stderr.split()) - set(sys.stdlib_module_names)
        assert {name for name in loaded if not name.startswith("_")} <= {"click", "gatepass"}
        assert "asyncio" not in ended.stderr.split()


def test_help_is_quick() -> None:
    """200 ms is the budget; processor time, since other work shares the machine, the least of five."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "gatepass.cli", "--help"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.2

"""`login`, `logout`, `status`, `use`, `whoami`, on a server that is not ours and on the demo."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.client.file_store import FileStore
from gatepass.client.stored import StoreError
from tests.cli.conftest import Gatepass
from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer, plain_server
from tests.kit.processes import COMMAND, free_port

# The terminal is the command's own, so that it hears Ctrl-C, and passwords are read from it.
_TAKE_THE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def content_of(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*") if path.is_file())


def login(gatepass: Gatepass, server: PlainServer, *more: str) -> None:
    result = gatepass("login", server.address, "-u", EMAIL, "--password-stdin", *more, stdin=f"{PASSWORD}\n")
    assert result.code == 0, result.err


def test_a_sign_in_is_kept_and_its_password_is_not(gatepass: Gatepass, plain: PlainServer, state: Path) -> None:
    """Nothing goes to standard output; the file is its owner's alone."""
    result = gatepass("login", plain.address, "-u", EMAIL, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert (result.code, result.out) == (0, "")
    host = plain.address.split("/")[2].replace(":", "-")
    assert result.err == (
        f"The sign-in is kept in {state}, readable by you alone; the password is not kept.\n"
        f"signed in to {plain.address} as {EMAIL} (profile {host})\n"
    )
    assert PASSWORD not in content_of(state) + result.err
    assert EMAIL in content_of(state)
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in [state, *state.rglob("*")]}
    assert modes == {0}
    assert plain.counts["signIn"] == 1


def test_a_refused_password_is_said_and_nothing_kept(gatepass: Gatepass, plain: PlainServer, state: Path) -> None:
    """In the server's words; exit code 1."""
    result = gatepass("login", plain.address, "-u", EMAIL, "--password-stdin", stdin="wrong-password-canary")
    assert (result.code, result.out) == (1, "")
    assert "Invalid username or password." in result.err
    assert "canary" not in result.err
    assert gatepass("status").code == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Which API?"),
        (("https://ada:secret@api.example.org/",), "must not hold a user or password"),
        (("api.example.org/graphql",), "should read like https://"),
        (("http://127.0.0.1:1/", "--device", "--password-stdin"), "takes no password"),
        (("http://127.0.0.1:1/", "-u", "a@example.org", "--scope", "read"), "--scope goes with --device"),
        (("http://127.0.0.1:1/",), "Who?"),
        (("http://127.0.0.1:1/", "--profile", "../elsewhere"), "is no name of a profile"),
        (("http://127.0.0.1:1/", "-u", "a@example.org"), "use --password-stdin"),
    ],
)
def test_what_is_missing_is_not_asked_for_without_a_terminal(
    gatepass: Gatepass, state: Path, arguments: tuple[str, ...], words: str
) -> None:
    """Wrong usage, and what to give."""
    result = gatepass("login", *arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert "secret" not in result.err


@pytest.mark.parametrize("stdin", ["", "\n", "\r\n"])
def test_an_empty_password_is_no_attempt(gatepass: Gatepass, state: Path, tmp_path: Path, stdin: str) -> None:
    """Most often a variable of a script that is not set; the API may count wrong ones."""
    (tmp_path / "password").write_text(stdin)
    for options in (["--password-stdin"], []):
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GATEPASS_PASSWORD_FILE", str(tmp_path / "password"))
            result = gatepass("login", "http://127.0.0.1:9/", "-u", EMAIL, *options, stdin=stdin)
        assert (result.code, result.out) == (1, "")
        assert "is empty: there is no password in it.\n" in result.err


def test_where_nothing_can_be_kept_nobody_is_signed_in(gatepass: Gatepass, plain: PlainServer, state: Path) -> None:
    """A disk that can only be read, say: the sign-in would live on at the API, and nobody could end it."""
    (state / "plain.lock").mkdir(parents=True)
    result = gatepass("login", plain.address, "--profile", "plain", "-u", EMAIL, "--password-stdin", stdin=PASSWORD)
    assert (result.code, result.out) == (1, "")
    assert "plain.lock cannot be opened: Is a directory." in result.err
    assert plain.counts["signIn"] == 0


def test_spaces_around_an_address_are_none_of_it(gatepass: Gatepass, plain: PlainServer, state: Path) -> None:
    """As where it is asked for."""
    result = gatepass("login", plain.address, "-u", f" {EMAIL} ", "--password-stdin", stdin=PASSWORD)
    assert (result.code, result.err.count(f"as {EMAIL} (")) == (0, 1)


def test_a_server_that_is_not_there_is_5(gatepass: Gatepass, state: Path) -> None:
    """Nothing is kept of the attempt."""
    address = f"http://127.0.0.1:{free_port()}/graphql/"
    result = gatepass("login", address, "-u", EMAIL, "--password-stdin", stdin=PASSWORD)
    assert (result.code, result.out) == (5, "")
    assert result.err.startswith("gatepass: ")
    assert gatepass("status").code == 4


def test_what_is_no_graphql_api_is_said(gatepass: Gatepass, plain: PlainServer) -> None:
    """The most likely mistake: a wrong path."""
    address = plain.address.replace("graphql", "grahpql")
    result = gatepass("login", address, "-u", EMAIL, "--password-stdin", stdin=PASSWORD)
    assert result.code == 1
    assert "HTTP 404" in result.err


def test_clear_text_over_the_network_is_warned_of(gatepass: Gatepass, state: Path) -> None:
    """Before the password is asked for; loopback is no network."""
    assert "clear text" in gatepass("login", "http://api.invalid/graphql/").err
    assert "clear text" not in gatepass("login", "http://localhost:1/graphql/").err
    assert "clear text" not in gatepass("login", "https://api.invalid/graphql/").err


def test_a_store_that_keeps_nothing_is_no_place_to_sign_in(
    gatepass: Gatepass, plain: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be lost at once; nothing is sent."""
    monkeypatch.setenv("GATEPASS_STORE", "none")
    result = gatepass("login", plain.address, "-u", EMAIL, "--password-stdin", stdin=PASSWORD)
    assert result.code == 1
    assert "GATEPASS_PASSWORD_FILE" in result.err
    assert plain.counts["signIn"] == 0


def test_the_password_can_come_from_the_environment(
    gatepass: Gatepass, plain: PlainServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From a variable or from a file that a variable names."""
    monkeypatch.setenv("GATEPASS_USERNAME", EMAIL)
    monkeypatch.setenv("GATEPASS_PASSWORD", PASSWORD)
    assert gatepass("login", plain.address).code == 0
    monkeypatch.delenv("GATEPASS_PASSWORD")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("GATEPASS_PASSWORD_FILE", str(tmp_path / "password"))
    assert gatepass("login", plain.address).code == 0
    assert plain.counts["signIn"] == 2


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.said = ""
        ours, theirs = pty.openpty()
        self._ours = ours
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_THE_TERMINAL, *COMMAND, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def waits_for(self, text: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.said:
            assert time.monotonic() < deadline, self.said
            self._read()

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def ends(self) -> int:
        while self._read():
            pass
        code = self._process.wait(20)
        os.close(self._ours)
        return code

    def _read(self) -> bool:
        try:
            piece = os.read(self._ours, 4096)
        except OSError:
            return False
        self.said += piece.decode()
        return bool(piece)


def test_on_a_terminal_what_is_missing_is_asked_for(plain: PlainServer) -> None:
    """Address, user, password; the password is not shown."""
    terminal = Terminal("login")
    for prompt, answer in (
        ("Address of the API: ", plain.address),
        ("E-mail address: ", EMAIL),
        ("Password: ", PASSWORD),
    ):
        terminal.waits_for(prompt)
        terminal.types(f"{answer}\n")
    assert terminal.ends() == 0, terminal.said
    assert "signed in" in terminal.said
    assert PASSWORD not in terminal.said
    assert "\x1b" not in terminal.said


def test_no_input_asks_nothing_on_a_terminal_either(plain: PlainServer) -> None:
    """Wrong usage, at once."""
    terminal = Terminal("login", plain.address, "--no-input")
    assert terminal.ends() == 2
    assert "Who?" in terminal.said


def test_ctrl_c_at_the_prompt_is_130(plain: PlainServer) -> None:
    """Nothing was sent."""
    terminal = Terminal("login", plain.address, "-u", EMAIL)
    terminal.waits_for("Password: ")
    terminal.types("\x03")
    assert terminal.ends() == 130
    assert plain.counts["signIn"] == 0


def test_signing_out_forgets(gatepass: Gatepass, signed_in: PlainServer, state: Path) -> None:
    """A server without signOut is no error."""
    token = gatepass("token").out.strip()
    result = gatepass("logout")
    assert (result.code, result.out) == (0, "")
    assert f"signed out of {signed_in.address} (profile plain)\nthe API knows no signOut" in result.err
    assert token not in content_of(state)
    assert gatepass("token").code == 4
    assert gatepass("logout").code == 0


def test_signing_out_forgets_also_when_the_server_is_gone(gatepass: Gatepass, state: Path) -> None:
    """It says that the server does not know: the tokens there live on."""
    with plain_server() as server:
        login(gatepass, server)
    result = gatepass("logout")
    assert result.code == 5
    assert "the server does not know it" in result.err
    assert gatepass("status").code == 4


def test_a_sign_in_that_cannot_be_removed_is_told_with_what_the_server_knows(
    gatepass: Gatepass, signed_in: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that can only be read: what 'gatepass status' goes on showing may be good for nothing."""

    def read_only(*_: object) -> None:
        raise StoreError("plain.json cannot be removed: Read-only file system.")

    monkeypatch.setattr(FileStore, "delete", read_only)
    result = gatepass("logout")
    assert (result.code, result.out) == (1, "")
    said = "The sign-in may live on at the server, and is kept here still: plain.json cannot be removed"
    assert said in result.err


def test_credentials_of_the_environment_are_not_signed_out(
    gatepass: Gatepass, signed_in: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come before what is kept, so it would be theirs that ends; nothing is forgotten."""
    monkeypatch.setenv("GATEPASS_TOKEN", "x")
    result = gatepass("logout")
    assert result.code == 1
    assert "Unset it first" in result.err
    monkeypatch.delenv("GATEPASS_TOKEN")
    assert gatepass("token").code == 0


@pytest.fixture
def two(gatepass: Gatepass, signed_in: PlainServer) -> Iterator[tuple[PlainServer, PlainServer]]:
    """Two sign-ins, `plain` and `other`, the second in use."""
    with plain_server(email="bob@example.org") as other:
        other_login = ("login", other.address, "--profile", "other", "-u", "bob@example.org", "--password-stdin")
        assert gatepass(*other_login, stdin=PASSWORD).code == 0
        yield signed_in, other


def test_signing_in_twice_makes_two_profiles(gatepass: Gatepass, two: tuple[PlainServer, PlainServer]) -> None:
    """The last one is in use; the star says it."""
    assert [line.split()[:2] for line in gatepass("status").out.splitlines()] == [
        ["*", "other"],
        ["plain", two[0].address],
    ]
    assert gatepass("use", "plain").code == 0
    assert gatepass("status").out.splitlines()[1].startswith("* plain")


@pytest.mark.parametrize("how", ["--profile", "--url", "GATEPASS_PROFILE", "GATEPASS_URL"])
def test_a_profile_or_an_address_chooses_for_one_command(
    gatepass: Gatepass, two: tuple[PlainServer, PlainServer], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By flag or variable; the closing slash of an address does not matter."""
    value = "plain" if "PROFILE" in how.upper() else two[0].address.rstrip("/")
    if how.startswith("--"):
        result = gatepass("whoami", how, value)
    else:
        monkeypatch.setenv(how, value)
        result = gatepass("whoami")
    assert f"user      {EMAIL}\n" in result.out
    assert "bob@example.org" not in result.out


def test_a_flag_comes_before_both_variables(
    gatepass: Gatepass, two: tuple[PlainServer, PlainServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--profile also before GATEPASS_URL, and --url before GATEPASS_PROFILE."""
    monkeypatch.setenv("GATEPASS_PROFILE", "other")
    monkeypatch.setenv("GATEPASS_URL", two[1].address)
    assert EMAIL in gatepass("whoami", "--profile", "plain").out
    assert EMAIL in gatepass("whoami", "--url", two[0].address).out
    assert "bob@example.org" in gatepass("whoami").out


def test_a_profile_s_token_goes_to_its_own_address_only(
    gatepass: Gatepass, two: tuple[PlainServer, PlainServer]
) -> None:
    """Whoever mixes them up is told; nothing is sent."""
    result = gatepass("query", "-", "--profile", "plain", "--url", two[1].address, stdin="{ me }")
    assert result.code == 2
    assert f"The profile plain is for {two[0].address}" in result.err
    assert two[1].counts["queries"] == two[1].counts["refused"] == 0


def test_an_unknown_profile_is_said(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """With those that there are, or how to make one."""
    assert "There are: plain." in gatepass("use", "nonsense").err
    assert gatepass("use", "nonsense").code == 2
    result = gatepass("token", "--profile", "nonsense")
    assert (result.code, result.out) == (4, "")
    assert "gatepass login --profile nonsense" in result.err


def test_status_is_data_for_programs(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """And holds no token."""
    token = gatepass("token").out.strip()
    result = gatepass("status", "--json")
    (row,) = json.loads(result.out)["profiles"]
    assert row["profile"] == "plain"
    assert row["in_use"] is True
    assert row["url"] == signed_in.address
    assert row["user"] == EMAIL
    assert 3000 < row["access_token_seconds_left"] <= 3600
    assert token not in result.out


def test_status_without_a_sign_in_is_4(gatepass: Gatepass, state: Path) -> None:
    """So that a script can ask; as JSON it is an empty list."""
    result = gatepass("status")
    assert (result.code, result.out) == (4, "")
    assert "gatepass login" in result.err
    assert json.loads(gatepass("status", "--json").out) == {"environment": None, "profiles": []}


def test_status_says_that_the_environment_comes_first(
    gatepass: Gatepass, signed_in: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise one wonders why another account's data comes."""
    monkeypatch.setenv("GATEPASS_TOKEN", "canaryCANARY")
    result = gatepass("status")
    assert "GATEPASS_TOKEN is set and comes before what is kept" in result.err
    assert "canary" not in result.out + result.err


def test_a_user_of_the_environment_without_a_password_goes_on_with_the_sign_in(
    gatepass: Gatepass, plain: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GATEPASS_USERNAME stands for --user at login; the commands after it are for that user, and for no other."""
    monkeypatch.setenv("GATEPASS_USERNAME", EMAIL)
    signed = gatepass("login", plain.address, "--password-stdin", stdin=PASSWORD)
    assert (signed.code, "comes before" in signed.err) == (0, False)
    assert gatepass("query", "-", stdin="{ me }").code == gatepass("token").code == gatepass("whoami").code == 0
    assert json.loads(gatepass("status", "--json").out)["environment"] is None
    monkeypatch.setenv("GATEPASS_USERNAME", "bob@example.org")
    for command in ("token", "schema"):
        refused = gatepass(command)
        assert (refused.code, "without GATEPASS_PASSWORD" in refused.err) == (4, True), refused
    assert gatepass("logout").code == 1
    monkeypatch.setenv("GATEPASS_USERNAME", EMAIL)
    assert (gatepass("logout").code, plain.counts["signIn"]) == (0, 1)


def test_who_signs_in_or_switches_is_told_what_comes_before_it(
    gatepass: Gatepass, plain: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else "from now on" would not be true."""
    monkeypatch.setenv("GATEPASS_TOKEN", "x")
    told = gatepass("login", plain.address, "--profile", "plain", "-u", EMAIL, "--password-stdin", stdin=PASSWORD)
    for result in (told, gatepass("use", "plain")):
        assert result.code == 0
        assert "GATEPASS_TOKEN is set and comes before what is kept" in result.err


def test_a_token_of_the_environment_that_says_nothing_is_told(
    gatepass: Gatepass, signed_in: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to the API of the sign-in in use; whose it is, only that API knows."""
    monkeypatch.setenv("GATEPASS_TOKEN", "opaque")
    result = gatepass("whoami")
    assert (result.code, result.out) == (0, f"url       {signed_in.address}\n")
    assert result.err == "the token does not say whose it is: only the API knows\n"


def test_a_damaged_file_is_no_crash(gatepass: Gatepass, signed_in: PlainServer, state: Path) -> None:
    """It is set aside, with a message, and one signs in again."""
    (damaged,) = [path for path in state.rglob("*") if path.is_file() and EMAIL in path.read_text()]
    damaged.write_text('{"profile": "pl')
    result = gatepass("token")
    assert (result.code, result.out) == (4, "")
    assert "internal error" not in result.err
    login(gatepass, signed_in)
    assert gatepass("token").code == 0


def test_no_secret_is_on_a_command_line() -> None:
    """There is no option that takes one."""
    helps = subprocess.run(
        [sys.executable, "-m", "gatepass.cli", "login", "--help"], capture_output=True, text=True, check=True
    )
    assert "--password " not in helps.stdout.replace("--password-stdin", "")
    assert "--token" not in helps.stdout

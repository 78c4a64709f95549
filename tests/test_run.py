"""run.py: what a newcomer's first command does, without the network."""

import ast
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import run

RUN = Path(run.__file__)


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, RUN, *arguments], capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a checkout whose set-ups only note what they would install."""
    for name in ("pyproject.toml", run.PINS, run.PINS_GRAPHQL_32, "src/gatepass/version.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((RUN.parent / name).read_bytes())
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "step", noted_step)
    return tmp_path


def noted_step(folder: Path, label: str, *command: str | Path, is_needed: bool = True) -> None:
    python = run.python_of(folder)
    python.parent.mkdir(exist_ok=True)
    python.touch()
    with (folder / "steps").open("a") as steps:
        steps.write(f"{label}\n")


def steps(environment: Path) -> list[str]:
    return (environment / "steps").read_text().splitlines()


@pytest.mark.parametrize("flag", ["--help", "-h", "help"])
def test_help_names_every_command(flag: str) -> None:
    done = start(flag)
    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in run.COMMANDS)


def test_an_unknown_command_is_named_and_the_commands_are_shown() -> None:
    done = start("tset")
    assert done.returncode == 2
    assert done.stderr.startswith("run.py: there is no command 'tset'\n")
    assert "  test [arguments]" in done.stderr


def test_check_takes_no_arguments() -> None:
    done = start("check", "--fix")
    assert (done.returncode, done.stderr) == (1, "run.py: check takes no arguments\n")


def test_an_old_python_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(str(RUN))
    assert str(exit_.value).startswith("Gatepass needs Python 3.11 or newer; this is Python ")
    assert "\n" not in str(exit_.value)


def test_an_old_python_can_read_as_far_as_that_line() -> None:
    ast.parse(RUN.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], ["gatepass", "demo"]),
        (["--port", "9000"], ["gatepass", "demo", "--port", "9000"]),
        (["demo", "--help"], ["gatepass", "demo", "--help"]),
        (["test", "-k", "rotation"], ["python", "-m", "pytest", "-k", "rotation"]),
        (["test", "--graphql-core", "3.2"], ["python", "-m", "pytest", "-n", "auto", "tests/graphql", "tests/gateway"]),
        (["bench", "growth"], ["python", "-m", "benchmarks", "growth"]),
    ],
)
def test_each_command_becomes_a_program_of_the_environment(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], command: list[str]
) -> None:
    became: list[str] = []
    monkeypatch.setattr(run, "become", lambda program, *rest: became.extend([Path(program).stem, *rest]))
    monkeypatch.chdir(checkout)
    run.main(arguments)
    assert became == command


def test_a_finished_environment_is_used_as_it_is(checkout: Path) -> None:
    run.prepare(".venv", "server")
    before = steps(checkout / ".venv")
    run.prepare(".venv", "server")
    assert steps(checkout / ".venv") == before


def test_the_demo_finds_what_it_needs_after_the_tests_were_set_up(checkout: Path) -> None:
    run.prepare(".venv", "server", "dev")
    assert run.is_ready(checkout / ".venv", frozenset({"server"}))


def test_a_missing_part_is_added_and_what_is_there_is_kept(checkout: Path) -> None:
    run.prepare(".venv", "server")
    run.prepare(".venv", "server", "dev")
    assert steps(checkout / ".venv")[2:] == ["Installing server", "Installing dev, server"]


@pytest.mark.parametrize("name", ["pyproject.toml", run.PINS, run.PINS_GRAPHQL_32, "src/gatepass/version.py"])
def test_changed_dependencies_are_installed_into_the_same_environment(checkout: Path, name: str) -> None:
    run.prepare(".venv", "server", "dev")
    (checkout / name).write_bytes(b"# changed")
    run.prepare(".venv", "server")
    assert steps(checkout / ".venv")[2:] == ["Installing dev, server", "Installing dev, server"]


def test_an_interrupted_set_up_is_made_again_from_nothing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(folder: Path, label: str, *command: str | Path, is_needed: bool = True) -> None:
        if label.startswith("Installing server"):
            (folder / "half-installed").touch()
            raise KeyboardInterrupt
        noted_step(folder, label, *command)

    with monkeypatch.context() as during:
        during.setattr(run, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.prepare(".venv", "server")
    assert not run.is_ready(checkout / ".venv", frozenset({"server"}))
    run.prepare(".venv", "server")
    assert not (checkout / ".venv" / "half-installed").exists()
    assert len(steps(checkout / ".venv")) == 3


def test_a_moved_checkout_gets_a_new_environment(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.prepare(".venv", "server")
    moved = checkout.rename(checkout.with_name("moved"))
    monkeypatch.setattr(run, "ROOT", moved)
    assert not run.is_ready(moved / ".venv", frozenset({"server"}))
    run.prepare(".venv", "server")
    assert len(steps(moved / ".venv")) == 3, "the steps of the old environment went with it"


def test_another_kind_of_python_gets_a_new_environment(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.prepare(".venv", "server")
    monkeypatch.setattr(run, "ABI", ".cpython-399-x86_64-linux-gnu.so")
    assert not run.is_ready(checkout / ".venv", frozenset({"server"}))


def test_an_environment_whose_python_was_removed_is_made_again(checkout: Path) -> None:
    python = run.prepare(".venv", "server")
    python.unlink()
    assert not run.is_ready(checkout / ".venv", frozenset({"server"}))


@pytest.mark.parametrize("stamp", ["", "one line", "\0", "ÿ"])
def test_a_damaged_stamp_counts_as_none(checkout: Path, stamp: str) -> None:
    run.prepare(".venv", "server")
    (checkout / ".venv" / "setup.stamp").write_text(stamp, encoding="latin-1")
    assert run.read_stamp(checkout / ".venv") == ("", frozenset())


def test_an_environment_that_run_py_did_not_make_is_left_alone(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "precious").touch()
    with pytest.raises(SystemExit, match="was not made by"):
        run.prepare(".venv", "server")
    assert (checkout / ".venv" / "precious").exists()


@pytest.fixture
def page(checkout: Path) -> Path:
    """The sources of the page for browsers, in the checkout."""
    source = checkout / "web" / "ide" / "src" / "main.jsx"
    source.parent.mkdir(parents=True)
    source.write_text("first")
    return source


def test_the_page_for_browsers_is_built_once_for_each_state_of_its_sources(checkout: Path, page: Path) -> None:
    for _ in range(2):
        run.prepare(".venv", "server")
    assert steps(checkout / ".venv")[3:] == ["Building the page for browsers"]
    page.write_text("second")
    run.prepare(".venv", "server", "dev")
    building = "Building the page for browsers"
    assert steps(checkout / ".venv")[3:] == [building, "Installing dev, server", building]


def test_an_environment_without_the_server_builds_no_page(checkout: Path, page: Path) -> None:
    run.prepare(".venv", "dev")
    assert "Building the page for browsers" not in steps(checkout / ".venv")


def test_a_page_that_cannot_be_built_is_one_line_and_no_obstacle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "print('asking'); print('gatepass: no registry'); raise SystemExit(1)"
    run.step(tmp_path, "Building the page", sys.executable, "-c", code, is_needed=False)
    assert capsys.readouterr().err.splitlines()[1:] == ["  gatepass: no registry"]


def test_a_python_without_pip_is_told_what_helps(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "can_import", lambda modules: False)
    with pytest.raises(SystemExit, match="apt-get install python3-pip python3-venv"):
        run.prepare(".venv", "server")


def test_a_second_set_up_waits_for_the_first(tmp_path: Path) -> None:
    code = f"import run, pathlib\nwith run.locked(pathlib.Path({str(tmp_path / 'lock')!r})): print('in', flush=True)"
    with run.locked(tmp_path / "lock"):
        second = subprocess.Popen(
            [sys.executable, "-c", code], cwd=RUN.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert second.stderr is not None
        assert second.stderr.readline() == "Another run.py is setting up; waiting for it\n"
        assert second.poll() is None
    assert second.communicate(timeout=10)[0] == "in\n"


def test_a_failing_step_shows_its_output_and_ends_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        run.step(tmp_path, "Installing server", sys.executable, "-c", "print('no such package'); raise SystemExit(3)")
    assert "no such package" in str(exit_.value)
    assert str(exit_.value).endswith("run.py: installing server failed with exit code 3; see above.")


def test_a_step_that_succeeds_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.step(tmp_path, "Installing server", sys.executable, "-c", "print('Collecting')")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("  Installing server ....")


@pytest.mark.parametrize(
    ("code", "expected"), [("raise SystemExit(5)", 5), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_the_exit_code_of_a_program_is_passed_on(code: str, expected: int) -> None:
    assert run.follow(sys.executable, "-c", code) == expected


def test_what_ran_beside_others_is_shown_when_it_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    ended = run.begin(sys.executable, "-c", "print('looked at all'); raise SystemExit(1)")
    assert capfd.readouterr().out == ""
    assert ended() == 1
    assert capfd.readouterr().out.endswith("raise SystemExit(1)\nlooked at all\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
def test_ctrl_c_waits_for_the_program_and_ends_with_130(tmp_path: Path) -> None:
    program = f"""
import pathlib, time
try:
    pathlib.Path({str(tmp_path / "started")!r}).touch()
    time.sleep(30)
except KeyboardInterrupt:
    time.sleep(0.5)
    pathlib.Path({str(tmp_path / "cleaned")!r}).touch()
"""
    code = f"import run, sys\nrun.COMMANDS['check'] = lambda _: run.follow(sys.executable, '-c', {program!r})\n"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}sys.exit(run.main(['check']))"],
        cwd=RUN.parent,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 10
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "\nrun.py: interrupted\n")
    assert (tmp_path / "cleaned").exists()

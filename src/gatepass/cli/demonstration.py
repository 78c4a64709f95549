"""What runs during `gatepass demo`: the demo API, Gatepass in front of it, and nothing left when it ends."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from gatepass.cli import accounts, pasteable
from gatepass.cli.demo_api import demo_api
from gatepass.cli.operator import operators_occasion
from gatepass.crypto.password_worker import forbid_core_dumps
from gatepass.crypto.sealing import generate_secret_key
from gatepass.domain.secret import Secret
from gatepass.embed import Gatepass
from gatepass.http.asgi import App
from gatepass.server import Stop, listen, new_event_loop, port_of, serve, stopped_by_signals
from gatepass.settings import Settings
from gatepass.stores.opening import open_store
from gatepass.telemetry.logs import configure_logging
from gatepass.usecases.noted_store import NotedStore

LOOPBACK: Final = "127.0.0.1"
# No vowels, so no words; no characters that look alike; none that a shell, JSON or GraphQL would need quoted.
_LETTERS: Final = "bcdfghjkmnpqrstvwxz23456789"
_GROUPS, _GROUP_LENGTH = 5, 4


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account of the demo, with its password, which is printed."""

    who: str
    email: str
    scopes: tuple[str, ...]
    password: Secret[str]


def run_demo(port: int) -> None:
    """
    Run until Ctrl-C or SIGTERM.

    Raises:
        CannotListenError: before anything was made.
        KeyboardInterrupt: after everything was removed, if Ctrl-C was the reason.
    """
    forbid_core_dumps()
    sockets = listen(LOOPBACK, port)
    configure_logging("auto", "info")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        received = runner.run(_demo(sockets))
    if received == signal.SIGINT:
        raise KeyboardInterrupt


async def _demo(sockets: list[socket.socket]) -> int | None:
    async with stopped_by_signals() as stop:
        with tempfile.TemporaryDirectory(prefix="gatepass-demo-") as folder:
            async with _running(demo_api()) as upstream:
                settings = _settings(Path(folder), port_of(sockets), f"{upstream}/graphql")
                made = await _make_accounts(settings)
                await serve(
                    Gatepass(None, settings),
                    sockets=sockets,
                    on_listening=lambda _: click.echo(_introduction(settings, *made)),
                    stop=stop,
                )
    return stop.signal


@asynccontextmanager
async def _running(app: App) -> AsyncIterator[str]:
    """Serve `app` on a free port of loopback beside the body; its address."""
    stop, address = Stop(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        serve(app, sockets=listen(LOOPBACK, 0), on_listening=address.set_result, stop=stop),
    )
    try:
        await asyncio.wait({task, address}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield address.result()
    finally:
        stop.request()
        await task


def _settings(folder: Path, port: int, upstream: str) -> Settings:
    return Settings(data_dir=folder, secret_key=generate_secret_key(), host=LOOPBACK, port=port, upstream=upstream)


async def _make_accounts(settings: Settings) -> tuple[DemoAccount, DemoAccount]:
    reader = DemoAccount("reader", "reader@example.org", ("read",), _random_password())
    administrator = DemoAccount("administrator", "admin@example.org", ("read", "write"), _random_password())
    store = await open_store(settings.store_url)
    try:
        noted = NotedStore(store, operators_occasion(), accounts.utc_now)
        await accounts.add_all(
            settings, noted, [(each.email, each.password, each.scopes) for each in (reader, administrator)]
        )
    finally:
        await store.close()
    return reader, administrator


def _random_password() -> Secret[str]:
    """About 95 bits, in groups that can be typed."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return Secret("-".join(groups))


def _introduction(settings: Settings, reader: DemoAccount, administrator: DemoAccount) -> str:
    address = f"{settings.public_url}{settings.graphql_path}/"
    shown = (address, reader.email, reader.password.reveal())
    people = "\n".join(
        f"  {each.who:13}  {each.email:18}  {each.password.reveal()}  scopes: {' '.join(each.scopes)}"
        for each in (reader, administrator)
    )
    return f"""
Gatepass in front of a demo API: a register of a thousand fictional companies.

  {address}   open it in a browser, or paste what stands below

{people}

Sign in:

{pasteable.sign_in_curl(*shown)}

Sign in and ask the API with the token:

{pasteable.query_curl(*shown)}

Sign in from Python, with the package requests:

{pasteable.sign_in_python(*shown)}

Ctrl-C stops it; nothing is kept.
"""

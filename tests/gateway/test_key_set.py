"""Fetching another issuer's public keys: bounded in bytes and time, and led nowhere else."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatepass.gateway import key_set
from gatepass.gateway.key_set import MAX_BYTES, read_key_set
from tests.verify.publisher import Publisher, publishing

KEYS = {"keys": [{"kid": "first"}]}


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """Yield a server that publishes whatever a test wants."""
    with publishing() as started:
        yield started


async def test_what_lies_there_is_read(publisher: Publisher) -> None:
    publisher.publishes(KEYS)
    assert json.loads(await read_key_set(publisher.url)) == KEYS


async def test_a_file_is_read(tmp_path: Path) -> None:
    """For issuers that cannot be reached from here."""
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(KEYS))
    assert json.loads(await read_key_set(str(file))) == KEYS
    with pytest.raises(OSError, match="No such file"):
        await read_key_set(str(tmp_path / "nowhere.json"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(publisher: Publisher, status: int) -> None:
    """Who answers there decides who is believed."""
    with publishing() as elsewhere:
        elsewhere.publishes(KEYS)
        publisher.publishes(KEYS, status, Location=elsewhere.url)
        with pytest.raises(OSError, match=f"status {status}"):
            await read_key_set(publisher.url)
        assert elsewhere.asked == 0


@pytest.mark.parametrize("status", [204, 206, 401, 404, 500, 503])
async def test_only_200_counts(publisher: Publisher, status: int) -> None:
    publisher.publishes(b"" if status == 204 else KEYS, status)
    with pytest.raises(OSError, match=f"status {status}"):
        await read_key_set(publisher.url)


async def test_no_more_is_read_than_a_key_set_may_have(publisher: Publisher, tmp_path: Path) -> None:
    """From a server or a file; and what is packed is not unpacked."""
    publisher.publishes(b" " * (MAX_BYTES + 1))
    with pytest.raises(OSError, match="more than"):
        await read_key_set(publisher.url)
    publisher.publishes(b" " * MAX_BYTES)
    assert len(await read_key_set(publisher.url)) == MAX_BYTES
    (tmp_path / "jwks.json").write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(OSError, match="more than"):
        await read_key_set(str(tmp_path / "jwks.json"))
    bomb = gzip.compress(bytes(50_000_000))
    publisher.answers = lambda: (200, {"Content-Encoding": "gzip"}, bomb)
    assert await read_key_set(publisher.url) == bomb


@contextmanager
def speaking(*pieces: bytes, pause: float = 0.0) -> Iterator[str]:
    """A server that says this to whoever connects, and then nothing more."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                for piece in pieces:
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return
                    if over.wait(pause):
                        return
                over.wait(30)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/jwks"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("pieces", "pause"),
    [
        ((), 0.0),
        ((b"HTTP/1.1 200 OK\r\n",), 0.0),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",), 0.0),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b" "] * 500), 0.05),
    ],
    ids=["silence", "half a head", "half a body", "a byte now and then"],
)
async def test_it_takes_no_longer_than_its_time(
    pieces: tuple[bytes, ...], pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In all, not for each piece."""
    monkeypatch.setattr(key_set, "TOTAL_SECONDS", 0.4)
    begun = time.monotonic()
    with speaking(*pieces, pause=pause) as url, pytest.raises(OSError, match="Timeout"):
        await read_key_set(url)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"\0" * 100],
)
async def test_what_is_no_http_is_an_error_like_others(answer: bytes) -> None:
    with speaking(answer) as url, pytest.raises(OSError, match="Error"):
        await read_key_set(url)


async def test_nobody_there_is_an_error_like_others() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match=r"refused|connect"):
            await read_key_set(f"http://127.0.0.1:{taken.getsockname()[1]}/jwks")


async def test_a_proxy_of_the_environment_is_not_asked(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever sets a variable decides who is believed."""
    publisher.publishes(KEYS)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert json.loads(await read_key_set(publisher.url)) == KEYS

"""The way to a server, as the environment says it: proxies and authorities."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import httpx2
import pytest

from gatepass.client import AsyncClient, Client
from gatepass.client.connecting import BadNetworkSetting
from gatepass.client.errors import ServerUnreachable
from gatepass.client.unreachable import unreachable

URL = "https://api.example.org/graphql/"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor authorities of its own."""
    for name in (*PROXIES, *map(str.lower, PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def asked() -> None:
    with Client(URL, token="x") as api:
        api("{ me }")


def asked_awaiting() -> None:
    async def asking() -> None:
        async with AsyncClient(URL, token="x") as api:
            await api("{ me }")

    asyncio.run(asking())


@pytest.mark.parametrize("ask", [asked, asked_awaiting])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HTTPS_PROXY", "ftp://proxy.example.org", "HTTPS_PROXY names no proxy that can be used"),
        ("https_proxy", "http://ada:canary@[::1", "https_proxy names no proxy that can be used"),
        ("ALL_PROXY", "socks5://proxy.example.org:1080", "pip install 'httpx2[socks]'"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "SSL_CERT_FILE is /nowhere/ca.pem, which cannot be used: No such file"),
        ("SSL_CERT_FILE", __file__, "it has no certificate."),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[], None], name: str, value: str, words: str
) -> None:
    """Not as a mistake of ours, and without the password in it."""
    monkeypatch.setenv(name, value)
    with pytest.raises(BadNetworkSetting) as raised:
        ask()
    assert words in str(raised.value)
    assert "canary" not in str(raised.value)


def test_a_proxy_that_gives_no_tunnel_ran_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request never left, so a mutation can be repeated; and who looks for the mistake is told where."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(30)
        port = proxy.getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:canary@127.0.0.1:{port}")
        refusing = threading.Thread(target=_refuses, args=(proxy,), daemon=True)
        refusing.start()
        with pytest.raises(ServerUnreachable) as raised:
            asked()
        refusing.join()
    assert not raised.value.may_have_run
    expected = (
        f"{URL} cannot be reached: 407 Proxy Authentication Required. The environment names a proxy: 127.0.0.1:{port}."
    )
    assert str(raised.value) == expected


def _refuses(proxy: socket.socket) -> None:
    connection, _ = proxy.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        connection.recv(65536)


def test_a_server_whose_authority_is_unknown_is_told_with_what_to_set() -> None:
    """In words, without the number of a line of OpenSSL."""
    said = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)"
    error = unreachable(httpx2.ConnectError(said), URL)
    assert str(error) == (
        f"{URL} cannot be reached: certificate verify failed: self-signed certificate. "
        "SSL_CERT_FILE can name a file with the authorities to trust."
    )

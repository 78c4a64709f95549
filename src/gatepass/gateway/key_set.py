"""Fetches the public keys of another issuer."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final

import aiohttp

MAX_BYTES: Final = 256 * 1024
TOTAL_SECONDS: Final = 5.0
_HEADERS: Final = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
_OK: Final = 200


async def read_key_set(place: str, *, tls: ssl.SSLContext | None = None) -> bytes:
    """
    The key set at an address or in a file, within `MAX_BYTES` and `TOTAL_SECONDS`.

    No redirect is followed, no proxy taken from the environment, nothing unpacked: who answers here decides who is
    believed.

    Args:
        place: http or https, or the path of a file.
        tls: how a server's certificate is verified; by default with the system's authorities.

    Raises:
        OSError: there is no usable answer; it says why.
    """
    if not place.startswith(("http://", "https://")):
        return await asyncio.to_thread(_read_file, Path(place))
    try:
        return await _fetch(place, tls)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from error


async def _fetch(url: str, tls: ssl.SSLContext | None) -> bytes:
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
    async with session, session.get(url, allow_redirects=False, headers=_HEADERS, ssl=tls or True) as answer:
        if answer.status != _OK:
            raise ConnectionError(f"it answers with status {answer.status}")
        content = bytearray()
        async for piece in answer.content.iter_any():
            content += piece
            _check_size(len(content))
        return bytes(content)


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    _check_size(len(content))
    return content


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise ConnectionError(f"more than {MAX_BYTES} bytes")

"""What went wrong on the network, for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gatepass.client.errors import ClientError, ProtocolError, ServerUnreachable

if TYPE_CHECKING:
    import httpx2

# Python puts the number before the words; people need the words alone.
_ERRNO: Final = re.compile(r"^\[Errno -?\d+\] ")


def unreachable(error: httpx2.HTTPError | httpx2.InvalidURL, url: str) -> ClientError:
    """The client's error for one of httpx2; a request that never left cannot have run."""
    import httpx2  # noqa: PLC0415 - whoever calls this has it

    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return ServerUnreachable(f"{url} does not answer: no connection in time.", may_have_run=False)
    if isinstance(error, httpx2.ConnectError):
        return ServerUnreachable(f"{url} cannot be reached: {_reason(error)}", may_have_run=False)
    if isinstance(error, httpx2.TimeoutException):
        return ServerUnreachable(f"{url} took the request and gave no answer in time. It may have run.")
    if isinstance(
        error, httpx2.UnsupportedProtocol | httpx2.DecodingError | httpx2.LocalProtocolError | httpx2.InvalidURL
    ):
        return ProtocolError(f"{url}: {_reason(error)}")
    return ServerUnreachable(f"The connection to {url} broke before the answer was whole. The request may have run.")


def _reason(error: Exception) -> str:
    text = _ERRNO.sub("", str(error).strip()) or type(error).__name__
    return text if text.endswith(".") else f"{text}."

"""What went wrong on the network, for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gatepass.client.connecting import proxy_of
from gatepass.client.errors import ClientError, ProtocolError, ServerUnreachable

if TYPE_CHECKING:
    import httpx2

# Python puts the number before the words; people need the words alone.
_ERRNO: Final = re.compile(r"^\[Errno -?\d+\] ")
# So does OpenSSL, and ends with a line of its own source.
_OPENSSL: Final = re.compile(r"^\[(?:SSL|X509): \w+\] | \(_ssl\.c:\d+\)$")
_UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"


def unreachable(error: httpx2.HTTPError | httpx2.InvalidURL, url: str) -> ClientError:
    """The client's error for one of httpx2; a request that never left cannot have run."""
    import httpx2  # noqa: PLC0415 - whoever calls this has it

    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return ServerUnreachable(f"{url} does not answer: no connection in time.{_way(url)}", may_have_run=False)
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
        return ServerUnreachable(f"{url} cannot be reached: {_reason(error)}{_way(url)}", may_have_run=False)
    if isinstance(error, httpx2.TimeoutException):
        return ServerUnreachable(f"{url} took the request and gave no answer in time. It may have run.")
    if isinstance(
        error, httpx2.UnsupportedProtocol | httpx2.DecodingError | httpx2.LocalProtocolError | httpx2.InvalidURL
    ):
        return ProtocolError(f"{url}: {_reason(error)}")
    return ServerUnreachable(f"The connection to {url} broke before the answer was whole. The request may have run.")


def _reason(error: Exception) -> str:
    whole = str(error).strip()
    text = _OPENSSL.sub("", _ERRNO.sub("", whole)) or type(error).__name__
    mend = " SSL_CERT_FILE can name a file with the authorities to trust." if _UNTRUSTED in whole else ""
    return f"{text.removesuffix('.')}.{mend}"


def _way(url: str) -> str:
    """Who looks for the mistake has to look there too."""
    proxy = proxy_of(url)
    return f" The environment names a proxy: {proxy}." if proxy else ""

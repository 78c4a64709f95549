"""Where public keys come from: a set that was given, or an address that is asked now and then."""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

from gatepass.crypto.public_keys import PublicKey, public_keys

FRESH_SECONDS: Final = 300.0
"""How long a set counts; Gatepass publishes a key for at least an hour before it signs."""
PAUSE_SECONDS: Final = 30.0
"""Between two questions, whatever unknown keys requests name and however the last one went."""
_TIMEOUT_SECONDS: Final = 5.0
_MAX_BYTES: Final = 256 * 1024

_log = logging.getLogger("gatepass.verify")


class Found(NamedTuple):
    """What is known of a key id at once. `final`: asking the source would not change it now."""

    key: PublicKey | None
    final: bool


class KeySource(Protocol):
    """Public keys by their ids."""

    def known(self, key_id: str) -> Found:
        """What is known without waiting."""
        ...

    def find(self, key_id: str) -> PublicKey | None:
        """The key, fetched where that may help. Blocks for some seconds at most, from any thread."""
        ...


class GivenKeys:
    """A set that does not change."""

    def __init__(self, jwks: Mapping[str, object]) -> None:
        """
        Take the set.

        Raises:
            ValueError: not a JWK Set, or without a usable key.
        """
        self._keys = public_keys(jwks)

    def known(self, key_id: str) -> Found:
        """As the protocol says."""
        return Found(self._keys.get(key_id), final=True)

    def find(self, key_id: str) -> PublicKey | None:
        """As the protocol says."""
        return self._keys.get(key_id)


class FetchedKeys:
    """
    The set at an address, asked when it is first needed, when it is stale, and for a key that it does not have.

    At most once in half a minute. Where that fails, the last good set stays, and the log says so. No redirect is
    followed and no proxy taken from the environment: who answers here decides who is believed.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Take the address; nothing is fetched yet.

        Raises:
            ValueError: not http or https.
        """
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"jwks must be a JWK Set or an address with http:// or https://, not {url[:100]!r}")
        self._url = url
        self._clock = clock
        self._opener = _opener()
        self._one_at_a_time = threading.Lock()
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at = self._asked_at = float("-inf")

    def known(self, key_id: str) -> Found:
        """As the protocol says."""
        now = self._clock()
        key = self._keys.get(key_id)
        is_settled = key is not None and now - self._fetched_at < FRESH_SECONDS
        return Found(key, final=is_settled or now - self._asked_at < PAUSE_SECONDS)

    def find(self, key_id: str) -> PublicKey | None:
        """As the protocol says."""
        found = self.known(key_id)
        # Who has a key of an older set goes on with it, and only one of them waits for the newer set.
        if not found.final and self._one_at_a_time.acquire(blocking=found.key is None):
            try:
                if not self.known(key_id).final:
                    self._fetch()
            finally:
                self._one_at_a_time.release()
        return self._keys.get(key_id)

    def _fetch(self) -> None:
        try:
            with self._opener.open(self._url, timeout=_TIMEOUT_SECONDS) as answer:
                # What is longer is cut, and no JSON any more.
                self._keys = public_keys(json.loads(answer.read(_MAX_BYTES)))
            self._fetched_at = self._clock()
        except (OSError, ValueError, RecursionError) as error:
            kept = "the last good keys stay" if self._keys else "no request can be verified until it can"
            _log.warning("the keys at %s cannot be read (%s); %s", self._url, _short(error), kept)
        finally:
            self._asked_at = self._clock()


def _opener() -> urllib.request.OpenerDirector:
    """Without the handlers that follow redirects, read the environment, or open files."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _short(error: BaseException) -> str:
    return ascii(f"{type(error).__name__}: {error}"[:200])[1:-1]

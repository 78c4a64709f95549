"""Secrets that tests have used, and a search for them in what was kept or shown. `canary_plugin` feeds it."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 17
MOST: Final = 600
"""Secrets that are remembered; where property tests make more, the oldest half stays and the rest is renewed."""
_ANCHOR_BYTES: Final = 8
_TOKEN: Final = re.compile(rb"(?:eyJ|gp[cdrh]_)[A-Za-z0-9._-]+")
_ADDRESS: Final = re.compile(rb"[\w.+-]+@[\w.-]+")
# Of this shape there is nothing but tokens and keys: found also where nobody told us of it.
_SHAPE: Final = re.compile(
    rb"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{40,}|\bgp(?:[cdrsh]|cs)_[A-Za-z0-9_-]{30,}"
)
_ZEROS: Final = bytes(16)
_BASE64_GROUP: Final = 3


@dataclass(frozen=True)
class Leak:
    """A secret that was found, without itself."""

    where: str
    kind: str
    form: str

    def __str__(self) -> str:
        return f"{self.where}: {self.kind}, {self.form}"


@dataclass
class Seen:
    """What was kept or shown. `may_hold_tokens`: an answer whose business is to give them out."""

    where: str
    text: bytes
    may_hold_tokens: bool = False
    is_searched_for_shapes: bool = False


@dataclass
class Watch:
    """Collects both sides, and compares them when it is asked."""

    _secrets: dict[bytes, str] = field(default_factory=dict)
    _seen: list[Seen] = field(default_factory=list)

    def learns(self, value: str | bytes, kind: str = "") -> None:
        """Remember a secret. Short ones are no canaries: they are words of every text."""
        raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        if len(raw) < SHORTEST or raw in self._secrets or len(set(raw)) < _ANCHOR_BYTES:
            return
        if _ADDRESS.fullmatch(raw):
            return  # somebody tries it as a password, but it is kept as what it is
        if len(self._secrets) >= MOST:
            del self._secrets[next(secret for n, secret in enumerate(self._secrets) if n == MOST // 2)]
        self._secrets[raw] = kind or kind_of(raw)

    def sees(self, where: str, text: str | bytes, *, may_hold_tokens: bool = False, shapes: bool = False) -> None:
        """Something was kept or shown."""
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        if raw:
            self._seen.append(Seen(where, raw, may_hold_tokens, shapes))

    def leaks(self) -> list[Leak]:
        """What was seen and should not have been; what was seen is forgotten then."""
        seen, self._seen = self._seen, []
        if not seen:
            return []
        anchors = _anchors(self._secrets)
        found = {leak for group in _grouped(seen) for leak in _search(group, anchors)}
        return sorted(found, key=str)


def kind_of(secret: bytes) -> str:
    """What it is, for people who read that it was found."""
    kinds = {b"eyJ": "a token", b"gpr_": "a refresh token", b"gpc_": "an authorization code", b"gpd_": "a device code"}
    kinds |= {b"gph_": "a device hint", b"gps_": "a secret key", b"gpcs_": "a client's secret", b"$": "a password hash"}
    return next((kind for start, kind in kinds.items() if secret.startswith(start)), "a password or key")


def forms_of(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """
    A secret as it may be written down: plain, escaped, in a URL, in hex, in base64.

    Base64 is cut to what does not depend on what stands before and after it.
    """
    yield "plain", secret
    yield "in hex", secret.hex().encode()
    yield "in hex", secret.hex().upper().encode()
    yield "in a URL", quote(secret, safe="").encode()
    yield "in a URL", quote_plus(secret, safe="").encode()
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        yield "escaped", repr(secret)[2:-1].encode()
    else:
        yield "escaped", json.dumps(text)[1:-1].encode()
        yield "escaped", repr(text)[1:-1].encode()
    for before in range(_BASE64_GROUP):
        whole = (before + len(secret)) // _BASE64_GROUP * _BASE64_GROUP
        first = _BASE64_GROUP if before else 0
        inner = (bytes(before) + secret)[first:whole]
        yield "in base64", base64.b64encode(inner)
        yield "in base64", base64.urlsafe_b64encode(inner)


Anchors = dict[int, list[tuple[bytes, str, str]]]


def _anchors(secrets: dict[bytes, str]) -> Anchors:
    """Forms by their first bytes, as one number: tokens begin alike."""
    anchors: Anchors = defaultdict(list)
    for secret, kind in secrets.items():
        for number, written, form in _written(secret):
            anchors[number].append((written, kind, form))
    return anchors


@lru_cache(maxsize=4 * MOST)
def _written(secret: bytes) -> list[tuple[int, bytes, str]]:
    # From the last to the first: what several forms have in common goes by the first one's name.
    names = {written: form for form, written in reversed(list(forms_of(secret)))}
    long_enough = [(written, form) for written, form in names.items() if len(written) >= _ANCHOR_BYTES]
    return [(int.from_bytes(written[:_ANCHOR_BYTES], sys.byteorder), written, form) for written, form in long_enough]


def _grouped(seen: list[Seen]) -> Iterator[Seen]:
    """Texts of one kind and place in one piece, without the empty parts of database files."""
    texts: dict[tuple[str, bool, bool], list[bytes]] = defaultdict(list)
    for each in seen:
        texts[each.where, each.may_hold_tokens, each.is_searched_for_shapes].append(each.text)
    for (where, may_hold_tokens, shapes), parts in texts.items():
        text = b"\n".join(parts).replace(_ZEROS, b"")
        yield Seen(where, _TOKEN.sub(b"", text) if may_hold_tokens else text, may_hold_tokens, shapes)


def _search(seen: Seen, anchors: Anchors) -> Iterator[Leak]:
    text = seen.text
    for number in _among(anchors, text):
        anchor = number.to_bytes(_ANCHOR_BYTES, sys.byteorder)
        at = text.find(anchor)
        while at >= 0:
            for written, kind, form in anchors[number]:
                if text.startswith(written, at) and not (
                    kind == "a password hash" and seen.where.startswith("the store")
                ):
                    yield Leak(seen.where, kind, form)
            at = text.find(anchor, at + 1)
    if seen.is_searched_for_shapes and (found := _SHAPE.search(text)):
        yield Leak(seen.where, kind_of(found[0]), "by its shape")


def _among(anchors: Anchors, text: bytes) -> set[int]:
    """Those that occur in the text. Thousands are looked for at once: each eight bytes of it are one number."""
    numbers, found = set(anchors), set[int]()
    for first in range(min(_ANCHOR_BYTES, len(text) - _ANCHOR_BYTES + 1)):
        whole = (len(text) - first) // _ANCHOR_BYTES * _ANCHOR_BYTES
        found |= numbers.intersection(memoryview(text)[first : first + whole].cast("Q"))
    return found

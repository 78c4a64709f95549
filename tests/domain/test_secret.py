"""A secret is not seen by accident."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import pytest

from gatepass.domain.secret import Secret

PLAIN = "correct horse battery staple"
SECRET = Secret(PLAIN)


@dataclasses.dataclass
class Holder:
    """Anything that carries a secret along."""

    secret: Secret[str]


def test_reveal_gives_the_plain_value() -> None:
    """The only way to it."""
    assert SECRET.reveal() == PLAIN
    assert Secret(b"\x00\xff").reveal() == b"\x00\xff"


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(lambda secret: f"{secret}", id="f-string"),
        pytest.param(lambda secret: f"{secret!r}", id="f-string with repr"),
        pytest.param("{}".format, id="format"),
        pytest.param(lambda secret: repr([secret, {"a": secret}]), id="inside of containers"),
        pytest.param(lambda secret: repr(Holder(secret)), id="inside of a dataclass"),
        pytest.param(lambda secret: json.dumps({"a": secret}, default=str), id="JSON by default=str"),
    ],
)
def test_showing_a_secret_does_not_show_it(shown: Callable[[Secret[str]], str]) -> None:
    """Logs, traces and error pages print values; this one they may."""
    assert PLAIN not in shown(SECRET)
    assert "Secret(…)" in shown(SECRET) or "\\u2026" in shown(SECRET)


@pytest.mark.parametrize("copies", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_cannot_be_pickled_or_copied(copies: Callable[[object], object]) -> None:
    """Dumps and caches would hold it in the clear."""
    with pytest.raises(TypeError, match="cannot be pickled"):
        copies(SECRET)


def test_a_secret_has_no_dictionary_to_look_into() -> None:
    """`vars` is what many loggers use."""
    assert not hasattr(SECRET, "__dict__")


def test_two_secrets_are_not_compared() -> None:
    """`==` would not be constant in time; it tells identity only."""
    assert Secret(PLAIN) != Secret(PLAIN)


def test_a_log_line_does_not_show_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    """Neither by argument nor in a trace with its frame's values."""
    logging.getLogger("test").warning("signed in with %s and %r", SECRET, SECRET)
    assert PLAIN not in caplog.text


def test_a_trace_with_local_values_does_not_show_a_secret() -> None:
    """Error trackers capture locals."""

    def sign_in(password: Secret[str]) -> None:
        raise ValueError(password)

    with pytest.raises(ValueError, match="Secret") as caught:
        sign_in(SECRET)
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "password = Secret(…)" in "".join(trace.format())
    assert PLAIN not in "".join(trace.format())

"""What must not be in a log is not in it, and no value can pretend to be a line or move a cursor."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.secret import Secret
from gatepass.telemetry.redaction import MASK, clean_lines, clean_text, field, fields
from tests.telemetry.conftest import Log

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "name",
    [
        "password", "newPassword", "passphrase", "PASSWD", "token", "accessToken", "refresh_token", "refresh-token",
        "Authorization", "authorisation", "X-Api-Key", "apikey", "client_secret", "Set-Cookie", "secret_key",
        "privateKey", "credentials", "X-Gatepass-Assertion",
    ],
)  # fmt: skip
def test_fields_with_a_secrets_name_are_masked_whatever_they_hold(name: str) -> None:
    """Whoever logs them, and however deep."""
    for value in ("hunter2", 123456, ["hunter2"], {"a": "hunter2"}, Secret("hunter2"), b"hunter2"):
        assert field(name, value) == MASK
    assert fields({"a": {"b": [{name: "hunter2"}]}}) == {"a": {"b": [{name: MASK}]}}


def test_names_that_only_sound_like_it_are_kept() -> None:
    """A limit is no secret, and that there is none is worth knowing."""
    assert fields({"max_tokens": 10, "token_type": "Bearer", "password": None}) == {
        "max_tokens": 10,
        "token_type": "Bearer",
        "password": None,
    }


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"got {JWT}!", JWT),
        (f"/graphql/{JWT[:40]}", JWT[:40]),
        ("gpr_AQEBAQEBAQEBAQEB was spent", "AQEB"),
        ("key gps_abcdefabcdefabcdef", "abcdef"),
        ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "aGFzaGhhc2g"),
        ("http://admin:hunter2@upstream/graphql", "hunter2"),
        ("header 'Authorization: Bearer opaque-token-123'", "opaque-token-123"),
        ('signIn(credentials: {userName: "ana", password: "hunter2"})', "hunter2"),
        ('{"query":"{password: \\"hunter\\\\\\"2\\"}"}', "hunter"),
        ('{"password": "hunter2", "x": 1}', "hunter2"),
        ("{'refreshToken': 'hunter2'}", "hunter2"),
    ],
)
def test_text_that_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    """In messages, paths and stack traces, where no field name gives it away."""
    assert secret not in clean_text(text)
    assert secret not in clean_lines(text)
    assert MASK in clean_text(text)


@pytest.mark.parametrize(
    "text", ["", "POST", "/graphql/", "127.0.0.1", "company GP000042", "the password is wrong", "eyes"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    """A log that masks too much is of no use."""
    assert clean_text(text) == text


@given(st.text(max_size=200))
def test_no_value_begins_a_line_or_moves_a_cursor(text: str) -> None:
    """Log injection, OWASP ASVS 5.0 V16.4.1: control, format, line-break and surrogate characters are spelled out."""
    assert clean_text(text).isprintable()
    assert all(part.isprintable() for part in clean_lines(text).split("\n"))


def test_a_value_of_any_size_and_shape_is_one_short_line(log: Log) -> None:
    """Nothing that is logged can fill the disk or stop the request."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    endless: list[object] = []
    endless.append(endless)
    values = {"long": "x" * 10**6, "many": list(range(10**5)), "endless": endless, "broken": Broken(), "huge": 10**30}
    more = {"nan": float("nan"), "file": Path("/x"), "raw": b"\x00", "surrogate": "\ud800"}
    logging.getLogger().info("odd", extra=values | more)
    (line,) = log.lines
    assert len(log.text) < 20_000
    assert line["broken"] == "(Broken that cannot be shown: RuntimeError)"
    assert line["huge"] == str(10**30)
    assert line["surrogate"] == "\\ud800"


def test_long_text_is_searched_without_delay() -> None:
    """A caller decides what some of the text is; no text may take long to search."""
    import time

    started = time.process_time()
    for piece in ("eyJ", "eyJ.", "://", "password:", "bearer ", "gpr_", 'password: "\\', "a@", "$argon2"):
        clean_text(piece * 20_000)
    assert time.process_time() - started < 2


def test_a_secret_passed_to_any_logger_is_not_written(log: Log) -> None:
    """As message, argument, field, exception or name of a field."""
    try:
        int(JWT)
    except ValueError:
        logging.getLogger("foreign").exception("failed with %s", JWT, extra={"password": "hunter2", JWT: 1})
        logging.getLogger().exception("failed", extra={"header": f"Bearer {JWT}", JWT: 1})
    assert JWT not in log.text
    assert "hunter2" not in log.text
    assert re.search(r"ValueError: .*\(masked\)", log.text)

"""The search for secrets finds what is planted, in every place and every form; else its silence would mean nothing."""

from __future__ import annotations

import base64
import io
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from gatepass.client.errors import ClientError
from gatepass.crypto.sealing import generate_secret_key
from gatepass.domain.errors import BadUserInput, StoreUnavailable
from gatepass.domain.secret import Secret
from gatepass.http.messages import Response
from gatepass.settings import Settings
from gatepass.telemetry.logs import LineHandler
from gatepass.telemetry.metrics import Metrics
from tests.kit import canary_plugin, processes
from tests.kit.canaries import Watch, forms_of
from tests.kit.canary_plugin import another_watch, look_into

PASSWORD = "canary three: paper & kettle"
REFRESH, ACCESS = "gpr_canaryCANARYcanary0123456789-_canary", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"


def written_down(secret: str) -> list[str]:
    """As other hands may write it."""
    raw = secret.encode()
    encoded = [base64.b64encode(b"x" * before + raw + b"yz").decode() for before in range(3)]
    urlsafe = [base64.urlsafe_b64encode(b"x" * before + raw).decode() for before in range(3)]
    return [secret, quote(secret), raw.hex(), raw.hex().upper(), *encoded, *urlsafe]


@pytest.mark.parametrize("secret", [PASSWORD, REFRESH, ACCESS, "schlüssel \"im\" 'haus' ?>~"])
def test_a_secret_is_found_in_every_form(secret: str) -> None:
    for text in written_down(secret):
        watch = Watch()
        watch.learns(secret)
        watch.sees("a log", f"before {text} after")
        assert [leak.where for leak in watch.leaks()][:1] == ["a log"], text


def test_bytes_are_found_too() -> None:
    key = bytes(range(200, 232))
    for form, written in forms_of(key):
        watch = Watch()
        watch.learns(key)
        watch.sees("a file", b"\x00" * 100 + written + b"\x00" * 100)
        assert watch.leaks(), form


def test_what_is_no_secret_is_not_found() -> None:
    watch = Watch()
    for secret in ("short", "aaaaaaaaaaaaaaaaaaaa", PASSWORD, REFRESH, ACCESS):
        watch.learns(secret)
    watch.sees("a log", f"short {'a' * 30} {PASSWORD[:-1]} {REFRESH[:-1]} {ACCESS[:-1]}", may_hold_tokens=False)
    assert watch.leaks() == []


def test_answers_may_give_tokens_out_and_no_passwords() -> None:
    watch = Watch()
    for secret in (PASSWORD, REFRESH, ACCESS):
        watch.learns(secret)
    watch.sees("an answer", f"{REFRESH} {ACCESS}", may_hold_tokens=True)
    assert watch.leaks() == []
    watch.sees("an answer", f"{REFRESH} {PASSWORD}", may_hold_tokens=True)
    assert [leak.kind for leak in watch.leaks()] == ["a password or key"]


def test_a_token_that_nobody_told_of_is_known_by_its_shape() -> None:
    watch = Watch()
    watch.sees("a process's output", f'"token": "{REFRESH}"', shapes=True)
    assert [str(leak) for leak in watch.leaks()] == ["a process's output: a refresh token, by its shape"]


def test_a_password_hash_belongs_into_the_store_alone() -> None:
    hashed = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$c2Vjb25kLWNhbmFyeQ"
    watch = Watch()
    watch.learns(hashed)
    watch.sees("the store's file .db", hashed)
    assert watch.leaks() == []
    watch.sees("the log", hashed)
    assert watch.leaks()


def _log(secret: str, _folder: Path) -> None:
    logging.getLogger("gatepass.somewhere").debug("asked with %s", secret)


def _extra(secret: str, _folder: Path) -> None:
    logging.getLogger("gatepass.somewhere").info("asked", extra={"with": [secret]})


def _trace(secret: str, _folder: Path) -> None:
    try:
        raise ValueError(secret)  # noqa: TRY301 - to have a trace
    except ValueError:
        logging.getLogger("aiohttp.server").exception("it broke")


def _line(secret: str, _folder: Path) -> None:
    handler = LineHandler(io.BytesIO(), lambda line: str(line).encode())
    handler.write({"event": secret})


def _refused(secret: str, _folder: Path) -> None:
    BadUserInput(f"{secret} is no e-mail address.")


def _fault(secret: str, _folder: Path) -> None:
    StoreUnavailable(secret)


def _client_error(secret: str, _folder: Path) -> None:
    ClientError(f"no answer to {secret}")


def _refusal(secret: str, _folder: Path) -> None:
    Response(200, b'{"errors": ["' + secret.encode() + b'"]}', [], code="BAD_USER_INPUT")


def _head(secret: str, _folder: Path) -> None:
    Response(400, b"", [(b"www-authenticate", f'Bearer error="{secret}"'.encode())])


def _metrics_page(secret: str, _folder: Path) -> None:
    Response(200, f'gatepass_requests_total{{operation="{secret}"}} 1'.encode(), [], operation="metrics")


def _metrics(secret: str, _folder: Path) -> None:
    metrics = Metrics()
    metrics._series[secret, "OK"] = None  # type: ignore[assignment]
    _kept.append(metrics)


def _settings(secret: str, folder: Path) -> None:
    Settings(data_dir=folder, secret_key=generate_secret_key(), audience=secret).report()


def _row(secret: str, folder: Path) -> None:
    _put_into(folder / "gatepass.db", secret)


def _write_ahead_log(secret: str, folder: Path) -> None:
    connection = sqlite3.connect(folder / "gatepass.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE audit (why)")
    connection.execute("INSERT INTO audit VALUES (?)", (secret.encode().hex(),))
    connection.commit()
    _kept.append(connection)


def _backup(secret: str, folder: Path) -> None:
    _put_into(folder / "monday.backup", secret)


def _server(secret: str, _folder: Path) -> None:
    process = processes.Process("serve", "--help")
    process.ends()
    process.err += secret
    _kept.append(process)


_kept: list[object] = []


def _put_into(file: Path, secret: str) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("CREATE TABLE audit (why)")
        connection.execute("INSERT INTO audit VALUES (?)", (secret,))
    connection.close()


PLACES = {
    "the log": _log,
    "the log's fields": _extra,
    "a trace": _trace,
    "a line of the log": _line,
    "a refusal's message": _refused,
    "a fault's message": _fault,
    "an error of the client": _client_error,
    "an answer's errors": _refusal,
    "an answer's head": _head,
    "the page of metrics": _metrics_page,
    "the metrics": _metrics,
    "the settings": _settings,
    "a row": _row,
    "the write-ahead log": _write_ahead_log,
    "a backup": _backup,
    "a server's output": _server,
}


@pytest.mark.shows_secrets("plants them")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("secret", [PASSWORD.replace(" &", ""), REFRESH])
def test_a_secret_is_found_wherever_it_is_planted(place: str, secret: str, tmp_path: Path) -> None:
    plant: Callable[[str, Path], None] = PLACES[place]
    _kept.clear()
    with another_watch() as watch:
        Secret(secret)
        plant(secret, tmp_path)
        look_into(tmp_path)
        canary_plugin._look_around()
        assert watch.leaks()
        assert watch.leaks() == []
    for each in _kept:
        if isinstance(each, sqlite3.Connection):
            each.close()
    _kept.clear()


LEAKING = """
import logging
from gatepass.domain.secret import Secret

def test_it_leaks():
    logging.getLogger("gatepass").debug(Secret("canary four, velvet ladder").reveal())

def test_it_does_not():
    logging.getLogger("gatepass").debug("nothing")
"""


def test_a_find_fails_the_test_that_left_it_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "test_leaking.py").write_text(LEAKING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.kit.canary_plugin", "-c", "/dev/null", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "ERROR at teardown of test_it_leaks" in ended.stdout
    assert "secrets can be read:\n  the log: a password or key, plain\n" in ended.stdout
    assert "2 passed, 1 error" in ended.stdout

"""Settings: where they come from, what is refused, and that secrets are never shown."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from gatepass.domain.secret import Secret
from gatepass.settings import Settings, SettingsError, model
from gatepass.settings.data_folder import data_folder
from gatepass.settings.model import KEYS
from gatepass.settings.reference import settings_reference, settings_template
from gatepass.telemetry.redaction import clean_text

CANARY = "gps_" + "canaryCANARY0123456789-_" * 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    return data


def load(folder: Path, environ: dict[str, str] | None = None, **flags: object) -> Settings:
    return Settings.load({"data_dir": str(folder), **flags}, environ or {})


def write(folder: Path, text: str, name: str = "gatepass.toml", mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


# -- where a value comes from -----------------------------------------------------------------------------------------


def test_flags_come_before_environment_before_file_before_default(folder: Path) -> None:
    """The first source that has a key counts, and the origin says which it was."""
    path = write(folder, "max_depth = 7\nport = 1001\nhost = '127.0.0.2'\n")
    settings = load(folder, {"GATEPASS_PORT": "1002", "GATEPASS_HOST": "127.0.0.3"}, host="127.0.0.4")
    assert (settings.host, settings.origins["host"]) == ("127.0.0.4", "flag --host")
    assert (settings.port, settings.origins["port"]) == (1002, "environment GATEPASS_PORT")
    assert (settings.max_depth, settings.origins["max_depth"]) == (7, f"{path} line 1: max_depth")
    assert (settings.max_tokens, settings.origins["max_tokens"]) == (10_000, "default")


def test_a_flag_that_was_not_given_does_not_count(folder: Path) -> None:
    """The shell passes None for those."""
    assert load(folder, {"GATEPASS_PORT": "1002"}, port=None).port == 1002


def test_an_empty_variable_counts_as_not_set(folder: Path) -> None:
    """Compose files and CI set variables to nothing."""
    assert load(folder, {"GATEPASS_PORT": "", "GATEPASS_SECRET_KEY": ""}).origins["port"] == "default"


def test_the_file_can_be_named(folder: Path, tmp_path: Path) -> None:
    """By flag or by GATEPASS_CONFIG; then the one in the data folder is not read."""
    write(folder, "port = 1001\n")
    named = write(tmp_path, "port = 1002\n", "other.toml")
    assert load(folder, {"GATEPASS_CONFIG": str(named)}).port == 1002
    settings = Settings.load({"data_dir": str(folder)}, {}, named)
    assert (settings.port, settings.config_file) == (1002, named)


def test_a_named_file_must_be_there(folder: Path) -> None:
    """Only the one in the data folder may be missing."""
    assert load(folder).config_file is None
    with pytest.raises(SettingsError, match=r"nowhere\.toml: the file cannot be read: No such file"):
        load(folder, {"GATEPASS_CONFIG": str(folder / "nowhere.toml")})


def test_a_named_file_may_set_the_data_folder(tmp_path: Path) -> None:
    """A relative folder starts beside the file, so that the result does not depend on where one stands."""
    named = write(tmp_path, "data_dir = 'state'\n", "other.toml")
    settings = Settings.load({}, {"XDG_DATA_HOME": "/nowhere"}, named)
    assert settings.data_dir == tmp_path / "state"
    assert settings.database_path == tmp_path / "state" / "gatepass.db"


def test_the_file_in_the_data_folder_cannot_move_it(folder: Path) -> None:
    """It would say where it is itself to be looked for."""
    write(folder, "data_dir = '/elsewhere'\n")
    with pytest.raises(SettingsError, match="found through the data folder"):
        load(folder)


def test_defaults_are_made_from_what_else_was_set(folder: Path) -> None:
    """Address, issuer and audience follow host, port and path."""
    settings = load(folder, host="::1", port=9000, graphql_path="/api/")
    assert settings.public_url == settings.issuer == "http://[::1]:9000"
    assert settings.audience == "http://[::1]:9000/api"
    assert load(folder, host="0.0.0.0").public_url == "http://localhost:8000"
    assert load(folder, public_url="https://api.example.org/").audience == "https://api.example.org/graphql"


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/gatepass"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/ana/.local/share/gatepass"),
        ("linux", {}, "/home/ana/.local/share/gatepass"),
        ("darwin", {}, "/home/ana/Library/Application Support/gatepass"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/gatepass"),
        ("win32", {}, "/home/ana/AppData/Local/gatepass"),
    ],
)
def test_the_data_folder_is_the_platforms(
    platform: str, environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XDG Base Directory Specification and its peers; a relative XDG_DATA_HOME does not count."""
    monkeypatch.setenv("HOME", "/home/ana")
    assert data_folder(environ, platform=platform) == Path(expected)


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"GATEPASS_PROT": "1"}, r"environment GATEPASS_PROT: there is no such setting; did you mean GATEPASS_PORT"),
        ({"GATEPASS_XYZZY": "1"}, r"environment GATEPASS_XYZZY: there is no such setting$"),
        ({"GATEPASS_PORT_FILE": "/x"}, r"environment GATEPASS_PORT_FILE: there is no such setting"),
        ({"GATEPASS_PORT": "tcp://10.0.0.1:80"}, r"Kubernetes sets it .* 'enableServiceLinks: false'"),
    ],
)
def test_unknown_variables_are_refused_with_what_may_be_meant(
    folder: Path, environ: dict[str, str], message: str
) -> None:
    """A misspelt limit that silently does nothing is worse than none."""
    with pytest.raises(SettingsError, match=message):
        load(folder, environ)


def test_variables_of_others_are_let_be(folder: Path) -> None:
    """The client's own, and those that Kubernetes makes for a Service named gatepass."""
    client = {"GATEPASS_TOKEN": "t", "GATEPASS_USERNAME": "u", "GATEPASS_PASSWORD": "p", "GATEPASS_STORE": "none"}
    links = {"GATEPASS_SERVICE_HOST": "10.0.0.1", "GATEPASS_PORT_8000_TCP": "tcp://10.0.0.1:8000"}
    assert load(folder, client | links | {"PATH": "/bin"}).port == 8000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nprot = 1\n", r"gatepass\.toml line 2: prot: there is no such setting; did you mean port"),
        ("[upstream]\nurl = 'http://x'\n", r"line 1: upstream: expected an address"),
        ("port = 1\nport = 2\n", r"gatepass\.toml: the file is not TOML: .*line 2"),
        ("port = '80 80'\n", r"line 1: port: expected a whole number from 0 to 65535, got \"80 80\""),
    ],
)
def test_a_bad_file_is_refused_with_the_line(folder: Path, text: str, message: str) -> None:
    """The name of the file and the line, so that one can go there."""
    write(folder, text)
    with pytest.raises(SettingsError, match=message):
        load(folder)


def test_a_file_that_is_not_text_is_refused(folder: Path) -> None:
    """Not with a stack trace."""
    (folder / "gatepass.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not text in UTF-8"):
        load(folder)


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        ("port", "65536"), ("port", "-1"), ("port", "\uff18\uff10"), ("port", "1e3"), ("port", True), ("port", 80.5),
        ("port", "9" * 5000),
        ("access_ttl_seconds", "3601"), ("access_ttl_seconds", "0"), ("leeway_seconds", 61),
        ("replay_window_seconds", 301),
        ("revocation_poll_seconds", "nan"), ("revocation_poll_seconds", float("inf")),
        ("forward_bearer", "maybe"), ("forward_bearer", 1),
        ("introspection", "Bearer"), ("ide", "altair"), ("signing_algorithm", "none"), ("signing_algorithm", "HS256"),
        ("public_url", "api.example.org"), ("public_url", "https://x/?a=1"), ("public_url", "https://x:port"),
        ("upstream", "ftp://x"), ("upstream", "http://"), ("upstream", "http://x/#f"), ("upstream", "http://a b"),
        ("upstream", "http://ö"), ("upstream", "http://[::1"), ("upstream", 5),
        ("host", ""), ("host", "http://x"), ("host", "a b"),
        ("graphql_path", "graphql"), ("graphql_path", "/"), ("graphql_path", "/oauth/token"),
        ("graphql_path", "/a/../b"), ("graphql_path", "/livez"),
        ("audience", ""), ("audience", "a\nb"), ("data_dir", ""), ("data_dir", "a\x00b"), ("data_dir", 5),
        ("database_url", "mysql://x/y"), ("database_url", "sqlite:///"), ("database_url", "sqlite:///a?mode=ro"),
    ],
)  # fmt: skip
def test_bad_values_are_refused(folder: Path, key: str, bad: object) -> None:
    """By flag, by file or in Python: the same bounds, and the message names the source."""
    if key != "data_dir":
        with pytest.raises(SettingsError, match=f"flag --{key.replace('_', '-')}: expected"):
            load(folder, {}, **{key: bad})
    with pytest.raises(SettingsError, match=f"argument {key}: expected"):
        Settings(**{"data_dir": folder, key: bad})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gatepass:hunter2@db.example.org/gatepass",
        "postgres://gatepass:hunter2@a:5432,b:5433/gatepass?target_session_attrs=read-write&sslmode=verify-full",
        "postgresql://gatepass:hunter2@[::1]:5432/gatepass",
        "postgresql:///gatepass?host=/run/postgresql&password=hunter2",
        "postgresql://gatepass:hunter2@%2Frun%2Fpostgresql/gatepass",
    ],
)
def test_the_address_of_a_postgresql_shows_no_password(folder: Path, url: str) -> None:
    settings = load(folder, {"GATEPASS_DATABASE_URL": url})
    assert (settings.store_url, settings.database_path) == (url, None)
    (shown,) = [row.value for row in settings.report() if row.key == "database_url"]
    assert shown == url.replace("hunter2", "***")
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gatepass:hun/ter2@db/gatepass",
        "postgresql://gatepass:hun@ter2@db/gatepass",
        "postgresql://gatepass:hun#ter2@db/gatepass",
        "postgresql://gatepass:hunter2",
        "postgresql://",
        "postgresql://db:port/gatepass?password=hunter2",
    ],
)
def test_what_cannot_be_the_address_of_a_postgresql_is_not_repeated(folder: Path, url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(folder, {"GATEPASS_DATABASE_URL": url})
    assert not {"hunter2", "hun", "ter2"} & set(re.split(r"\W+", str(refused.value)))


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgresql:/gatepass", "after postgresql: come // and more"),
        ("postgresql://a:b#c@db/gatepass", "# is written %23"),
        ("mysql://db/gatepass", "or postgresql://HOST/DATABASE with ROLE:PASSWORD@ before the host"),
    ],
)
def test_what_is_wrong_with_the_address_of_a_database_is_said(folder: Path, url: str, hint: str) -> None:
    """In words that nothing masks on their way to the terminal."""
    with pytest.raises(SettingsError) as refused:
        load(folder, {"GATEPASS_DATABASE_URL": url})
    assert hint in clean_text(str(refused.value))


def test_the_address_of_the_database_may_be_in_a_file_of_its_own(folder: Path) -> None:
    file = folder.parent / "database-url"
    file.write_text("postgresql://gatepass:hunter2@db/gatepass\n")
    settings = load(folder, {"GATEPASS_DATABASE_URL_FILE": str(file)})
    assert settings.store_url == "postgresql://gatepass:hunter2@db/gatepass"


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_file_of_settings_that_holds_the_databases_password_must_be_private(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / "gatepass.toml"
    file.write_text('database_url = "sqlite:///a.db"\n')
    file.chmod(0o644)
    assert load(folder, {}).database_path == folder / "a.db"
    file.write_text('database_url = "postgresql://gatepass:hunter2@db/gatepass"\n')
    with pytest.raises(SettingsError, match="chmod"):
        load(folder, {})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"session_idle_seconds": 100, "session_absolute_seconds": 99}, "must not be more than session_absolute"),
        ({"revocation_poll_seconds": 5, "revocation_stale_seconds": 5}, "must be less than revocation_stale"),
        ({"argon2_memory_kib": 1_048_576, "argon2_iterations": 5}, "argon2_memory_kib times argon2_iterations"),
    ],
)
def test_values_that_contradict_each_other_are_refused(folder: Path, values: dict[str, int], message: str) -> None:
    """Each is good alone."""
    with pytest.raises(SettingsError, match=message):
        load(folder, {}, **values)


@pytest.mark.parametrize(
    ("upstream", "audience", "signs"),
    [
        ("http://127.0.0.1:4000/graphql", "http://127.0.0.1:4000", False),
        ("http://localhost/graphql?a=b", "http://localhost", False),
        ("http://[::1]:4000", "http://[::1]:4000", False),
        ("http://api:4000/graphql", "http://api:4000", True),
        ("HTTPS://API.Example.org:443/graphql", "https://api.example.org", True),
        ("http://10.0.0.7:80/", "http://10.0.0.7", True),
        ("https://[2001:db8::1]:80/", "https://[2001:db8::1]:80", True),
        ("http://localhost.example.org/", "http://localhost.example.org", True),
    ],
)
def test_an_upstream_beyond_this_machine_gets_assertions(
    folder: Path, upstream: str, audience: str, signs: bool
) -> None:
    """For its origin (RFC 6454 §6.2). What is on loopback may believe plain headers: decision 0010."""
    settings = load(folder, upstream=upstream)
    assert (settings.upstream_audience, settings.upstream_assertion) == (audience, signs)
    assert load(folder, upstream=upstream, upstream_assertion=True).upstream_assertion is True
    assert load(folder, upstream=upstream, upstream_assertion="off").upstream_assertion is False
    assert load(folder, upstream=upstream, upstream_audience="companies").upstream_audience == "companies"


def test_without_an_upstream_there_is_nobody_to_sign_for(folder: Path) -> None:
    assert (load(folder).upstream_audience, load(folder).upstream_assertion) == ("", False)


def test_an_address_with_credentials_is_refused_and_not_repeated(folder: Path) -> None:
    """They would end up in logs; there is a setting for headers."""
    with pytest.raises(SettingsError, match="must not hold credentials") as refused:
        load(folder, {"GATEPASS_UPSTREAM": "http://admin:hunter2@api/graphql"})
    assert "hunter2" not in str(refused.value)


def test_control_characters_do_not_reach_the_terminal(folder: Path) -> None:
    """A bad value is shown, but not obeyed by the terminal."""
    with pytest.raises(SettingsError) as refused:
        load(folder, {"GATEPASS_IDE": "\x1b[2J\u202e" + "x" * 1000})
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200


def test_construction_in_python_checks_too(folder: Path) -> None:
    """Embedders get the same bounds, and a type error for an unknown key."""
    with pytest.raises(SettingsError, match="argument port: expected a whole number"):
        Settings(data_dir=folder, port="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Settings(data_dir=folder, prot=1)  # type: ignore[call-arg]
    settings = Settings(data_dir=folder, port=9000, secret_key=Secret(CANARY))
    assert settings.origins["port"] == "argument port"
    assert settings.require_secret_key().reveal() == CANARY
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_a_secret_comes_from_the_environment_or_from_a_file(folder: Path, tmp_path: Path) -> None:
    """A closing newline is not part of it."""
    path = write(tmp_path, CANARY + "\n", "key")
    assert load(folder, {"GATEPASS_SECRET_KEY": CANARY}).require_secret_key().reveal() == CANARY
    settings = load(folder, {"GATEPASS_SECRET_KEY_FILE": str(path)})
    assert settings.require_secret_key().reveal() == CANARY
    assert settings.origins["secret_key"] == f"GATEPASS_SECRET_KEY_FILE ({path})"


def test_without_either_the_data_folders_own_key_is_read(folder: Path) -> None:
    """As init makes it."""
    path = write(folder, CANARY, "secret.key")
    settings = load(folder)
    assert settings.require_secret_key().reveal() == CANARY
    assert settings.origins["secret_key"] == str(path)


def test_there_is_no_default_secret(folder: Path) -> None:
    """Who needs it is told how to make one."""
    settings = load(folder)
    assert settings.secret_key is None
    with pytest.raises(SettingsError, match="run 'gatepass init'"):
        settings.require_secret_key()


def test_both_forms_of_a_secret_at_once_are_refused(folder: Path, tmp_path: Path) -> None:
    """Which one counts would be a guess."""
    path = write(tmp_path, CANARY, "key")
    with pytest.raises(SettingsError, match="GATEPASS_SECRET_KEY and GATEPASS_SECRET_KEY_FILE are both set"):
        load(folder, {"GATEPASS_SECRET_KEY": CANARY, "GATEPASS_SECRET_KEY_FILE": str(path)})


@pytest.mark.parametrize("name", ["secret.key", "gatepass.toml"])
def test_a_secret_that_everybody_may_read_is_refused(folder: Path, name: str) -> None:
    """The message is the command that mends it."""
    text = CANARY if name == "secret.key" else f"secret_key = '{CANARY}'"
    path = write(folder, text, name, mode=0o644)
    with pytest.raises(SettingsError, match=f"run 'chmod 600 {path}'"):
        load(folder)
    path.chmod(0o640)
    assert load(folder).require_secret_key().reveal() == CANARY


def test_a_file_without_secrets_may_be_read_by_everybody(folder: Path) -> None:
    """It is configuration."""
    write(folder, "port = 1001", mode=0o644)
    assert load(folder).port == 1001


@pytest.mark.parametrize("content", [b"", b"\xff", b"x" * 70_000])
def test_a_file_that_holds_no_secret_is_refused(folder: Path, content: bytes) -> None:
    """Empty, binary or huge."""
    (folder / "key").write_bytes(content)
    with pytest.raises(SettingsError, match=r"GATEPASS_SECRET_KEY_FILE \(.*key\): the file is"):
        load(folder, {"GATEPASS_SECRET_KEY_FILE": str(folder / "key")})


def test_headers_for_the_upstream_are_secret(folder: Path) -> None:
    """Lines in the environment, a table in the file; the report has the names alone."""
    settings = load(folder, {"GATEPASS_UPSTREAM_INTROSPECTION_HEADERS": f"X-Key: {CANARY}\nX-Other: a:b\n"})
    assert {name: value.reveal() for name, value in settings.upstream_introspection_headers.items()} == {
        "X-Key": CANARY,
        "X-Other": "a:b",
    }
    write(folder, f"[upstream_introspection_headers]\nX-Key = '{CANARY}'\n")
    assert load(folder).upstream_introspection_headers["X-Key"].reveal() == CANARY
    assert ("upstream_introspection_headers", {"X-Key": "(hidden)"}) in [row[:2] for row in load(folder).report()]


@pytest.mark.parametrize("bad", ["X-Key", "X Key: 1", "X-Key: a\x00b", "X-Key:", "X-Key: 1\nX-Key: 2"])
def test_headers_that_cannot_be_sent_are_refused(folder: Path, bad: str) -> None:
    """No header is made up of another's value."""
    with pytest.raises(SettingsError, match="expected lines of the form 'Name: value'"):
        load(folder, {"GATEPASS_UPSTREAM_INTROSPECTION_HEADERS": bad})


def test_secrets_are_never_shown(folder: Path) -> None:
    """Not in a repr, a report or a message about a bad one."""
    settings = load(
        folder, {"GATEPASS_SECRET_KEY": CANARY, "GATEPASS_UPSTREAM_INTROSPECTION_HEADERS": f"X-Key: {CANARY}"}
    )
    assert CANARY not in repr(settings) + str(settings.report()) + str(settings.origins)
    for bad in (CANARY + "!", CANARY[:20]):
        with pytest.raises(SettingsError) as refused:
            load(folder, {"GATEPASS_SECRET_KEY": bad})
        assert bad[:12] not in str(refused.value)
        assert refused.value.__cause__ is None


# -- for people -------------------------------------------------------------------------------------------------------


def test_the_reference_has_every_key() -> None:
    """It is made from the keys."""
    page = settings_reference()
    assert all(f"| `{row.name}` |" in page for row in KEYS)


def test_the_template_holds_once_its_marks_are_removed(folder: Path) -> None:
    """Every commented default is a value that would be accepted."""
    lines = [
        line.removeprefix("#") for line in settings_template().splitlines() if line[:1] == "#" and line[1:2] != " "
    ]
    table = tomllib.loads("\n".join(line for line in lines if '"…"' not in line))
    assert len(table) > 30
    settings = Settings(data_dir=folder, **table)
    assert all(settings.origins[name] == "default" for name in table)


def test_the_process_environment_is_the_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every command calls it."""
    for name in [name for name in os.environ if name.startswith("GATEPASS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GATEPASS_DATA_DIR", str(folder))
    assert Settings.load().data_dir == folder


@pytest.mark.parametrize(("text", "whole"), [("200000 100000", 2), ("150000 100000", 2), ("max 100000", sys.maxsize)])
def test_a_containers_quota_bounds_the_hash_workers(tmp_path: Path, text: str, whole: int) -> None:
    """64 workers on two cores' worth of time would be strictly worse than two (DESIGN §8)."""
    (tmp_path / "cpu.max").write_text(text)
    assert model._quota(tmp_path / "cpu.max") == whole
    assert model._quota(tmp_path / "missing") == sys.maxsize

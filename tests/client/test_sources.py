"""Where credentials come from: argument, `GATEPASS_TOKEN`, `GATEPASS_USERNAME` and its password, what is kept."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.client import Client, SignInRequired
from gatepass.client.address import BadAddress
from gatepass.client.sources import BadCredentials, find_source
from tests.client.test_file_store import KEPT
from tests.kit.memory_store import MemoryStore

URL = KEPT.url
TOKEN = {"GATEPASS_TOKEN": "from-environment"}
USER = {"GATEPASS_USERNAME": "ada@example.org", "GATEPASS_PASSWORD": "secret-canary"}


@pytest.fixture
def kept(store: MemoryStore) -> MemoryStore:
    store.save(KEPT)
    return store


def test_an_argument_comes_first(kept: MemoryStore) -> None:
    """Before everything that is set or kept."""
    assert find_source(URL, token="given", store=kept, environ=TOKEN | USER).token == "given"
    source = find_source(URL, username="bob", password="x", store=kept, environ=TOKEN | USER)
    assert (source.token, source.username, source.password, source.is_kept) == (None, "bob", "x", False)


def test_then_the_token_of_the_environment_then_its_user_then_what_is_kept(kept: MemoryStore) -> None:
    """In this order."""
    first = find_source(URL, store=kept, environ=TOKEN | USER)
    second = find_source(URL, store=kept, environ=USER)
    third = find_source(URL, store=kept, environ={})
    assert (first.token, first.is_kept) == ("from-environment", False)
    assert (second.username, second.password, second.is_kept) == ("ada@example.org", "secret-canary", False)
    assert (third.profile, third.is_kept, third.management_flow) == ("plain", True, False)


def test_empty_variables_are_none(kept: MemoryStore) -> None:
    """A CI sets what it has not to nothing."""
    environ = {"GATEPASS_TOKEN": "", "GATEPASS_USERNAME": "", "GATEPASS_URL": "", "GATEPASS_PROFILE": ""}
    assert find_source(URL, store=kept, environ=environ).is_kept


def test_a_password_from_a_file_loses_the_line_end_of_the_editor(tmp_path: Path) -> None:
    """One, and nothing else."""
    file = tmp_path / "password"
    environ = {"GATEPASS_USERNAME": "ada", "GATEPASS_PASSWORD_FILE": str(file)}
    for content, password in ((b"x y\n", "x y"), (b"x\r\n", "x"), (b"x\n\n", "x\n"), (b" x ", " x ")):
        file.write_bytes(content)
        assert find_source(URL, environ=environ).password == password


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff"])
def test_a_file_without_a_password_is_told(tmp_path: Path, content: bytes | None) -> None:
    """With its name."""
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadCredentials, match=r"GATEPASS_PASSWORD_FILE names .*password"):
        find_source(URL, environ={"GATEPASS_USERNAME": "ada", "GATEPASS_PASSWORD_FILE": str(file)})


HALF = "\udcff"
"""What Python makes of a byte that is no text in the encoding of the system."""


@pytest.mark.parametrize("environ", [{"GATEPASS_USERNAME": HALF}, {"GATEPASS_PASSWORD": HALF}], ids="".join)
def test_what_is_no_text_is_told_by_its_name(environ: dict[str, str]) -> None:
    """A terminal in another encoding. Nothing of it is shown."""
    (name,) = environ
    good = {"GATEPASS_USERNAME": "ada", "GATEPASS_PASSWORD": "x"}
    with pytest.raises(BadCredentials, match=f"^{name} is not text in UTF-8.$"):
        find_source(URL, environ=good | environ)
    argument = name.removeprefix("GATEPASS_").lower()
    given = {"username": "ada", "password": "x"} | {argument: HALF}
    with pytest.raises(BadCredentials, match=f"^The {argument} that was given is not text in UTF-8.$"):
        find_source(URL, username=given["username"], password=given["password"], environ={})


def test_who_is_asked_for_by_name_gets_no_other_one_s_credentials(kept: MemoryStore) -> None:
    """Neither a token that is anybody's nor what is kept of another user."""
    source = find_source(URL, username="bob@example.org", store=kept, environ=TOKEN | USER)
    assert (source.token, source.password, source.username) == (None, None, "bob@example.org")
    with pytest.raises(SignInRequired):
        Client(URL, username="bob@example.org", store=kept).token()


@pytest.mark.parametrize(
    "arguments",
    [
        {"token": "x", "password": "secret-canary"},
        {"token": "x", "username": "ada"},
        {"token": "two words"},
        {"token": ""},
        {"token": "line\nbreak"},
        {"password": "secret-canary"},
    ],
)
def test_what_does_not_go_together_is_told(arguments: dict[str, str]) -> None:
    """Before anything is sent, and without the secret."""
    with pytest.raises(BadCredentials) as raised:
        find_source(URL, environ={}, **arguments)  # type: ignore[arg-type]
    assert "canary" not in str(raised.value)


def test_a_user_of_the_environment_without_a_password_says_whose_sign_in_is_meant(
    kept: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of that user is used; of another it is not, and what is missing is told."""
    now = time.time()
    kept.save(replace(KEPT, obtained_at=now, expires_at=now + 3600))
    monkeypatch.setenv("GATEPASS_USERNAME", KEPT.username)
    assert Client(URL, store=kept).token() == KEPT.access_token
    monkeypatch.setenv("GATEPASS_USERNAME", "somebody@example.org")
    with pytest.raises(SignInRequired, match="GATEPASS_PASSWORD_FILE"):
        Client(URL, store=kept).token()


def test_the_address_can_come_from_the_environment_or_from_the_profile(kept: MemoryStore) -> None:
    """The one in use, unless one is named."""
    assert find_source(None, store=kept, environ={"GATEPASS_URL": "https://b.example.org/"}).url == (
        "https://b.example.org/"
    )
    kept.save(replace(KEPT, profile="other", url="https://c.example.org/"))
    assert find_source(None, store=kept, environ={}).url == URL
    assert find_source(None, profile="other", store=kept, environ={}).url == "https://c.example.org/"
    assert find_source(None, store=kept, environ={"GATEPASS_PROFILE": "other"}).url == "https://c.example.org/"


def test_no_address_at_all_says_what_to_do(store: MemoryStore) -> None:
    """And so does a profile that is not there."""
    with pytest.raises(SignInRequired, match="gatepass login URL"):
        find_source(None, store=store, environ={})
    with pytest.raises(SignInRequired, match="There is no profile other"):
        find_source(None, profile="other", store=store, environ={})


@pytest.mark.parametrize(
    "url",
    [
        "api.example.org/graphql",
        "ftp://api.example.org/",
        "https://",
        "https://ada:secret-canary@api.example.org/",
        "https://api.example.org/#fragment",
        "https://api.example.org/ x",
        "https://api.example.org/\n",
        "https://[::1/",
        "https://api.example.org:0x50/",
        "https://api.example.org:99999/",
        "https://api..example.org/",
        f"https://{'a' * 64}.example.org/",
        f"https://{'ä' * 64}.example.org/",
    ],
)
def test_what_is_no_address_of_an_api_gets_no_password(url: str) -> None:
    """Said before anything is sent; a password in it is not repeated."""
    with pytest.raises(BadAddress) as raised:
        find_source(url, username="ada", password="x", environ={})
    assert "canary" not in str(raised.value)


def test_a_sign_in_that_is_kept_for_another_address_stays_there(kept: MemoryStore) -> None:
    """Its tokens would be given away."""
    with pytest.raises(SignInRequired):
        Client("https://evil.example.org/graphql/", profile="plain", store=kept).token()
    assert kept.kept == {"plain": KEPT}


def test_secrets_show_themselves_to_nobody() -> None:
    """Neither the client nor its source."""
    api = Client(URL, username="ada", password="secret-canary")
    assert "canary" not in f"{api!r} {api.session.source!r} {api.session.__dict__!r}"

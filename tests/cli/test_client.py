"""`gatepass client`: what is shown, what is kept, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Gatepass, content
from tests.kit.store_of_run import all_rows, in_store

pytestmark = pytest.mark.usefixtures("initialised")
SECRET = re.compile(r"gpcs_[A-Za-z0-9_-]{43}")
CALLBACK = "https://client.example/callback"


def added(gatepass: Gatepass, *arguments: object) -> dict[str, Any]:
    result = gatepass("client", "add", *arguments, "--json")
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def test_a_service_is_registered_with_a_secret_that_is_shown_once(gatepass: Gatepass, folder: Path) -> None:
    """On standard output for scripts; the store has its SHA-256 and nothing of it."""
    result = gatepass("client", "add", "Nightly import", "--scope", "read")
    assert result.code == 0, result.err
    found = re.fullmatch(r"client_id {6}(\S+)\nclient_secret {2}(\S+)\n", result.out)
    assert found is not None
    assert SECRET.fullmatch(found[2])
    assert result.err == "added Nightly import; the secret is not shown again\n"
    for file in folder.rglob("*"):
        assert not file.is_file() or found[2].encode() not in file.read_bytes()
    assert found[2] not in repr(all_rows(folder))
    shown = gatepass("client", "show", found[1])
    assert "client_credentials" in shown.out
    assert not SECRET.search(shown.out + shown.err)
    assert not SECRET.search(gatepass("client", "list", "--json").out)


def test_a_redirect_uri_makes_a_client_for_browsers(gatepass: Gatepass) -> None:
    client = added(gatepass, "Reports", "--redirect-uri", CALLBACK, "--scope", "read")
    assert client["grant_types"] == ["authorization_code", "refresh_token"]
    assert (client["redirect_uris"], client["scopes"], client["first_party"]) == ([CALLBACK], ["read"], False)
    assert SECRET.fullmatch(client["client_secret"])


def test_a_public_client_has_no_secret(gatepass: Gatepass) -> None:
    client = added(
        gatepass, "App", "--public", "--first-party", "--redirect-uri", "com.example.app:/cb", "--all-scopes"
    )
    assert "client_secret" not in client
    assert (client["authentication"], client["scopes"], client["first_party"]) == ("none", None, True)
    refused = gatepass("client", "rotate-secret", client["client_id"])
    assert (refused.code, refused.out) == (1, "")
    assert "has no secret" in refused.err


def test_a_client_that_signs_brings_its_public_keys(gatepass: Gatepass, tmp_path: Path) -> None:
    """As JWK, JWK Set or PEM; whatever else stands in the file is not kept."""
    from joserfc import jwk

    key = jwk.ECKey.generate_key("P-256")
    file = tmp_path / "key"
    for text in (
        json.dumps(key.as_dict(private=False) | {"x5u": "https://evil.example", "kid": "one"}),
        json.dumps({"keys": [key.as_dict(private=False)]}),
        key.as_pem(private=False).decode(),
    ):
        file.write_text(text)
        client = added(gatepass, "Signer", "--keys", file)
        assert client["authentication"] == "private_key_jwt"
        assert set(client["jwks"]["keys"][0]) <= {"kty", "crv", "x", "y", "kid"}


def test_a_private_key_is_sent_back(gatepass: Gatepass, tmp_path: Path, folder: Path) -> None:
    from joserfc import jwk

    key, before = jwk.ECKey.generate_key("P-256"), content(folder)
    file = tmp_path / "key"
    for text in (json.dumps(key.as_dict(private=True)), key.as_pem(private=True).decode()):
        file.write_text(text)
        result = gatepass("client", "add", "Signer", "--keys", file)
        assert (result.code, result.out) == (1, "")
        assert "private key" in result.err
    assert content(folder) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["", "--scope", "read"], "name"),
        (["x" * 81], "name"),
        (["evil\u202ename"], "name"),
        ([" padded"], "name"),
        (["X", "--grant", "password"], "is not a grant"),
        (["X", "--grant", "refresh_token"], "first token"),
        (["X", "--public"], "prove who they are"),
        (["X", "--all-scopes"], "list its own"),
        (["X", "--grant", "authorization_code"], "needs a redirect URI"),
        (["X", "--grant", "device_code", "--redirect-uri", CALLBACK], "no other client has one"),
        (["X", "--redirect-uri", "http://client.example/cb"], "not https"),
        (["X", "--redirect-uri", f"{CALLBACK}#x"], "without fragment"),
        (["X", "--redirect-uri", "https://a@b/"], "credentials"),
        (["X", "--redirect-uri", "javascript:alert(1)"], "anybody may take"),
        (["X", "--redirect-uri", "data:text/html,x"], "anybody may take"),
        (["X", "--redirect-uri", "/callback"], "absolute"),
        (["X", "--redirect-uri", "https:///x"], "no host"),
        (["X", "--redirect-uri", "https://a\\b/"], "absolute"),
        (["X", "--redirect-uri", "https://a b/"], "absolute"),
        (["X", "--scope", 'a"b'], "is not a scope"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    gatepass: Gatepass, folder: Path, arguments: list[str], words: str
) -> None:
    """In one line that says how to mend it; nothing is written."""
    before = content(folder)
    result = gatepass("client", "add", *arguments)
    assert (result.code, result.out) == (1, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1
    assert content(folder) == before


@pytest.mark.parametrize(
    "arguments", [["X", "--all-scopes", "--scope", "read"], ["X", "--public", "--keys", "/dev/null"], []]
)
def test_contradictions_are_wrong_usage(gatepass: Gatepass, arguments: list[str]) -> None:
    assert gatepass("client", "add", *arguments).code == 2


def test_another_secret_takes_the_place_of_the_first(gatepass: Gatepass, folder: Path) -> None:
    client = added(gatepass, "Service", "--scope", "read")
    result = gatepass("client", "rotate-secret", client["client_id"], "--json")
    assert result.code == 0
    renewed = json.loads(result.out)
    assert SECRET.fullmatch(renewed["client_secret"])
    assert renewed["client_secret"] != client["client_secret"]
    stored = in_store(folder, lambda store: store.clients.find(client["client_id"]))
    assert stored is not None
    assert stored.secret_digest == hashlib.sha256(renewed["client_secret"].encode()).digest()


def test_a_removed_client_is_gone(gatepass: Gatepass) -> None:
    """With its account; it asks before, where it can."""
    client = added(gatepass, "Service", "--scope", "read")
    assert f"{client['client_id']}@client.invalid" in gatepass("user", "list").out
    assert gatepass("client", "remove", client["client_id"]).code != 0
    result = gatepass("client", "remove", client["client_id"], "--yes")
    assert (result.code, result.err) == (0, "removed Service; all sign-ins with it have ended\n")
    assert json.loads(gatepass("client", "list", "--json").out) == []
    assert "client.invalid" not in gatepass("user", "list").out


@pytest.mark.parametrize("command", ["show", "rotate-secret", "remove"])
@pytest.mark.parametrize("client_id", ["nobody", "gatepass", "' OR 1=1 --"])
def test_who_is_not_registered_is_not_found(gatepass: Gatepass, command: str, client_id: str) -> None:
    more = ["--yes"] if command == "remove" else []
    result = gatepass("client", command, client_id, *more)
    assert (result.code, result.out) == (1, "")
    assert ("cannot be changed" if client_id == "gatepass" else "There is no client") in result.err


def test_the_list_is_for_people_and_for_programs(gatepass: Gatepass) -> None:
    first, second = added(gatepass, "One", "--scope", "read"), added(gatepass, "Two", "--redirect-uri", CALLBACK)
    lines = gatepass("client", "list").out.splitlines()
    assert lines[0].split() == ["CLIENT", "ID", "NAME", "PROVES", "ITSELF", "BY", "GRANTS"]
    assert [line.split()[0] for line in lines[1:]] == [first["client_id"], second["client_id"]]
    listed = json.loads(gatepass("client", "list", "--json").out)
    assert [each["client_name"] for each in listed] == ["One", "Two"]
    assert all("client_secret" not in each for each in listed)

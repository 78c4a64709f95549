"""The setting `trusted_issuers`: what must be there, and what is refused before anything starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatepass.domain.trusted_issuer import TrustedIssuer
from gatepass.settings import Settings, SettingsError
from gatepass.settings.reference import toml

GOOD: dict[str, Any] = {
    "issuer": "https://login.example.net/realms/staff",
    "audience": "companies-api",
    "jwks": "https://login.example.net/realms/staff/certs",
}


def load(folder: Path, text: str = "", **environ: str) -> Settings:
    folder.mkdir(exist_ok=True)
    (folder / "gatepass.toml").write_text(text)
    return Settings.load({"data_dir": str(folder)}, environ)


def from_json(folder: Path, *issuers: object) -> Settings:
    return load(folder, GATEPASS_TRUSTED_ISSUERS=json.dumps(issuers))


def test_nobody_is_trusted_unless_the_operator_says_so(tmp_path: Path) -> None:
    assert load(tmp_path).trusted_issuers == ()


def test_issuers_stand_in_the_file_as_tables(tmp_path: Path) -> None:
    """With defaults for what most issuers share."""
    text = """
    [[trusted_issuers]]
    issuer = "https://login.example.net/realms/staff"
    audience = "companies-api"
    jwks = "https://login.example.net/realms/staff/certs"

    [[trusted_issuers]]
    issuer = "ci"
    audience = "companies-api"
    jwks = "/etc/gatepass/ci.json"
    algorithms = ["EdDSA"]
    scopes_claim = ["realm_access", "roles"]
    """
    settings = load(tmp_path, text)
    assert settings.trusted_issuers == (
        TrustedIssuer(**GOOD, algorithms=("RS256", "ES256"), scopes_claim=("scope",)),
        TrustedIssuer("ci", "companies-api", "/etc/gatepass/ci.json", ("EdDSA",), ("realm_access", "roles")),
    )
    assert settings.origins["trusted_issuers"] == f"{tmp_path / 'gatepass.toml'} line 2: trusted_issuers"


def test_issuers_stand_in_the_environment_as_json(tmp_path: Path) -> None:
    (trusted,) = from_json(tmp_path, GOOD | {"scopes_claim": "scp"}).trusted_issuers
    assert trusted == TrustedIssuer(**GOOD, scopes_claim=("scp",))


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    """By `config show`, as TOML and as JSON."""
    settings = from_json(tmp_path, GOOD, GOOD | {"issuer": "other"})
    (row,) = [row for row in settings.report() if row.key == "trusted_issuers"]
    again = load(tmp_path, f"trusted_issuers = {toml(row.value)}")
    assert again.trusted_issuers == settings.trusted_issuers
    assert (
        Settings(data_dir=tmp_path, trusted_issuers=settings.trusted_issuers).trusted_issuers == again.trusted_issuers
    )


@pytest.mark.parametrize(
    ("issuer", "message"),
    [
        ({**GOOD, "issuer": ""}, "number 1 needs an issuer"),
        ({"audience": "a", "jwks": "https://x"}, "number 1 needs an issuer"),
        ({**GOOD, "issuer": "https://a|b"}, "without '|'"),
        ({**GOOD, "issuer": "two words"}, "needs an issuer"),
        ({**GOOD, "audience": ""}, "staff needs an audience: the claim 'aud'"),
        ({"issuer": "https://x", "jwks": "https://x"}, "https://x needs an audience"),
        ({**GOOD, "audience": ["a"]}, "needs an audience"),
        ({"issuer": "https://x", "audience": "a"}, "https://x needs jwks"),
        ({**GOOD, "jwks": "jwks.json"}, "needs jwks: the address of its public keys, or the absolute path"),
        ({**GOOD, "jwks": "http://login.example.net/certs"}, "must begin with https://"),
        ({**GOOD, "jwks": "http://127.0.0.1.example.net/certs"}, "must begin with https://"),
        ({**GOOD, "jwks": "http://localhost@evil.example.org/"}, "no address of the form|may hold a secret"),
        ({**GOOD, "jwks": "ftp://login.example.net/certs"}, "no address of the form"),
        ({**GOOD, "jwks": "file:///etc/passwd"}, "no address of the form"),
        ({**GOOD, "algorithms": ["RS256", "HS256"]}, "has the algorithm 'HS256'"),
        ({**GOOD, "algorithms": ["none"]}, "has the algorithm 'none'"),
        ({**GOOD, "algorithms": []}, "algorithms of .* must be a list"),
        ({**GOOD, "algorithms": "RS256"}, "algorithms of .* must be a list"),
        ({**GOOD, "scopes_claim": []}, "scopes_claim of .* must be a list"),
        ({**GOOD, "scopes_claim": [""]}, "scopes_claim of .* must be a list"),
        ({**GOOD, "audiences": ["a"]}, "has 'audiences', and there is only issuer, audience"),
        ("https://login.example.net", "number 1 is not a table"),
        (None, "number 1 is not a table"),
    ],
)
def test_half_an_issuer_keeps_the_server_from_starting(tmp_path: Path, issuer: object, message: str) -> None:
    """Without issuer or audience anybody's tokens would pass. The refusal says whose entry is wrong, and how."""
    with pytest.raises(SettingsError, match=message):
        from_json(tmp_path, issuer)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080"])
def test_on_this_machine_http_will_do(tmp_path: Path, host: str) -> None:
    (trusted,) = from_json(tmp_path, {**GOOD, "jwks": f"http://{host}/certs"}).trusted_issuers
    assert trusted.jwks == f"http://{host}/certs"


@pytest.mark.parametrize("text", ["{", "{}", '"x"', "null", "5", "[" * 100_000])
def test_what_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="expected a list of tables"):
        load(tmp_path, GATEPASS_TRUSTED_ISSUERS=text)


def test_an_issuer_stands_there_once(tmp_path: Path) -> None:
    """Two entries would be two truths."""
    with pytest.raises(SettingsError, match="twice"):
        from_json(tmp_path, GOOD, {**GOOD, "audience": "other"})


def test_this_server_is_not_another_issuer(tmp_path: Path) -> None:
    """Its own tokens have rules of their own: sessions, revocation."""
    with pytest.raises(SettingsError, match="own issuer"):
        load(
            tmp_path,
            GATEPASS_PUBLIC_URL="https://api.example.org",
            GATEPASS_TRUSTED_ISSUERS=json.dumps([{**GOOD, "issuer": "https://api.example.org"}]),
        )

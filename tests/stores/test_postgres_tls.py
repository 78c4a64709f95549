"""TLS on the way to the database: whom a URL with `sslmode=verify-full` and `sslrootcert` trusts, and whom not."""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores import postgres
from tests.kit.postgres import DATABASE, ROLE, Server, binaries_with_tls, own_server, server_user, shared_server
from tests.kit.store_world import NOW, announced, enrol

KEY = ec.SECP256R1()
GUARDED = "guarded"
DOORS = f"""
host    all        postgres 127.0.0.1/32 trust
hostssl {GUARDED}  all      127.0.0.1/32 trust clientcert=verify-full
host    {DATABASE} all      127.0.0.1/32 trust
"""


class Authority:
    """Signs certificates; `file` holds its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._key = ec.generate_private_key(KEY)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = self._signed(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def server(self, certificate: Path, key: Path, address: str) -> None:
        """Write a server's certificate for this address, and its key."""
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        self._write(certificate, key, x509.Name([]), names)

    def client(self, certificate: Path, key: Path, role: str) -> None:
        """Write a client's certificate for this role, and its key."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, role)])
        self._write(certificate, key, name, x509.BasicConstraints(ca=False, path_length=None))

    def _write(self, certificate: Path, key: Path, subject: x509.Name, extension: x509.ExtensionType) -> None:
        private = ec.generate_private_key(KEY)
        signed = self._signed(subject, private.public_key(), extension)
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        key.touch(0o600)
        key.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One that the server's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="gatepass-tls-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder, "ours")


@pytest.fixture(scope="module")
def server(folder: Path, authority: Authority) -> Iterator[Server]:
    """
    A server on TLS whose certificate is for 127.0.0.1.

    It asks the role with its database for a certificate of its own; that of the other tests may come without.
    """
    certificate, key, doors = folder / "server.pem", folder / "server.key", folder / "pg_hba.conf"
    authority.server(certificate, key, "127.0.0.1")
    if user := server_user():
        shutil.chown(key, user)
    doors.write_text(DOORS)
    files = {"ssl_cert_file": certificate, "ssl_key_file": key, "ssl_ca_file": authority.file, "hba_file": doors}
    settings = {"ssl": "on", "fsync": "off", **{name: str(file) for name, file in files.items()}}
    with own_server(settings, binaries=binaries_with_tls()) as server:
        server.administer(f"CREATE DATABASE {GUARDED}")
        yield server


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    return server.made()


def trusting(url: str, file: Path, mode: str = "verify-full") -> str:
    return f"{url}&sslmode={mode}&sslrootcert={file}"


async def test_a_server_whose_certificate_is_signed_for_its_name_is_used_over_tls(
    url: str, server: Server, authority: Authority
) -> None:
    """Every connection is encrypted, the one that listens for revocations too."""
    store = await postgres.open_store(trusting(url, authority.file))
    ana = await enrol(store)
    session = await ana.signs_in()
    assert await store.sessions.revoke(session.id, NOW)
    assert session.id in await announced(store)
    await store.revocations.news(0.5)
    encrypted = server.psql(
        "SELECT bool_and(ssl), count(*) > 1 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
        "WHERE usename = 'gatepass'"
    )
    assert encrypted == "t|t"
    await store.close()


async def test_a_certificate_of_another_authority_is_refused(url: str, folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"TLS to the database failed: .*certificate.*Check sslmode and sslroot"):
        await postgres.open_store(trusting(url, Authority(folder, "theirs").file))


async def test_a_certificate_for_another_name_is_refused_unless_the_url_says_not_to_look(
    url: str, authority: Authority
) -> None:
    elsewhere = url.replace("127.0.0.1", "localhost")
    with pytest.raises(StoreUnavailable, match=r"TLS to the database failed: .*not valid for 'localhost'"):
        await postgres.open_store(trusting(elsewhere, authority.file))
    await (await postgres.open_store(trusting(elsewhere, authority.file, "verify-ca"))).close()


@pytest.mark.parametrize("mode", ["require", "verify-full"])
async def test_a_database_without_tls_is_not_taken_for_one_that_is_away(authority: Authority, mode: str) -> None:
    """Neither is it used in clear text."""
    schema = shared_server().new_schema()
    url = shared_server().url(schema, parameters=f"&sslmode={mode}&sslrootcert={authority.file}")
    await refused(url, "does not begin TLS, which sslmode in database_url asks for")


async def test_an_address_that_checks_names_without_authorities_is_told_the_parameter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Somebody who has added nothing but sslmode, at a home without PostgreSQL's own file of them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    url = shared_server().url(shared_server().new_schema(), parameters="&sslmode=verify-full")
    await refused(url, "sslmode, and the files of sslrootcert")


async def test_a_file_of_authorities_that_is_not_there_is_not_taken_for_a_database_that_is_away(
    url: str, folder: Path
) -> None:
    with pytest.raises(StoreUnavailable, match=r"is not there: .*sslrootcert"):
        await postgres.open_store(trusting(url, folder / "nobody.pem"))


# -- a client's certificate -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(server: Server, authority: Authority) -> str:
    """A URL that has all but the certificate which its database asks for."""
    server.psql(f"CREATE SCHEMA guarded AUTHORIZATION {ROLE}", database=GUARDED)
    return trusting(server.url("guarded").replace(f"/{DATABASE}?", f"/{GUARDED}?"), authority.file)


def showing(url: str, authority: Authority, folder: Path, role: str) -> str:
    """With a certificate that this authority has signed for a role."""
    certificate, key = folder / f"{role}.pem", folder / f"{role}.key"
    authority.client(certificate, key, role)
    return f"{url}&sslcert={certificate}&sslkey={key}"


async def refused(url: str, message: str) -> None:
    with pytest.raises(StoreUnavailable, match=message):
        await postgres.open_store(url)
    # TLS is taken down in later turns of the loop, which else ends with the test.
    await asyncio.sleep(0.05)


async def test_the_certificate_of_the_role_is_shown_on_every_connection(
    guarded: str, server: Server, authority: Authority, tmp_path: Path
) -> None:
    """By the command that makes the tables and by a server, to a database that has no password for the role."""
    url = showing(guarded, authority, tmp_path, ROLE)
    await postgres.upgrade(url)
    store = await postgres.open_store(url)
    session = await (await enrol(store)).signs_in()
    assert await store.sessions.revoke(session.id, NOW)
    assert session.id in await announced(store)
    shown = server.psql(
        "SELECT DISTINCT client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
        f"WHERE usename = '{ROLE}' AND datname = '{GUARDED}'"
    )
    assert shown == f"/CN={ROLE}"
    await store.close()


async def test_without_a_certificate_and_with_that_of_another_role_nobody_comes_in(
    guarded: str, authority: Authority, tmp_path: Path
) -> None:
    for url in (guarded, showing(guarded, authority, tmp_path, "somebody")):
        await refused(url, "refuses the user, the password or the certificate")


async def test_a_certificate_that_the_database_does_not_trust_is_not_taken_for_a_database_that_is_away(
    guarded: str, tmp_path: Path
) -> None:
    url = showing(guarded, Authority(tmp_path, "theirs"), tmp_path, ROLE)
    # TLS 1.3 refuses it after the handshake: sometimes the reason arrives, sometimes nothing but the end.
    await refused(url, r"TLS to the database failed: .*sslcert|hung up before.* in sslcert")


async def test_a_certificate_and_a_key_that_do_not_belong_together_are_named(
    guarded: str, authority: Authority, tmp_path: Path
) -> None:
    url = showing(guarded, authority, tmp_path, ROLE)
    authority.client(tmp_path / "other.pem", tmp_path / f"{ROLE}.key", ROLE)
    await refused(url, "KEY_VALUES_MISMATCH.*sslcert and sslkey")
    (tmp_path / f"{ROLE}.key").unlink()
    await refused(url, "is not there: .*sslkey")

"""
Every code block of the README and of docs/ is run or checked here; one of an unknown kind fails.

Blocks of kind sh, python and sql are run in the order of their page, against real servers on free ports; see `reader`
for what is put in place of what. The README's `python3 run.py` is run as it stands where run.py has made the
environment of these tests, and as `gatepass demo` elsewhere. Without nginx its block is skipped.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate

from gatepass.settings import Settings
from tests.docs.pages import ROOT, Block, Page, pages
from tests.docs.reader import Reader
from tests.kit import postgres

PAGES = pages()
BLOCKS = [block for page in PAGES for block in page.blocks]
RUN = ("sh", "python", "sql")
SYNTAX = ("haproxy", "js", "go")
"""Of programs that others wrote; `tests/neighbours/` runs them."""


def of_kind(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def name_of(value: Block | Page) -> str:
    return value.name


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.is_done for b in page.blocks)], ids=name_of)
def test_who_follows_the_page_sees_what_it_shows(page: Page, tmp_path: Path) -> None:
    """From its first block to its last, in one folder and one shell."""
    if any(block.language == "sql" for block in page.blocks) and not postgres.is_there():
        pytest.skip(postgres.HOW_TO_GET_IT)
    reader = Reader(page, tmp_path)
    try:
        for block in page.blocks:
            if block.is_done and not is_missing(block):
                try:
                    reader.does(block)
                except Exception as error:
                    raise AssertionError(f"{block.name}: {error}") from error
    finally:
        reader.leaves()


def is_missing(block: Block) -> bool:
    """Whether this machine has not what the block needs."""
    needed = block.marked("needs ")
    return needed is not None and shutil.which(needed) is None


@pytest.mark.parametrize("block", of_kind("json"), ids=name_of)
def test_json_is_json(block: Block) -> None:
    """Also where `…` shortens a value."""
    json.loads(block.text)


@pytest.mark.parametrize("block", [block for block in of_kind("toml") if not block.mark], ids=name_of)
def test_settings_are_accepted(block: Block, tmp_path: Path) -> None:
    """Every key of it is a setting, and every value is one that can be used."""
    file = tmp_path / "gatepass.toml"
    file.write_text(block.text, encoding="utf-8")
    file.chmod(0o600)
    settings = Settings.load({}, {"HOME": str(tmp_path)}, file)
    assert {name for name, origin in settings.origins.items() if origin.startswith(str(file))} == set(
        tomllib.loads(block.text)
    )


@pytest.mark.parametrize("block", of_kind("yaml"), ids=name_of)
def test_yaml_is_yaml(block: Block) -> None:
    """Whoever reads it."""
    assert yaml.safe_load(block.text)


@pytest.mark.parametrize("block", of_kind("graphql"), ids=name_of)
def test_graphql_fits_a_schema(block: Block) -> None:
    """Operations fit the sign-in schema or the demo API's, definitions are a schema."""
    document = parse(block.text)
    if any(isinstance(definition, OperationDefinitionNode) for definition in document.definitions):
        problems = {name: validate(schema, document) for name, schema in schemas().items()}
        assert [] in problems.values(), problems
        assert_sign_in_is_ours(document, problems["sign-in"] == [])
    else:
        build_schema(block.text)


def schemas() -> dict[str, GraphQLSchema]:
    files = {
        "sign-in": ROOT / "src" / "gatepass" / "graphql" / "schema.graphql",
        "demo": ROOT / "examples" / "company_register" / "schema.graphql",
    }
    return {name: build_schema(file.read_text(encoding="utf-8")) for name, file in files.items()}


def assert_sign_in_is_ours(document: DocumentNode, is_ours: bool) -> None:
    text = document.loc.source.body if document.loc else ""
    assert is_ours or not re.search(r"\b(signIn|signInRefresh|signOut)\b", text)


@pytest.mark.parametrize("block", of_kind("nginx"), ids=name_of)
def test_nginx_takes_it(block: Block, tmp_path: Path) -> None:
    """As part of its configuration, with a certificate and a port of this test."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if nginx is None:
        pytest.skip("needs nginx: apt-get install nginx-light")
    make_certificate(tmp_path)
    text = re.sub(r"(ssl_certificate(?:_key)?) +\S+/(\w+\.pem);", rf"\1 {tmp_path}/\2;", block.text)
    text = re.sub(r"listen +(\[::\]:)?443", f"listen 127.0.0.1:{free_port()}", text, count=1)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{text}\n}}\n", encoding="utf-8"
    )
    command = [nginx, "-t", "-p", str(tmp_path), "-c", str(configuration), "-e", str(tmp_path / "error.log")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "[warn]" not in ended.stderr


def make_certificate(folder: Path) -> None:
    """`fullchain.pem` and `privkey.pem`, signed by nobody; made in a process of its own, as is all cryptography."""
    program = """
import datetime, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=api.example.org")
now = datetime.datetime.now(datetime.UTC)
made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(1))
folder, pem, plain = pathlib.Path(sys.argv[1]), serialization.Encoding.PEM, serialization.NoEncryption()
(folder / "fullchain.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
(folder / "privkey.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
"""
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True, timeout=30)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_block_is_forgotten(page: Page) -> None:
    """A kind that no test knows, text that belongs to nothing, a mark that nobody understands."""
    for block in page.blocks:
        assert block.language in {*RUN, *SYNTAX, "json", "toml", "graphql", "nginx", "yaml", "text"}, (
            f"{block.name}: unknown kind"
        )
        if block.language == "text":
            assert page.is_generated or block.mark == "a picture", f"{block.name}: text that no block puts out"
        elif block.mark:
            marks = ("file ", "given app", "needs ", "a job with ", "in the background", "with the server stopped")
            known = block.mark.startswith((*marks, "asks for the password "))
            assert known, f"{block.name}: unknown mark {block.mark!r}"
            assert block.is_done, f"{block.name}: a mark without meaning"
        assert block.language != "yaml" or block.is_done, f"{block.name}: YAML that nobody runs"


def test_it_runs_something() -> None:
    """So that a mistake in the reading of pages is not taken for perfect documentation."""
    assert len(of_kind("sh")) > 20
    assert {block.page for block in of_kind("sh")} >= {"README.md", "docs/tutorial/first-sign-in.md"}
    assert {"python", "json", "toml", "graphql", "nginx"} <= {block.language for block in BLOCKS}

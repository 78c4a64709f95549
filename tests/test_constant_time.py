"""Secrets are compared in constant time: `==` tells by its time how far a guess was right (CWE-208)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import gatepass

SECRET_WORDS: Final = frozenset(
    (
        "mac",
        "hmac",
        "digest",
        "secret",
        "password",
        "token",
        "signature",
        "salt",
        "verifier",
        "challenge",
        "hint",
        "hash",
    )
)
ROOT: Final = Path(gatepass.__file__).parent

HARMLESS: Final = {
    "stores/postgres/audit.py": "digests of audit entries, which every reader of the log sees",
    "stores/sqlite/audit.py": "as above",
    "usecases/verify_audit.py": "as above",
    "usecases/change_own_password.py": "both are what one caller sent",
    "cli/server_keys.py": "both are files of the operator who runs the command",
}
"""Where such a comparison is right, and why."""


def compared_secrets(source: str) -> Iterator[ast.Compare]:
    """Comparisons by value of something whose name says that it is secret, with anything but a constant."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        by_value = any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        if by_value and any(map(_is_secret, sides)) and not any(isinstance(side, ast.Constant) for side in sides):
            yield node


def _is_secret(side: ast.expr) -> bool:
    match side:
        case ast.Call(func=ast.Attribute(attr="reveal" | "digest" | "hexdigest")):
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Call(func=ast.Attribute(attr=name)):
            return not name.isupper() and name.split("_")[-1] in SECRET_WORDS
        case _:
            return False


@pytest.mark.parametrize(
    "source", ["given == stored.mac", "a.reveal() != b", "sha256(code).digest() == row[0]", "password_hash == other"]
)
def test_the_rule_finds_what_it_is_for(source: str) -> None:
    assert list(compared_secrets(source))


@pytest.mark.parametrize("source", ["mac is None", "token == ''", "compare_digest(mac, other)", "kind == other"])
def test_the_rule_leaves_the_rest_alone(source: str) -> None:
    assert not list(compared_secrets(source))


def test_no_secret_is_compared_by_value() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}: {ast.unparse(node)}"
        for path in ROOT.rglob("*.py")
        for node in compared_secrets(path.read_text(encoding="utf-8"))
        if path.relative_to(ROOT).as_posix() not in HARMLESS
    }
    assert found == set()


def test_what_is_harmless_is_still_there() -> None:
    assert [name for name in HARMLESS if not list(compared_secrets((ROOT / name).read_text(encoding="utf-8")))] == []

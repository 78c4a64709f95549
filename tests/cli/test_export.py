"""All pages of a query: into a file that grows, and goes on after an interruption."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import pytest

from gatepass.cli import progress
from gatepass.cli.export import ExportError, Job, run_export
from gatepass.cli.export_state import State, save

DOCUMENT = "query ($after: String, $first: Int) { companies { items { n name } pageInfo { hasNextPage endCursor } } }"
JOB = Job(DOCUMENT, {"first": 3}, None, "csv", None)


@dataclass
class Reply:
    """As the client library has it."""

    data: Any
    errors: list[Any] = field(default_factory=list)
    request_id: str | None = None


@dataclass
class Api:
    """Ten companies in pages; `before` runs before each page and may raise."""

    url: str = "http://127.0.0.1:1/graphql/"
    before: Callable[[int], None] = lambda _: None
    asked: list[Any] = field(default_factory=list)
    spoil: Callable[[dict[str, Any]], Any] = lambda data: data
    errors: list[Any] = field(default_factory=list)

    def execute(self, _document: str, variables: dict[str, Any], *, operation_name: str | None = None) -> Reply:
        start = int(variables.get("after", 0))
        self.asked.append(start)
        self.before(start)
        end = min(start + variables["first"], 10)
        items = [{"n": number, "name": f'"{number}", Ltd'} for number in range(start, end)]
        info = {"hasNextPage": end < 10, "endCursor": str(end)}
        data = {"companies": {"items": items, "pageInfo": info, "totalCount": 10}}
        return Reply(self.spoil(data), self.errors)

    @contextmanager
    def open(self) -> Iterator[Api]:
        """It is its own connection."""
        yield self


def exported(api: Api, target: Path | None, job: Job = JOB, *, resume: bool = False) -> None:
    run_export(api, job, target, resume=resume)  # type: ignore[arg-type] # it opens, which is all that is asked of it


def broken_at(page: int) -> Callable[[int], None]:
    def before(start: int) -> None:
        if start == page:
            raise KeyboardInterrupt

    return before


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("interrupted_at", [0, 3, 6, 9])
def test_an_interrupted_export_goes_on_where_it_was(tmp_path: Path, form: str, interrupted_at: int) -> None:
    """The file is the same as without the interruption, no page is asked for twice, and nothing else is left."""
    whole, target, job = tmp_path / "whole", tmp_path / "target", replace(JOB, form=form)
    exported(Api(), whole, job)
    with pytest.raises(KeyboardInterrupt):
        exported(Api(before=broken_at(interrupted_at)), target, job)
    assert not target.exists()
    api = Api()
    exported(api, target, job, resume=interrupted_at > 0)
    assert api.asked == list(range(interrupted_at, 10, 3))
    assert target.read_bytes() == whole.read_bytes()
    assert left_in(tmp_path) == ["target", "whole"]


def test_the_file_is_good(tmp_path: Path) -> None:
    """CSV with one head; JSON that is one list."""
    exported(Api(), tmp_path / "a.csv")
    exported(Api(), tmp_path / "a.json", replace(JOB, form="json"))
    with (tmp_path / "a.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"n": str(n), "name": f'"{n}", Ltd'} for n in range(10)]
    assert json.loads((tmp_path / "a.json").read_text()) == [{"n": n, "name": f'"{n}", Ltd'} for n in range(10)]


def test_half_a_page_that_was_written_is_cut_off(tmp_path: Path) -> None:
    """As after a power cut: only what the state says is good."""
    target = tmp_path / "target"
    with pytest.raises(KeyboardInterrupt):
        exported(Api(before=broken_at(6)), target)
    with (tmp_path / "target.part").open("a") as part:
        part.write('6,"half a li')
    exported(Api(), target, resume=True)
    assert len(target.read_text().splitlines()) == 11


def test_an_export_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """Somebody may want to resume it; nothing is asked of the API."""
    with pytest.raises(KeyboardInterrupt):
        exported(Api(before=broken_at(6)), tmp_path / "target")
    before = (tmp_path / "target.part").read_bytes()
    api = Api()
    with pytest.raises(click.UsageError, match="has 6 rows of an export that was interrupted: go on with --resume"):
        exported(api, tmp_path / "target")
    assert (tmp_path / "target.part").read_bytes() == before
    assert api.asked == []


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, document=f"{DOCUMENT} "),
        replace(JOB, variables={"first": 4}),
        replace(JOB, form="json"),
        replace(JOB, path="companies.items"),
    ],
)
def test_another_job_does_not_resume(tmp_path: Path, other: Job) -> None:
    """The file would be of two kinds."""
    with pytest.raises(KeyboardInterrupt):
        exported(Api(before=broken_at(6)), tmp_path / "target")
    with pytest.raises(click.UsageError, match="is of another query"):
        exported(Api(), tmp_path / "target", other, resume=True)


def test_another_api_does_not_resume(tmp_path: Path) -> None:
    """Its cursors mean something else."""
    with pytest.raises(KeyboardInterrupt):
        exported(Api(before=broken_at(6)), tmp_path / "target")
    with pytest.raises(click.UsageError, match="another API"):
        exported(Api(url="http://127.0.0.1:2/graphql/"), tmp_path / "target", resume=True)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"job": "x"}', b'{"job": "x", "size": 99}'])
def test_a_damaged_state_resumes_nothing(tmp_path: Path, damage: bytes) -> None:
    """It says so, and does not guess."""
    (tmp_path / "target.part").write_text("n,name\n")
    (tmp_path / "target.part.json").write_bytes(damage)
    with pytest.raises(click.UsageError):
        exported(Api(), tmp_path / "target", resume=True)


def test_two_exports_into_one_file_do_not_mix(tmp_path: Path) -> None:
    """The second is refused while the first one writes, with --resume too, and the first one's file is whole."""
    target = tmp_path / "target"

    def second(start: int) -> None:
        if start == 6:
            for resume in (False, True):
                with pytest.raises(ExportError, match="another export is writing"):
                    exported(Api(), target, resume=resume)

    exported(Api(before=second), target)
    assert len(target.read_text().splitlines()) == 11
    assert left_in(tmp_path) == ["target"]


@pytest.mark.parametrize("moment", ["before the first page", "before the first row is on disk"])
def test_an_export_that_was_killed_early_goes_on(tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its very beginning there is a state to go on with: a job of every night must not be stuck for ever."""

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("gatepass.cli.export._say_how_to_go_on", lambda _: None)
        if moment == "before the first row is on disk":
            patch.setattr("gatepass.cli.export._append", kill)
        with pytest.raises(Killed):
            exported(Api(before=kill if moment == "before the first page" else lambda _: None), tmp_path / "target")
    assert left_in(tmp_path) == ["target.part", "target.part.json"]
    exported(Api(), tmp_path / "target", resume=True)
    assert left_in(tmp_path) == ["target"]


def test_a_pipe_or_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """Root could replace /dev/full; and who reads the pipe would wait for ever."""
    target = tmp_path / "pipe"
    os.mkfifo(target)
    api = Api()
    with pytest.raises(click.UsageError, match="leave out --to"):
        exported(api, target)
    assert target.is_fifo()
    assert (api.asked, left_in(tmp_path)) == ([], ["pipe"])


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file is where it leads to."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "target")
    exported(Api(), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert left_in(tmp_path / "folder") == ["target"]


def test_a_full_disk_is_said_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is there is good for --resume."""

    def full(part: Path, state: State) -> None:
        if state.count == 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(part, state)

    with monkeypatch.context() as patch:
        patch.setattr("gatepass.cli.export.save", full)
        with pytest.raises(ExportError, match=r"target\.part cannot be written: No space"):
            exported(Api(), tmp_path / "target")
    api = Api()
    exported(api, tmp_path / "target", resume=True)
    assert api.asked == [3, 6, 9]
    assert len((tmp_path / "target").read_text().splitlines()) == 11


def test_another_s_file_is_left_alone(tmp_path: Path) -> None:
    """Somebody may have called something else so."""
    (tmp_path / "target.part").write_text("precious")
    with pytest.raises(click.UsageError, match="delete it, or move it away"):
        exported(Api(), tmp_path / "target")
    assert (tmp_path / "target.part").read_text() == "precious"


def without_info(data: dict[str, Any]) -> dict[str, Any]:
    del data["companies"]["pageInfo"]
    return data


def with_the_same_cursor(data: dict[str, Any]) -> dict[str, Any]:
    data["companies"]["pageInfo"] |= {"endCursor": "3", "hasNextPage": True}
    return data


def without_has_next(data: dict[str, Any]) -> dict[str, Any]:
    del data["companies"]["pageInfo"]["hasNextPage"]
    return data


def test_an_empty_page_is_the_end_where_nobody_says_whether_there_is_more(tmp_path: Path) -> None:
    """The query need not ask for hasNextPage."""
    exported(Api(spoil=without_has_next), tmp_path / "target")
    assert len((tmp_path / "target").read_text().splitlines()) == 11


def with_a_new_column(data: dict[str, Any]) -> dict[str, Any]:
    data["companies"]["items"][0]["town"] = {"name": "York"} if data["companies"]["items"][0]["n"] else None
    return data


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_info, "ask for pageInfo"),
        (with_the_same_cursor, "the same endCursor twice"),
        (with_a_new_column, r"the column town\.name came up"),
    ],
)
def test_what_cannot_be_paged_is_said(tmp_path: Path, spoil: Callable[..., Any], words: str) -> None:
    """Rather than running for ever, or dropping data."""
    with pytest.raises(ExportError, match=words):
        exported(Api(spoil=spoil), tmp_path / "target")


def test_an_error_of_the_api_stops_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also beside data: a page with holes is no page."""
    with pytest.raises(ExportError):
        exported(Api(errors=[{"message": "too many", "extensions": {"code": "SLOW_DOWN"}}]), tmp_path / "target")
    assert capsys.readouterr().err == "gatepass: too many (SLOW_DOWN)\n"
    assert left_in(tmp_path) == []


def test_standard_output_gets_the_pages_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    """And a table at the end."""
    for form, lines in (("csv", 11), ("table", 11), ("json", 12)):
        exported(Api(), None, replace(JOB, form=form))
        assert len(capsys.readouterr().out.splitlines()) == lines


def test_a_document_without_a_cursor_has_no_pages(tmp_path: Path) -> None:
    """The same for a table in a file: neither makes sense."""
    with pytest.raises(click.UsageError, match=r"declares \$after"):
        exported(Api(), tmp_path / "target", replace(JOB, document="{ a }"))
    with pytest.raises(click.UsageError, match="A table is for reading"):
        exported(Api(), tmp_path / "target", replace(JOB, form="table"))


def test_an_empty_list_is_an_empty_file(tmp_path: Path) -> None:
    """No rows, no columns."""

    def empty(data: dict[str, Any]) -> dict[str, Any]:
        data["companies"] = {"items": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
        return data

    for form, text in (("csv", ""), ("json", "[]\n")):
        exported(Api(spoil=empty), tmp_path / form, replace(JOB, form=form))
        assert (tmp_path / form).read_text() == text


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_who_waits_at_a_terminal_is_told(
    form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the first rows; a table comes when all pages are there, and says meanwhile how many it has."""
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(progress, "NEXT_SECONDS", 0.001)
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    seen = io.StringIO()

    def slow(start: int) -> None:
        wanted = {0: "waiting for 127.0.0.1:1 (", 3: "3 of 10 rows"}.get(start) if form == "table" or not start else ""
        deadline = time.monotonic() + 10
        while wanted and wanted not in seen.getvalue():
            assert time.monotonic() < deadline, seen.getvalue()
            seen.write(capsys.readouterr().err)

    exported(Api(before=slow), None, replace(JOB, form=form))
    seen.write(capsys.readouterr().err)
    assert seen.getvalue().endswith("\r")

"""
All pages of a query, on standard output or in a file.

A file grows as FILE.part. Beside it lies FILE.part.json, which says after every page up to where the file is good and
which cursor comes next; so an export that was interrupted goes on there. At the end FILE.part becomes FILE.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gatepass.cli import rows
from gatepass.cli.connection import Connection
from gatepass.cli.documents import declared_variables
from gatepass.cli.export_state import State, load, save, state_file
from gatepass.cli.graphql_errors import say_errors
from gatepass.cli.progress import Progress, waiting_for
from gatepass.cli.terminal import say
from gatepass.client.file_lock import FileLock
from gatepass.domain.errors import GatepassError

if TYPE_CHECKING:
    from gatepass.client import Client

CURSORS = ("after", "cursor")


class ExportError(GatepassError):
    """The pages cannot be got, or not be written down."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be exported, and in which form."""

    document: str
    variables: Mapping[str, Any]
    operation: str | None
    form: str
    path: str | None

    @property
    def cursor_variable(self) -> str:
        """
        The variable that takes the cursor.

        Raises:
            click.UsageError: the document declares none.
        """
        for name in CURSORS:
            if name in declared_variables(self.document):
                return name
        raise click.UsageError("--all needs a document that declares $after: query ($after: String) { ... }")

    def fingerprint(self, url: str) -> str:
        """Tells whether an export that was interrupted is of this very job."""
        facts = (url, self.document, self.variables, self.operation, self.form, self.path)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """One answer's rows, and the cursor to the next page if there is one."""

    values: list[Any]
    next_cursor: str | None
    total: int | None

    @property
    def found(self) -> list[rows.Row]:
        """As rows of a table."""
        return [rows.flat(value) for value in self.values]


def run_export(connection: Connection, job: Job, target: Path | None, *, resume: bool) -> None:
    """
    Get every page.

    Raises:
        click.UsageError: the job cannot be paged, or there is something to resume and nobody said so, or the reverse.
        ExportError: a page came with errors, or cannot follow those before.
        ClientError: the API cannot be reached, or wants a sign-in.
    """
    _ = job.cursor_variable
    with connection.open() as api:
        if target is None:
            _to_stdout(api, job)
            return
        target = _checked(target, job)
        part = target.with_name(f"{target.name}.part")
        with _alone(part):
            state = _begin(part, State(job.fingerprint(api.url)), resume=resume)
            try:
                count = _to_file(api, job, part, state)
            except BaseException:
                _say_how_to_go_on(part)
                raise
            part.replace(target)
            state_file(part).unlink(missing_ok=True)
        say(f"{count} rows in {target}")


def pages(api: Client, job: Job, cursor: str | None, progress: Progress, count: int = 0) -> Iterator[Page]:
    """
    Page after page behind a cursor.

    Raises:
        ExportError: an answer has errors or no `pageInfo`, or the cursor does not move.
    """
    while True:
        variables = {**job.variables, **({} if cursor is None else {job.cursor_variable: cursor})}
        reply = api.execute(job.document, variables, operation_name=job.operation)
        if reply.errors:
            say_errors(reply.errors, reply.request_id)
            raise ExportError("the export stopped at an error of the API")
        page = _page(reply.data, job)
        count += len(page.values)
        progress.now(f"{count} rows" if page.total is None else f"{count} of {page.total} rows")
        yield page
        if page.next_cursor is None:
            return
        if page.next_cursor == cursor:
            raise ExportError(f"the API gave the same endCursor twice: is ${job.cursor_variable} used in the query?")
        cursor = page.next_cursor


def _page(data: object, job: Job) -> Page:
    path = rows.rows_path(data, job.path)
    around = rows.at(data, path[:-1])
    info = around.get("pageInfo") if isinstance(around, dict) else None
    if not isinstance(info, dict) or "endCursor" not in info:
        beside = ".".join(path)
        raise ExportError(
            f"--all needs the next page's cursor: ask for pageInfo {{ hasNextPage endCursor }} at {beside}"
        )
    values, has_next = rows.values_of(data, path), info.get("hasNextPage")
    if has_next is None:
        has_next = bool(values)
    total = around.get("totalCount")
    return Page(
        values,
        info["endCursor"] if has_next else None,
        total if isinstance(total, int) else None,
    )


def _to_stdout(api: Client, job: Job) -> None:
    """Rows as they come; a table at the end, when its widths are known."""
    with waiting_for(api.url) as progress:
        found = pages(api, job, None, progress)
        if job.form == "table":
            every = [row for page in found for row in page.found]
            _print(rows.as_table(rows.columns_of(every), every), progress)
            return
        state = State("")
        for page in found:
            text, state = _page_text(page, job.form, state)
            _print(text, progress)
        _print(_tail(job.form, state), progress)


def _print(text: str, progress: Progress) -> None:
    """Rows that run over a terminal are word enough."""
    if sys.stdout.isatty():
        progress.stop()
    click.echo(text, nl=False)


def _checked(target: Path, job: Job) -> Path:
    """Where the file is to lie: at the end of a link, and never in the place of a device or a pipe."""
    if job.form == "table":
        raise click.UsageError("A table is for reading: with --to use --output csv or json.")
    if target.exists() and not target.is_file():
        raise click.UsageError(f"{target} is no file that an export could grow in: leave out --to, and use >.")
    return target.resolve() if target.is_symlink() else target


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Two exports into one file would spoil it: one of them may begin."""
    lock = FileLock(part.with_name(f"{part.name}.lock"))
    if not lock.try_acquire():
        raise ExportError(f"another export is writing {part}")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no file that is open
            part.with_name(f"{part.name}.lock").unlink(missing_ok=True)
        lock.release()


def _to_file(api: Client, job: Job, part: Path, state: State) -> int:
    try:
        return _appended(api, job, part, state)
    except OSError as error:
        raise ExportError(f"{part} cannot be written: {error.strerror}") from error


def _appended(api: Client, job: Job, part: Path, state: State) -> int:
    # First of all: a part without it could not be gone on with.
    save(part, state)
    with part.open("r+b" if part.exists() else "xb") as file, waiting_for(api.url) as progress:
        file.truncate(state.size)
        file.seek(state.size)
        for page in pages(api, job, state.cursor, progress, state.count):
            text, state = _page_text(page, job.form, state)
            state = replace(state, cursor=page.next_cursor, size=_append(file, text))
            if page.next_cursor is not None:
                save(part, state)
        _append(file, _tail(job.form, state))
    return state.count


def _page_text(page: Page, form: str, state: State) -> tuple[str, State]:
    """A page as it stands in the file, behind those of before."""
    if form == "json":
        lines = [rows.as_json(value, indent=None) for value in page.values]
        text = "".join(f"{',' if state.count + number else '['}\n{line}" for number, line in enumerate(lines))
        return text, replace(state, count=state.count + len(lines))
    found = page.found
    columns = state.columns or tuple(rows.columns_of(found))
    new = sorted({name for row in found for name in row if row[name] is not None} - set(columns))
    if new:
        raise ExportError(f"the column {new[0]} came up when the file had its columns already: use --output json")
    has_head = not state.columns and bool(columns)
    text = rows.as_csv(columns, found, has_head=has_head)
    return text, replace(state, columns=columns, count=state.count + len(page.values))


def _tail(form: str, state: State) -> str:
    if form != "json":
        return ""
    return "\n]\n" if state.count else "[]\n"


def _append(file: IO[bytes], text: str) -> int:
    """The size of the file, when what was written is on disk."""
    file.write(text.encode("utf-8"))
    file.flush()
    os.fsync(file.fileno())
    return file.tell()


def _begin(part: Path, fresh: State, *, resume: bool) -> State:
    kept = load(part)
    if kept is None:
        if resume:
            raise click.UsageError(f"There is nothing to resume: no usable {part} with its {state_file(part).name}.")
        if part.exists():
            raise click.UsageError(f"{part} is there, and no export that could be resumed: delete it, or move it away.")
        return fresh
    if not resume:
        raise click.UsageError(
            f"{part} has {kept.count} rows of an export that was interrupted: go on with --resume, or delete it."
        )
    if kept.job != fresh.job:
        raise click.UsageError(f"{part} is of another query, other variables, another form or another API: delete it.")
    return kept


def _say_how_to_go_on(part: Path) -> None:
    kept = load(part)
    if kept is None or not kept.count:
        part.unlink(missing_ok=True)
        state_file(part).unlink(missing_ok=True)
    else:
        say(f"{kept.count} rows are in {part}; the same command with --resume goes on from there")

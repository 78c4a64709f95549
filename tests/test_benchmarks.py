"""The benchmarks' own arithmetic, and their load client: what is measured has to be right before it is quick."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

if sys.platform == "win32":
    pytest.skip("the benchmarks need Linux", allow_module_level=True)

from benchmarks.__main__ import ALL
from benchmarks.__main__ import main as bench
from benchmarks.harness import load, machine, summary
from benchmarks.harness.bodies import constant, refresher
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.pace import Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import echo_server, free_port, server
from benchmarks.harness.report import Goal, Report

needs_linux = pytest.mark.skipif(machine.why_not() is not None, reason=str(machine.why_not()))


def goal(value: float, bound: float, *, at_most: bool) -> Goal:
    return Goal("a goal", Figure(value, value, value), bound, at_most=at_most)


def report(name: str = "sign_in", value: float = 1.0) -> Report:
    return Report(
        name=name,
        title="Less < more & others",
        setting="Here.",
        columns=("", "CPU"),
        rows=[("ours", "2"), ("theirs", "1")],
        goals=[goal(value, 1.5, at_most=True)],
        bars=[Bar("ours", 2.0), Bar("theirs", 1.0, is_peer=True)],
        mark=Mark("3 times theirs", 3.0),
        unit="µs",
    )


# -- arithmetic -------------------------------------------------------------------------------------------------------


def test_a_goal_is_reached_at_its_bound_and_missed_beyond_it() -> None:
    assert goal(5.5, 5.5, at_most=True).reached
    assert not goal(5.51, 5.5, at_most=True).reached
    assert goal(0.9, 0.9, at_most=False).reached
    assert not goal(0.89, 0.9, at_most=False).reached


@pytest.mark.parametrize("at_most", [True, False])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_goal_without_a_number_is_missed(value: float, at_most: bool) -> None:
    assert not goal(value, 1.0, at_most=at_most).reached


def test_a_goal_says_what_was_measured_what_to_reach_and_between_which_values_the_rounds_lay() -> None:
    text = str(Goal("CPU", Figure.of([2.0, 1.0, 4.0]), 3, at_most=True, unit=" s"))
    assert text == "CPU: 2.00 s (1.00 to 4.00), reach ≤ 3 s: reached"


def test_a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians() -> None:
    """A machine that is half as fast in one round must not change the ratio."""
    assert ratio([10.0, 20.0, 40.0], [5.0, 10.0, 20.0]) == Figure(2.0, 2.0, 2.0)
    assert ratio([1.0, 9.0, 4.0], [1.0, 3.0, 2.0]) == Figure(2.0, 1.0, 3.0)


def test_a_ratio_needs_both_sides_of_every_round() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


def test_sides_take_turns_and_every_other_round_goes_backwards() -> None:
    assert list(Pace(1.0).turns("abc", 3)) == list("abccbaabc")


def test_a_quick_pace_has_fewer_rounds_but_always_two() -> None:
    assert Pace(0.5).rounds(8) == 4
    assert Pace(0.01).rounds(8) == 2


# -- reports ----------------------------------------------------------------------------------------------------------


def test_a_report_is_a_markdown_table_with_its_goals_and_a_picture_that_is_xml(tmp_path: Path) -> None:
    report().publish(tmp_path)
    text = (tmp_path / "sign_in.md").read_text("utf-8")
    assert "|  | CPU |\n| --- | ---: |\n| ours | 2 |\n| theirs | 1 |\n" in text
    assert "- a goal: 1.00, reach ≤ 1.5: reached" in text
    assert "](sign_in.svg)" in text
    svg = ET.fromstring((tmp_path / "sign_in.svg").read_text("utf-8"))
    widths = [float(rect.attrib["width"]) for rect in svg.iter() if rect.attrib.get("class") in ("ours", "peer")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.1)


def test_a_report_without_bars_has_no_picture(tmp_path: Path) -> None:
    replace(report(), bars=()).publish(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sign_in.md"]
    assert "svg" not in (tmp_path / "sign_in.md").read_text("utf-8")


def test_the_summary_keeps_what_was_not_measured_now_and_replaces_what_was(tmp_path: Path) -> None:
    summary.keep([report("start", 1.0), report("growth", 1.0)], ALL, tmp_path)
    summary.keep([report("growth", 2.0)], ALL, tmp_path)
    rows = (tmp_path / "README.md").read_text("utf-8").splitlines()[-2:]
    assert rows == [
        "| [growth](growth.md) | a goal | 2.00 | ≤ 1.5 | MISSED |",
        "| [start](start.md) | a goal | 1.00 | ≤ 1.5 | reached |",
    ]


# -- command line -----------------------------------------------------------------------------------------------------


def test_an_unknown_name_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(["sign_out"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("benchmarks: there is no 'sign_out'; there are sign_in, ")


def test_the_list_has_a_promise_for_every_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(ALL)
    assert all(line.endswith(".") for line in lines)


def test_a_machine_with_one_core_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "why_not", lambda: "the benchmarks need two cores")
    assert bench([]) == 2
    assert capsys.readouterr().err == "benchmarks: the benchmarks need two cores\n"


# -- load client ------------------------------------------------------------------------------------------------------


@needs_linux
def test_the_load_client_counts_every_answer_of_the_echo_and_the_kernel_its_cpu() -> None:
    with echo_server(400) as echo:
        before = echo.cpu_seconds
        outcome = load.run(load.drive(echo.port, [constant(load.post(b"{}", echo.port))] * 4, 0.2))
        spent = echo.cpu_seconds - before
    assert outcome.answers >= 4
    assert outcome.rate == outcome.answers / outcome.seconds
    assert 0.2 <= outcome.seconds < 5
    assert 0 < outcome.percentile(0.5) <= outcome.percentile(0.99) <= outcome.seconds
    assert 0 <= spent < 5


@needs_linux
def test_a_pause_makes_a_steady_load() -> None:
    with echo_server(400) as echo:
        request = constant(load.post(b"{}", echo.port))
        outcome = load.run(load.drive(echo.port, [request] * 2, 0.2, pause=0.05))
    assert 1 <= outcome.answers <= 8


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}", "503 Busy"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"errors":[]}', "errors"),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", "unknown length"),
        (b"", "closed a connection"),
    ],
)
async def test_an_answer_that_is_a_refusal_ends_the_benchmark(answer: bytes, why: str) -> None:
    async with answering(answer) as port:
        with pytest.raises(load.RefusedError, match=why):
            await load.drive(port, [constant(load.post(b"{}", port))], 5.0)


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"data":{}}',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{"data":{}}\r\n0\r\n\r\n',
    ],
)
async def test_an_answer_of_known_or_chunked_length_is_read_to_its_end(answer: bytes) -> None:
    async with answering(answer) as port:
        outcome = await load.drive(port, [constant(load.post(b"{}", port))], 0.05)
    assert outcome.answers >= 1


@pytest.mark.parametrize("inline", [True, False])
def test_a_refresher_presents_the_token_of_its_last_answer(inline: bool) -> None:
    next_request = refresher("gpr_first", 8000, inline=inline)
    assert b"gpr_first" in next_request(None)
    assert b"gpr_second" in next_request(b'{"data":{"signInRefresh":{"refreshToken":"gpr_second"}}}')
    assert b"gpr_second" in next_request(None)


def test_a_refresher_refuses_an_answer_without_a_token() -> None:
    with pytest.raises(load.RefusedError):
        refresher("gpr_first", 8000, inline=True)(b'{"data":null}')


# -- processes --------------------------------------------------------------------------------------------------------


@needs_linux
def test_a_server_that_does_not_start_says_its_last_words() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no store here')"]
    with pytest.raises(RuntimeError, match=r"(?s)exit code 1:.*no store here"), server(command, free_port()):
        pass


@needs_linux
def test_a_server_ends_with_its_block_also_when_that_fails() -> None:
    started: list[Path] = []

    def fail_at_work() -> None:
        with echo_server(400) as echo:
            started.append(Path(f"/proc/{echo.pid}"))
            assert started[0].exists()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_at_work()
    assert not started[0].exists()


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """A server that answers so, whatever it is asked; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536) and answer:
            writer.write(answer)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]

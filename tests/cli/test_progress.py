"""A running session as JSON lines, as plain lines, and as a line that moves."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from rich.console import Console

from runner.cli.plain import plain
from runner.cli.progress import JsonLines, ProgressView
from runner.events import (
    CaseFinished,
    CaseProgress,
    CaseStarted,
    ClipsProgress,
    JobFinished,
    JobRemark,
    JobStarted,
    SessionEvent,
)
from store import LoadGauge
from tests.cli.records import FORBIDDEN, HOSTILE, case, failed, result


def session(text: str = "whisper") -> list[SessionEvent]:
    """The events of a session of two cases, with ``text`` wherever text can be."""
    one = case(model=text, variant=text)
    return [
        ClipsProgress(text, 0.5),
        JobStarted(1, text, 2, 2, text),
        CaseStarted(one, 0),
        CaseProgress(one, text, 0.25),
        CaseFinished(one, 0, result(model=text)),
        CaseStarted(one, 1),
        CaseFinished(one, 1, failed(model=text)),
        JobFinished(1, "done", text, 1, 1, 3.5),
    ]


def view(events: list[SessionEvent], *, terminal: bool, width: int = 80) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=terminal, color_system=None)
    shown = ProgressView(console)
    for event in events:
        shown(event)
    shown.close()
    return stream.getvalue()


@pytest.mark.parametrize("text", ["whisper", *HOSTILE], ids=ascii)
def test_json_lines(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    sink = JsonLines()
    events = session(text)
    for event in events:
        sink(event)
    output = capsys.readouterr().out
    assert output.isascii()
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["event"] for line in lines] == [type(event).__name__ for event in events]
    assert lines[3]["what"] == text
    assert lines[4]["result"]["latency"]["median_s"] == 0.25
    assert lines[4]["case"]["key"] == case(model=text, variant=text).key
    assert lines[6]["result"]["reason"] == "RuntimeError: no"
    assert all(datetime.fromisoformat(line["at"]).utcoffset() == timedelta(0) for line in lines)


def test_json_lines_leave_out_what_is_long(capsys: pytest.CaptureFixture[str]) -> None:
    JsonLines()(session()[4])
    line = json.loads(capsys.readouterr().out)
    assert not {"samples", "power_samples", "operators", "transcripts"} & set(line["result"])


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    """A sink must not raise: a figure that is no number is null."""
    good = result()
    assert good.latency is not None
    latency = replace(good.latency, stdev_s=math.nan, rtfx=math.inf)
    JsonLines()(CaseFinished(case(), 0, replace(good, latency=latency)))
    JsonLines()(CaseProgress(case(), "x", math.nan))
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["result"]["latency"]["stdev_s"] is None
    assert first["result"]["latency"]["rtfx"] is None
    assert first["result"]["latency"]["median_s"] == 0.25
    assert second["share"] is None


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_plain_lines(text: str) -> None:
    lines = view(session(text), terminal=False).splitlines()
    assert len(lines) == 2
    title = plain(case(model=text, variant=text).title)
    assert lines[0] == f"ok      [1/2] {title}: 250.0 ms, RTFx 20.0"
    assert lines[1] == f"failed  [2/2] {title}: RuntimeError: no"
    assert not [sign for sign in FORBIDDEN for line in lines if sign in line]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_terminal_gets_no_sequence_from_data(text: str) -> None:
    """Rich's own sequences move the cursor; none may come from a name or a reason."""
    output = view(session(text), terminal=True)
    assert "\x1b[" in output
    for sign in ("\x1b[31m", "\x1b]0;", "\x07", "\x9b", "\x00", "\u202e", "\udcff"):
        assert sign not in output
    assert plain(case(model=text, variant=text).title) in output


GAUGE = LoadGauge(level="4 at once", requests_per_s=12.34, in_flight=4, p95_s=0.345, errors=1)


def test_how_a_load_goes_is_figures_for_machines_and_words_for_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    event = CaseProgress(case(), "load: 4 at once", 0.5, load=GAUGE)
    JsonLines()(event)
    line = json.loads(capsys.readouterr().out)
    assert line["what"] == "load: 4 at once"
    assert line["load"] == {
        "level": "4 at once",
        "requests_per_s": 12.34,
        "in_flight": 4,
        "p95_s": 0.345,
        "errors": 1,
    }
    shown = " ".join(view([CaseStarted(case(), 0), event], terminal=True, width=160).split())
    assert "load: 4 at once 50% 12.3 requests/s, 4 in flight, p95 345 ms, 1 error" in shown
    early = replace(event, load=replace(GAUGE, p95_s=None, errors=0))
    assert "4 in flight, 0 errors" in view([early], terminal=True, width=160)


def test_close_twice_and_nothing_at_all() -> None:
    assert view([], terminal=False) == ""
    assert view(session(), terminal=True).endswith(("\x1b[?25h", "\x1b[2K", "\n"))


def test_what_was_said_before_the_job_began_is_said_once() -> None:
    said = view([JobRemark("not alone"), *session(), JobRemark("not alone")], terminal=False)
    assert said.count("not alone") == 1

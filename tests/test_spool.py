"""Spool files: what a session writes comes out of the file as it went in, and damage is told."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.spool import SPOOL, SpoolLedger, Ticket, read_records, read_ticket, write_ticket
from runner.taken import TakenQuality
from store import Ended, Event, Measured, Noted, Quality, SpoolError
from tests.cli.records import result

TICKET = Ticket(
    job_id=7,
    attempt=2,
    target="docker-cpu",
    config='{"name": "b"}',
    settled=("a", "b"),
    speech=((5.0, "f" * 64),),
    taken=(
        ("random", TakenQuality(Quality.unjudged("utterances", "random weights"), ())),
        (
            "wörds",
            TakenQuality(Quality.unjudged("utterances", "no", 2), (("u-1", "a"), ("u-2", ""))),
        ),
    ),
)


def lines(folder: Path) -> list[bytes]:
    return (folder / SPOOL).read_bytes().splitlines(keepends=True)


@pytest.fixture
def ledger(tmp_path: Path) -> SpoolLedger:
    write_ticket(tmp_path, TICKET)
    return SpoolLedger(tmp_path, read_ticket(tmp_path))


def test_a_ticket_comes_back(tmp_path: Path, ledger: SpoolLedger) -> None:
    assert read_ticket(tmp_path) == TICKET
    assert ledger.settled() == {"a", "b"}
    assert ledger.speech() == {5.0: "f" * 64}
    assert ledger.taken() == dict(TICKET.taken)


def test_a_ticket_of_an_older_dispatcher_has_taken_nothing(tmp_path: Path) -> None:
    write_ticket(tmp_path, TICKET)
    written = json.loads((tmp_path / "ticket.json").read_text())
    del written["taken"]
    (tmp_path / "ticket.json").write_text(json.dumps(written))
    assert read_ticket(tmp_path) == replace(TICKET, taken=())


def test_records_come_back(tmp_path: Path, ledger: SpoolLedger) -> None:
    measured = result()
    ledger.begin(2)
    ledger.note(Event(kind="remark", at="2026-01-01", case_key="c", message="wörds\n\x1b[0m"))
    ledger.write(measured)
    ledger.finish("failed", "a reason")
    begun, noted, written, ended = read_records(iter(lines(tmp_path)))
    assert [record.seq for record in (begun, noted, written, ended)] == [1, 2, 3, 4]
    assert isinstance(noted, Noted) and noted.event.message == "wörds\n\x1b[0m"
    assert isinstance(written, Measured) and written.result == measured
    assert isinstance(ended, Ended) and (ended.state, ended.reason) == ("failed", "a reason")


def test_a_figure_that_is_no_number_is_refused(tmp_path: Path, ledger: SpoolLedger) -> None:
    ledger.begin(2)
    with pytest.raises(ValueError, match="wall_s"):
        ledger.write(replace(result(), wall_s=float("nan")))
    assert len(lines(tmp_path)) == 1


def test_half_a_line_waits_for_its_other_half(tmp_path: Path, ledger: SpoolLedger) -> None:
    ledger.begin(2)
    ledger.finish("done", None)
    first, second = lines(tmp_path)
    assert len(list(read_records(io.BytesIO(first + second[:-1])))) == 1
    assert len(list(read_records(io.BytesIO(first + second)))) == 2


@pytest.mark.parametrize("line", [b"{}\n", b"not json\n", b'{"kind": "begun", "seq": "x"}\n'])
def test_a_damaged_line_is_told(line: bytes) -> None:
    with pytest.raises(SpoolError, match="a line of the spool is no record"):
        list(read_records(io.BytesIO(line)))


def test_a_spool_is_written_once(ledger: SpoolLedger) -> None:
    ledger.begin(2)
    with pytest.raises(UserError, match="this attempt has been run"):
        ledger.begin(2)


def test_no_ticket_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no ticket of a dispatcher"):
        read_ticket(tmp_path)
    (tmp_path / "ticket.json").write_text("{}")
    with pytest.raises(UserError, match="not a ticket"):
        read_ticket(tmp_path)


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    """The limit on a file's size stands for a disk that is full."""
    write_ticket(tmp_path, TICKET)
    script = f"""
import resource, signal, sys
from pathlib import Path
from runner.spool import SpoolLedger, read_ticket
from store import Event, StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path({str(tmp_path)!r})
ledger = SpoolLedger(folder, read_ticket(folder))
ledger.begin(2)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    ledger.note(Event(kind="remark", at="now", message="x" * 5000))
except StoreError as error:
    print(error)
ledger.note(Event(kind="remark", at="now", message="short"))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "cannot be written: File too large" in done.stdout
    records = list(read_records(iter(lines(tmp_path))))
    assert [record.seq for record in records] == [1, 2]

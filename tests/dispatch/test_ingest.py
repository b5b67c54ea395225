"""Spools are data: whatever a container leaves there, no file of this machine is touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from runner.dispatch.ingest import Bringer, FolderSpool
from runner.dispatch.place import mode_of
from runner.preflight import Sight, look, read_sight
from store import JobRequest, Quality, Result, SpoolError, Store, Transcript
from tests.cli.records import result


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a job that a dispatcher has started."""
    with Store.open(tmp_path / "store" / "s.db") as opened:
        benchmark = opened.add_benchmark("b", '{"name": "b"}')
        opened.queue.add(benchmark, JobRequest(target="docker-cpu"), cases_total=2)
        opened.attempts.claim("here:1:1", 60, targets=("docker-cpu",))
        yield opened


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


BEGUN = {"kind": "begun", "seq": 1, "owner": "there:1:1"}


def measured(seq: int, given: Result) -> dict[str, Any]:
    return {"kind": "measured", "seq": seq, "at": "2026-01-01", "result": asdict(given)}


def bringer(spool: Path) -> Bringer:
    return Bringer(FolderSpool(spool), 1, 1)


def test_it_is_read_on_from_where_it_ended(store: Store, spool: Path) -> None:
    brings = bringer(spool)
    brings.bring(store)
    whole = lines(BEGUN, measured(2, result()), measured(3, result(case_key="other")))
    for size in range(0, len(whole), 997):
        (spool / "spool.jsonl").write_text(whole[:size])
        brings.bring(store)
    (spool / "spool.jsonl").write_text(whole)
    brings.bring(store, last=True)
    assert (store.job(1).cases_done, store.spooled(1, 1)) == (2, 3)


def test_cases_that_share_a_quality_bring_its_texts_once(store: Store, spool: Path) -> None:
    texts = tuple(
        Transcript(
            clip_id=f"u-{number}",
            audio_seconds=2.5,
            reference="a",
            hypothesis="b",
            substitutions=1,
            deletions=0,
            insertions=0,
            hits=0,
            at_limit=number == 1,
        )
        for number in range(3)
    )
    quality = Quality.unjudged("utterances", "a reason", 3)
    took = replace(result(case_key="a"), quality=quality, quality_key="k", transcripts=texts)
    shares = replace(took, case_key="b", transcripts=())
    (spool / "spool.jsonl").write_text(lines(BEGUN, measured(2, took), measured(3, shares)))
    bringer(spool).bring(store, last=True)
    (record,) = store.qualities(1)
    assert (record.key, record.quality, record.transcripts) == ("k", quality, texts)
    assert [store.result(number).result.transcripts for number in (1, 2)] == [texts, texts]


def test_what_could_not_be_stored_is_read_again(
    store: Store, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (spool / "spool.jsonl").write_text(lines(BEGUN))
    brings = bringer(spool)

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(SpoolError, match="No space left"):
        patch.setattr(store, "ingest", full)
        brings.bring(store)
    brings.bring(store)
    assert store.job(1).state == "running"


def _link(spool: Path) -> None:
    (spool / "spool.jsonl").symlink_to("/etc/passwd")


def _folder(spool: Path) -> None:
    (spool / "spool.jsonl").mkdir()


def _pipe(spool: Path) -> None:
    os.mkfifo(spool / "spool.jsonl")


def _device(spool: Path) -> None:
    (spool / "spool.jsonl").symlink_to("/dev/zero")


def _figures(spool: Path) -> None:
    odd = measured(2, result())
    odd["result"]["wall_s"] = float("nan")
    (spool / "spool.jsonl").write_text(lines(BEGUN, odd))


def _primary(spool: Path) -> None:
    odd = measured(2, replace(result(), energy_primary="nothing"))
    (spool / "spool.jsonl").write_text(lines(BEGUN, odd))


def _too_large(spool: Path) -> None:
    odd = measured(2, result())
    odd["result"]["seed"] = 2**70
    (spool / "spool.jsonl").write_text(lines(BEGUN, odd))


def _no_end(spool: Path) -> None:
    ended = {"kind": "ended", "seq": 2, "state": "queued", "reason": None}
    (spool / "spool.jsonl").write_text(lines(BEGUN, ended))


@pytest.mark.parametrize(
    "leave", [_link, _folder, _pipe, _device, _figures, _primary, _too_large, _no_end]
)
def test_damage_is_one_error(store: Store, spool: Path, leave: Callable[[Path], None]) -> None:
    leave(spool)
    with pytest.raises(SpoolError) as caught:
        bringer(spool).bring(store, last=True)
    assert "\n" not in str(caught.value)
    assert store.job(1).state in ("starting", "running")
    assert store.counts().results == 0


@pytest.mark.parametrize("how", ["folder", "file", "up"])
def test_no_file_of_this_machine_is_taken(
    store: Store, spool: Path, tmp_path: Path, how: str
) -> None:
    secret = tmp_path / "secret" / "id_rsa"
    secret.parent.mkdir()
    secret.write_text("mine")
    if how == "folder":
        (spool / "traces").symlink_to(secret.parent)
    else:
        (spool / "traces").mkdir()
        (spool / "traces" / "id_rsa").symlink_to(secret)
    path = {"up": f"{spool}/traces/../../secret/id_rsa"}.get(how, str(spool / "traces/id_rsa"))
    given = replace(result(), trace_path=path)
    (spool / "spool.jsonl").write_text(lines(BEGUN, measured(2, given)))
    bringer(spool).bring(store)
    assert secret.read_text() == "mine"
    assert not (store.path.parent / "traces").exists() or how == "never"
    assert store.result(1).result.trace_path is None


def test_a_trace_comes_home(store: Store, spool: Path) -> None:
    (spool / "traces").mkdir()
    (spool / "traces" / "t.json").write_text("{}")
    given = replace(result(), trace_path=str(spool / "traces" / "t.json"))
    (spool / "spool.jsonl").write_text(lines(BEGUN, measured(2, given)))
    bringer(spool).bring(store)
    home = store.path.parent / "traces" / "job-1" / "t.json"
    assert store.result(1).result.trace_path == str(home)
    assert home.read_text() == "{}"
    assert list((spool / "traces").iterdir()) == []


SIGHT = Sight(
    nonce="n", filesystem="ext4", wal_safe=True, writable=True, gpus=("GPU-1",), gpu_reason=None
)


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({}, "direct"),
        ({"wal_safe": False, "filesystem": "virtiofs"}, "spool"),
        ({"writable": False}, "spool"),
        ({"nonce": None}, "remote"),
        ({"nonce": "another machine's"}, "remote"),
    ],
)
def test_where_a_runner_writes(changes: dict[str, Any], mode: str) -> None:
    assert mode_of(replace(SIGHT, **changes), "n") == mode


def test_what_is_seen_comes_back(tmp_path: Path) -> None:
    assert read_sight(json.dumps(asdict(SIGHT))) == SIGHT
    with pytest.raises(ValueError, match="Sight"):
        read_sight('{"nonce": 1}')
    (tmp_path / "nonce").write_text("abc")
    seen = look(tmp_path / "nonce", tmp_path / "s.db")
    assert (seen.nonce, seen.writable) == ("abc", True)
    assert look(tmp_path / "other", tmp_path / "s.db").nonce is None

"""Cases that are forked from a process that holds their model: once loaded, and still apart."""

from __future__ import annotations

import json
import mmap
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner import isolation
from runner.clips import prepare
from runner.config import Data, Limits, Model, Variant
from runner.grid import Case
from runner.measure.memory import LoadMemory, PeakMemory
from runner.resident import Run, file_pages, touch
from runner.shared_load import SharedLoads, is_shareable
from runner.task import CaseTask
from tests.checkpoints import save_ctc
from tests.test_session import (
    QUICK,
    case_processes,
    named,
    results_written,
    rows,
    running,
    untimed,
    wait_for,
    write,  # noqa: F401  (a fixture)
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="models are held on Linux alone")

FP32 = Variant(name="fp32")
FORKED = "select state, reason, load_s, rss_bytes, rss_before_bytes from results order by id"


def case(name: str = "small-whisper", **changes: Any) -> Case:
    whole = Case(Model(name=name), "cpu", FP32, audio_seconds=5.0, batch_size=1)
    return replace(whole, **changes)


@pytest.mark.parametrize(
    ("one", "shared"),
    [
        (case(), True),
        (case("pocketsphinx"), True),
        (case(variant=Variant(name="sorted", batching="sorted")), True),
        (case(device="cuda"), False),
        (case(batch_size="max"), False),
        (case(variant=Variant(name="bf16", precision="bf16")), False),
        (case(variant=Variant(name="rounded", quantization="int8-dynamic")), False),
        (replace(case(), model=Model(name="openai/whisper-tiny", engine="faster-whisper")), False),
        (replace(case(), model=Model(name="openai/whisper-tiny", engine="onnx")), False),
    ],
)
def test_what_does_not_survive_a_fork_is_loaded_by_each_case(one, shared):
    assert is_shareable(one) is shared


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Callable[..., list[Any]]]:
    """Runs two cases with one of the bodies of tests/held_cases.py; what they told."""
    save_ctc(tmp_path / "model")
    clips = prepare(Data(cache=str(tmp_path / "cache")), audio_seconds=5.0, seed=42).path
    isolation.prepare()
    opened = []

    def run(body: str, **limits: Any) -> list[Any]:
        loads = SharedLoads(f"tests.held_cases:{body}")
        opened.append(loads)
        first = case(str(tmp_path / "model"), batch_size=1)
        second = replace(first, batch_size=2)
        told: list[Any] = []
        for one, following in ((first, second), (second, None)):
            task = CaseTask(one, clips, frozenset(), Limits(**limits), 42, None)
            remarks: list[str] = []
            result = loads.run(
                task,
                following,
                on_message=lambda said, into=remarks: into.append(getattr(said, "text", "")),
                should_stop=lambda: False,
            )
            told.append((result, [json.loads(text) for text in remarks if text]))
        return told

    yield run
    for loads in opened:
        loads.close()


@pytest.mark.e2e
def test_nothing_that_a_case_does_reaches_the_next(held):
    (_, (first,)), (_, (second,)) = held("spoils")
    assert first == second
    assert first["weights"] > 0
    assert (first["dtype"], first["leaked"], first["environment"]) == ("torch.float32", 0, None)
    assert first["threads"] == 1, "loaded on one thread; the case sets its own"


def test_a_case_with_two_threads_computes_with_two(held):
    for _, (told,) in held("two_threads"):
        assert told["before"] == 1, "nothing of a pool came along"
        assert told["ticks"][1] >= 0.2 * told["ticks"][0]


def test_the_bound_of_memory_holds_for_a_forked_case(held):
    assert [result.state for result, _ in held("too_much", memory_bytes=2_000_000_000)] == [
        "oom",
        "oom",
    ]


def test_a_load_beyond_the_bound_is_a_row_of_each_case(held):
    for result, _ in held("spoils", memory_bytes=70_000_000):
        assert result.state == "oom", result.reason
        assert "limits.memory_bytes" in result.reason


@pytest.mark.e2e
def test_figures_are_those_of_cases_that_load_for_themselves(write, tmp_path, run_asrprof):  # noqa: F811
    from store import Store

    options = {"measures": ["latency", "memory", "quality"]}
    assert run_asrprof("--config", str(write(batch_sizes=[1], **options))).returncode == 0
    assert run_asrprof("--config", str(write(batch_sizes=[1, 2], **options))).returncode == 0
    fresh, one, two = rows(tmp_path, FORKED)
    assert one[2] == two[2] != fresh[2], "one load, whose time both tell"
    assert one[3] == pytest.approx(fresh[3], rel=0.02)
    assert one[4] == pytest.approx(fresh[4], rel=0.02)
    with Store.open(tmp_path / "results" / "asrprof.db", readonly=True) as store:
        found = [store.result(number).result for number in (1, 2)]
    assert untimed(found[0].transcripts) == untimed(found[1].transcripts)
    assert found[0].parameters == found[1].parameters


@pytest.mark.e2e
def test_a_holder_that_dies_costs_a_load_and_no_case(write, tmp_path):  # noqa: F811
    config = write(measures=["latency"], batch_sizes=[1, 2], limits={**QUICK, "min_seconds": 2})
    with running(config) as process:
        wait_for(lambda: bool(named(process.pid, "asrprof-case")))
        named(process.pid, "asrprof-holder")[0].kill()
        wait_for(lambda: results_written(tmp_path) >= 1 or process.poll() is not None)
        left = case_processes(process.pid)
        assert process.wait(timeout=120) == 0
    assert [row[:2] for row in rows(tmp_path, FORKED)] == [("ok", None)] * 2
    assert not [one for one in left if one.is_running()], "nothing is left of a run"


def test_pages_of_a_file_are_found_and_can_be_had_again(tmp_path):
    file = tmp_path / "weights"
    # More than the kernel maps around the page that is asked for: as much as a large folio holds.
    file.write_bytes(bytes(8192 * mmap.PAGESIZE))
    with file.open("rb") as opened:
        mapped = mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
    (line,) = [one for one in Path("/proc/self/maps").read_text().splitlines() if str(file) in one]
    start, end = (int(part, 16) for part in line.split()[0].split("-"))

    def there() -> int:
        return sum(run.size for run in file_pages() if start <= run.address < end)

    assert there() == 0
    assert mapped[0] == 0
    assert 0 < there() < end - start
    touch((Run(start, end - start),))
    assert there() == end - start
    mapped.close()


def test_memory_is_that_of_a_process_that_has_loaded_too(tmp_path):
    (tmp_path / "status").write_text("VmHWM:\t  900 kB\nVmRSS:\t  850 kB\n")
    memory = PeakMemory(process=tmp_path)
    # 850 kB now, 800 with the model alone: 50 of its own. 200 before loading, 1000 at most.
    memory.reset(LoadMemory(200 * 1024, 1000 * 1024, taken_bytes=800 * 1024))
    assert memory.read().rss_before_bytes == 250 * 1024
    assert memory.read().rss_bytes == 1050 * 1024
    (tmp_path / "status").write_text("VmHWM:\t  2000 kB\nVmRSS:\t  850 kB\n")
    assert memory.read().rss_bytes == 2000 * 1024

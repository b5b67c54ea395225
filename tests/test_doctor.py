"""The doctor: right words for what is missing, no traffic, and quick."""

from __future__ import annotations

import importlib.metadata
import time
from pathlib import Path

import pytest

from runner.catalogue.extras import install_line
from runner.doctor import Check, Report, _store, examine
from runner.measure.energy.codecarbon_ import CodeCarbon
from runner.measure.energy.discover import Discovery, Found, Missing
from runner.measure.energy.rapl import Rapl
from runner.measure.energy.source import Available, Unavailable
from runner.measure.nvml import Boards, Gpu


class Nvml:
    NVMLError = RuntimeError

    def nvmlDeviceGetUUID(self, handle: object) -> str:  # noqa: N802
        return "GPU-1"

    def nvmlDeviceGetName(self, handle: object) -> str:  # noqa: N802
        return "Tesla P100"

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: object) -> int:  # noqa: N802
        return 250_000


BOARDS = Boards(gpus=(Gpu(Nvml(), None),), driver="535.54", cuda="12.2")


def doctor(tmp_path: Path, **changes) -> Report:
    arguments = {
        "boards": Boards(reason="NVML does not start"),
        "find_energy": lambda device, **more: Discovery((), ()),
        "version": lambda name: "2.13.0",
        "environ": {"ASRPROF_CACHE": str(tmp_path / "cache"), "PATH": ""},
        "ask_docker": lambda: ("28.0", ["asrprof-runner:cpu"]),
        "connect_hub": lambda: pytest.fail("no traffic unless asked"),
        "store_path": tmp_path / "results" / "asrprof.db",
        "proc_root": tmp_path / "proc",
        "sysfs_root": tmp_path / "sys",
        "container_root": tmp_path,
        "home": tmp_path,
    }
    return examine(**{**arguments, **changes})


def check(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


@pytest.mark.timed
def test_this_machine_is_examined_in_two_seconds() -> None:
    start = time.monotonic()
    report = examine()
    assert time.monotonic() - start < 8  # Two on an idle machine.
    names = [check.name for check in report.checks]
    assert len(names) == len(set(names))
    assert {"CPU", "memory", "torch", "energy: rapl", "Docker", "store", "cache"} <= set(names)
    for one in report.checks:
        assert one.detail and "\n" not in one.detail
        assert one.state in ("ok", "limited", "missing")


def test_a_plain_machine_lacks_a_gpu_and_says_why(tmp_path: Path) -> None:
    report = doctor(tmp_path)
    assert check(report, "GPU").state == "missing"
    assert check(report, "GPU").detail == "NVML does not start"
    assert check(report, "CPU").state == "ok"
    assert check(report, "Docker").detail == "engine 28.0, asrprof-runner:cpu"
    assert check(report, "espeak-ng").remedy == "apt install espeak-ng"


def test_a_gpu_with_a_cpu_build_of_torch_says_what_to_install(tmp_path: Path) -> None:
    report = doctor(tmp_path, boards=BOARDS, version=lambda name: "2.13.0+cpu")
    assert (
        check(report, "GPU 0").detail == "Tesla P100, 250 W limit, driver 535.54, CUDA up to 12.2"
    )
    torch = check(report, "torch")
    assert torch.state == "limited" and "there is a GPU" in torch.detail
    assert "pip install" in (torch.remedy or "")
    assert check(doctor(tmp_path, boards=BOARDS), "torch").state == "ok"


def test_engines_say_their_version_or_what_to_install(tmp_path: Path) -> None:
    def version(name: str) -> str:
        if name in ("onnxruntime", "openvino"):
            raise importlib.metadata.PackageNotFoundError(name)
        return {"onnxruntime-gpu": "1.24"}.get(name, "2.13.0")

    report = doctor(tmp_path, version=version)
    assert check(report, "engine: faster-whisper").detail.startswith("faster-whisper 2.13.0; ")
    assert check(report, "engine: onnx").detail.startswith("onnxruntime-gpu 1.24; it exports")
    missing = check(report, "engine: openvino")
    assert (missing.state, missing.remedy) == ("missing", install_line("openvino"))


@pytest.mark.parametrize("missing", ["onnx", "onnxscript"])
def test_an_engine_is_there_with_what_makes_its_files_alone(tmp_path: Path, missing: str) -> None:
    """ONNX Runtime comes with faster-whisper too, and without the exporter."""

    def version(name: str) -> str:
        if name == missing:
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.13.0"

    found = check(doctor(tmp_path, version=version), "engine: onnx")
    assert (found.state, found.remedy) == ("missing", install_line("onnx"))


def test_hidden_boards_are_noticed(tmp_path: Path) -> None:
    report = doctor(tmp_path, boards=BOARDS, environ={"CUDA_VISIBLE_DEVICES": "-1"})
    assert check(report, "GPU use").remedy == "unset CUDA_VISIBLE_DEVICES"


def test_no_torch_is_missing(tmp_path: Path) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    assert check(doctor(tmp_path, version=version), "torch").state == "missing"


def test_energy_sources_are_listed_with_label_refresh_and_remedy(tmp_path: Path) -> None:
    rapl = Rapl()
    works = Discovery((Found(rapl, Available(0.001, "package-0")),), ())
    shown = check(doctor(tmp_path, find_energy=lambda device, **more: works), "energy: rapl")
    assert shown == Check("energy: rapl", "ok", "measured, package, refresh 1 ms, package-0")
    gone = Discovery((), (Missing(rapl, Unavailable("no permission", "sudo chgrp")),))
    shown = check(doctor(tmp_path, find_energy=lambda device, **more: gone), "energy: rapl")
    assert shown == Check("energy: rapl", "missing", "no permission", "sudo chgrp")


def test_an_estimate_says_what_would_measure(tmp_path: Path) -> None:
    source = CodeCarbon(device="cpu")
    found = Discovery((Found(source, Available(1.0, None)),), ())
    shown = check(
        doctor(tmp_path, find_energy=lambda device, **more: found), f"energy: {source.name}"
    )
    assert shown.state == "limited"
    assert "RAPL" in (shown.remedy or "")


def test_the_hub_is_asked_only_when_told_to(tmp_path: Path) -> None:
    def refuse() -> None:
        raise TimeoutError("timed out")

    unasked = check(doctor(tmp_path), "hub").detail
    assert "not asked" in unasked and "asrprof doctor --hub" in unasked
    asked = doctor(tmp_path, check_hub=True, connect_hub=refuse)
    assert check(asked, "hub").state == "missing"
    assert check(doctor(tmp_path, check_hub=True, connect_hub=lambda: None), "hub").state == "ok"
    offline = doctor(tmp_path, check_hub=True, environ={"HF_HUB_OFFLINE": "1"})
    assert check(offline, "hub").state == "limited"


def test_the_token_is_looked_for_and_never_shown(tmp_path: Path) -> None:
    assert check(doctor(tmp_path), "hub token").state == "limited"
    shown = check(doctor(tmp_path, environ={"HF_TOKEN": "hf_abc"}), "hub token")
    assert shown == Check("hub token", "ok", "present")
    (tmp_path / ".cache" / "huggingface").mkdir(parents=True)
    (tmp_path / ".cache" / "huggingface" / "token").write_text("hf_abc")
    assert check(doctor(tmp_path), "hub token") == Check("hub token", "ok", "present")


def test_docker_that_does_not_answer_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    shown = check(doctor(tmp_path, ask_docker=None), "Docker")
    assert shown.state == "missing"
    assert shown.detail.startswith("no engine at its socket")


def test_docker_with_and_without_images(tmp_path: Path) -> None:
    found = check(doctor(tmp_path), "Docker")
    assert found == Check("Docker", "ok", "engine 28.0, asrprof-runner:cpu")
    bare = check(doctor(tmp_path, ask_docker=lambda: ("28.0", [])), "Docker")
    assert (bare.state, bare.remedy) == ("limited", "just images")


def test_where_the_store_may_lie(tmp_path: Path) -> None:
    for kind, state in (("ext4", "ok"), ("wekafs", "missing"), ("hyperfs", "limited")):
        table = tmp_path / kind
        table.write_text(f"30 1 0:28 / {tmp_path} rw - {kind} /dev/vda rw\n")
        found = _store(tmp_path / "asrprof.db", table)
        assert found.state == state
        assert state == "ok" or f"lies on {kind}" in found.detail


def test_the_store_and_the_cache_must_be_writable(tmp_path: Path) -> None:
    assert check(doctor(tmp_path), "store").detail.endswith("will be made")
    (tmp_path / "asrprof.db").write_text("")
    made = doctor(tmp_path, store_path=tmp_path / "asrprof.db")
    assert check(made, "store").detail.endswith("exists")
    assert "GiB free" in check(made, "cache").detail
    blocked = doctor(tmp_path, environ={"ASRPROF_CACHE": "/proc/asrprof"})
    if not Path("/proc").is_dir():
        pytest.skip("needs a folder that even root cannot write")
    assert check(blocked, "cache").state == "missing"

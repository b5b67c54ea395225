"""The environment's facts, from trees in a folder, and its fingerprint."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from pathlib import Path

import pytest

from runner.measure.environment import (
    fingerprint,
    read_commit,
    read_container,
    read_cpu,
    read_environment,
    read_memory_bytes,
    read_virtualization,
)
from runner.measure.nvml import open_nvml

X86 = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz
flags\t\t: fpu vme {flag} sse2

processor\t: 1
model name\t: another
"""
ARM = """processor\t: 0
BogoMIPS\t: 50.00
CPU implementer\t: 0x41
CPU part\t: {part}
"""


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_this_machine_has_an_environment() -> None:
    environment = read_environment("cpu")
    assert re.fullmatch("[0-9a-f]{64}", environment.fingerprint)
    assert environment.memory_bytes > 2**28 and environment.cpu_logical_cores >= 1
    assert 1 <= environment.cpu_affinity <= environment.cpu_logical_cores
    assert environment.gpu_name is None and environment.gpu_driver is None
    packages = json.loads(environment.packages)
    assert "numpy" in packages and list(packages) == sorted(packages)
    assert read_environment("cpu") == environment


def test_the_fingerprint_changes_with_every_field() -> None:
    environment = read_environment("cpu")
    for field in dataclasses.fields(environment):
        changed = dataclasses.replace(environment, **{field.name: "changed"})
        same = fingerprint(changed) == environment.fingerprint
        assert same == (field.name == "fingerprint"), field.name


@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [
        (X86, "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz"),
        (ARM.format(part="0xd0c"), "Neoverse-N1"),
        (ARM.format(part="0xabc"), "ARM implementer 0x41 part 0xabc"),
        ("Model\t\t: Raspberry Pi 5 Model B Rev 1.0\n", "Raspberry Pi 5 Model B Rev 1.0"),
    ],
)
def test_the_cpu_model_of_x86_and_arm(tmp_path: Path, cpuinfo: str, model: str) -> None:
    put(tmp_path / "proc" / "cpuinfo", cpuinfo)
    assert read_cpu(tmp_path / "proc", tmp_path / "sys").model == model


def test_cores_are_counted_by_their_siblings_and_the_governor_is_read(tmp_path: Path) -> None:
    for cpu, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        put(tmp_path / f"devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", siblings)
    put(tmp_path / "devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    cpu = read_cpu(tmp_path / "none", tmp_path)
    assert cpu.physical_cores == 2 and cpu.governor == "powersave"
    assert read_cpu(tmp_path / "none", tmp_path / "none").physical_cores is None


def test_memory_is_the_machines(tmp_path: Path) -> None:
    put(tmp_path / "meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n")
    assert read_memory_bytes(tmp_path) == 16384 * 1024


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sys/class/dmi/id/sys_vendor": "QEMU"}, "qemu"),
        ({"sys/class/dmi/id/product_name": "KVM Virtual Machine"}, "kvm"),
        ({"sys/class/dmi/id/sys_vendor": "Amazon EC2"}, "amazon"),
        (
            {
                "sys/class/dmi/id/sys_vendor": "Microsoft Corporation",
                "sys/class/dmi/id/product_name": "Virtual Machine",
            },
            "hyper-v",
        ),
        # A laptop by the same maker is no virtual machine.
        (
            {
                "sys/class/dmi/id/sys_vendor": "Microsoft Corporation",
                "sys/class/dmi/id/product_name": "Surface Laptop 5",
            },
            None,
        ),
        ({"sys/hypervisor/type": "xen\n"}, "xen"),
        ({"proc/device-tree/hypervisor/compatible": "linux,kvm\0"}, "linux,kvm"),
        ({"proc/cpuinfo": X86.format(flag="hypervisor")}, "unknown hypervisor"),
        ({"proc/cpuinfo": X86.format(flag="sse")}, None),
        ({}, None),
    ],
)
def test_the_hypervisor(tmp_path: Path, files: dict[str, str], expected: str | None) -> None:
    for name, text in files.items():
        put(tmp_path / name, text)
    assert read_virtualization(tmp_path / "proc", tmp_path / "sys") == expected


def test_the_commit_says_when_the_tree_differs(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True
        )

    assert read_commit(tmp_path) is None
    git("init", "-q")
    assert read_commit(tmp_path) is None
    put(tmp_path / "a.txt", "one")
    git("add", ".")
    git("commit", "-q", "-m", "one", "--no-verify")
    commit = read_commit(tmp_path)
    assert commit is not None and re.fullmatch("[0-9a-f]{40}", commit)
    put(tmp_path / "results.db", "untracked files change no figure")
    assert read_commit(tmp_path) == commit
    put(tmp_path / "a.txt", "two")
    assert read_commit(tmp_path) == f"{commit}-dirty"


def test_the_container_image(tmp_path: Path) -> None:
    assert read_container({}, tmp_path) is None
    assert read_container({"ASRPROF_IMAGE": "asrprof:cuda@sha256:1"}, tmp_path) == (
        "asrprof:cuda@sha256:1"
    )
    put(tmp_path / ".dockerenv", "")
    assert read_container({}, tmp_path) == "unnamed"


class Nvml:
    NVMLError = RuntimeError

    def nvmlInit(self) -> None:  # noqa: N802
        return

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 1

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetUUID(self, handle: int) -> bytes:  # noqa: N802
        return b"GPU-1234"

    def nvmlDeviceGetName(self, handle: int) -> bytes:  # noqa: N802
        return b"Tesla P100-PCIE-16GB"

    def nvmlSystemGetDriverVersion(self) -> bytes:  # noqa: N802
        return b"535.54"

    def nvmlDeviceGetPowerManagementLimit(self, handle: int) -> int:  # noqa: N802
        return 250_000


def test_a_gpu_case_names_its_board_and_a_cpu_case_does_not() -> None:
    boards = open_nvml(Nvml())
    gpu = read_environment("cuda", boards=boards, environ={})
    assert (gpu.gpu_name, gpu.gpu_uuid) == ("Tesla P100-PCIE-16GB", "GPU-1234")
    assert (gpu.gpu_driver, gpu.gpu_power_limit_w) == ("535.54", 250.0)
    assert gpu.gpu_memory_bytes is None
    assert read_environment("cpu", boards=boards).gpu_name is None

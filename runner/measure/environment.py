"""Where a case runs: every fact of machine, system and packages that a figure can depend on."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import runner
from runner.measure.nvml import Boards, Gpu, NoGpu, open_nvml
from store.records import Environment

PACKAGES = (
    "accelerate",
    "bitsandbytes",
    "codecarbon",
    "ctranslate2",
    "datasets",
    "faster-whisper",
    "fvcore",
    "huggingface-hub",
    "intel-extension-for-pytorch",
    "jiwer",
    "librosa",
    "numpy",
    "nvidia-ml-py",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxscript",
    "openvino",
    "optimum",
    "pocketsphinx",
    "pywhispercpp",
    "safetensors",
    "soundfile",
    "soxr",
    "thop",
    "tokenizers",
    "torch",
    "torchao",
    "torchaudio",
    "transformers",
    "triton",
    "vosk",
    "whisper-normalizer",
)
"""Distributions whose version can change a figure; those installed are recorded."""

_VENDORS = (
    ("kvm", "kvm"),
    ("qemu", "qemu"),
    ("vmware", "vmware"),
    ("innotek", "virtualbox"),
    ("virtualbox", "virtualbox"),
    ("xen", "xen"),
    ("bochs", "bochs"),
    ("parallels", "parallels"),
    ("bhyve", "bhyve"),
    ("amazon ec2", "amazon"),
    ("google compute engine", "google"),
    ("openstack", "openstack"),
    ("apple virtualization", "apple"),
)
"""What the firmware of virtual machines calls itself (systemd-detect-virt has the same list)."""

_ARM_PARTS = {
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4F): "Neoverse-V2",
    (0xC0, 0xAC3): "Ampere-1",
}
"""MIDR implementer and part, from lscpu's table; ARM's /proc/cpuinfo names no model."""


@dataclass(frozen=True)
class Cpu:
    """The processors, as /proc and sysfs tell."""

    model: str
    physical_cores: int | None
    logical_cores: int
    affinity: int
    governor: str | None


def read_environment(
    device: str,
    *,
    boards: Boards | None = None,
    proc_root: Path = Path("/proc"),
    sysfs_root: Path = Path("/sys"),
    etc_root: Path = Path("/etc"),
    container_root: Path = Path("/"),
    source_root: Path | None = None,
    environ: Mapping[str, str] | None = None,
    hostname: Callable[[], str] = platform.node,
) -> Environment:
    """Reads the environment of a case.

    torch is asked only when it is already loaded. A case on the CPU names no GPU, so that its
    environment is the same whether the machine has one or not.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        boards: NVML's boards; opened when None and the device needs them.
        proc_root: Where procfs is mounted.
        sysfs_root: Where sysfs is mounted.
        etc_root: Where ``os-release`` is.
        container_root: Where container engines leave their marker files.
        source_root: The folder that holds the packages, for its git commit.
        environ: Environment variables, by default `os.environ`.
        hostname: Gives the machine's name.
    """
    variables = os.environ if environ is None else environ
    cpu = read_cpu(proc_root, sysfs_root)
    gpu: Gpu | NoGpu | None = None
    found = Boards()
    if device != "cpu":
        found = boards if boards is not None else open_nvml()
        gpu = found.find(device, environ=variables)
    board = gpu if isinstance(gpu, Gpu) else None
    environment = Environment(
        fingerprint="",
        hostname=hostname(),
        os=_os_name(etc_root),
        kernel=platform.release(),
        architecture=platform.machine(),
        virtualization=read_virtualization(proc_root, sysfs_root),
        cpu_model=cpu.model,
        cpu_physical_cores=cpu.physical_cores,
        cpu_logical_cores=cpu.logical_cores,
        cpu_affinity=cpu.affinity,
        cpu_governor=cpu.governor,
        memory_bytes=read_memory_bytes(proc_root),
        gpu_name=board.name if board else None,
        gpu_uuid=board.uuid if board else None,
        gpu_memory_bytes=board.memory_bytes() if board else None,
        gpu_power_limit_w=board.power_limit_w() if board else None,
        gpu_driver=found.driver if board else None,
        cuda=_torch_cuda(),
        python=platform.python_version(),
        packages=read_packages(),
        git_commit=variables.get("ASRPROF_REVISION")
        or read_commit(source_root or Path(runner.__file__).parent.parent),
        asrprof=runner.__version__,
        container_image=read_container(variables, container_root),
    )
    return dataclasses.replace(environment, fingerprint=fingerprint(environment))


def fingerprint(environment: Environment) -> str:
    """SHA-256 of every field but the fingerprint itself."""
    fields = dataclasses.asdict(environment)
    del fields["fingerprint"]
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def read_cpu(proc_root: Path = Path("/proc"), sysfs_root: Path = Path("/sys")) -> Cpu:
    """The processors of the machine, and how many of them this process may use.

    A container's quota (``docker run --cpus``) counts: threads beyond it only throttle each other.
    """
    logical = os.cpu_count() or 1
    try:
        affinity = len(os.sched_getaffinity(0))
    except AttributeError:  # Not on macOS.
        affinity = logical
    quota = _cpu_quota(sysfs_root / "fs" / "cgroup")
    if quota is not None:
        affinity = min(affinity, max(1, math.ceil(quota)))
    cpus = sysfs_root / "devices" / "system" / "cpu"
    siblings = {
        text
        for path in cpus.glob("cpu[0-9]*/topology/thread_siblings_list")
        if (text := _read(path)) is not None
    }
    return Cpu(
        model=_cpu_model(_read(proc_root / "cpuinfo") or ""),
        physical_cores=len(siblings) or None,
        logical_cores=logical,
        affinity=affinity,
        governor=_read(cpus / "cpu0" / "cpufreq" / "scaling_governor"),
    )


def _cpu_quota(cgroup: Path) -> float | None:
    """CPUs that the control group may use, or None without a limit (cgroup v2, then v1)."""
    limit = (_read(cgroup / "cpu.max") or "").split()
    if not limit:
        limit = [_read(cgroup / "cpu" / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
    quota, period = (*limit, "", "")[:2]
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def read_memory_bytes(proc_root: Path = Path("/proc")) -> int:
    """Memory of the machine; a container's limit does not change it."""
    for line in (_read(proc_root / "meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def read_virtualization(
    proc_root: Path = Path("/proc"), sysfs_root: Path = Path("/sys")
) -> str | None:
    """The hypervisor below, by firmware names first and the CPU's flag last; None on metal."""
    dmi = sysfs_root / "class" / "dmi" / "id"
    names = ("product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version")
    texts = [(_read(dmi / name) or "").lower() for name in names]
    for needle, word in _VENDORS:
        if any(needle in text for text in texts):
            return word
    if "microsoft corporation" in texts and "virtual machine" in texts:
        return "hyper-v"
    declared = _read(sysfs_root / "hypervisor" / "type") or _read(
        proc_root / "device-tree" / "hypervisor" / "compatible"
    )
    if declared:
        return declared.strip("\0")
    flags = next(
        (
            line.split()
            for line in (_read(proc_root / "cpuinfo") or "").splitlines()
            if line.startswith("flags")
        ),
        [],
    )
    return "unknown hypervisor" if "hypervisor" in flags else None


def read_packages() -> str:
    """JSON object of the installed distributions of `PACKAGES`, name to version."""
    versions: dict[str, str] = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return json.dumps(versions, sort_keys=True)


def read_commit(source_root: Path) -> str | None:
    """Commit of the source tree, with ``-dirty`` where tracked files differ; None elsewhere."""
    if not (source_root / ".git").exists():
        return None
    head = _git(source_root, "rev-parse", "HEAD")
    if not head:
        return None
    changed = _git(source_root, "status", "--porcelain", "--untracked-files=no")
    return f"{head}-dirty" if changed else head


def read_container(environ: Mapping[str, str], root: Path = Path("/")) -> str | None:
    """The image this runs in: ``ASRPROF_IMAGE``, ``unnamed`` in a container without, or None."""
    named = environ.get("ASRPROF_IMAGE")
    if named:
        return named
    markers = (root / ".dockerenv", root / "run" / ".containerenv")
    return "unnamed" if any(marker.exists() for marker in markers) else None


def _cpu_model(cpuinfo: str) -> str:
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    for key in ("model name", "Model", "cpu model", "Hardware"):
        if fields.get(key):
            return fields[key]
    if "CPU implementer" in fields and "CPU part" in fields:
        ids = (int(fields["CPU implementer"], 16), int(fields["CPU part"], 16))
        return _ARM_PARTS.get(ids, f"ARM implementer {ids[0]:#x} part {ids[1]:#x}")
    return platform.processor() or platform.machine()


def _os_name(etc_root: Path) -> str:
    for line in (_read(etc_root / "os-release") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip('"')
    return platform.platform()


def _torch_cuda() -> str | None:
    """CUDA version torch was built for; None for a CPU build or where torch is not loaded."""
    torch = sys.modules.get("torch")
    version = getattr(getattr(torch, "version", None), "cuda", None)
    return None if version is None else str(version)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None

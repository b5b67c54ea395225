"""NVML, typed: the boards of this machine, or a null object that says why there are none.

Optional facts (temperature, limits, processes) are None where the driver does not give them.
Energy and power raise `NvmlError` instead, because a silent None there would become a figure.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

FIELD_POWER_INSTANT = 186
"""``NVML_FI_DEV_POWER_INSTANT``: power now, where ``nvmlDeviceGetPowerUsage`` is a one-second
average on Ampere and later (NVML API reference)."""

ARCHITECTURE_AMPERE = 7
"""``NVML_DEVICE_ARCH_AMPERE``."""

_THROTTLES = (
    (0x004, "software power cap"),
    (0x008, "hardware slowdown"),
    (0x020, "software thermal slowdown"),
    (0x040, "hardware thermal slowdown"),
    (0x080, "hardware power brake"),
    (0x200, "board limit"),
    (0x400, "reliability limit"),
)
"""Bits of ``nvmlDeviceGetCurrentClocksEventReasons`` that slow a busy board (nvml.h)."""

Nvml = ModuleType | Any
"""The `pynvml` module, or a test's stand-in with the same functions."""


class NvmlError(Exception):
    """NVML refused a reading; the message is the reason in words."""


@dataclass(frozen=True)
class NoGpu:
    """No board to read, and why."""

    reason: str
    remedy: str | None = None


class Gpu:
    """One board."""

    def __init__(self, nvml: Nvml, handle: object) -> None:
        """Wraps a device handle of an initialised NVML."""
        self._nvml = nvml
        self._handle = handle
        self.uuid = _text(nvml.nvmlDeviceGetUUID(handle))
        self.name = _text(nvml.nvmlDeviceGetName(handle))

    def energy_mj(self) -> int:
        """Energy of the whole board since the driver was loaded, in mJ (Volta and later)."""
        return self._need("nvmlDeviceGetTotalEnergyConsumption")

    def power_usage_mw(self) -> int:
        """Board power in mW; a one-second average on Ampere and later, except GA100."""
        return self._need("nvmlDeviceGetPowerUsage")

    def power_instant_mw(self) -> int:
        """Board power now in mW, from field 186.

        Raises:
            NvmlError: The board gives no value for the field.
        """
        try:
            field = self._nvml.nvmlDeviceGetFieldValues(self._handle, [FIELD_POWER_INSTANT])[0]
        except (self._nvml.NVMLError, AttributeError) as error:
            raise NvmlError(f"power field 186: {error}") from error
        if int(field.nvmlReturn) != 0:
            raise NvmlError(f"power field 186: NVML status {int(field.nvmlReturn)}")
        return int(field.value.uiVal)

    def averages_power(self) -> bool:
        """True where ``nvmlDeviceGetPowerUsage`` may be a one-second average."""
        architecture = self._maybe("nvmlDeviceGetArchitecture")
        # GA100 is the documented exception, but NVML does not name the chip.
        return architecture is None or int(architecture) >= ARCHITECTURE_AMPERE

    def memory_bytes(self) -> int | None:
        """Memory of the board."""
        memory = self._maybe("nvmlDeviceGetMemoryInfo")
        return None if memory is None else int(memory.total)

    def memory_used_bytes(self) -> int | None:
        """Memory in use on the board, by every process."""
        memory = self._maybe("nvmlDeviceGetMemoryInfo")
        return None if memory is None else int(memory.used)

    def utilisation(self) -> float | None:
        """Share (0 to 1) of the last sample period in which a kernel ran."""
        rates = self._maybe("nvmlDeviceGetUtilizationRates")
        return None if rates is None else float(rates.gpu) / 100

    def temperature_c(self) -> float | None:
        """Temperature of the chip in degrees Celsius."""
        value = self._maybe("nvmlDeviceGetTemperature", 0)
        return None if value is None else float(value)

    def power_limit_w(self) -> float | None:
        """Power limit that was set, in watts."""
        return _watts(self._maybe("nvmlDeviceGetPowerManagementLimit"))

    def enforced_limit_w(self) -> float | None:
        """Power limit in force, the lowest of all limiters, in watts."""
        return _watts(self._maybe("nvmlDeviceGetEnforcedPowerLimit"))

    def throttle(self) -> str | None:
        """What slows the clocks now, in words, or None."""
        bits = self._maybe("nvmlDeviceGetCurrentClocksThrottleReasons")
        if bits is None:
            return None
        words = [text for bit, text in _THROTTLES if int(bits) & bit]
        return ", ".join(words) or None

    def processes(self) -> tuple[int, ...] | None:
        """Process ids with a compute context on the board."""
        found = self._maybe("nvmlDeviceGetComputeRunningProcesses")
        return None if found is None else tuple(int(process.pid) for process in found)

    def other_processes(self, own_pid: int | None = None) -> int | None:
        """How many compute processes on the board are not this one, which has a context too.

        In a container NVML lists this process under its number outside, so when our own number
        is absent one of the listed is taken for us.
        """
        listed = self.processes()
        if listed is None:
            return None
        own = os.getpid() if own_pid is None else own_pid
        return (
            len([pid for pid in listed if pid != own]) if own in listed else max(0, len(listed) - 1)
        )

    def partitioned(self) -> bool:
        """True in MIG mode, where the board's energy covers other instances too."""
        mode = self._maybe("nvmlDeviceGetMigMode")
        return mode is not None and int(mode[0]) == 1

    def _need(self, function: str) -> int:
        try:
            return int(getattr(self._nvml, function)(self._handle))
        except (self._nvml.NVMLError, AttributeError, ValueError) as error:
            raise NvmlError(f"{function}: {error}") from error

    def _maybe(self, function: str, *arguments: object) -> Any:
        try:
            return getattr(self._nvml, function)(self._handle, *arguments)
        except (self._nvml.NVMLError, AttributeError):
            return None


@dataclass(frozen=True)
class Boards:
    """Every board NVML shows, with the driver; empty with a reason where there is none."""

    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    cuda: str | None = None
    """Newest CUDA version the driver supports."""
    reason: str | None = None
    """Why there are no boards, or None."""
    remedy: str | None = None

    def find(
        self,
        device: str,
        *,
        environ: Mapping[str, str] | None = None,
        torch_uuid: Callable[[int], str | None] | None = None,
    ) -> Gpu | NoGpu:
        """The board behind a torch device name.

        Args:
            device: ``cuda`` or ``cuda:N``.
            environ: Where ``CUDA_VISIBLE_DEVICES`` is read, by default `os.environ`.
            torch_uuid: Gives torch's own UUID of device N, or None; it decides when known,
                because CUDA numbers boards by speed and NVML by bus.
        """
        if not self.gpus:
            return NoGpu(self.reason or "NVML shows no board", self.remedy)
        index = int(device.partition(":")[2] or 0)
        uuid = (torch_uuid or uuid_from_torch)(index)
        if uuid is not None:
            return self._by_uuid(uuid)
        variables = os.environ if environ is None else environ
        visible = variables.get("CUDA_VISIBLE_DEVICES")
        if visible is None:
            return self._by_number(index, variables)
        entries = [entry.strip() for entry in visible.split(",") if entry.strip()]
        if index >= len(entries):
            return NoGpu(
                f'CUDA_VISIBLE_DEVICES="{visible}" shows {len(entries)} boards, not {device}',
                "list the board in CUDA_VISIBLE_DEVICES or choose another device",
            )
        entry = entries[index]
        return self._by_number(int(entry), variables) if entry.isdigit() else self._by_uuid(entry)

    def _by_uuid(self, uuid: str) -> Gpu | NoGpu:
        wanted = uuid.removeprefix("GPU-").lower()
        found = [g for g in self.gpus if g.uuid.removeprefix("GPU-").lower().startswith(wanted)]
        if len(found) != 1:
            return NoGpu(f'NVML shows {len(found)} boards whose UUID begins with "{uuid}"')
        return found[0]

    def _by_number(self, number: int, environ: Mapping[str, str]) -> Gpu | NoGpu:
        if number >= len(self.gpus):
            return NoGpu(f"there is no board {number}: NVML shows {len(self.gpus)}")
        alike = len({gpu.name for gpu in self.gpus}) == 1
        if alike or environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
            return self.gpus[number]
        return NoGpu(
            f"boards of several kinds: CUDA's board {number} may not be NVML's",
            "set CUDA_DEVICE_ORDER=PCI_BUS_ID",
        )


def open_nvml(nvml: Nvml | None = None) -> Boards:
    """Initialises NVML and lists its boards; never raises.

    NVML counts its users, and a benchmark needs it until it ends, so it is not shut down.

    Args:
        nvml: The `pynvml` module or a stand-in; imported (nvidia-ml-py) when None.
    """
    if nvml is None:
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return Boards(
                reason="the Python package nvidia-ml-py is not installed",
                remedy="pip install nvidia-ml-py",
            )
    try:
        nvml.nvmlInit()
        gpus = tuple(
            Gpu(nvml, nvml.nvmlDeviceGetHandleByIndex(i)) for i in range(nvml.nvmlDeviceGetCount())
        )
    except (nvml.NVMLError, OSError) as error:
        return Boards(
            reason=f"NVML does not start: {error}",
            remedy="install the NVIDIA driver; in a container pass the GPU with driver "
            "capability `utility` (docker run --gpus all)",
        )
    return Boards(
        gpus=gpus,
        driver=_driver(nvml),
        cuda=_cuda(nvml),
        reason=None if gpus else "NVML shows no board",
    )


def uuid_from_torch(index: int) -> str | None:
    """Torch's UUID of its CUDA device ``index``; None unless torch is loaded and sees it."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_available():
        return None
    if index >= torch.cuda.device_count():
        return None
    try:
        uuid = getattr(torch.cuda.get_device_properties(index), "uuid", None)
    except RuntimeError:  # CUDA does not start; loading the model will say why.
        return None
    return None if uuid is None else str(uuid)


def _driver(nvml: Nvml) -> str | None:
    try:
        return _text(nvml.nvmlSystemGetDriverVersion())
    except (nvml.NVMLError, AttributeError):
        return None


def _cuda(nvml: Nvml) -> str | None:
    try:
        number = int(nvml.nvmlSystemGetCudaDriverVersion())
    except (nvml.NVMLError, AttributeError):
        return None
    return f"{number // 1000}.{number % 1000 // 10}"


def _text(value: str | bytes) -> str:
    # nvidia-ml-py gave bytes before version 12.
    return value.decode() if isinstance(value, bytes) else value


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else int(milliwatts) / 1000

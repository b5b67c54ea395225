"""NVML's wrapper: which board a torch device is, and what it says when there is none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from runner.measure.nvml import Boards, Gpu, NoGpu, NvmlError, open_nvml


class NVMLError(Exception):
    pass


class Fake:
    """A pynvml of several boards, each a name; everything optional is not supported."""

    NVMLError = NVMLError

    def __init__(self, *names: str | bytes, fails: bool = False) -> None:
        self.names = names
        self.fails = fails

    def nvmlInit(self) -> None:  # noqa: N802
        if self.fails:
            raise NVMLError("NVML Shared Library Not Found")

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.names)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:  # noqa: N802
        return self.names[handle]

    def nvmlDeviceGetUUID(self, handle: int) -> str | bytes:  # noqa: N802
        uuid = f"GPU-{handle}{handle}cafe"
        return uuid.encode() if isinstance(self.names[handle], bytes) else uuid


def find(boards: Boards, device: str, environ: dict[str, str] | None = None, uuid=None):
    return boards.find(device, environ=environ or {}, torch_uuid=lambda index: uuid)


def name_of(found: Gpu | NoGpu) -> str:
    return found.name if isinstance(found, Gpu) else f"none: {found.reason}"


def test_no_library_is_a_null_object_with_a_reason() -> None:
    boards = open_nvml(Fake(fails=True))
    assert boards.gpus == () and "Shared Library Not Found" in (boards.reason or "")
    assert find(boards, "cuda") == NoGpu(boards.reason or "", boards.remedy)


def test_text_and_bytes_are_both_text() -> None:
    for name in ("Tesla P100", b"Tesla P100"):
        (gpu,) = open_nvml(Fake(name)).gpus
        assert (gpu.name, gpu.uuid) == ("Tesla P100", "GPU-00cafe")


def test_what_the_driver_does_not_give_is_none_but_energy_is_an_error() -> None:
    (gpu,) = open_nvml(Fake("a")).gpus
    assert gpu.temperature_c() is None and gpu.memory_bytes() is None
    assert gpu.enforced_limit_w() is None and gpu.processes() is None
    assert gpu.throttle() is None and not gpu.partitioned()
    for read in (gpu.energy_mj, gpu.power_usage_mw, gpu.power_instant_mw):
        with pytest.raises(NvmlError):
            read()


@pytest.mark.parametrize(
    ("device", "environ", "uuid", "expected"),
    [
        ("cuda", {}, None, "b0"),
        ("cuda:1", {}, None, "none: boards of several kinds: CUDA's board 1 may not be NVML's"),
        ("cuda:1", {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, None, "b1"),
        ("cuda:0", {"CUDA_VISIBLE_DEVICES": "GPU-11"}, None, "b1"),
        ("cuda:1", {"CUDA_VISIBLE_DEVICES": "GPU-22,GPU-00cafe"}, None, "b0"),
        ("cuda:0", {"CUDA_VISIBLE_DEVICES": "2", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, None, "b2"),
        ("cuda:0", {"CUDA_VISIBLE_DEVICES": ""}, None, "none: CUDA_VISIBLE_DEVICES"),
        ("cuda:7", {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, None, "none: there is no board 7"),
        # torch knows best: its uuid decides whatever the variables say.
        ("cuda:0", {"CUDA_VISIBLE_DEVICES": "0"}, "22cafe", "b2"),
        ("cuda:0", {}, "99", "none: NVML shows 0 boards whose UUID begins"),
    ],
)
def test_the_board_behind_a_torch_device(device, environ, uuid, expected) -> None:
    names = ("b0", "b1", "b2")
    if not environ and uuid is None and device == "cuda":
        names = ("b0", "b0", "b0")
    found = find(open_nvml(Fake(*names)), device, environ, uuid)
    assert name_of(found).startswith(expected)


@pytest.mark.parametrize(
    ("listed", "others"), [((), 0), ((5,), 0), ((5, 6), 1), ((77,), 0), ((77, 78, 79), 2)]
)
def test_this_process_is_no_other_process(listed: tuple[int, ...], others: int) -> None:
    # We are 5; in a container NVML lists us under another number.
    fake = Fake("a")
    fake.nvmlDeviceGetComputeRunningProcesses = lambda handle: [
        SimpleNamespace(pid=pid) for pid in listed
    ]
    (gpu,) = open_nvml(fake).gpus
    assert gpu.other_processes(own_pid=5) == others


def test_throttling_is_said_in_words_and_idling_is_not_throttling() -> None:
    fake = Fake("a")
    (gpu,) = open_nvml(fake).gpus
    fake.nvmlDeviceGetCurrentClocksThrottleReasons = lambda handle: 0x1
    assert gpu.throttle() is None
    fake.nvmlDeviceGetCurrentClocksThrottleReasons = lambda handle: 0x4 | 0x20
    assert gpu.throttle() == "software power cap, software thermal slowdown"

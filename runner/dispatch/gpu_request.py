"""Asking an engine for NVIDIA boards, and saying why it has none to give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from runner.measure.nvml import Boards, open_nvml

GpuDriver = Literal["", "cdi"]
"""The engine's name for who passes boards: NVIDIA's runtime hook, or CDI."""

TOOLKIT = (
    "install the NVIDIA Container Toolkit, run `nvidia-ctk runtime configure --runtime=docker` and "
    "restart the engine"
)


def gpu_request(uuids: Sequence[str], driver: GpuDriver = "") -> dict[str, Any]:
    """Options of a container that gets the boards with these UUIDs, or all.

    UUIDs, because inside a container boards are numbered anew.
    """
    from docker.types import DeviceRequest

    if driver == "cdi":
        names = [f"nvidia.com/gpu={uuid}" for uuid in uuids or ("all",)]
        return {"device_requests": [DeviceRequest(driver="cdi", device_ids=names)]}
    # Without capabilities of their own the hook would leave out NVML (`utility`).
    chosen: dict[str, Any] = {"device_ids": list(uuids)} if uuids else {"count": -1}
    request = DeviceRequest(capabilities=[["gpu", "compute", "utility"]], **chosen)
    return {"device_requests": [request]}


def why_no_gpu(failure: str, *, local: bool, boards: Callable[[], Boards] = open_nvml) -> str:
    """One line for an engine that gave no board.

    Args:
        failure: What the engine or the container said.
        local: Whether the engine is this machine's.
        boards: Finds this machine's own boards.
    """
    own = boards() if local else None
    if own is not None and not own.gpus:
        return (
            "no NVIDIA GPU here for target docker-cuda "
            f"({own.reason or 'NVML shows no board'}): use --target docker-cpu, or a machine with "
            "a GPU and its driver"
        )
    if "could not select device driver" in failure or "Unknown runtime" in failure:
        return f"the engine cannot pass a GPU to a container: {TOOLKIT}"
    if "Failed to initialize NVML: Unknown Error" in failure:
        return "the engine has lost its hold on the GPU (daemon-reload does that): restart it"
    return f"the container sees no GPU ({failure[:200]}): look at the driver, or {TOOLKIT}"

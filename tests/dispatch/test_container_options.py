"""What a container is made of, without an engine: mounts, limits, network, GPUs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from runner.dispatch.container_spec import Folders, container_options, read_settings
from runner.dispatch.gpu_request import gpu_request, why_no_gpu
from runner.dispatch.launcher import LaunchError
from runner.dispatch.needs import Needs
from runner.dispatch.place import Mode, Place, choose_user
from runner.measure.nvml import Boards

INFO = {"MemTotal": 10 * 2**30, "NCPU": 512, "Name": "elsewhere"}
ME = f"{os.getuid()}:{os.getgid()}"


def options(
    tmp_path: Path,
    mode: Mode = "direct",
    *,
    downloads: tuple[str, ...] = (),
    uses_hub: bool = False,
    user: str = ME,
    gpus: tuple[str, ...] = (),
    environ: dict[str, str] | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    for name in ("results", "speech", "hf"):
        (tmp_path / name).mkdir(exist_ok=True)
    return container_options(
        name="n",
        labels={"a": "b"},
        command=["x"],
        place=Place(mode, user, gpus),
        needs=Needs(
            folders=(folder or tmp_path / "speech",),
            cache=tmp_path / "cache",
            hub_cache=tmp_path / "hf",
            downloads=downloads,
            uses_hub=uses_hub or bool(downloads),
        ),
        folders=Folders(
            store=tmp_path / "results" / "asrprof.db",
            spool=tmp_path / "results" / "spool" / "j",
            work=tmp_path,
        ),
        settings=read_settings("image", environ or {}),
        info=INFO,
        environ=environ or {},
    )


def mounted(made: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Target -> what is mounted there, and whether it can be written."""
    return {
        mount["Target"]: (mount["Source"] or "", not mount.get("ReadOnly", False))
        for mount in made["mounts"]
        if mount["Target"] != "/host/powercap"
    }


def test_what_is_shared_keeps_its_name(tmp_path: Path) -> None:
    assert mounted(options(tmp_path)) == {
        str(tmp_path / "results"): (str(tmp_path / "results"), True),
        str(tmp_path / "speech"): (str(tmp_path / "speech"), False),
        str(tmp_path / "cache"): (str(tmp_path / "cache"), True),
    }
    spooled = mounted(options(tmp_path, "spool"))
    assert str(tmp_path / "results") not in spooled, "the store is out of reach"
    assert spooled[str(tmp_path / "results/spool/j")][1]


def test_nothing_of_this_machine_is_mounted_elsewhere(tmp_path: Path) -> None:
    made = options(tmp_path, "remote")
    assert {mount["Type"] for mount in made["mounts"]} == {"volume"}
    assert made["hostname"] == "elsewhere"
    assert "cpuset_cpus" not in made, "its CPUs are not those of this machine"


def test_somebody_else_gets_volumes_for_what_they_cannot_write(tmp_path: Path) -> None:
    made = options(tmp_path, "spool", user="54321:54321", downloads=("a/b",))
    found = mounted(made)
    assert found["/cache"] == ("asrprof-cache", True)
    assert found["/hub"] == ("asrprof-hub", True)
    assert made["environment"]["HF_HUB_CACHE"] == "/hub"
    assert made["environment"]["ASRPROF_CACHE"] == "/cache"


@pytest.mark.parametrize(
    ("downloads", "uses_hub", "mode", "network"),
    [
        ((), False, "direct", "none"),
        ((), True, "direct", "none"),
        (("a/b",), True, "direct", "bridge"),
        ((), True, "remote", "bridge"),
        ((), False, "remote", "none"),
    ],
)
def test_the_network_is_there_for_downloads_only(
    tmp_path: Path, downloads: tuple[str, ...], uses_hub: bool, mode: Mode, network: str
) -> None:
    made = options(
        tmp_path, mode, downloads=downloads, uses_hub=uses_hub, environ={"HF_TOKEN": "secret"}
    )
    assert made["network_mode"] == network
    offline = network == "none"
    assert ("HF_HUB_OFFLINE" in made["environment"]) == offline
    assert ("HF_TOKEN" in made["environment"]) != offline, "no token where no network"


def test_limits(tmp_path: Path) -> None:
    made = options(tmp_path)
    assert made["mem_limit"] == made["memswap_limit"] == 9 * 2**30
    assert made["cpuset_cpus"] == ",".join(map(str, sorted(os.sched_getaffinity(0))))
    environ = {"ASRPROF_MEMORY": "3g", "ASRPROF_CPUS": "0-1,3", "ASRPROF_NETWORK": "on"}
    made = options(tmp_path, environ=environ)
    assert (made["mem_limit"], made["cpuset_cpus"]) == ("3g", "0-1,3")
    assert made["network_mode"] == "bridge"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"ASRPROF_CPUS": "all"}, 'ASRPROF_CPUS="all": write CPU numbers such as 0-3,6'),
        ({"ASRPROF_MEMORY": "lots"}, 'ASRPROF_MEMORY="lots": write a size such as 12g'),
        ({"ASRPROF_NETWORK": "yes"}, 'ASRPROF_NETWORK="yes": write on, off or auto'),
        ({"ASRPROF_NETWORK": "off"}, "a/b must be downloaded, and ASRPROF_NETWORK is off"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, environ: dict[str, str], message: str) -> None:
    with pytest.raises(LaunchError) as caught:
        options(tmp_path, downloads=("a/b",), environ=environ)
    assert str(caught.value) == message


@pytest.mark.parametrize("folder", ["/", "/usr", "/tmp", "/asrprof/lib"])
def test_folders_that_a_container_has_for_itself(tmp_path: Path, folder: str) -> None:
    with pytest.raises(LaunchError, match="cannot be had in a container: use a folder within it"):
        options(tmp_path, folder=Path(folder))


def test_boards_are_asked_for_by_uuid(tmp_path: Path) -> None:
    (request,) = options(tmp_path, gpus=("GPU-1", "GPU-2"))["device_requests"]
    assert request["DeviceIDs"] == ["GPU-1", "GPU-2"]
    assert request["Capabilities"] == [["gpu", "compute", "utility"]]
    assert not request["Count"], "an engine refuses a count beside ids"
    (everything,) = gpu_request(())["device_requests"]
    assert everything["Count"] == -1
    (cdi,) = gpu_request(("GPU-1",), "cdi")["device_requests"]
    assert (cdi["Driver"], cdi["DeviceIDs"]) == ("cdi", ["nvidia.com/gpu=GPU-1"])
    assert "device_requests" not in options(tmp_path)


class _Board:
    uuid = "GPU-1"


WITH_BOARD = Boards(gpus=(_Board(),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failure", "boards", "words"),
    [
        ("anything", Boards(reason="no driver"), "no NVIDIA GPU here for target docker-cuda"),
        (
            'could not select device driver "" with capabilities: [[gpu]]',
            WITH_BOARD,
            "install the NVIDIA Container Toolkit",
        ),
        ("Failed to initialize NVML: Unknown Error", WITH_BOARD, "restart it"),
        ("load library failed: libnvidia-ml.so.1", WITH_BOARD, "look at the driver"),
    ],
)
def test_why_there_is_no_gpu(failure: str, boards: Boards, words: str) -> None:
    assert words in why_no_gpu(failure, local=True, boards=lambda: boards)


def test_containers_are_never_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1234)
    monkeypatch.setattr(os, "getgid", lambda: 567)
    assert choose_user(tmp_path, rootless=False) == "1234:567"
    assert choose_user(tmp_path, rootless=True) == "0:0"
    monkeypatch.setattr(os, "getuid", lambda: 0)
    owner = tmp_path.stat()
    expected = f"{owner.st_uid}:{owner.st_gid}" if owner.st_uid else "10001:10001"
    assert choose_user(tmp_path, rootless=False) == expected

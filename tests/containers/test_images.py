"""The recipe of the images agrees with the package, and says in one line what it lacks."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
NOT_IN_A_RUNNER = {
    *("docker", "sqlite-utils", "textual", "torch"),
    *("jinja2", "matplotlib", "pyarrow", "seaborn", "typst"),
}
"""What only the host needs, the report's libraries among it; torch has a layer of its own."""


def name_of(requirement: str) -> str:
    return re.split(r"[<>=;\[ ]", requirement, maxsplit=1)[0]


def test_a_runner_gets_what_the_package_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {name_of(line) for line in project["dependencies"]}
    lines = (DOCKER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    given = {line for line in lines if line and not line.startswith("#")}
    # Of the extras: what the variants with INT8 and the engine that people compare them with need.
    assert given == wanted - NOT_IN_A_RUNNER | {"ctranslate2", "faster-whisper", "torchao"}
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name in given:
        assert re.search(rf"^{re.escape(name)}==", locked, re.MULTILINE), name


def test_the_recipe_names_the_locked_torch() -> None:
    locked = re.search(r"^torch==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    recipe = re.search(r"^ARG TORCH_VERSION=(\S+)", (DOCKER / "Dockerfile").read_text(), re.M)
    assert locked is not None and recipe is not None
    assert recipe[1] == locked[1]


def test_the_recipe_keeps_to_what_the_classic_builder_knows() -> None:
    recipe = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert not re.search(r"^# *syntax", recipe, re.MULTILINE)
    assert not re.search(r"^[^#\n]*(--mount|<<|--link|--chmod)", recipe, re.MULTILINE)


def test_docker_is_no_package_that_hides_the_sdk() -> None:
    assert not list(DOCKER.rglob("__init__.py"))
    script = "import docker; print(docker.from_env)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)


def build(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DOCKER / "build.py"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def fake_docker(folder: Path, script: str) -> str:
    """A PATH whose `docker` does what ``script`` says."""
    command = folder / "docker"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('echo "Cannot connect to the Docker daemon" >&2; exit 1', "no Docker engine: Cannot"),
        ('case "$1" in version) exit 0;; *) exit 1;; esac', "make one with `docker/base.sh`"),
        (
            'case "$1 $2" in "build "*) exit 7;; "buildx "*) exit 1;; *) exit 0;; esac',
            "the build failed (exit code 7): see above",
        ),
    ],
)
def test_what_is_missing_is_one_line(tmp_path: Path, script: str, words: str) -> None:
    done = build("cpu", PATH=fake_docker(tmp_path, script), SSL_CERT_FILE="", PIP_FIND_LINKS="")
    assert done.returncode == 2
    (error,) = [line for line in done.stderr.splitlines() if "error:" in line]
    assert words in error


def test_without_docker(tmp_path: Path) -> None:
    done = build("cpu", PATH=str(tmp_path))
    assert (done.returncode, "there is no `docker` command" in done.stderr) == (2, True)


def test_an_image_that_is_none(tmp_path: Path) -> None:
    done = build("tpu", PATH=fake_docker(tmp_path, "exit 0"))
    assert done.returncode == 2
    assert done.stderr == 'images: error: there is no image "tpu": name cpu, cuda or both\n'


def test_the_arguments_of_a_build(tmp_path: Path) -> None:
    log = tmp_path / "calls.txt"
    script = f'case "$1" in buildx) exit 1;; esac; echo "$DOCKER_BUILDKIT $@" >> {log}'
    done = build(
        "cuda",
        PATH=fake_docker(tmp_path, script),
        BASE_IMAGE="mine",
        SSL_CERT_FILE="",
        PIP_FIND_LINKS=str(tmp_path),
        HTTPS_PROXY="http://proxy",
    )
    assert done.returncode == 0, done.stderr
    command = log.read_text().splitlines()[-1]
    assert command.startswith("0 build "), "newer clients know BuildKit only with a plug-in"
    for words in (
        "--tag asrprof-runner:cuda",
        "BASE_IMAGE=mine",
        "TORCH_INDEX_URL= ",
        "--build-arg HTTPS_PROXY ",
    ):
        assert words in command
    assert "--network" not in command


@pytest.mark.docker
def test_the_image_is_labelled_and_lean(engine: Any) -> None:
    image = engine.images.get("asrprof-runner:cpu")
    labels = image.labels
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["org.opencontainers.image.revision"])
    assert labels["io.asrprof.schema"].isdecimal()
    assert image.attrs["Config"]["User"] == "10001:10001"
    assert image.attrs["Size"] < 2e9  # PyTorch, transformers, scipy, CTranslate2 and what it reads.
    script = (
        "import glob, shutil; found = [shutil.which(n) for n in ('gcc', 'g++', 'pip', 'git')]; "
        "code = glob.glob('/asrprof/lib/runner/__pycache__/*.pyc'); "
        "print(found, bool(code)); import torch, transformers"
    )
    said = engine.containers.run(
        "asrprof-runner:cpu", ["-c", script], entrypoint="python", remove=True, network_mode="none"
    )
    assert said.decode().strip() == "[None, None, None, None] True"

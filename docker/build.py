"""Builds the runner images: `python docker/build.py [cpu] [cuda]`.

Without arguments it builds the CPU image, and the CUDA image too where `nvidia-smi` finds a GPU.
It needs the `docker` command and an engine, and takes from the environment what differs between
networks:

    BASE_IMAGE        what both stages start from (default: python:3.11-slim-bookworm);
                      `docker/base.sh` makes one from Debian's packages alone
    TORCH_INDEX_URL   package index for torch; empty: pip's default
    PIP_FIND_LINKS    a folder of wheels; one that holds the CPU build of torch is used for it
    ENGINES           packages of further engines, e.g. "onnx onnxscript openvino" (default: none)
    SSL_CERT_FILE     certificates of a proxy that opens TLS; they do not reach the final image
    HTTPS_PROXY …     as for every build
"""

from __future__ import annotations

import argparse
import datetime
import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from runner import __version__
from store.schema import SCHEMA_VERSION

ROOT = Path(__file__).parent.parent
BASE_IMAGE = "python:3.11-slim-bookworm"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WHEELS_PORT = 18761
FLAVOURS = ("cpu", "cuda")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

TRUSTING = """ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY certificates.pem /etc/ssl/certs/ca-certificates.crt
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt
"""
"""A base image that trusts other certificates, for the stage that downloads."""


class BuildError(Exception):
    """One line that says what to change."""


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Builds; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the runner images.")
    parser.add_argument("flavours", nargs="*", metavar="cpu|cuda")
    given = parser.parse_args(arguments).flavours
    flavours = given or [name for name in FLAVOURS if name == "cpu" or _sees_gpu()]
    try:
        unknown = [name for name in flavours if name not in FLAVOURS]
        if unknown:
            raise BuildError(f'there is no image "{unknown[0]}": name cpu, cuda or both')
        _check_engine()
        base = environ.get("BASE_IMAGE") or BASE_IMAGE
        _check_base(base)
        for flavour in flavours:
            _say(f"building asrprof-runner:{flavour} on {base}")
            _build(flavour, base, environ)
            _say(f"asrprof-runner:{flavour} is ready")
    except BuildError as error:
        print(f"images: error: {error}", file=sys.stderr)
        return 2
    return 0


def _build(flavour: str, base: str, environ: Mapping[str, str]) -> None:
    torch = _torch_version()
    index = environ.get("TORCH_INDEX_URL", CPU_INDEX if flavour == "cpu" else "")
    arguments = {
        "BASE_IMAGE": base,
        "TORCH_VERSION": torch,
        "VERSION": __version__,
        "REVISION": _revision(),
        "CREATED": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SCHEMA": str(SCHEMA_VERSION),
        "FLAVOUR": flavour,
        "ENGINES": environ.get("ENGINES", ""),
    }
    with _trusting(base, environ) as build_image, _wheels(flavour, torch, environ) as wheels:
        if wheels:
            index, arguments["WHEELS_URL"] = "", wheels
        arguments |= {"BUILD_IMAGE": build_image, "TORCH_INDEX_URL": index}
        command = [
            *("docker", "build", "--file", str(ROOT / "docker" / "Dockerfile")),
            *("--tag", f"asrprof-runner:{flavour}"),
            *("--tag", f"asrprof-runner:{__version__}-{flavour}"),
            # The wheels are served on this machine's loopback.
            *(("--network", "host") if wheels or build_image != base else ()),
        ]
        for name, value in arguments.items():
            command += ["--build-arg", f"{name}={value}"]
        for name in PROXIES:
            if name in environ:
                command += ["--build-arg", name]
        _run([*command, str(ROOT)], environ)


@contextmanager
def _trusting(base: str, environ: Mapping[str, str]) -> Iterator[str]:
    """The image of the stage that downloads: the base, with the host's certificates if any."""
    certificates = environ.get("SSL_CERT_FILE")
    if not certificates:
        yield base
        return
    if not Path(certificates).is_file():
        raise BuildError(f"SSL_CERT_FILE names no file: {certificates}")
    image = "asrprof-build:trusting"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(certificates, Path(folder) / "certificates.pem")
        (Path(folder) / "Dockerfile").write_text(TRUSTING)
        command = ["docker", "build", "--tag", image, "--build-arg", f"BASE_IMAGE={base}", folder]
        _run(command, environ)
    yield image


@contextmanager
def _wheels(flavour: str, torch: str, environ: Mapping[str, str]) -> Iterator[str | None]:
    """Serves a local folder of wheels on loopback if it holds the torch that is wanted."""
    folder = Path(environ.get("PIP_FIND_LINKS") or os.devnull)
    if flavour != "cpu" or "TORCH_INDEX_URL" in environ or not folder.is_dir():
        yield None
        return
    if not list(folder.glob(f"torch-{torch}+cpu-*.whl")):
        yield None
        return
    handler = functools.partial(_QuietHandler, directory=str(folder))
    # Always the same port: another address would be another command to the build's cache.
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", WHEELS_PORT), handler)
    except OSError as error:
        raise BuildError(f"port {WHEELS_PORT} of loopback is taken: {error.strerror}") from error
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _say(f"torch comes from {folder}")
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _check_engine() -> None:
    if shutil.which("docker") is None:
        raise BuildError("there is no `docker` command: install Docker (Debian: docker.io)")
    found = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    if found.returncode:
        said = (found.stderr.strip().splitlines() or ["it does not answer"])[-1]
        raise BuildError(f"no Docker engine: {said}")


def _check_base(image: str) -> None:
    if not _quiet("docker", "image", "inspect", image) and not _quiet("docker", "pull", image):
        raise BuildError(
            f"the base image {image} is not here and cannot be pulled: make one with "
            "`docker/base.sh` and set BASE_IMAGE=asrprof-base"
        )


def _run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Runs a build with the builder that is there: BuildKit, or the classic one.

    Newer clients know BuildKit only as their plug-in buildx and fail without it.
    """
    variables = dict(environ)
    if "DOCKER_BUILDKIT" not in variables and not _quiet("docker", "buildx", "version"):
        variables["DOCKER_BUILDKIT"] = "0"
    done = subprocess.run(command, env=variables, check=False)
    if done.returncode:
        raise BuildError(f"the build failed (exit code {done.returncode}): see above")


def _torch_version() -> str:
    found = re.search(r"^torch==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    if found is None:
        raise BuildError("requirements.lock pins no torch")
    return found[1]


def _revision() -> str:
    head = _output("git", "rev-parse", "HEAD")
    changed = _output("git", "status", "--porcelain", "--untracked-files=no")
    return f"{head}-dirty" if head and changed else head or "unknown"


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _sees_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None and _quiet("nvidia-smi", "-L")


def _quiet(*command: str) -> bool:
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return done.returncode == 0


def _say(words: str) -> None:
    print(f"images: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""What a job needs of a node: kept with the job as JSON, asked of Ray as labels."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence

from runner.errors import UserError

ACCELERATOR = "ray.io/accelerator-type"
NODE_ID = "ray.io/node-id"
ARCH = "asrprof.io/arch"
HOST = "asrprof.io/host"
_SHORT = {"accelerator": ACCELERATOR, "arch": ARCH, "host": HOST}
"""Names for people; any other name is a label's own."""
_ARCHES = {"aarch64": "arm64", "amd64": "x86_64", "x64": "x86_64"}
_VENDORS = re.compile(r"^(NVIDIA_)?(TESLA_)?", re.IGNORECASE)
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/, which Ray follows.
_NAME = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def parse_needs(given: Sequence[str]) -> str | None:
    """The JSON of needs given as ``name=value``; None for none.

    Raises:
        UserError: One cannot be understood, or is given twice.
    """
    needs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise UserError(
                f'need "{text[:80]}": write a name and a value such as accelerator=H100, '
                "arch=arm64 or a label of the node, site=lab-2"
            )
        if name in needs:
            raise UserError(f"need {name} is given twice: a node has one of each")
        needs[name] = normalise(name, value)
    return json.dumps(needs, sort_keys=True) if needs else None


def normalise(name: str, value: str) -> str:
    """The value as nodes are labelled: ``NVIDIA_H100`` is H100, ``aarch64`` is arm64."""
    if name == "accelerator":
        return _VENDORS.sub("", value, count=1)
    if name == "arch":
        return _ARCHES.get(value.lower(), value.lower())
    return value


def labels_of(needs: str | None) -> dict[str, str]:
    """The labels that a node must have, by their full names."""
    found: Mapping[str, str] = json.loads(needs) if needs else {}
    return {_SHORT.get(name, name): value for name, value in found.items()}


def meets(labels: Mapping[str, str], needs: str | None) -> bool:
    """Whether a node with these labels has what a job needs."""
    return all(labels.get(name) == value for name, value in labels_of(needs).items())


def in_words(needs: str | None) -> str:
    """``accelerator=H100, site=lab-2``; empty for no needs."""
    found: Mapping[str, str] = json.loads(needs) if needs else {}
    return ", ".join(f"{name}={value}" for name, value in found.items())


def selector(needs: str | None, avoid: Collection[str]) -> dict[str, str]:
    """Ray's label selector for a job.

    Args:
        needs: What it needs.
        avoid: Ids of nodes that it must not go to.
    """
    found = labels_of(needs)
    if avoid:
        found[NODE_ID] = f"!in({','.join(sorted(avoid))})"
    return found

"""Load requests for the engine tests."""

from __future__ import annotations

from typing import Any

from runner.config import Variant
from runner.engines.base import LoadRequest


def request(name: str, **changes: Any) -> LoadRequest:
    """A request for random weights on the CPU, with some fields changed."""
    fields: dict[str, Any] = {
        "name": name,
        "weights": "random",
        "revision": None,
        "device": "cpu",
        "variant": Variant(name="fp32"),
        "seed": 42,
        "tokens_per_audio_second": 2.0,
    }
    return LoadRequest(**{**fields, **changes})

"""Load requests and audio for the engine tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

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


def noise(seconds: Sequence[float]) -> list[np.ndarray]:
    """Clips of so many seconds, the same ones each time; shape (samples,), 16 kHz."""
    generator = np.random.default_rng(0)
    return [
        (0.1 * generator.standard_normal(round(length * 16_000))).astype(np.float32)
        for length in seconds
    ]

"""What a count depends on, as one text: equal work of several cases is counted once."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from runner.engines.base import Workload
from runner.flops.models import is_whisper, whisper_windows

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_NO_SHAPE = frozenset(
    {"_name_or_path", "dtype", "torch_dtype", "transformers_version", "architectures"}
)
"""Fields of a configuration that change no shape."""


def workload_key(work: Workload) -> str:
    """That of the FLOPs of a batch. A Whisper's windows are always full."""
    samples, windows = work.samples, work.windows
    if is_whisper(work.config):
        samples, windows = 0, windows or whisper_windows(work.config, samples=samples)
    numbers = (samples, work.batch, windows, work.prompt_tokens, work.tokens, work.beams)
    return "|".join(map(str, (_architecture(work.config), *numbers, work.cached, work.detects)))


def study_key(config: PretrainedConfig, *, samples: int) -> str:
    """That of what thop and fvcore say of a clip.

    Args:
        config: The model's configuration.
        samples: Samples of the clip.
    """
    if is_whisper(config):
        samples = whisper_windows(config, samples=samples)
    return f"study|{_architecture(config)}|{samples}"


def _architecture(config: PretrainedConfig) -> str:
    text = json.dumps(_shapes(config.to_dict()), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _shapes(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {str(key): _shapes(each) for key, each in value.items() if key not in _NO_SHAPE}

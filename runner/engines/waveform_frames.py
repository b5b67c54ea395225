"""Frames of a waveform, as Moonshine streaming cuts it; of samples alone."""

from __future__ import annotations

from typing import Any

FRAME = 80
"""Samples of a frame of the published models (5 ms at 16 kHz)."""
_HALVED = 4
"""Frames for one of the encoder's output, which halves them twice."""


def frame_samples(samples: int) -> int:
    """Samples of a clip in whole frames, the last of them padded; one at least.

    Args:
        samples: Of the clip at 16 kHz.
    """
    return FRAME * max(1, -(-samples // FRAME))


def streaming_frames(samples: int) -> int:
    """Frames of the encoder's output for a clip: 50 a second.

    Args:
        samples: Of the clip at 16 kHz.
    """
    return -(-frame_samples(samples) // (_HALVED * FRAME))


def streaming_window(config: Any) -> int:
    """Most samples for which the decoder has positions; 81.92 s as published.

    Args:
        config: A configuration of the model type ``moonshine_streaming``.
    """
    return int(config.max_position_embeddings * _HALVED * FRAME)

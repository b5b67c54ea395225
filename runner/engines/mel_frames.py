"""Mel frames of a clip, where a model's own arithmetic does not begin at the samples."""

from __future__ import annotations

import math
from typing import Any

WAV2VEC2_BERT = "wav2vec2-bert"
"""The ``config.model_type`` of w2v-BERT 2.0."""
MEL_HOP = 160
"""Samples between two mel frames (10 ms at 16 kHz), in Whisper, Parakeet and w2v-BERT."""
MEL_WINDOW = 400
"""Samples of a mel frame of w2v-BERT."""


def w2v_bert_frames(samples: int) -> int:
    """Mel frames of w2v-BERT's feature extractor, whose windows lie within the clip.

    Args:
        samples: Of the clip at 16 kHz.
    """
    return max(0, samples - MEL_WINDOW) // MEL_HOP + (samples >= MEL_WINDOW)


def fastconformer_frames(config: Any, samples: int) -> int:
    """Frames of a FastConformer for a clip, the masked one at its end included.

    Args:
        config: The encoder's configuration.
        samples: Of the clip, at 16 kHz.
    """
    frames = samples // MEL_HOP + 1
    kernel, stride = config.subsampling_conv_kernel_size, config.subsampling_conv_stride
    padding = (kernel - 1) // 2 * 2
    for _ in range(round(math.log2(config.subsampling_factor))):
        frames = (frames + padding - kernel) // stride + 1
    return frames

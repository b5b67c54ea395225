"""Mel frames of a clip, where a model's own arithmetic does not begin at the samples."""

from __future__ import annotations

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

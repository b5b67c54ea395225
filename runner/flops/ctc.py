"""FLOPs of a CTC model: wav2vec2 and its relatives, w2v-BERT and Parakeet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.flops.counter import count
from runner.flops.models import build, encoder_input
from runner.flops.readings import LEFT_OUT, meta_reading
from store.records import FlopsReading

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def ctc_flops(
    config: PretrainedConfig, *, samples: int, batch: int, feature_frames: int | None = None
) -> tuple[FlopsReading, ...]:
    """FLOPs of one batch through a CTC model.

    Args:
        config: Configuration of a model type of ``WAVEFORM``, wav2vec2-bert or parakeet_ctc.
        samples: Samples of one (padded) clip at 16 kHz.
        batch: Clips.
        feature_frames: Mel frames of one clip, where the feature extractor is not the published
            one (Parakeet and w2v-BERT only).

    Returns:
        Readings for ``encoder`` (everything up to and including the CTC head) and ``total``,
        which is the same: greedy CTC decoding multiplies nothing.
    """
    model = build(config)
    features = encoder_input(config, samples=samples, batch=batch, feature_frames=feature_frames)
    counted = count(lambda: model(features))
    note = f"the whole model, CTC head included; {LEFT_OUT}"
    return tuple(
        meta_reading(stage, counted.flops, missed=counted.missed, note=note)
        for stage in ("encoder", "total")
    )

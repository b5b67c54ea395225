"""FLOPs of a CTC model: wav2vec2, HuBERT, wav2vec2-conformer and Parakeet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.measure.flops.counter import count
from runner.measure.flops.models import build, encoder_input
from runner.measure.flops.readings import LEFT_OUT, meta_reading
from store.records import FlopsReading

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def ctc_flops(
    config: PretrainedConfig, *, samples: int, batch: int, feature_frames: int | None = None
) -> tuple[FlopsReading, ...]:
    """FLOPs of one batch through a CTC model.

    Args:
        config: Configuration of a wav2vec2, hubert, wav2vec2-conformer or parakeet_ctc.
        samples: Samples of one (padded) clip at 16 kHz.
        batch: Clips.
        feature_frames: Mel frames of one clip, where the feature extractor is not the published
            one (Parakeet only).

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

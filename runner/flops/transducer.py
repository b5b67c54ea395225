"""FLOPs of a transducer: encoder, and the steps of its prediction and joint networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runner.flops.counter import count
from runner.flops.models import build, encoder_input
from runner.flops.readings import LEFT_OUT, meta_reading
from store.records import FlopsReading

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def transducer_flops(
    config: PretrainedConfig,
    *,
    samples: int,
    batch: int,
    steps: int | None,
    feature_frames: int | None = None,
) -> tuple[FlopsReading, ...]:
    """FLOPs of one batch through a transducer.

    Args:
        config: Configuration with a ``model_type`` of ``models.TRANSDUCERS``.
        samples: Samples of one (padded) clip at 16 kHz.
        batch: Clips.
        steps: Steps of the decoder, the same for all rows. None where unknown.
        feature_frames: Mel frames of one clip, where the feature extractor is not the published
            one.

    Returns:
        Readings for ``encoder`` (its projection included), ``token`` (one step of the whole
        batch), ``decode`` (all steps) and ``total``.
    """
    model: Any = build(config)
    features = encoder_input(config, samples=samples, batch=batch, feature_frames=feature_frames)
    encoded: list[Any] = []
    encoder = count(lambda: encoded.append(model.get_audio_features(features).pooler_output))
    ids = torch.zeros((batch, 1), device="meta", dtype=torch.long)

    def step() -> None:
        model.joint(
            decoder_hidden_states=model.decoder(ids), encoder_hidden_states=encoded[0][:, :1]
        )

    one = count(step)
    missed = tuple(sorted({*encoder.missed, *one.missed}))
    # A step of blanks alone leaves the prediction network out; how many there are is not known.
    note = f"prediction and joint network, both in every step; {LEFT_OUT}"
    readings = [
        meta_reading("encoder", encoder.flops, missed=encoder.missed),
        meta_reading("token", one.flops, missed=one.missed, note=note),
    ]
    if steps is None:
        reason = "the number of steps is unknown"
        unknown = (meta_reading(stage, None, note=reason) for stage in ("decode", "total"))
        return *readings, *unknown
    decode = steps * one.flops
    return (
        *readings,
        meta_reading("decode", decode, missed=one.missed, note=f"{steps} steps; {note}"),
        meta_reading("total", encoder.flops + decode, missed=missed),
    )

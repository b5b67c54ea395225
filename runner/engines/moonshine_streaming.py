"""Moonshine streaming through transformers (Kudlur et al. 2026), pretrained or with random weights.

An encoder without positions whose layers look at fifteen frames before and at most three after
each, and a decoder that is told the positions of what it hears. Transformers encodes a whole clip
at once; the decoder has positions for the first 82 s.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import MoonshineStreamingForConditionalGeneration

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.moonshine import MoonshineEngine
from runner.engines.waveform_frames import FRAME, frame_samples, streaming_window


class MoonshineStreamingEngine(MoonshineEngine):
    """One Moonshine streaming model."""

    family = "moonshine-streaming"
    capabilities = MoonshineEngine.capabilities | {"windows"}
    model_class = MoonshineStreamingForConditionalGeneration
    fills_window = False

    def place(self, model: Any) -> None:
        """See :meth:`~runner.engines.torch_engine.TorchEngine.place`."""
        if self.request.variant.cache == "off":
            # The decoder adds the positions to what it is handed, in place: in every pass anew.
            model.get_decoder().register_forward_pre_hook(_on_a_copy, with_kwargs=True)
        super().place(model)

    def settle(self) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.settle`."""
        super().settle()
        self.window = streaming_window(self.model.config)
        self.window_s = self.window / SAMPLE_RATE

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Waveforms at 16 kHz in whole frames on the host, ``(windows, samples)``."""
        features: torch.Tensor = self.extractor(
            windows,
            sampling_rate=SAMPLE_RATE,
            padding="max_length",
            max_length=frame_samples(max(map(len, windows))),
            return_tensors="pt",
        ).input_values
        return features

    def masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """The padding mask, ``(windows, samples)``, on the device.

        Without one the encoder of transformers attends to everything.
        """
        lengths = torch.tensor([max(len(wave), FRAME) for wave in windows])
        mask = torch.arange(frame_samples(int(lengths.max()))) < lengths[:, None]
        return {"attention_mask": mask.long().to(self.device)}


def _on_a_copy(_: Any, given: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Has the decoder write into a copy of the encoder's output."""
    return given, named | {"encoder_hidden_states": named["encoder_hidden_states"].clone()}

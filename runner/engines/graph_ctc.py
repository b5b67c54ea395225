"""A CTC model as one graph, which gives the best id of each frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from transformers import AutoModelForCTC

from runner.clips.clip import Waveform
from runner.engines.base import (
    DecoderPasses,
    Mark,
    Transcription,
    Unmeasurable,
    Workload,
)
from runner.engines.ctc import frames_of, input_samples
from runner.engines.graph_recogniser import Recogniser, skeleton
from runner.engines.torch_engine import padded_features


class CTCGraph(Recogniser):
    """The graph and the text behind it."""

    def prepare(self) -> None:
        """See :meth:`Recogniser.prepare`."""
        self.skeleton = skeleton(AutoModelForCTC, self.config)
        self._frames = self.open_graph("frames")

    def transcribe(self, batch: Sequence[Waveform], mark: Mark) -> Transcription:
        """See :meth:`Recogniser.transcribe`."""
        inputs = padded_features(self.extractor, batch)
        mark("features")
        graph = self._frames
        placed = {name: graph.place(np.asarray(value)) for name, value in inputs.items()}
        mark("transfer")
        frames = graph.fetch(graph.run(placed)["ids"])
        mark("encode")
        samples = [len(wave) for wave in batch]
        lengths = frames_of(self.skeleton, self.extractor, samples, frames.shape[1])
        texts = self.tokenizer.batch_decode(
            [row[:length] for row, length in zip(frames, lengths, strict=True)]
        )
        mark("text")
        return Transcription(
            texts=tuple(texts),
            windows=len(batch),
            input_samples=input_samples(self.extractor, inputs),
        )

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`Recogniser.decoder_passes`."""
        raise Unmeasurable("a CTC model has no decoder to look into")

    def workload(self, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`Recogniser.workload`."""
        return Workload(self.config, samples=samples, batch=batch)

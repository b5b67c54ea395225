"""PocketSphinx, the classical baseline: its package carries its English model, so it runs offline.

A decoder adapts to what it has heard (cepstral mean): decoding the same speech twice with one
decoder gives different words. Its front end is made anew for every clip, which takes a tenth of a
millisecond and gives the words of a fresh decoder; loading its model again would take a third of
a second and belongs to loading. A batch is decoded clip by clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pocketsphinx import Decoder

from runner.clips.clip import Waveform
from runner.engines.base import (
    Engine,
    LoadRequest,
    Mark,
    Technique,
    Transcription,
    no_mark,
)
from runner.errors import Refused


class PocketSphinxEngine(Engine):
    """PocketSphinx with its bundled English model."""

    family = "pocketsphinx"
    one_thread = True

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        super().__init__(request, techniques)
        if request.variant.batching == "sorted":
            raise Refused(
                f"variant {request.variant.name}: pocketsphinx decodes a batch clip by clip and "
                "pads nothing: their order changes nothing"
            )
        self.decoder = Decoder(loglevel="FATAL")

    @classmethod
    def check_device(cls, device: str) -> None:
        """See :meth:`~runner.engines.base.Engine.check_device`."""
        if device != "cpu":
            raise Refused("pocketsphinx runs on the CPU only")

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`."""
        texts = []
        for wave in batch:
            pcm = (wave * 32768.0).astype(np.int16).tobytes()
            decoder = self.decoder
            decoder.reinit_feat()
            decoder.start_utt()
            # full_utt normalises over the whole utterance; in pieces it starts from a guess.
            decoder.process_raw(pcm, no_search=False, full_utt=True)
            decoder.end_utt()
            best = decoder.hyp()
            texts.append(best.hypstr if best is not None else "")
        mark("decode")
        return Transcription(texts=tuple(texts), input_samples=sum(map(len, batch)))

    def synchronize(self) -> None:
        """The CPU has always done what it was asked to."""

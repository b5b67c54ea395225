"""Models as exported graphs: what the engines on ONNX Runtime and OpenVINO have in common.

The same region, windows, features, prompt, rules and text as the model's own engine in PyTorch;
only the graphs run elsewhere. A Whisper's encoder also gives the keys and values that its decoder
takes of the audio, which is prefill in PyTorch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.catalogue.models import local_folder
from runner.clips.clip import Waveform
from runner.engines.base import (
    DecoderPasses,
    Engine,
    LoadRequest,
    Mark,
    Technique,
    Transcription,
    Workload,
    no_mark,
)
from runner.engines.graph_ctc import CTCGraph
from runner.engines.graph_recogniser import Recogniser
from runner.engines.graph_runtime import Graph
from runner.engines.graph_seq2seq import MoonshineGraphs, WhisperGraphs
from runner.engines.language import Language
from runner.engines.long_form import TakesLongForm
from runner.engines.onnx_export import Export, exported
from runner.engines.pretrained import family_of
from runner.engines.whisper_checkpoint import announce, refuse_detection
from runner.errors import Refused
from store.records import Scalar

_RECOGNISERS: dict[str, type[Recogniser]] = {
    "ctc": CTCGraph,
    "moonshine": MoonshineGraphs,
    "whisper": WhisperGraphs,
}


class GraphEngine(TakesLongForm, Engine):
    """One exported model."""

    capabilities = frozenset({"generate", "windows"})
    told: Sequence[int] = ()
    """The tokens of a Whisper's prompt; none of other models."""

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        super().__init__(request, techniques)
        source = Export.of(request, self.exports)
        self.exported = exported(source)
        for technique in self.techniques:
            technique.apply(self)
        self.graphs: dict[str, Graph] = {}
        recogniser = _RECOGNISERS[source.family]
        self.recogniser = recogniser(self.exported, request, self._open, self.told)
        if request.variant.long_form is not None and self.recogniser.window_s is None:
            raise Refused(
                f"variant {request.variant.name}: long_form {request.variant.long_form} does not "
                f"fit {request.name}: it takes audio in one piece"
            )
        self.recogniser.long_form = self.long_form
        self.token_each_pass = self.recogniser.token_each_pass
        self.window_s = self.recogniser.window_s
        self.parameters = self.recogniser.parameters
        saved = sum(graph.saved_bytes for graph in self.graphs.values())
        self.weights_bytes = self.exported.weights_bytes - saved
        self.revision = request.revision if local_folder(request.name) is None else None

    def language_of(self, request: LoadRequest) -> Language | None:
        """See :meth:`~runner.engines.base.Engine.language_of`. A Whisper's prompt says it."""
        if family_of(request) != "whisper":
            return super().language_of(request)
        prompt, _, self.remarks = announce(request)
        refuse_detection(prompt, self.family)
        self.told = prompt.tokens()
        return prompt.language

    @property
    def exports(self) -> str | None:
        """The quantisation of the exported graphs; None where they hold 32-bit floats."""
        return self.request.variant.quantization

    def _open(self, name: str) -> Graph:
        self.graphs[name] = graph = self.open(self.exported.graph(name))
        return graph

    @abstractmethod
    def open(self, path: Path) -> Graph:
        """A graph, ready to run.

        Raises:
            Refused: the runtime cannot run it.
        """

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`. Windows of a clip are joined by a space."""
        return self.recogniser.transcribe(batch, mark)

    def synchronize(self) -> None:
        """A run returns when its outputs are there."""

    def figures(self) -> tuple[Scalar, ...]:
        """What the export took, where this case had to make it, and what techniques found."""
        return (*self.exported.figures(), *super().figures())

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`~runner.engines.base.Engine.decoder_passes`."""
        return self.recogniser.decoder_passes(batch, tokens)

    @contextmanager
    def shortened(self, tokens: int) -> Iterator[None]:
        """Caps the decoder at ``tokens`` a row."""
        with self.recogniser.shortened(tokens):
            yield

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`. It is the original's work."""
        return self.recogniser.workload(samples, batch, decoder_calls)

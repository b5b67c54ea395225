"""CUDA graphs: the encoder's kernels are recorded once and launched again with one call.

What it saves is the host's work of launching each kernel, which is what bounds small models at
small batches. Recorded by hand, without compiling; ``compile`` with ``reduce-overhead`` does both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from runner.clips.clip import Waveform
from runner.variants.base import Technique
from store.records import Figure, Proof

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine

WARM_PASSES = 3
"""Passes before recording, in which libraries choose their kernels (as PyTorch's manual has it)."""


class CudaGraph(Technique):
    """Whether the encoder is replayed from a recording."""

    part = "cuda_graph"
    families = frozenset({"whisper", "moonshine", "ctc"})
    same_text = True

    def obstacle(self) -> str | None:
        """CUDA."""
        if torch.device(self.request.device).type != "cuda":
            return "needs an NVIDIA GPU"
        return None

    def apply(self, engine: TorchEngine) -> None:
        """Puts the recording in the place of the encoder's forward pass."""
        encoder = engine.encoder
        self.recorded = Recorded(encoder.forward)
        encoder.forward = self.recorded

    def prove(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts recordings and their replays."""
        before = self.recorded.replays
        engine.transcribe(batch)
        replays = self.recorded.replays - before
        found = f"{len(self.recorded.recordings)} recordings, replayed {replays} times in a batch"
        if not replays:
            raise self.no_effect(found)
        return self.proof(found)

    def figures(self, engine: TorchEngine) -> tuple[Figure, ...]:
        """How many shapes were recorded."""
        return (Figure(name="cuda_graphs", value=float(len(self.recorded.recordings))),)


@dataclass(frozen=True)
class _Recording:
    graph: Any
    inputs: list[torch.Tensor]
    """Where a replay reads from."""
    outputs: list[Any]
    """Where a replay writes to."""
    form: Any
    """How the outputs belong together."""


class Recorded:
    """A forward pass that is recorded once for every shape of its inputs."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        self._forward = forward
        self.recordings: dict[Any, _Recording] = {}
        self.replays = 0

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Copies the inputs to where the recording reads them, and replays it."""
        leaves, form = tree_flatten((arguments, keywords))
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        key = (
            str(form),
            tuple(
                (leaf.shape, leaf.dtype) if isinstance(leaf, torch.Tensor) else repr(leaf)
                for leaf in leaves
            ),
        )
        if key not in self.recordings:
            self.recordings[key] = self._record(leaves, form)
        recording = self.recordings[key]
        for place, tensor in zip(recording.inputs, tensors, strict=True):
            place.copy_(tensor)
        recording.graph.replay()
        self.replays += 1
        # The next replay overwrites it: whoever keeps it longer needs a copy of their own.
        return tree_unflatten(list(recording.outputs), recording.form)

    def _record(self, leaves: list[Any], form: Any) -> _Recording:
        own = [leaf.clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        arguments, keywords = tree_unflatten(own, form)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_PASSES):
                self._forward(*arguments, **keywords)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = self._forward(*arguments, **keywords)
        outputs, output_form = tree_flatten(output)
        inputs = [leaf for leaf in own if isinstance(leaf, torch.Tensor)]
        return _Recording(graph, inputs, outputs, output_form)

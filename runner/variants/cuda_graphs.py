"""CUDA graphs: the encoder's kernels are recorded once and launched again with one call.

What it saves is the host's work of launching each kernel, which is what bounds small models at
small batches. Recorded by hand, without compiling; ``compile`` with ``reduce-overhead`` does both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from runner.engines.torch_engine import TorchEngine
from store.records import Proof, Scalar

MOST_RECORDINGS = 8
"""Shapes that are recorded; further ones run without. Each recording keeps memory of its own, and
utterances at their natural length are nearly all of another shape. Timed clips come first, so it is
their shapes that are recorded."""
WARM_PASSES = 3
"""Passes before recording, in which libraries choose their kernels (as PyTorch's manual has it)."""
TOLERANCE = 1e-2
"""Relative difference (root mean square) that a replay may have to the pass it was recorded from:
kernels may be chosen anew, and bf16 has eight bits of mantissa. Another input's output is off by
about 1."""


class CudaGraph(Technique[TorchEngine]):
    """Whether the encoder is replayed from a recording."""

    part = "cuda_graph"
    leaves_work = True
    needs = frozenset({"torch", "encoder"})
    same_text = True
    bypasses_modules = True

    def unsupported_reason(self) -> str | None:
        """CUDA."""
        if torch.device(self.request.device).type != "cuda":
            return "needs an NVIDIA GPU"
        return None

    def apply(self, engine: TorchEngine) -> None:
        """Puts the recording in the place of the encoder's forward pass."""
        encoder = engine.encoder
        self.recorded = Recorded(encoder.forward)
        encoder.forward = self.recorded

    def verify(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts recordings and their replays, and sets what they give against a pass without."""
        before = self.recorded.replays
        engine.transcribe(batch)
        replays = self.recorded.replays - before
        found = f"{len(self.recorded.recordings)} recordings, replayed {replays} times in a batch"
        if not replays:
            raise self.no_effect(found)
        # Backwards: what a recording still holds of the batch itself would be right by chance.
        error = self._error(engine, [wave[::-1].copy() for wave in batch])
        found += f"; other audio is off by {error:.0e}"
        if not error <= TOLERANCE:  # Also where it is no number.
            raise self.no_effect(found)
        return self.proof(found)

    def _error(self, engine: TorchEngine, batch: Sequence[Waveform]) -> float:
        """Largest relative difference between replays and the passes they stand for."""
        errors: list[float] = []

        def compared(*arguments: Any, **keywords: Any) -> Any:
            replayed = self.recorded(*arguments, **keywords)
            errors.append(difference(replayed, self.recorded.forward(*arguments, **keywords)))
            return replayed

        with _instead(engine.encoder, compared):
            engine.transcribe(batch)
        return nan if any(map(isnan, errors)) else max(errors, default=nan)

    @contextmanager
    def set_aside(self, engine: TorchEngine) -> Iterator[None]:
        """Has the encoder run without a recording; those that were made are kept."""
        with _instead(engine.encoder, self.recorded.forward):
            yield

    def figures(self, engine: TorchEngine) -> tuple[Scalar, ...]:
        """How many shapes were recorded, and passes of the others where there were more."""
        found = [Scalar(name="cuda_graphs", value=float(len(self.recorded.recordings)))]
        if self.recorded.without:
            note = f"passes without a recording: {MOST_RECORDINGS} shapes are recorded at most"
            value = float(self.recorded.without)
            found.append(Scalar(name="cuda_graph_plain_passes", value=value, note=note))
        return tuple(found)


@dataclass(frozen=True)
class Recording:
    """A recorded pass: a graph that can be replayed, and where its tensors lie."""

    graph: Any
    inputs: list[torch.Tensor]
    """Where a replay reads from."""
    outputs: list[Any]
    """Where a replay writes to."""
    form: Any
    """How the outputs belong together."""


class Recorded:
    """A forward pass that is recorded once for each of the first shapes of its inputs."""

    def __init__(
        self, forward: Callable[..., Any], *, record: Callable[..., Recording] | None = None
    ) -> None:
        """Takes the place of a forward pass.

        Args:
            forward: The pass.
            record: Makes a recording of a pass, of the leaves of its arguments and of their form.
        """
        self.forward = forward
        self.recordings: dict[Any, Recording] = {}
        self._record = record or record_cuda_graph
        self.replays = 0
        self.without = 0
        """Passes for which there was no recording any more."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Copies the inputs to where the recording reads them, and replays it.

        Beyond :data:`MOST_RECORDINGS` shapes a new one goes through the pass itself.
        """
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
            if len(self.recordings) >= MOST_RECORDINGS:
                self.without += 1
                return self.forward(*arguments, **keywords)
            self.recordings[key] = self._record(self.forward, leaves, form)
        recording = self.recordings[key]
        for place, tensor in zip(recording.inputs, tensors, strict=True):
            place.copy_(tensor)
        recording.graph.replay()
        self.replays += 1
        # The next replay overwrites it: whoever keeps it longer needs a copy of their own.
        return tree_unflatten(list(recording.outputs), recording.form)


def record_cuda_graph(forward: Callable[..., Any], leaves: list[Any], form: Any) -> Recording:
    """Records the kernels of a forward pass.

    Args:
        forward: The forward pass.
        leaves: Its arguments in one list; tensors keep their shapes on the device.
        form: The form that the list is put back into, as ``tree_flatten`` gave it.
    """
    own = [leaf.clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
    arguments, keywords = tree_unflatten(own, form)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_PASSES):
            forward(*arguments, **keywords)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = forward(*arguments, **keywords)
    outputs, output_form = tree_flatten(output)
    inputs = [leaf for leaf in own if isinstance(leaf, torch.Tensor)]
    return Recording(graph, inputs, outputs, output_form)


def difference(found: Any, expected: Any) -> float:
    """Largest relative difference (root mean square) of the tensors of two outputs."""
    pairs = zip(tree_flatten(found)[0], tree_flatten(expected)[0], strict=True)
    errors = [
        float((a.double() - b.double()).norm() / b.double().norm())
        for a, b in pairs
        if isinstance(b, torch.Tensor) and b.is_floating_point()
    ]
    return nan if any(map(isnan, errors)) else max(errors, default=nan)


@contextmanager
def _instead(module: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """Gives a module another forward pass for a while."""
    before = module.forward
    module.forward = forward
    try:
        yield
    finally:
        module.forward = before

"""Exports a model of transformers to ONNX, once, into the cache.

Its weights are those that the model's own engine loads, so random ones are the same too. A folder
holds the graphs, and what the engine takes for features and text.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from runner.engines.base import LoadRequest
from runner.engines.conversion import (
    Converter,
    Kept,
    Source,
    keep,
    run_converter,
)
from runner.engines.pretrained import family_of

FLOAT = "fp32"
"""Name of the format of graphs that are not quantised."""
OPSET = 18
"""Version of the operators; what PyTorch's exporter writes without converting."""
_SIZES = "sizes.json"
"""Written last: the bytes of each file."""


@dataclass(frozen=True)
class Export(Source):
    """What to export."""

    family: str = ""
    """Its engine in PyTorch: ``whisper``, ``moonshine`` or ``ctc``."""
    opset: int = OPSET

    @classmethod
    def of(cls, request: LoadRequest, format: str | None, **more: Any) -> Self:
        """See :meth:`Source.of`; 32-bit floats where no format is named."""
        return super().of(request, format or FLOAT, family=family_of(request), **more)


@dataclass(frozen=True)
class Exported(Kept):
    """An exported model."""

    @cached_property
    def config(self) -> Any:
        """The original's configuration."""
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(self.folder)

    @cached_property
    def extractor(self) -> Any:
        """The feature extractor."""
        from transformers import AutoFeatureExtractor

        return AutoFeatureExtractor.from_pretrained(self.folder)

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder)

    def graph(self, name: str) -> Path:
        """The file of a graph; its weights lie beside it."""
        return self.folder / f"{name}.onnx"

    @property
    def weights_bytes(self) -> int:
        """Bytes of the weights of all graphs."""
        return sum(file.stat().st_size for file in self.folder.glob("*.onnx.data"))


def is_whole(folder: Path) -> bool:
    """Whether a folder holds every file that was written, at its size."""
    try:
        sizes = json.loads((folder / _SIZES).read_text())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


CONVERTER = Converter(
    library="ONNX",
    folder="onnx",
    module="runner.engines.onnx_export",
    packages=("torch", "transformers", "onnxscript"),
    is_whole=is_whole,
)


def exported(source: Export) -> Exported:
    """The exported model, from the cache if it is there.

    Raises:
        Refused: it cannot be exported, or not written.
    """
    quantiser = () if source.format == FLOAT else ("onnxruntime",)
    converter = replace(CONVERTER, packages=(*CONVERTER.packages, *quantiser))
    return keep(source, converter, Exported)


def export(source: Export, out: Path) -> None:
    """Exports, in this process."""
    if source.format == FLOAT:
        _export_floats(source, out)
    else:
        from runner.engines.onnx_quantization import quantize

        plain = exported(replace(source, format=FLOAT)).folder
        out.mkdir()
        for file in plain.glob("*.json"):
            shutil.copyfile(file, out / file.name)
        for graph in plain.glob("*.onnx"):
            quantize(graph, out / graph.name, source.format)
    sizes = {}
    for file in sorted(out.iterdir()):
        with file.open("rb") as written:
            os.fsync(written.fileno())
        sizes[file.name] = file.stat().st_size
    (out / _SIZES).write_text(json.dumps(sizes))


def _export_floats(source: Export, out: Path) -> None:
    from runner.engines.onnx_modules import graphs_of

    engine = _engine(source)
    out.mkdir()
    for graph in graphs_of(engine, source.family):
        graph.write(out, source.opset)
    engine.model.config.save_pretrained(out)
    if engine.model.can_generate():
        engine.model.generation_config.save_pretrained(out)
    engine.extractor.save_pretrained(out)
    engine.tokenizer.save_pretrained(out)


def _engine(source: Export) -> Any:
    """The model's own engine, on the CPU, in 32-bit floats."""
    from pkgutil import resolve_name

    from runner.catalogue.engines import ENGINES

    request = replace(LoadRequest.of_checkpoint(source.name), cached=True)
    if source.seed is not None:
        request = replace(request, weights="random", seed=source.seed)
    return resolve_name(ENGINES[source.family].target)(request)


if __name__ == "__main__":
    run_converter(Export, export)

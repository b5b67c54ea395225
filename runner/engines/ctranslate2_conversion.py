"""Converts a Whisper of transformers to CTranslate2."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.engines.conversion import (
    Converter,
    Kept,
    Source,
    keep,
    run_converter,
    save_random_whisper,
)

_WEIGHTS = "model.bin"
_WHOLE = (_WEIGHTS, "tokenizer.json")
"""What a converted model cannot be without."""


@dataclass(frozen=True)
class Converted(Kept):
    """A converted model."""

    @property
    def config(self) -> Any:
        """The original's configuration."""
        from transformers import WhisperConfig

        return WhisperConfig.from_pretrained(self.folder / "original")

    @property
    def weights_bytes(self) -> int:
        """Bytes of the converted weights."""
        return (self.folder / _WEIGHTS).stat().st_size


CONVERTER = Converter(
    library="CTranslate2",
    folder="ctranslate2",
    module="runner.engines.ctranslate2_conversion",
    packages=("ctranslate2", "transformers"),
    is_whole=lambda folder: all((folder / name).is_file() for name in _WHOLE),
)


def converted(source: Source) -> Converted:
    """The converted model, from the cache if it is there.

    Raises:
        Refused: it cannot be converted, or not written.
    """
    return keep(source, CONVERTER, Converted)


def convert(source: Source, out: Path) -> None:
    """Converts, in this process.

    Raises:
        Refused: the checkpoint has no tokenizer, or another model's.
    """
    from ctranslate2.converters import TransformersConverter
    from transformers import WhisperConfig, WhisperTokenizerFast

    from runner.engines.base import LoadRequest
    from runner.engines.checkpoint_tokenizer import load_tokenizer
    from runner.engines.pretrained import from_pretrained
    from runner.engines.search_settings import published_settings

    with tempfile.TemporaryDirectory(prefix="asrprof-") as scratch:
        original = source.name
        if source.seed is not None:
            original = scratch
            save_random_whisper(source, Path(scratch))
        request = LoadRequest.of_checkpoint(str(original))
        config = from_pretrained(WhisperConfig, request)
        tokenizer = None
        if source.seed is None:
            tokenizer = load_tokenizer(WhisperTokenizerFast, request)
        names = ("tokenizer.json", "preprocessor_config.json", "generation_config.json")
        present = [name for name in names if (Path(original) / name).is_file()]
        TransformersConverter(original, copy_files=present).convert(
            str(out), quantization=source.format
        )
        # Where it finds none faster-whisper would fetch the published one, whatever the model.
        if tokenizer is not None and "tokenizer.json" not in present:
            tokenizer.backend_tokenizer.save(str(out / "tokenizer.json"))
        if "generation_config.json" not in present:
            published_settings(request, config).save_pretrained(out)
        (out / "original").mkdir()
        shutil.copyfile(Path(original) / "config.json", out / "original" / "config.json")


if __name__ == "__main__":
    run_converter(Source, convert)

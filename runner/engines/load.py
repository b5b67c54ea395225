"""Makes the engine a case asks for. Importing this module imports no framework."""

from __future__ import annotations

from pathlib import Path

from runner.engines.base import Engine, LoadRequest
from runner.engines.catalogue import (
    CATALOGUE,
    Family,
    family_of_folder,
    family_of_type,
)
from runner.errors import Refused


def load_engine(request: LoadRequest) -> Engine:
    """Loads a model, or makes it with random weights.

    Raises:
        Refused: it cannot be had here; the reason says what to change.
    """
    entry = CATALOGUE.get(request.name)
    if request.weights == "random" and (entry is None or not entry.random):
        raise Refused(
            f"{request.name} has no published configuration here to make random weights of; "
            'use "weights": "pretrained"'
        )
    family = family_of(request)
    if request.engine == "faster-whisper":
        return _faster_whisper(request, family)
    if family == "whisper":
        from runner.engines.whisper import WhisperEngine

        return WhisperEngine(request)
    if family == "moonshine":
        from runner.engines.moonshine import MoonshineEngine

        return MoonshineEngine(request)
    if family == "ctc":
        from runner.engines.ctc import CTCEngine

        return CTCEngine(request)
    if family == "transducer":
        from runner.engines.transducer import TransducerEngine

        return TransducerEngine(request)
    from runner.engines.pocketsphinx import PocketSphinxEngine

    return PocketSphinxEngine(request)


def _faster_whisper(request: LoadRequest, family: Family) -> Engine:
    if family != "whisper":
        raise Refused(f"{request.name} is no Whisper: faster-whisper runs those alone")
    try:
        from runner.engines.faster_whisper import FasterWhisperEngine
    except ImportError as error:
        raise Refused(
            f'faster-whisper cannot be imported ({error}); pip install "asrprof[faster-whisper]"'
        ) from error
    return FasterWhisperEngine(request)


def family_of(request: LoadRequest) -> Family:
    """Which family a model is of; nothing but its configuration is read.

    Raises:
        Refused: none that runs here, or there is no such model.
    """
    entry = CATALOGUE.get(request.name)
    if entry is not None:
        return entry.family
    folder = Path(request.name).expanduser()
    try:
        if folder.is_dir():
            return family_of_folder(folder)
        return family_of_type(_hub_model_type(request), request.name)
    except ValueError as error:
        raise Refused(str(error)) from error


def _hub_model_type(request: LoadRequest) -> str:
    from transformers import AutoConfig

    from runner.engines.torch_engine import from_pretrained

    return str(from_pretrained(AutoConfig, request).model_type)

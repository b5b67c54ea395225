"""Every engine asrprof can run. An engine is one file, and one entry here.

No framework is imported here: an engine's module is imported when a case runs on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runner.catalogue.entries import ModelEntry
from runner.catalogue.names import unknown


@dataclass(frozen=True)
class EngineEntry:
    """One engine."""

    name: str
    """What its rows are stored under."""
    target: str
    """``module:class`` of its :class:`~runner.engines.base.Engine`."""
    model_types: tuple[str, ...] = ()
    """Values of ``model_type`` in a transformers ``config.json`` that it runs by default."""
    runs: tuple[str, ...] = ()
    """The engines in whose place it can be asked for; none for one that has models of its own."""
    about: str = ""
    """What it is, for the documentation of the field that asks for it."""
    remote: bool = False
    """Whether it asks a server, for a model that only that knows."""
    mark: str | None = None
    """What stands behind the names of models that it runs in another's place."""
    through: str = ""
    """What that mark means, for the notes below a table."""
    extra: str | None = None
    """The extra that brings what it needs, where asrprof does not bring it along."""
    libraries: tuple[str, ...] = ()
    """Distributions, of which one must be there to run it."""
    exporter: tuple[str, ...] = ()
    """Distributions that make the files which it runs, all of which must be there too."""
    preloaded: bool = False
    """Whether its module is imported once, for all cases to share."""
    forkable: bool = False
    """Whether a loaded model survives a fork on a CPU: it is plain memory, and neither threads nor
    handles of a runtime of its own belong to it."""
    models: tuple[ModelEntry, ...] = ()
    """Models that come with it; all others are in :mod:`runner.catalogue.models`."""

    @property
    def can_be_asked_for(self) -> bool:
        """Whether a model of a config may name it."""
        return bool(self.runs) or self.remote


_ONNX_EXPORTER = ("onnx", "onnxscript")

_ENTRIES = (
    EngineEntry(
        "whisper",
        "runner.engines.whisper:WhisperEngine",
        model_types=("whisper",),
        preloaded=True,
        forkable=True,
    ),
    EngineEntry(
        "moonshine",
        "runner.engines.moonshine:MoonshineEngine",
        model_types=("moonshine",),
        forkable=True,
    ),
    EngineEntry(
        "moonshine-streaming",
        "runner.engines.moonshine_streaming:MoonshineStreamingEngine",
        model_types=("moonshine_streaming",),
        forkable=True,
    ),
    EngineEntry(
        "cohere-asr",
        "runner.engines.cohere_asr:CohereASREngine",
        model_types=("cohere_asr",),
        forkable=True,
    ),
    EngineEntry(
        "qwen3-asr",
        "runner.engines.qwen3_asr:Qwen3ASREngine",
        model_types=("qwen3_asr",),
        forkable=True,
    ),
    EngineEntry(
        "voxtral",
        "runner.engines.voxtral:VoxtralEngine",
        model_types=("voxtral",),
        forkable=True,
    ),
    EngineEntry(
        "granite-speech",
        "runner.engines.granite_speech:GraniteSpeechEngine",
        model_types=("granite_speech",),
        forkable=True,
    ),
    EngineEntry(
        "canary",
        "runner.engines.canary:CanaryEngine",
        model_types=("canary",),
        forkable=True,
    ),
    EngineEntry(
        "kyutai-stt",
        "runner.engines.kyutai:KyutaiEngine",
        model_types=("kyutai_speech_to_text",),
        forkable=True,
    ),
    EngineEntry(
        "voxtral-realtime",
        "runner.engines.voxtral_realtime:VoxtralRealtimeEngine",
        model_types=("voxtral_realtime",),
        forkable=True,
    ),
    EngineEntry(
        "ctc",
        "runner.engines.ctc:CTCEngine",
        model_types=(
            *("wav2vec2", "wav2vec2-conformer", "hubert", "data2vec-audio"),
            *("wavlm", "wav2vec2-bert", "parakeet_ctc"),
        ),
        preloaded=True,
        forkable=True,
    ),
    EngineEntry(
        "transducer",
        "runner.engines.transducer:TransducerEngine",
        model_types=("parakeet_tdt", "parakeet_rnnt"),
        forkable=True,
    ),
    EngineEntry(
        "nemotron",
        "runner.engines.nemotron:NemotronEngine",
        model_types=("nemotron_asr_streaming",),
        forkable=True,
    ),
    EngineEntry("pocketsphinx", "runner.engines.pocketsphinx:PocketSphinxEngine", forkable=True),
    EngineEntry(
        "faster-whisper",
        "runner.engines.faster_whisper:FasterWhisperEngine",
        runs=("whisper",),
        about="converts a Whisper to CTranslate2",
        mark="ct2",
        through="through faster-whisper, on CTranslate2",
        extra="faster-whisper",
        libraries=("faster-whisper",),
    ),
    EngineEntry(
        "onnx",
        "runner.engines.onnx_runtime:OnnxEngine",
        runs=("whisper", "moonshine", "ctc"),
        about="exports a Whisper, a Moonshine or a CTC model to ONNX",
        mark="onnx",
        through="on ONNX Runtime",
        extra="onnx",
        libraries=("onnxruntime", "onnxruntime-gpu"),
        exporter=_ONNX_EXPORTER,
    ),
    EngineEntry(
        "openvino",
        "runner.engines.openvino_runtime:OpenVinoEngine",
        runs=("whisper", "moonshine", "ctc"),
        about="runs on OpenVINO what `onnx` exports",
        mark="ov",
        through="on OpenVINO",
        extra="openvino",
        libraries=("openvino",),
        exporter=_ONNX_EXPORTER,
    ),
    EngineEntry(
        "whisper-cpp",
        "runner.engines.whisper_cpp:WhisperCppEngine",
        runs=("whisper",),
        about="converts a Whisper to whisper.cpp's file",
        mark="cpp",
        through="through whisper.cpp",
        extra="whisper-cpp",
        libraries=("pywhispercpp",),
    ),
    EngineEntry(
        "http",
        "runner.engines.http:HttpEngine",
        remote=True,
        about="asks a server of `POST /v1/audio/transcriptions`, or of realtime transcription",
        mark="http",
        through="through a server, over HTTP",
    ),
)


ENGINES: dict[str, EngineEntry] = {entry.name: entry for entry in _ENTRIES}
"""Name -> engine."""


def lacking(entry: EngineEntry, version: Callable[[str], str] | None = None) -> str | None:
    """What an engine's files are made with and is not installed; None where all of it is.

    Args:
        entry: An engine.
        version: Gives the version of an installed distribution.
    """
    return next((name for name in entry.exporter if _version_of(name, version) is None), None)


def installed(entry: EngineEntry, version: Callable[[str], str] | None = None) -> str | None:
    """The library that an engine runs on, with its version; None where something is lacking.

    Args:
        entry: An engine that asrprof does not bring along.
        version: Gives the version of an installed distribution.
    """
    if lacking(entry, version) is not None:
        return None
    found = ((library, _version_of(library, version)) for library in entry.libraries)
    return next((f"{library} {number}" for library, number in found if number is not None), None)


def _version_of(distribution: str, version: Callable[[str], str] | None) -> str | None:
    # Not at the top: it takes as long to import as all of the catalogue.
    import importlib.metadata

    try:
        return (version or importlib.metadata.version)(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_engine(name: str) -> str:
    """Checks that ``name`` is an engine that can be asked for, and returns it.

    Raises:
        ValueError: It is none; one line with the nearest that there is.
    """
    others = [entry.name for entry in ENGINES.values() if entry.can_be_asked_for]
    if name not in others:
        raise ValueError(unknown("engine", name, others))
    return name

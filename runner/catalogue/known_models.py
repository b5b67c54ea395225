"""The models that asrprof knows by name, bundled or on the hub: what their publishers say of them.

A model is named as its publisher names it on the Hugging Face hub. Parameter counts and licences
are those of the model cards.
"""

from __future__ import annotations

from runner.catalogue.entries import ModelEntry
from runner.catalogue.languages import (
    CANARY_V2,
    COHERE_ASR,
    ENGLISH,
    GRANITE_SPEECH,
    KYUTAI_1B,
    PARAKEET_V3,
    QWEN3_ASR,
    VOXTRAL,
    VOXTRAL_REALTIME,
    WHISPER,
    WHISPER_V3,
)


def _whisper(size: str, parameters: float, languages: tuple[str, ...] = WHISPER) -> ModelEntry:
    licence = "MIT" if size.endswith("turbo") else "Apache-2.0"
    return ModelEntry(
        f"openai/whisper-{size}", "whisper", "Whisper", int(parameters), licence, 30.0, languages
    )


def _small(name: str, family: str, architecture: str, parameters: float) -> ModelEntry:
    return ModelEntry(
        name,
        family,
        architecture,
        int(parameters),
        "Apache-2.0",
        15.0 if family == "whisper" else None,
        ENGLISH,
        bundled=True,
        random=False,
        note="trained on the built-in speech's vocabulary; its WER speaks of that speech alone",
    )


ENTRIES = (
    _small("small-parakeet-ctc", "ctc", "FastConformer-CTC", 1.77e6),
    _small("small-wav2vec2-ctc", "ctc", "wav2vec 2.0", 1.31e6),
    _small("small-whisper", "whisper", "Whisper", 2.77e6),
    ModelEntry(
        "pocketsphinx",
        "pocketsphinx",
        "HMM-GMM",
        0,
        "BSD-2-Clause",
        None,
        ENGLISH,
        bundled=True,
        random=False,
        note="classical baseline on one CPU core; a batch is decoded clip by clip",
    ),
    _whisper("tiny", 37.8e6),
    _whisper("base", 72.6e6),
    _whisper("small", 242e6),
    _whisper("medium", 764e6),
    _whisper("large-v2", 1540e6),
    _whisper("large-v3", 1540e6, WHISPER_V3),
    _whisper("large-v3-turbo", 809e6, WHISPER_V3),
    _whisper("tiny.en", 37.8e6, ENGLISH),
    _whisper("base.en", 72.6e6, ENGLISH),
    _whisper("small.en", 242e6, ENGLISH),
    _whisper("medium.en", 764e6, ENGLISH),
    ModelEntry(
        "UsefulSensors/moonshine-tiny", "moonshine", "Moonshine", 27_100_000, "MIT", None, ENGLISH
    ),
    ModelEntry(
        "UsefulSensors/moonshine-base", "moonshine", "Moonshine", 61_500_000, "MIT", None, ENGLISH
    ),
    ModelEntry(
        "facebook/wav2vec2-base-960h", "ctc", "wav2vec 2.0", 94_400_000, "Apache-2.0", None, ENGLISH
    ),
    ModelEntry(
        "facebook/wav2vec2-large-960h",
        "ctc",
        "wav2vec 2.0",
        315_000_000,
        "Apache-2.0",
        None,
        ENGLISH,
    ),
    ModelEntry(
        "facebook/wav2vec2-large-960h-lv60-self",
        "ctc",
        "wav2vec 2.0",
        315_000_000,
        "Apache-2.0",
        None,
        ENGLISH,
    ),
    ModelEntry(
        "facebook/hubert-large-ls960-ft", "ctc", "HuBERT", 315_000_000, "Apache-2.0", None, ENGLISH
    ),
    ModelEntry(
        "facebook/wav2vec2-conformer-rel-pos-large-960h-ft",
        "ctc",
        "wav2vec 2.0 Conformer",
        619_000_000,
        "Apache-2.0",
        None,
        ENGLISH,
    ),
    ModelEntry(
        "facebook/wav2vec2-conformer-rope-large-960h-ft",
        "ctc",
        "wav2vec 2.0 Conformer",
        593_000_000,
        "Apache-2.0",
        None,
        ENGLISH,
    ),
    ModelEntry(
        "facebook/hubert-xlarge-ls960-ft", "ctc", "HuBERT", 963_000_000, "Apache-2.0", None, ENGLISH
    ),
    ModelEntry(
        "facebook/data2vec-audio-base-960h",
        "ctc",
        "data2vec",
        93_200_000,
        "Apache-2.0",
        None,
        ENGLISH,
    ),
    ModelEntry(
        "patrickvonplaten/wavlm-libri-clean-100h-base-plus",
        "ctc",
        "WavLM",
        94_400_000,
        "CC-BY-SA-3.0",
        None,
        ENGLISH,
    ),
    ModelEntry(
        "patrickvonplaten/wavlm-libri-clean-100h-large",
        "ctc",
        "WavLM",
        315_000_000,
        "CC-BY-SA-3.0",
        None,
        ENGLISH,
    ),
    ModelEntry(
        "facebook/w2v-bert-2.0",
        "ctc",
        "w2v-BERT",
        581_000_000,
        "MIT",
        None,
        (),
        note="published without a head: random weights alone, or a fine-tune by its own name",
    ),
    *(
        ModelEntry(
            f"UsefulSensors/moonshine-streaming-{size}",
            "moonshine-streaming",
            "Moonshine streaming",
            parameters,
            "MIT",
            81.92,
            ENGLISH,
            note=f"its publishers count {stated} M, without the output head",
        )
        for size, parameters, stated in (
            ("tiny", 44_100_000, 34),
            ("small", 140_000_000, 123),
            ("medium", 266_000_000, 245),
        )
    ),
    ModelEntry(
        "CohereLabs/cohere-transcribe-03-2026",
        "cohere-asr",
        "Cohere Transcribe",
        2_070_000_000,
        "Apache-2.0",
        35.0,
        COHERE_ASR,
    ),
    ModelEntry(
        "Qwen/Qwen3-ASR-0.6B-hf",
        "qwen3-asr",
        "Qwen3-ASR",
        782_000_000,
        "Apache-2.0",
        None,
        QWEN3_ASR,
    ),
    ModelEntry(
        "Qwen/Qwen3-ASR-1.7B-hf",
        "qwen3-asr",
        "Qwen3-ASR",
        2_040_000_000,
        "Apache-2.0",
        None,
        QWEN3_ASR,
    ),
    ModelEntry(
        "mistralai/Voxtral-Mini-3B-2507",
        "voxtral",
        "Voxtral",
        4_680_000_000,
        "Apache-2.0",
        None,
        VOXTRAL,
    ),
    ModelEntry(
        "mistralai/Voxtral-Small-24B-2507",
        "voxtral",
        "Voxtral",
        24_300_000_000,
        "Apache-2.0",
        None,
        VOXTRAL,
    ),
    *(
        ModelEntry(
            f"ibm-granite/granite-speech-3.3-{size}",
            "granite-speech",
            "Granite speech",
            parameters,
            "Apache-2.0",
            None,
            GRANITE_SPEECH,
            note="its LoRA adapter is merged; its publishers decode with four beams",
        )
        for size, parameters in (("2b", 3_010_000_000), ("8b", 8_650_000_000))
    ),
    ModelEntry(
        "nvidia/canary-1b-v2",
        "canary",
        "Canary",
        962_000_000,
        "CC-BY-4.0",
        None,
        CANARY_V2,
        note="the 978 million of its model card have the vocabulary's matrix twice",
    ),
    ModelEntry(
        "kyutai/stt-1b-en_fr-trfs",
        "kyutai-stt",
        "Kyutai STT",
        1_070_000_000,
        "CC-BY-4.0",
        None,
        KYUTAI_1B,
        sample_rate_hz=24_000,
        note="its text lags the audio by 0.5 s; 79 million of its parameters are the codec's",
    ),
    ModelEntry(
        "kyutai/stt-2.6b-en-trfs",
        "kyutai-stt",
        "Kyutai STT",
        2_700_000_000,
        "CC-BY-4.0",
        None,
        ENGLISH,
        sample_rate_hz=24_000,
        note="its text lags the audio by 2.5 s; 79 million of its parameters are the codec's",
    ),
    ModelEntry(
        "mistralai/Voxtral-Mini-4B-Realtime-2602",
        "voxtral-realtime",
        "Voxtral realtime",
        4_430_000_000,
        "Apache-2.0",
        None,
        VOXTRAL_REALTIME,
        note="its text lags the audio by 0.48 s",
    ),
    ModelEntry(
        "nvidia/parakeet-tdt-0.6b-v3",
        "transducer",
        "FastConformer-TDT",
        627_000_000,
        "CC-BY-4.0",
        None,
        PARAKEET_V3,
    ),
    ModelEntry(
        "nvidia/parakeet-rnnt-0.6b",
        "transducer",
        "FastConformer-RNNT",
        617_000_000,
        "CC-BY-4.0",
        None,
        ENGLISH,
    ),
    ModelEntry(
        "nvidia/nemotron-speech-streaming-en-0.6b",
        "nemotron",
        "FastConformer-RNNT",
        618_000_000,
        "NVIDIA-Open-Model-License",
        None,
        ENGLISH,
        note="its encoder sees 13 frames (1.04 s) ahead, as its publishers' front end asks for",
    ),
    ModelEntry(
        "nvidia/parakeet-ctc-0.6b",
        "ctc",
        "FastConformer-CTC",
        609_000_000,
        "CC-BY-4.0",
        None,
        ENGLISH,
    ),
    ModelEntry(
        "nvidia/parakeet-ctc-1.1b",
        "ctc",
        "FastConformer-CTC",
        1_060_000_000,
        "CC-BY-4.0",
        None,
        ENGLISH,
    ),
)
"""All but those that come with an engine."""

"""Where in a recording somebody speaks: Silero's voice activity detection.

The detector is the one that faster-whisper carries (a small network on ONNX Runtime, on the CPU),
with the settings that it cuts recordings by for batches: a pause of 160 ms ends a stretch, which
is widened by 400 ms at both ends.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from runner.catalogue.extras import install_line
from runner.clips.clip import SAMPLE_RATE, Waveform

SHORTEST_PAUSE_MS = 160
MARGIN_MS = 400


def speech_spans(wave: Waveform, longest: int) -> list[tuple[int, int]]:
    """Stretches of speech, in order: first sample, and the one after the last.

    Args:
        wave: Shape (samples,), float32, 16 kHz.
        longest: Samples of a stretch beyond which it is cut at its last pause, or where it stands.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    margin_s = MARGIN_MS / 1000
    longest_s = longest / SAMPLE_RATE
    options = VadOptions(
        # The detector takes the margins off it.
        max_speech_duration_s=max(longest_s, 2 * margin_s + 1),
        min_silence_duration_ms=SHORTEST_PAUSE_MS,
        speech_pad_ms=MARGIN_MS,
    )
    found = get_speech_timestamps(wave, options, sampling_rate=SAMPLE_RATE)
    return [(int(span["start"]), min(int(span["end"]), len(wave))) for span in found]


def detector_name() -> str:
    """What it is, for a proof."""
    try:
        carrier = f"faster-whisper {version('faster-whisper')}"
    except PackageNotFoundError:  # pragma: no cover - refused before
        carrier = "faster-whisper"
    return (
        f"Silero VAD of {carrier}, threshold 0.5, pauses of {SHORTEST_PAUSE_MS} ms, "
        f"margins of {MARGIN_MS} ms"
    )


def detector_missing() -> str | None:
    """Why there is none here, in words that say what to change; None where there is."""
    if find_spec("faster_whisper") is None or find_spec("onnxruntime") is None:
        return f"needs faster-whisper's detector; {install_line('faster-whisper')}"
    return None

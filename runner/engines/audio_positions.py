"""Positions of a prompt that a clip's audio takes, by family and from its samples alone.

The engines write their prompts by it, and the counters of FLOPs and of memory need no more.
"""

from __future__ import annotations

from typing import Any

from runner.engines.mel_frames import MEL_HOP, MEL_WINDOW

REALTIME_SILENCE = 32
"""Positions of silence before a clip (``streaming_n_left_pad_tokens`` of the published
tekken.json)."""
REALTIME_ROOM = 10
"""Those behind it, beyond the delay and one more (``OFFLINE_STREAMING_BUFFER_TOKENS`` of
mistral-common 1.13.1)."""


def qwen3_asr_frames(samples: int) -> int:
    """Mel frames of a clip; half a second is the least that is heard."""
    return max(samples, 8000) // MEL_HOP


def qwen3_asr_positions(samples: int) -> int:
    """Positions of a clip: 13 for each second, fewer for the rest."""
    seconds, rest = divmod(qwen3_asr_frames(samples), 100)
    for _ in range(3):
        rest = -(-rest // 2)
    return 13 * seconds + rest


def voxtral_window(config: Any) -> int:
    """Samples that the encoder takes at a time; 30 s as published."""
    return int(2 * MEL_HOP * config.audio_config.max_source_positions)


def voxtral_windows(config: Any, samples: int) -> int:
    """Windows of a clip, the last one padded.

    Args:
        config: A configuration of the model type ``voxtral``.
        samples: Of the clip.
    """
    return max(1, -(-samples // voxtral_window(config)))


def voxtral_positions(config: Any, samples: int) -> int:
    """Positions of a clip, those of the padding included: 375 for each window as published.

    Args:
        config: A configuration of the model type ``voxtral``.
        samples: Of the clip.
    """
    audio = config.audio_config
    # The projection takes as many frames at once as make up the width of the feed-forward.
    joined: int = audio.intermediate_size // audio.hidden_size
    frames: int = voxtral_windows(config, samples) * audio.max_source_positions
    return frames // joined


def voxtral_realtime_prompt(config: Any) -> int:
    """Tokens before the first that is said: the beginning, silence, and the delay.

    Args:
        config: A configuration of the model type ``voxtral_realtime``.
    """
    return int(1 + REALTIME_SILENCE + config.default_num_delay_tokens)


def voxtral_realtime_positions(config: Any, samples: int) -> int:
    """Positions of a clip with the silence around it, as mistral-common pads it; 80 ms each.

    Args:
        config: A configuration of the model type ``voxtral_realtime``.
        samples: Of the clip.
    """
    behind = config.default_num_delay_tokens + 1 + REALTIME_ROOM
    heard: int = -(-samples // (MEL_HOP * config.audio_length_per_tok))
    return int(REALTIME_SILENCE + heard + behind)


def granite_speech_pairs(samples: int) -> int:
    """Pairs of mel frames of a clip; one frame's window is the least that is heard."""
    return (max(samples, MEL_WINDOW) // MEL_HOP + 1) // 2


def granite_speech_positions(config: Any, samples: int) -> int:
    """Positions of a clip: 3 for each 15 pairs of frames as published, the last of them padded.

    Args:
        config: A configuration of the model type ``granite_speech``.
        samples: Of the clip.
    """
    blocks: int = -(-granite_speech_pairs(samples) // config.window_size)
    queries: int = config.window_size // config.downsample_rate
    return blocks * queries

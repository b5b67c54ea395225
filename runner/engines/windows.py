"""Clips cut into an encoder's windows, the tokens each is given, and its text put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice

from runner.clips.clip import Waveform


def window_count(wave: Waveform, size: int) -> int:
    """Windows of ``size`` samples that a clip fills, the last one in part."""
    return max(1, math.ceil(len(wave) / size))


def cut_windows(batch: Sequence[Waveform], size: int) -> list[Waveform]:
    """The windows of all clips, clip by clip, without overlap."""
    return [
        wave[number * size : (number + 1) * size]
        for wave in batch
        for number in range(window_count(wave, size))
    ]


def join_windows(texts: Sequence[str], batch: Sequence[Waveform], size: int) -> tuple[str, ...]:
    """Each clip's text, from those of its windows, joined by a space.

    Args:
        texts: Of all windows, clip by clip.
        batch: The clips.
        size: Samples of a window.
    """
    following = iter(texts)
    return tuple(
        " ".join(text.strip() for text in islice(following, window_count(wave, size)))
        for wave in batch
    )


def fixed_tokens(per_second: float, seconds: float, longest: int, cap: int | None) -> int:
    """Tokens that a row generates where it never stops by itself.

    Args:
        per_second: For each second of audio.
        seconds: Of the longest window.
        longest: Most that the decoder can generate.
        cap: Fewer, for a pass that looks at a few steps only.
    """
    return min(math.ceil(per_second * seconds), longest, cap or longest)

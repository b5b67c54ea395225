"""Windows of clips, and their texts put together again."""

from __future__ import annotations

import numpy as np
import pytest

from runner.engines.windows import cut_windows, fixed_tokens, join_windows, window_count


def wave(samples: int) -> np.ndarray:
    return np.arange(samples, dtype=np.float32)


@pytest.mark.parametrize(("samples", "count"), [(0, 1), (1, 1), (10, 1), (11, 2), (30, 3)])
def test_windows_of_a_clip(samples, count):
    windows = cut_windows([wave(samples)], 10)
    assert window_count(wave(samples), 10) == len(windows) == count
    assert np.array_equal(np.concatenate(windows), wave(samples))


def test_texts_go_back_to_their_clips():
    batch = [wave(25), wave(10), wave(11)]
    assert [len(window) for window in cut_windows(batch, 10)] == [10, 10, 5, 10, 10, 1]
    texts = [" a", "b ", "c", "d", "e", ""]
    assert join_windows(texts, batch, 10) == ("a b c", "d", "e ")


@pytest.mark.parametrize(
    ("seconds", "cap", "tokens"), [(2.1, None, 7), (2.1, 4, 4), (2.1, 9, 7), (99, None, 20)]
)
def test_a_fixed_number_of_tokens(seconds, cap, tokens):
    assert fixed_tokens(3.0, seconds, 20, cap) == tokens

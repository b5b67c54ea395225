import subprocess
import sys
from importlib import metadata
from pathlib import Path

import jiwer
import numpy as np
import pytest

from runner.measure.normalisers import NORMALISER, normalise
from runner.measure.quality import score, unscored


def judge(references, hypotheses, seed=1):
    ids = [f"c{number}" for number in range(len(references))]
    return score(references, hypotheses, ids, [5.0] * len(ids), seed=seed)


def test_hand_counted_errors():
    quality, transcripts = judge(
        ["the red dog sleeps", "open the door now please", "we meet today"],
        ["the bed dog sleeps", "open door now", "we all meet today"],
    )
    assert (quality.substitutions, quality.deletions, quality.insertions) == (1, 2, 1)
    assert quality.hits == 9
    assert quality.wer == 4 / 12
    counts = [(t.substitutions, t.deletions, t.insertions, t.hits) for t in transcripts]
    assert counts == [(1, 0, 0, 3), (0, 2, 0, 3), (0, 0, 1, 3)]
    assert (quality.normaliser, quality.normaliser_version) == (
        NORMALISER,
        metadata.version("whisper-normalizer"),
    )
    assert quality.reason is None
    assert quality.clips == 3


def test_rates_are_sums_over_sums_and_agree_with_jiwer():
    references = ["a b c d e f g h", "one word", "this is the third reference of them"]
    hypotheses = ["a b x d e", "one", "this is a third reference for all of them"]
    quality, _ = judge(references, hypotheses)
    left = [normalise(text) for text in references]
    right = [normalise(text) for text in hypotheses]
    assert quality.wer == pytest.approx(jiwer.wer(left, right))
    assert quality.cer == pytest.approx(jiwer.cer(left, right))
    assert quality.wer != pytest.approx(
        np.mean([jiwer.wer(*p) for p in zip(left, right, strict=True)])
    )


def test_case_punctuation_and_number_words_are_no_errors():
    quality, transcripts = judge(
        ["MISTER HALE, IT'S TWENTY ONE!", "colour"], ["Mr. Hale it is 21", "color"]
    )
    assert quality.wer == 0.0
    assert quality.cer == 0.0
    assert transcripts[0].reference == "MISTER HALE, IT'S TWENTY ONE!"
    assert transcripts[0].hypothesis == "Mr. Hale it is 21"


def test_the_normaliser_takes_letters_for_numbers():
    # Known and the same for both texts; a reader of transcripts should not be surprised.
    assert normalise("C O two") == "c 02"
    # Digits said one after the other are one number, so one wrong digit is one wrong word.
    assert normalise("call one two three now") == "call 123 now"


def test_an_empty_hypothesis_is_all_deletions():
    quality, _ = judge(["four words are here", "and two"], ["", " \n"])
    assert (quality.wer, quality.cer) == (1.0, 1.0)
    assert (quality.deletions, quality.hits, quality.insertions) == (6, 0, 0)


def test_error_rates_above_one_are_kept():
    quality, _ = judge(["hello", "you"], ["hello hello hello hello", "you you you"])
    assert quality.wer == 5 / 2
    assert quality.wer_high is not None
    assert quality.wer_high >= 5 / 2


def test_references_without_words_are_left_out_and_named():
    quality, transcripts = judge(["(laughs)", "...", "two words", "and more"], ["x"] * 4)
    assert quality.clips == 2
    assert quality.wer == 1.0
    assert quality.reason == "2 of 4 clips not scored: no word in the reference"
    assert [t.hits for t in transcripts] == [None, None, 0, 0]
    assert [t.insertions for t in transcripts] == [None, None, 0, 0]
    quality, _ = judge(["..."], ["x"])
    assert quality.wer is None
    assert quality.reason == "1 of 1 clips not scored: no word in the reference"
    quality, transcripts = judge([], [])
    assert (quality.wer, quality.reason, transcripts) == (None, "no clips", ())


def test_one_clip_has_no_interval():
    quality, _ = judge(["the red dog sleeps"], ["the red dog"])
    assert quality.wer == 0.25
    assert (quality.wer_low, quality.wer_high, quality.cer_low, quality.cer_high) == (None,) * 4
    assert quality.reason == "no interval: one clip"


def simulated(clips: int) -> tuple[list[str], list[str]]:
    """Ten-word clips, each word wrong with probability 0.2."""
    wrong = np.random.default_rng(5).random((clips, 10)) < 0.2
    words = [f"w{number}x" for number in range(10)]
    references = [" ".join(words)] * clips
    hypotheses = [
        " ".join("bad" if bad else word for word, bad in zip(words, row, strict=True))
        for row in wrong
    ]
    return references, hypotheses


def test_the_interval_holds_the_point_and_shrinks_with_more_clips():
    widths = []
    for clips in (10, 100, 1000):
        quality, _ = judge(*simulated(clips))
        assert quality.wer_low <= quality.wer <= quality.wer_high
        assert quality.cer_low <= quality.cer <= quality.cer_high
        widths.append(quality.wer_high - quality.wer_low)
    # Binomial: 2 x 1.96 x sqrt(0.2 x 0.8 / words).
    for width, words in zip(widths, (100, 1000, 10_000), strict=True):
        assert width == pytest.approx(3.92 * (0.16 / words) ** 0.5, rel=0.5)
    assert widths[0] > 1.5 * widths[1] > 3 * widths[2]


def test_the_interval_depends_on_the_seed_alone():
    texts = simulated(50)
    assert judge(*texts, seed=1)[0] == judge(*texts, seed=1)[0]
    assert judge(*texts, seed=1)[0] != judge(*texts, seed=2)[0]


def test_random_weights_keep_transcripts_without_figures():
    quality, transcripts = unscored(["said"], ["noise"], ["c0"], [5.0])
    assert (quality.wer, quality.cer, quality.hits, quality.normaliser) == (None,) * 4
    assert quality.reason == "random weights"
    assert quality.clips == 1
    assert transcripts[0].hypothesis == "noise"
    assert transcripts[0].audio_seconds == 5.0
    assert transcripts[0].substitutions is None


def test_lists_of_different_lengths_are_a_bug_of_the_caller():
    with pytest.raises(ValueError, match="zip"):
        score(["a"], ["a", "b"], ["c"], [1.0], seed=1)
    with pytest.raises(ValueError, match="zip"):
        unscored(["a"], ["a", "b"], ["c"], [1.0])


def test_scoring_imports_no_torch():
    code = "import sys, runner.measure.quality; print('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"

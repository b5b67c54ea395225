import subprocess
import sys
from importlib import metadata
from pathlib import Path

import jiwer
import numpy as np
import pytest

from runner.config import ENGLISH
from runner.measure.normalisers import WHISPER_ENGLISH, normalise
from runner.measure.quality import Transcribed, score, unscored, words_of


def heard(references, hypotheses, **facts):
    """Utterances; ``facts`` are sequences, a value for each."""
    return [
        Transcribed(
            clip_id=f"c{number}",
            reference=reference,
            hypothesis=hypothesis,
            audio_seconds=5.0,
            **{name: values[number] for name, values in facts.items()},
        )
        for number, (reference, hypothesis) in enumerate(zip(references, hypotheses, strict=True))
    ]


def judge(references, hypotheses, seed=1, normaliser=ENGLISH, **facts):
    return score(heard(references, hypotheses, **facts), seed=seed, normaliser=normaliser)


def test_hand_counted_errors():
    quality, transcripts = judge(
        ["the red dog sleeps", "open the door now please", "we meet today", "good night"],
        ["the bed dog sleeps", "open door now", "we all meet today", "good night"],
    )
    assert (quality.substitutions, quality.deletions, quality.insertions) == (1, 2, 1)
    assert quality.hits == 11
    assert quality.wer == 4 / 14
    counts = [(t.substitutions, t.deletions, t.insertions, t.hits) for t in transcripts]
    assert counts == [(1, 0, 0, 3), (0, 2, 0, 3), (0, 0, 1, 3), (0, 0, 0, 2)]
    package = metadata.version("whisper-normalizer")
    assert (quality.normaliser, quality.normaliser_version) == (
        "asrprof/english-2",
        f"2 (whisper-normalizer {package})",
    )
    assert (quality.reason, quality.remark) == (None, None)
    assert (quality.of, quality.scored) == ("utterances", 4)


def test_rates_are_sums_over_sums_and_are_those_of_jiwer():
    references = ["a b c d e f g h", "one word", "this is the third reference of them", "call 911"]
    hypotheses = ["a b x d e", "one", "this is a third reference for all of them", "call nine one"]
    for normaliser in (ENGLISH, WHISPER_ENGLISH, "words"):
        quality, _ = judge(references, hypotheses, normaliser=normaliser)
        left = [normalise(text, normaliser) for text in references]
        right = [normalise(text, normaliser) for text in hypotheses]
        # To the last digit.
        assert quality.wer == jiwer.wer(left, right)
        assert quality.cer == jiwer.cer(left, right)
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


def test_digits_that_were_heard_right_are_no_errors():
    quality, _ = judge(["seven three nine five"], ["7, 3, 9, 5"])
    assert (quality.wer, quality.hits) == (0.0, 4)
    # Whisper's own normaliser has one word for four: one replaced, three too many.
    quality, _ = judge(["seven three nine five"], ["7, 3, 9, 5"], normaliser=WHISPER_ENGLISH)
    assert (quality.wer, quality.substitutions, quality.insertions) == (4.0, 1, 3)


def test_whispers_own_normaliser_is_remarked_upon_where_numbers_make_much_of_it():
    right = ["we walked along the river until it was dark"] * 6
    references = ["dial seven three nine five", *right]
    hypotheses = ["dial 7, 3, 9, 5", *(text.replace("river", "rover") for text in right)]
    quality, _ = judge(references, hypotheses, normaliser=WHISPER_ENGLISH)
    # 56 words (two of the first), 4 + 6 errors; with digits 59 words, 6 errors.
    assert quality.remark == (
        "4 of 10 word errors are numbers written in two forms: "
        "WER 17.9 % by whisper-normalizer/english, 10.2 % by asrprof/english-2"
    )
    assert judge(references, hypotheses)[0].remark is None
    # One of ten is not more than a tenth.
    quality, _ = judge(
        ["seven three"] + ["red dog"] * 9, ["7, 3"] + ["red dig"] * 9, normaliser=WHISPER_ENGLISH
    )
    assert (quality.substitutions, quality.insertions) == (10, 1)
    assert quality.remark is not None and quality.remark.startswith("2 of 11 ")
    quality, _ = judge(
        ["seven three"] + ["red dog"] * 19, ["7, 3"] + ["red dig"] * 19, normaliser=WHISPER_ENGLISH
    )
    assert quality.remark is None


def test_an_empty_hypothesis_is_all_deletions():
    quality, _ = judge(["four words are here", "and two"], ["", " \n"])
    assert (quality.wer, quality.cer) == (1.0, 1.0)
    assert (quality.deletions, quality.hits, quality.insertions) == (6, 0, 0)


def test_error_rates_above_one_are_kept():
    quality, _ = judge(["hello", "you"] * 2, ["hello hello hello hello", "you you you"] * 2)
    assert quality.wer == 5 / 2
    assert quality.wer_high is not None
    assert quality.wer_high >= 5 / 2


def test_references_without_words_are_left_out_and_named():
    quality, transcripts = judge(["(laughs)", "...", *["two words"] * 4], ["x"] * 6)
    assert quality.scored == 4
    assert quality.wer == 1.0
    assert quality.reason == "2 of 6 utterances not scored: no word in the reference"
    assert [t.hits for t in transcripts] == [None, None, 0, 0, 0, 0]
    quality, _ = judge(["..."], ["x"])
    assert quality.wer is None
    assert quality.reason == "1 of 1 utterances not scored: no word in the reference"
    quality, transcripts = judge([], [])
    assert (quality.wer, quality.reason, transcripts) == (None, "no utterances", ())


def test_fewer_than_four_have_no_interval():
    quality, _ = judge(["the red dog sleeps"] * 3, ["the red dog"] * 3)
    assert quality.wer == 0.25
    assert (quality.wer_low, quality.wer_high, quality.cer_low, quality.cer_high) == (None,) * 4
    assert (quality.interval_by, quality.clusters) == (None, None)
    assert quality.reason == "no interval: fewer than 4 utterances"
    quality, _ = judge(["the red dog sleeps"] * 4, ["the red dog"] * 4)
    assert (quality.wer_low, quality.wer_high, quality.reason) == (0.25, 0.25, None)


def test_no_error_in_few_utterances_is_no_proof_of_none():
    """None of 8 is compatible with up to 37 of 100 (scipy's exact interval says the same)."""
    from scipy.stats import binomtest

    for count in (8, 200):
        quality, _ = judge(["the red dog sleeps"] * count, ["the red dog sleeps"] * count)
        assert (quality.wer, quality.wer_low, quality.cer_low) == (0.0, 0.0, 0.0)
        exact = binomtest(0, count).proportion_ci(0.95, method="exact").high
        assert quality.wer_high == pytest.approx(exact, rel=1e-9)
        assert quality.cer_high == quality.wer_high
    assert quality.wer_high < 0.02


def test_old_packed_clips_are_called_so():
    texts = heard(["a b c d"] * 5, ["a b c"] * 5)
    quality, _ = score(texts, seed=1, of="packed clips")
    assert (quality.of, quality.interval_by, quality.clusters) == ("packed clips", "packed clip", 5)
    quality, _ = score(texts[:2], seed=1, of="packed clips")
    assert quality.reason == "no interval: fewer than 4 packed clips"


def simulated(count: int) -> tuple[list[str], list[str]]:
    """Ten-word utterances, each word wrong with probability 0.2."""
    return spoken(np.full(count, 0.2), np.random.default_rng(5))


def spoken(shares, generator) -> tuple[list[str], list[str]]:
    """Ten-word utterances, of each the share of words that go wrong."""
    wrong = generator.random((len(shares), 10)) < shares[:, None]
    words = [f"w{letter}x" for letter in "abcdefghij"]
    hypotheses = [
        " ".join("bad" if bad else word for word, bad in zip(words, row, strict=True))
        for row in wrong
    ]
    return [" ".join(words)] * len(shares), hypotheses


def test_the_interval_holds_the_point_and_shrinks_with_more_utterances():
    widths = []
    for count in (10, 100, 1000):
        quality, _ = judge(*simulated(count))
        assert quality.wer_low <= quality.wer <= quality.wer_high
        assert quality.cer_low <= quality.cer <= quality.cer_high
        assert (quality.interval_by, quality.clusters) == ("utterance", count)
        widths.append(quality.wer_high - quality.wer_low)
    # Binomial: 2 x 1.96 x sqrt(0.2 x 0.8 / words).
    for width, words in zip(widths, (100, 1000, 10_000), strict=True):
        assert width == pytest.approx(3.92 * (0.16 / words) ** 0.5, rel=0.5)
    assert widths[0] > 1.5 * widths[1] > 3 * widths[2]


def test_the_interval_depends_on_the_seed_alone():
    texts = simulated(50)
    assert judge(*texts, seed=1)[0] == judge(*texts, seed=1)[0]
    assert judge(*texts, seed=1)[0] != judge(*texts, seed=2)[0]


@pytest.mark.e2e
def test_an_interval_over_speakers_holds_where_one_over_utterances_does_not():
    generator = np.random.default_rng(8)
    tries, speakers, each = 100, 30, 8
    held = {"speaker": 0, "utterance": 0}
    names = [f"s{number // each}" for number in range(speakers * each)]
    for seed in range(tries):
        # How hard a voice is: 0.2 on average, between 0 and 0.5.
        shares = np.repeat(generator.beta(2, 8, size=speakers), each)
        texts = spoken(shares, generator)
        for by, known in (("speaker", {"speaker": names}), ("utterance", {})):
            quality, _ = judge(*texts, seed=seed, **known)
            assert quality.interval_by == by
            held[by] += quality.wer_low <= 0.2 <= quality.wer_high
    # In many more tries it is 0.935 and 0.63.
    assert 0.88 <= held["speaker"] / tries <= 0.98
    assert held["utterance"] / tries < 0.75


def test_few_speakers_are_named_and_recordings_drawn():
    texts = simulated(24)
    three = [f"s{number % 3}" for number in range(24)]
    chapters = [f"r{number % 6}" for number in range(24)]
    quality, transcripts = judge(*texts, speaker=three, recording=chapters)
    assert (quality.interval_by, quality.clusters) == ("recording", 6)
    assert quality.remark == (
        "3 speakers are too few to draw from: the interval speaks for these speakers"
    )
    assert quality.reason is None
    assert (transcripts[4].speaker, transcripts[4].recording) == ("s1", "r4")
    quality, _ = judge(*texts, speaker=three)
    assert (quality.interval_by, quality.clusters) == ("utterance", 24)
    assert quality.remark is not None and quality.remark.startswith("3 speakers are too few")


def test_a_loop_is_counted_with_its_share_of_errors_and_time():
    looped = ", ".join(["4", "5"] * 112) + "."
    references = ["three one seven zero", "the red dog", "open the door", "we meet today"]
    hypotheses = [looped, "the red dig", "open door", "we meet today"]
    quality, transcripts = judge(
        references,
        hypotheses,
        at_limit=[True, False, False, False],
        seconds=[9.0, 0.5, 0.25, 0.25],
    )
    # 224 digits for 4: 4 replaced, 220 too many; two more in the others.
    assert (transcripts[0].substitutions, transcripts[0].insertions) == (4, 220)
    assert transcripts[0].compression_ratio > 10
    assert quality.loops == 1
    assert quality.loops_error_share == 224 / 226
    assert quality.loops_time_share == 0.9
    assert [t.at_limit for t in transcripts] == [True, False, False, False]
    assert [t.seconds for t in transcripts] == [9.0, 0.5, 0.25, 0.25]
    # The text alone shows it too; without times there is no share of them.
    quality, _ = judge(references, hypotheses)
    assert (quality.loops, quality.loops_error_share) == (1, 224 / 226)
    assert quality.loops_time_share is None
    # The limit alone makes one, whatever the text.
    quality, _ = judge(references[1:], hypotheses[1:], at_limit=[False, True, False])
    assert (quality.loops, quality.loops_error_share) == (1, 0.5)


def test_without_loops_or_errors_their_shares_are_nought_or_unknown():
    quality, _ = judge(["the red dog"], ["the red dig"], seconds=[1.0])
    assert (quality.loops, quality.loops_error_share, quality.loops_time_share) == (0, 0.0, 0.0)
    quality, _ = judge(["the red dog"], ["the red dog"])
    assert (quality.loops, quality.loops_error_share) == (0, None)


def test_random_weights_keep_transcripts_without_figures():
    texts = heard(["said"], ["noise"], speaker=["s"], seconds=[0.5])
    quality, transcripts = unscored(texts, batch_size=8, beyond_window=1)
    assert (quality.wer, quality.cer, quality.hits, quality.normaliser) == (None,) * 4
    assert (quality.reason, quality.of) == ("random weights", "utterances")
    assert (quality.scored, quality.batch_size, quality.beyond_window) == (1, 8, 1)
    assert (quality.loops, quality.interval_by) == (None, None)
    assert transcripts[0].hypothesis == "noise"
    assert (transcripts[0].speaker, transcripts[0].seconds) == ("s", 0.5)
    assert transcripts[0].audio_seconds == 5.0
    assert transcripts[0].substitutions is None


def test_words_are_counted_as_they_are_compared():
    assert words_of("Mr. Hale's 1,000 reasons -- uh, 7-3-9!") == 9
    assert words_of("Mr. Hale's 1,000", "none") == 3
    assert words_of(" ... ") == 0


def test_scoring_imports_no_torch():
    code = "import sys, runner.measure.quality; print('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"

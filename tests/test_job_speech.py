"""What is said at a job's start of speech that is in no clip and in no rate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runner.config import ENGLISH, WORDS, Benchmark
from runner.errors import UserError
from runner.grid import expand
from runner.job_speech import prepare_speech


@pytest.fixture
def remarks(tmp_path: Path):
    """A function: the remarks of a job on utterances of so many seconds with these texts."""

    def make(*utterances: tuple[float, str], limits: dict | None = None, **data):
        random = np.random.default_rng(1)
        rows = []
        for number, (seconds, text) in enumerate(utterances):
            wave = random.uniform(-0.3, 0.3, round(16_000 * seconds))
            soundfile.write(tmp_path / f"{number}.wav", wave, 16_000)
            rows.append(json.dumps({"file": f"{number}.wav", "text": text}))
        (tmp_path / "manifest.jsonl").write_text("\n".join(rows))
        benchmark = Benchmark.model_validate(
            {
                "name": "t",
                "models": ["pocketsphinx"],
                "audio_seconds": [5.0],
                "measures": ["latency", "quality"],
                "limits": limits or {},
                "data": {
                    "source": "folder",
                    "path": str(tmp_path),
                    "cache": str(tmp_path / "cache"),
                    **data,
                },
            }
        )
        speech = prepare_speech(benchmark, expand(benchmark), lambda what, share: None)
        return speech.remarks, speech.normaliser

    return make


def test_everything_in_clips_and_rates_needs_no_remark(remarks):
    said, normaliser = remarks((1, "one two"), (2, "three"))
    assert len(said) == 1
    assert "of their audio is speech" in said[0]
    assert normaliser == ENGLISH


def test_what_is_left_out_is_counted_by_its_kind(remarks):
    said, _ = remarks(
        (1, "one two"),
        (2, "three four five"),
        (7, "six"),
        (9, "seven eight"),
        (1, "[noise]"),
        limits={"quality_utterances": 2, "quality_longest_seconds": 8},
    )
    assert said[1] == (
        "clips of 5 s: 2 of 4 utterances (3 of 8 words) are longer than a clip and in none"
    )
    (words,) = [one for one in said if one.startswith("word error rate: of 2 of 4 utterances")]
    assert "1 beyond limits.quality_utterances, 1 longer than limits.quality_longest_seconds" in (
        words
    )
    assert words.endswith("rows without words to score: 1")


@pytest.mark.parametrize("text", ["कितने लोग हैं", "kaç kişi var şimdi", "有多少人"])
def test_other_languages_get_the_normaliser_of_any(remarks, text):
    said, normaliser = remarks((1, text))
    assert normaliser == WORDS
    assert any("because the references are no English" in one for one in said)


def test_english_asked_for_is_remarked_or_refused(remarks):
    said, normaliser = remarks((1, "कितने लोग हैं"), normaliser="english")
    assert normaliser == ENGLISH
    assert any("not Latin" in one for one in said)
    with pytest.raises(UserError, match=r"^data\.normaliser: .* takes letters or marks away"):
        remarks((1, "kaç kişi var şimdi"), normaliser="english")
    with pytest.raises(UserError, match="whisper-normalizer/basic takes letters or marks away"):
        remarks((1, "कितने लोग हैं"), normaliser="whisper-normalizer/basic")


def test_what_was_decoded_gives_its_disk_back(remarks, tmp_path):
    remarks((1, "one two"), (2, "three"))
    files = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    cached = [file for file in files if file.startswith(str(tmp_path / "cache"))]
    assert cached == []


def test_rows_left_out_and_audio_without_a_text_are_named_once(remarks, tmp_path):
    for number in range(7):
        (tmp_path / f"9{number}.wav").write_bytes(b"no audio")
    said, _ = remarks((1, "one two"), (2, "three"), (1, " "))
    assert said[0].startswith("1 row is left out: ")
    assert 'line 3: "text" is empty' in said[0]
    # The file of the row without a text has none either.
    assert said[1] == (
        "8 audio files have no text: 2.wav; 90.wav; 91.wav; 92.wav; 93.wav; and 3 more"
    )
    assert sum("left out" in text for text in said) == 1
    assert any("rows that cannot be read: 1" in text for text in said)
    again, _ = remarks((1, "one two"), (2, "three"), (1, " "))
    assert again == said, "from the cache too"


def test_clips_that_are_mostly_silence_propose_a_length(remarks):
    said, _ = remarks((1.5, "one"), (1.8, "two"))
    assert any(
        "shorter ones hold more of it, such as by --set 'audio_seconds=[2]'" in t for t in said
    )
    said, _ = remarks((4.5, "one"), (4.8, "two"))
    assert not any("shorter ones" in text for text in said)

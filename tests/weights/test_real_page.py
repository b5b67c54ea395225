"""The measurement with real weights: what it measures, what it says where it cannot, its page."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runner.measure.environment import read_environment
from runner.measure.quality import Transcribed, score
from tools.published import real_page
from tools.published.__main__ import main
from tools.published.real import WAYS, JoinedRow, Measured, Row, measure
from tools.published.real_speech import Spoken, read_speech

WORDS = ("he came in", "and sat down", "then it rained")


def write_speech(folder: Path) -> Path:
    """Three utterances of which a file joins two, one that is too short, one that is too long."""
    generator = np.random.default_rng(0)
    rows = []
    for name, seconds in (("joined", 5.0), ("single", 2.0), ("word", 0.5), ("long", 31.0)):
        noise = generator.normal(0, 0.05, round(16_000 * seconds))
        soundfile.write(folder / f"{name}.flac", noise, 16_000)
        rows.append({"id": name, "file": f"{name}.flac", "text": WORDS[2], "speaker": f"{name} S"})
    rows[0] |= {
        "text": f"{WORDS[0]} {WORDS[1]}",
        "segments": [
            {"id": "one", "start": 0.0, "end": 2.0, "text": WORDS[0]},
            {"id": "two", "start": 2.5, "end": 5.0, "text": WORDS[1]},
        ],
    }
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_a_joined_file_is_cut_into_its_utterances(tmp_path: Path) -> None:
    spoken = read_speech(write_speech(tmp_path))
    assert [one.id for one in spoken.utterances] == ["one", "two", "single"]
    assert [one.seconds for one in spoken.utterances] == [2.0, 2.5, 2.0]
    assert [one.text for one in spoken.utterances] == list(WORDS)
    assert (spoken.too_short, spoken.too_long) == (1, 1)
    one, two, single = spoken.utterances
    assert one.recording == two.recording == "joined"
    assert one.speaker == two.speaker == "joined S"
    assert (one.pause, two.start_s) == (None, 2.5)
    whole, _ = soundfile.read(tmp_path / "joined.flac", dtype="float32")
    assert two.pause is not None
    assert np.array_equal(np.concatenate([one.audio, two.pause.waveform(), two.audio]), whole)
    assert single.recording is None


def heard(name: str, reference: str, hypothesis: str, speaker: str) -> Transcribed:
    return Transcribed(
        clip_id=name,
        reference=reference,
        hypothesis=hypothesis,
        audio_seconds=2.0,
        speaker=speaker,
        seconds=0.1,
    )


@pytest.fixture
def found(tmp_path: Path) -> Measured:
    """Made up: 4 errors in 36 words by themselves, 12 words lost in packed clips."""
    text = "nobody had ever seen it so very green"
    texts = [(text, text.replace("green", "grey")) for _ in range(4)] + [("come in now then", "")]
    apart, _ = score([heard(str(i), *t, f"S{i}") for i, t in enumerate(texts[:4])], seed=1)
    lost, _ = score([heard(str(i), *t, f"S{i}") for i, t in enumerate(texts)], seed=1)
    row = Row("whisper-base", "transformers, fp32", apart, 50, 0.25, 8.0)
    return Measured(
        spoken=Spoken(read_speech(write_speech(tmp_path)).utterances, 1, 1),
        threads=2,
        rows=(row,),
        joined=(
            JoinedRow("whisper-base", "one by one", 4, 0, apart, 50),
            JoinedRow("whisper-base", "packed", 3, 2, lost, 41),
        ),
        lacking=("no whisper-tiny.en among the weights",),
    )


def test_the_tables_hold_the_figures(found: Measured) -> None:
    assert real_page.apart(found).rows == (
        (
            *("whisper-base", "transformers, fp32", "12.5", "12.5 to 12.5", "4", "0", "0"),
            *("32", "50", "0", "250", "8.0"),
        ),
    )
    assert real_page.joined(found).rows == (
        ("whisper-base", "one by one", "0 of 4", "12.5", "4", "0", "0", "32", "50"),
        ("whisper-base", "packed", "2 of 3", "22.2", "4", "4", "0", "36", "41"),
    )
    assert list(real_page.losses(found)) == [
        "whisper-base leaves out 4 of 36 words when utterances are packed, 0 when one by "
        "one, and decodes 41 tokens instead of 50."
    ]


def test_the_page_says_what_it_is_of_and_names_no_path(found: Measured, tmp_path: Path) -> None:
    page = real_page.page(found, read_environment("cpu"), date(2026, 1, 2))
    assert "3 utterances of 1 to 30 s, 6 s in all." in page
    assert "Left out are 1 shorter ones and 1 that are longer" in page
    assert "`joined S`, `single S`; 0 utterances are of no named speaker." in page
    assert "2 threads, no GPU; 2026-01-02." in page
    assert "bootstrap over 4 clusters (speaker)" in page
    assert "| whisper-base | packed | 2 of 3 | 22.2 |" in page
    assert "- no whisper-tiny.en among the weights" in page
    assert str(tmp_path) not in page
    assert not any(line.startswith("/") for line in page.split())


def test_what_is_lacking_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["real"]) == 2
    expected = "error: name real weights and speech: --weights DIR (.ci/weights) --speech DIR\n"
    assert capsys.readouterr().err == expected
    assert main(["energy", "real", "--weights", str(tmp_path), "--speech", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path} holds neither whisper-tiny.en nor whisper-base; "
        f"run .ci/weights {tmp_path}\n"
    )


@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_packing_costs_whisper_words_that_continuous_clips_keep(
    real_weights: Path, real_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One model and four speakers: the effect is too large to need more."""
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path / "cache"))
    weights, speech = tmp_path / "weights", tmp_path / "speech"
    weights.mkdir()
    speech.mkdir()
    (weights / "whisper-tiny.en").symlink_to(real_weights / "whisper-tiny.en")
    lines = (real_speech / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    rows = [row for row in rows if row["id"].startswith(("ls-1688", "ls-3005", "ls-3331", "aus"))]
    for row in rows:
        (speech / row["file"]).symlink_to(real_speech / row["file"])
    (speech / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = measure(weights, speech, len(os.sched_getaffinity(0)), lambda _: None)
    assert found.lacking == ("no whisper-base among the weights",)
    assert [row.way for row in found.rows] == [way.title for way in WAYS]
    rates = [row.quality.wer for row in found.rows]
    assert all(0.02 < rate < 0.2 for rate in rates)
    assert rates[2] == pytest.approx(rates[0], abs=0.005)
    apart, going_on, packed = found.joined
    assert apart.quality.words == going_on.quality.words == packed.quality.words > 300
    assert apart.of_several == 0 < going_on.of_several
    assert going_on.quality.deletions < 10
    assert packed.quality.deletions > going_on.quality.deletions + 20
    assert packed.tokens < 0.9 * apart.tokens

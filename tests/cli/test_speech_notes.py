"""What `asrprof results` and `compare` say of clips, error rates, loops and missing words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from runner.cli.speech_notes import speech_notes
from store import Result, Store
from tests.cli.test_show import Run, fits
from tests.report.old_store import write_old
from tests.report.synthetic import WHISPER, Grid, results_of, write_study
from tests.store.reads import reads_of

SMALL = Grid(laws=WHISPER[:2], devices=("cpu",), lengths=(5.0, 30.0), batches=(1, 8), variants=())


def write(path: Path, results: Iterable[Result]) -> Path:
    write_study(path, replace(SMALL, laws=()))
    with Store.open(path) as store:
        for result in results:
            store.write_result(1, result)
    return path


def looping(result: Result) -> Result:
    """With one text that repeats itself, of its words and of its timed clips."""
    assert result.quality is not None and result.speech is not None
    quality = replace(
        result.quality,
        loops=1,
        loops_error_share=0.98,
        loops_time_share=0.4,
        remark="7 of 9 word errors are numbers",
    )
    speech = replace(result.speech, loops=1, loops_time_share=0.5)
    return replace(result, quality=quality, speech=speech)


@pytest.mark.parametrize("columns", [80, 120])
def test_of_what_the_wer_is_stands_below_the_table(
    asrprof: Run, tmp_path: Path, columns: int
) -> None:
    write_study(tmp_path / "store.db", SMALL)
    out = asrprof("results", "--store", "store.db", columns=columns).out
    assert "WER: of 20 utterances, each by itself" in out
    assert "packed" not in out
    assert "stopped early" not in out
    assert "&" not in out
    assert fits(out.split("8 results in")[0], columns)


def test_packed_clips_that_stop_early_are_marked_with_their_missing_words(
    asrprof: Run, tmp_path: Path
) -> None:
    early = replace(SMALL, laws=WHISPER[:1], mode="packed", missing=0.2)
    results = [*results_of(early), *results_of(replace(SMALL, laws=WHISPER[1:2]))]
    write(tmp_path / "store.db", results)
    out = asrprof("results", "--store", "store.db", columns=120).out
    lines = out.splitlines()
    marked = [line for line in lines if "&30 x 8" in line]
    assert len(marked) == 1 and "whisper-tiny " in marked[0]
    assert " !48" in marked[0]  # 0.05 + 0.02 * 30 * 8 s.
    (whole,) = [line for line in lines if " 30 x 8" in line]
    assert "whisper-base " in whole and "!" not in whole
    text = " ".join(out.split())
    assert "& packed in 4 of 8: they join utterances of unrelated speakers" in text
    assert "! stopped early in 4 of 8: latency is of less work" in text
    assert "whisper-tiny cpu, 30 s x 8: 384 of 1,920 words missing" in text
    assert text.count("words missing") == 1  # Of the worst case alone.
    # Its utterances were heard one by one all the same.
    assert "WER of packed clips" not in text


def test_an_old_store_says_what_its_wer_is_of(asrprof: Run, tmp_path: Path) -> None:
    write_old(tmp_path / "old.db", SMALL)
    Store.open(tmp_path / "old.db").close()
    text = " ".join(asrprof("results", "--store", "old.db", columns=120).out.split())
    assert "&14.0" in text
    assert "WER: of 20 packed clips" in text
    assert "each by itself" not in text
    assert "& WER of packed clips in 8 of 8: some models end their text where the speaker" in text


def test_loops_and_remarks_are_said_once_a_model(asrprof: Run, tmp_path: Path) -> None:
    write(tmp_path / "store.db", map(looping, results_of(replace(SMALL, laws=WHISPER[:1]))))
    text = " ".join(asrprof("results", "--store", "store.db", columns=120).out.split())
    loops = (
        "whisper-tiny cpu: 1 of 20 hypotheses repeats itself or ran into the length limit: "
        "98 % of the word errors, 40 % of the time"
    )
    assert text.count(loops) == 1
    assert text.count("whisper-tiny cpu: 7 of 9 word errors are numbers") == 1
    assert "1 timed clip repeats itself or ran into the length limit: 50 % of the time" in text


def test_rows_that_are_not_shown_are_not_read(tmp_path: Path) -> None:
    write_study(tmp_path / "store.db", SMALL)
    with Store.open(tmp_path / "store.db", readonly=True) as store:
        shown = store.leaderboard(limit=2)
        with reads_of(store) as reads:
            notes = speech_notes(store, shown)
        assert store.counts().ok == 8
    assert notes[0] == "WER: of 20 utterances, each by itself"
    assert (reads.statements, reads.rows) == (1, 2)


def test_everything_of_a_result_has_its_speech_and_its_quality(
    asrprof: Run, tmp_path: Path
) -> None:
    write(tmp_path / "store.db", map(looping, results_of(replace(SMALL, missing=0.2))))
    result = json.loads(asrprof("results", "--store", "store.db", "--show", "2").out)["result"]
    assert result["speech"]["mode"] == "continuous"
    assert (result["speech"]["of_recording"], result["speech"]["of_utterance"]) == (31, 1)
    assert (result["speech"]["missing_words"], result["speech"]["stopped_early"]) == (64, True)
    quality = result["quality"]
    assert (quality["of"], quality["scored"]) == ("utterances", 20)
    assert (quality["interval_by"], quality["clusters"]) == ("speaker", 10)
    assert (quality["loops"], quality["loops_error_share"]) == (1, 0.98)
    assert quality["remark"] == "7 of 9 word errors are numbers"
    assert len(result["transcripts"]) == 20  # Of the record, which another case took.


# compare


def test_words_of_packed_clips_are_not_set_against_those_of_utterances(
    asrprof: Run, tmp_path: Path
) -> None:
    write_old(tmp_path / "old.db", SMALL)
    Store.open(tmp_path / "old.db").close()
    write_study(tmp_path / "new.db", replace(SMALL, missing=0.2))
    out = " ".join(asrprof("compare", "old.db", "new.db", columns=140).out.split())
    assert "WER -: one side's WER is of packed clips, the other's of utterances" in out
    assert "caution: in 8 of 8 pairs one side's clips are continuous speech" in out
    assert "caution: 8 of 8 pairs stopped early on one side or both" in out
    found = json.loads(asrprof("compare", "old.db", "new.db", "--json").out)
    for pair in found["pairs"]:
        assert pair["wer"] is None
        assert "packed clips" in pair["wer_reason"]
        assert pair["clips_mode"] == ["packed", "continuous"]
        assert pair["stopped_early"] == [None, True]
    # Without a difference there is nothing to fail on.
    assert asrprof("compare", "old.db", "new.db", "--fail-on", "wer:+0.1pp").code == 0


def test_times_of_different_work_get_no_verdict(asrprof: Run, tmp_path: Path) -> None:
    write_study(tmp_path / "packed.db", replace(SMALL, mode="packed"))
    write_study(tmp_path / "continuous.db", replace(SMALL, factor=1.5))
    ran = asrprof(
        *("compare", "packed.db", "continuous.db"),
        *("--fail-on", "latency:+5%", "--fail-on", "energy:+5%"),
        columns=140,
    )
    out = " ".join(ran.out.split())
    assert "0 slower, 0 faster, 0 within chance, 8 without a verdict" in out
    assert "?: different work: packed against continuous clips" in out
    for limit in ("latency:+5%", "energy:+5%"):
        assert out.count(f"past {limit}, but of different work: ") == 8
    assert ran.code == 0
    assert asrprof("compare", "packed.db", "continuous.db", "--fail-on", "memory:+1%").code == 0
    found = json.loads(asrprof("compare", "packed.db", "continuous.db", "--json").out)
    for pair in found["pairs"]:
        assert (pair["latency_interval"], pair["latency_significant"]) == ([None, None], False)


def test_a_limit_on_words_gates_once_for_all_cases_that_share_them(
    asrprof: Run, tmp_path: Path
) -> None:
    worse = tuple(replace(law, wer=law.wer + 0.05) for law in SMALL.laws)
    write_study(tmp_path / "a.db", replace(SMALL, clips=60))
    write_study(tmp_path / "b.db", replace(SMALL, clips=60, laws=worse))
    ran = asrprof("compare", "a.db", "b.db", "--fail-on", "wer:+1pp", columns=140)
    assert ran.code == 1
    assert "past wer:+1pp: whisper-tiny on cpu: +5.0 points" in ran.out
    assert ran.out.count("past wer:+1pp") == 2
    assert "WER: paired over the 60 utterances of both, intervals drawn from 30 speakers" in ran.out
    assert asrprof("compare", "a.db", "b.db", "--fail-on", "wer:+6pp").code == 0
    assert asrprof("compare", "b.db", "a.db", "--fail-on", "wer:+1pp").code == 0

"""Noise and silence, as `show` and `results` print them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.cli.conftest import Ran
from tests.cli.records import result
from tests.store.test_store_noise import noise_level


def test_show_and_results_have_the_conditions(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path]
) -> None:
    levels = (
        noise_level(condition="clean", headline="WER", normaliser="asrprof/english-2", wer=0.05),
        noise_level(noise="pink", snr_db=0.0, wer=0.5, wer_low=0.4, wer_high=0.625, insertions=3),
        noise_level(
            condition="silence",
            scored=0,
            audio_s=68.0,
            invented=7,
            invented_per_minute=6.18,
            example="Thank you.",
        ),
        noise_level(condition="no words", scored=0, invented=0, invented_per_minute=0.0),
    )
    store_with(replace(result(), noise_levels=levels))
    for ran in (
        asrprof("show", "1", "--store", "store.db", columns=120),
        asrprof("results", "--store", "store.db", "--job", "1", columns=120),
    ):
        assert ran.code == 0
        lines = {line.split("  ")[0].strip(): line for line in ran.out.splitlines()}
        assert lines["speech as it is"].split()[4] == "5.0"
        assert lines["pink noise, 0 dB"].split()[4:8] == ["50.0", "40.0", "to", "62.5"]
        assert "6.18" in lines["digital silence"] and "Thank you." in lines["digital silence"]
        assert "0.00" in lines["rows without words"]
        assert "of 20 utterances, by asrprof/english-2" in ran.out


def test_there_is_no_table_without_the_measure_but_its_reason(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path]
) -> None:
    store_with(replace(result(), robustness_reason="random weights"))
    ran = asrprof("show", "1", "--store", "store.db")
    assert "noise and silence: random weights" in ran.out
    assert "digital silence" not in ran.out

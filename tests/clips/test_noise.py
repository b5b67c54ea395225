"""Noise that is added to speech: its level, its kind, its seed."""

from __future__ import annotations

import numpy as np
import pytest

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.clips.noise import FAINT_DB, active_power, faint_noise, noise, with_noise

PINNED = [-1.169128, -0.579507, -1.409392, -0.557609]


def tone(seconds: float, peak: float = 0.1) -> Waveform:
    """A tone of power ``peak ** 2 / 2`` on the 16-bit grid."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = peak * np.sin(2 * np.pi * 400 * time)
    return np.asarray(np.rint(wave * 32768) / 32768, dtype=np.float32)


def decibels(ratio: float) -> float:
    return float(10 * np.log10(ratio))


def test_pauses_do_not_make_speech_fainter() -> None:
    speech = tone(1)
    pause = np.zeros(4 * SAMPLE_RATE, dtype=np.float32)
    assert active_power(speech) == pytest.approx(0.005, rel=1e-3)
    assert active_power(np.concatenate([pause, speech, pause])) == pytest.approx(0.005, rel=1e-3)
    # What is 40 dB below the loudest is a pause too, what is 20 dB below is speech.
    assert active_power(np.concatenate([speech, 0.01 * speech])) == pytest.approx(0.005, rel=1e-3)
    both = active_power(np.concatenate([speech, 0.1 * speech]))
    assert both == pytest.approx(0.005 * 1.01 / 2, rel=1e-3)
    assert active_power(pause) == 0


@pytest.mark.parametrize("kind", ["white", "pink"])
@pytest.mark.parametrize("snr_db", [20, 10, 5, 0, -5])
def test_the_ratio_is_that_of_active_speech_to_noise(kind: str, snr_db: float) -> None:
    speech = np.concatenate([np.zeros(SAMPLE_RATE, dtype=np.float32), tone(2)])
    mixed = with_noise(speech, kind, snr_db, "one")
    added = mixed.astype(np.float64) - speech
    assert decibels(0.005 / np.mean(added**2)) == pytest.approx(snr_db, abs=0.02)
    assert mixed.dtype == np.float32
    assert np.array_equal(mixed * 32768, np.rint(mixed * 32768))


def test_what_is_too_loud_is_made_fainter_and_keeps_its_ratio() -> None:
    speech = tone(2, peak=0.9)
    mixed = with_noise(speech, "white", 0, "loud").astype(np.float64)
    assert np.abs(mixed).max() <= 32767 / 32768
    # The share of the tone in the mix, by projection on it.
    gain = np.vdot(mixed, speech) / np.vdot(speech, speech)
    rest = mixed - gain * speech
    ratio = gain**2 * np.mean(speech.astype(np.float64) ** 2) / np.mean(rest**2)
    assert gain < 0.5
    assert decibels(ratio) == pytest.approx(0, abs=0.05)


def test_the_same_seed_is_the_same_noise_at_every_ratio() -> None:
    speech = tone(1)
    assert np.array_equal(with_noise(speech, "pink", 5, "a"), with_noise(speech, "pink", 5, "a"))
    faint, loud = (with_noise(speech, "white", snr, "a") - speech for snr in (20, 0))
    assert np.corrcoef(faint, loud)[0, 1] > 0.9999
    assert np.std(loud) / np.std(faint) == pytest.approx(10, rel=1e-2)
    other = with_noise(speech, "white", 0, "b") - speech
    assert abs(np.corrcoef(loud, other)[0, 1]) < 0.05
    # Pinned: other noise on any machine or version would make results incomparable.
    assert noise("white", 4, "a") == pytest.approx(PINNED, abs=1e-6)


def test_white_has_as_much_in_every_hertz_and_pink_in_every_octave() -> None:
    def octaves(kind: str) -> list[float]:
        power = np.abs(np.fft.rfft(noise(kind, 2**19, "spectrum"))) ** 2
        hertz = np.fft.rfftfreq(2**19, 1 / SAMPLE_RATE)
        edges = [125, 250, 500, 1000, 2000, 4000]
        return [
            float(power[(hertz >= low) & (hertz < 2 * low)].sum()) / power.sum() for low in edges
        ]

    white, pink = octaves("white"), octaves("pink")
    assert white == pytest.approx(
        [low / 8000 for low in (125, 250, 500, 1000, 2000, 4000)], rel=0.05
    )
    assert pink == pytest.approx([np.log(2) / np.log(8000 / 50)] * 6, rel=0.05)


def test_faint_noise_has_its_level() -> None:
    for kind in ("white", "pink"):
        quiet = faint_noise(kind, 3 * SAMPLE_RATE, "room").astype(np.float64)
        assert decibels(float(np.mean(quiet**2))) == pytest.approx(FAINT_DB, abs=0.05)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="digital silence"):
        with_noise(np.zeros(SAMPLE_RATE, dtype=np.float32), "white", 10, "a")
    with pytest.raises(ValueError, match='no noise "brown"'):
        noise("brown", 10, "a")

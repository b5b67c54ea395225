"""Log-mel features of Granite speech, two frames to a row.

transformers' own extractor of them takes its spectrogram from torchaudio, which comes only as a
build for one version of PyTorch; this is the same arithmetic on PyTorch alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import FeatureExtractionMixin
from transformers.audio_utils import mel_filter_bank

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.mel_frames import MEL_WINDOW

_PUBLISHED = {"sample_rate": SAMPLE_RATE, "n_fft": 512, "win_length": 400, "hop_length": 160}
_RANGE = 8.0
"""Decades below the loudest moment of a clip that are kept."""
_QUIETEST = 1e-10


class GraniteFeatures:
    """What a checkpoint's preprocessor_config.json describes."""

    def __init__(self, n_mels: int = 80, **settings: int) -> None:
        """The settings as the file names them; the published ones where it leaves them out.

        Args:
            n_mels: Bands of a frame.
            settings: ``sample_rate``, ``n_fft``, ``win_length`` and ``hop_length``, in samples.
        """
        self._settings = _PUBLISHED | settings
        self.sampling_rate = self._settings["sample_rate"]
        size = self._settings["n_fft"]
        bank = mel_filter_bank(
            size // 2 + 1, n_mels, 0.0, self.sampling_rate / 2, self.sampling_rate, mel_scale="htk"
        )
        self._bank = torch.from_numpy(bank).float()
        self._window = torch.hann_window(self._settings["win_length"])

    @classmethod
    def from_pretrained(cls, source: str, **arguments: Any) -> GraniteFeatures:
        """Those of a checkpoint; see ``FeatureExtractionMixin.from_pretrained``.

        Args:
            source: A repository or a folder.
            arguments: ``revision``, ``local_files_only`` and the like.
        """
        told, _ = FeatureExtractionMixin.get_feature_extractor_dict(source, **arguments)
        settings = {k: v for k, v in told.get("melspec_kwargs", {}).items() if k in _PUBLISHED}
        bands = told.get("melspec_kwargs", {}).get("n_mels", told.get("feature_size", 80))
        return cls(n_mels=bands, **settings)

    def __call__(self, windows: Sequence[Waveform]) -> torch.Tensor:
        """Features of a batch, ``(clips, pairs of frames, 2 x bands)``, as the publishers pad it.

        Shorter clips are followed by silence, which is not told from audio. One shorter than a
        frame is padded to it.

        Args:
            windows: Clips, ``(samples,)`` each.
        """
        longest = max(MEL_WINDOW, *map(len, windows))
        audio = torch.zeros(len(windows), longest)
        for row, wave in zip(audio, windows, strict=True):
            row[: len(wave)] = torch.from_numpy(wave)
        spectrum = torch.stft(
            audio,
            self._settings["n_fft"],
            self._settings["hop_length"],
            self._settings["win_length"],
            self._window,
            return_complex=True,
        )
        power = spectrum.abs().square().transpose(1, 2) @ self._bank
        mels = power.clamp(min=_QUIETEST).log10()
        loudest = mels.amax(dim=(1, 2), keepdim=True)
        mels = torch.maximum(mels, loudest - _RANGE) / 4 + 1
        pairs = mels.shape[1] // 2
        return mels[:, : 2 * pairs].reshape(len(windows), pairs, -1)

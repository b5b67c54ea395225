"""`asrprof run MODEL --data FOLDER`: a benchmark without a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Ran


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    folder = tmp_path / "my speech"
    folder.mkdir()
    wave = 0.1 * np.random.default_rng(1).standard_normal(16_000 * 20).astype(np.float32)
    soundfile.write(folder / "one.wav", wave, 16_000)
    (folder / "manifest.jsonl").write_text('{"audio": "one.wav", "text": "guten tag"}\n')
    return folder


def test_the_config_is_printed_kept_and_can_be_run_again(
    asrprof: Callable[..., Ran], speech: Path, tmp_path: Path
) -> None:
    given = ("openai/whisper-tiny", "--data", "my speech", "--language", "de", "--dry-run")
    ran = asrprof("run", *given, "--save", "mine.json", "--set", "batch_sizes=[1, 4]")
    assert ran.code == 0, ran.err
    assert ran.out.lstrip().startswith("2 cases")
    expected = {
        "name": "whisper-tiny-my-speech",
        "models": ["openai/whisper-tiny"],
        "data": {"source": "folder", "path": "my speech", "language": "de"},
    }
    assert json.loads(ran.err) == expected
    assert json.loads((tmp_path / "mine.json").read_text()) == expected
    again = asrprof("run", "mine.json", "--dry-run")
    assert (again.code, again.out.split()[0]) == (0, "1")
    # A config that a person may have edited is not written over.
    ran = asrprof("run", *given, "--save", "mine.json")
    assert (ran.code, ran.out) == (2, "")
    assert "--save mine.json: it is there already" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("demo", "--language", "de"), "--language and --save belong to --data"),
        (("openai/whisper-tiny", "--data", "nowhere"), "nowhere"),
        (("openai/whisper-tinny", "--data", "my speech", "--language", "xx-"), "language"),
    ],
)
@pytest.mark.usefixtures("speech")
def test_what_a_user_gets_wrong_is_one_line(
    asrprof: Callable[..., Ran], arguments: tuple[str, ...], said: str
) -> None:
    ran = asrprof("run", *arguments, "--dry-run", "--quiet")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1

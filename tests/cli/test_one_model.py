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
        "batch_sizes": [1, 4],
    }
    assert json.loads(ran.err) == expected
    assert json.loads((tmp_path / "mine.json").read_text()) == expected
    again = asrprof("run", "mine.json", "--dry-run")
    assert (again.code, again.out) == (0, ran.out), "what was kept is what was run"
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
        (("mine.json", "--data", "my speech"), "mine.json is a config: leave --data out and write"),
        (
            ("demo", "--data", "my speech"),
            """--set 'data={"source": "folder", "path": "my speech"}'""",
        ),
        (("openai/whisper-tiny", "my speech"), "a folder of speech is given by --data FOLDER"),
    ],
)
@pytest.mark.usefixtures("speech")
def test_what_a_user_gets_wrong_is_one_line(
    asrprof: Callable[..., Ran], arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.json").write_text('{"name": "mine", "models": ["pocketsphinx"]}')
    ran = asrprof("run", *arguments, "--dry-run", "--quiet")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def short(folder: Path, seconds: float, **row: str) -> Path:
    """A folder of six utterances of so many seconds."""
    folder.mkdir()
    wave = 0.1 * np.random.default_rng(1).standard_normal(round(16_000 * seconds))
    rows = []
    for number in range(6):
        soundfile.write(folder / f"{number}.wav", wave, 16_000)
        rows.append(json.dumps({"file": f"{number}.wav", "text": "said", **row}))
    (folder / "manifest.jsonl").write_text("\n".join(rows))
    return folder


@pytest.mark.parametrize(
    ("seconds", "row", "given", "expected"),
    [
        (2.4, {}, (), [3.0]),
        (12.0, {}, (), None),
        # Clips are made of several utterances of one speaker.
        (2.4, {"speaker": "ann"}, (), None),
        (2.4, {}, ("--set", "audio_seconds=[15]"), [15]),
    ],
)
def test_clips_are_as_long_as_short_utterances_of_nobody_known(
    asrprof: Callable[..., Ran],
    tmp_path: Path,
    seconds: float,
    row: dict[str, str],
    given: tuple[str, ...],
    expected: list[float] | None,
) -> None:
    short(tmp_path / "s", seconds, **row)
    words = ("openai/whisper-tiny", "--data", "s", "--dry-run", "--save", "x.json", *given)
    ran = asrprof("run", *words)
    assert ran.code == 0, ran.err
    document, _, said = ran.err.rpartition("}\n")
    document = json.loads(document + "}")
    assert document == json.loads((tmp_path / "x.json").read_text())
    assert document.get("audio_seconds") == expected
    assert said.startswith("clips of 3 s: nearly all utterances") == (expected == [3.0])


def test_a_dry_run_says_that_the_hub_was_not_asked(
    asrprof: Callable[..., Ran], speech: Path
) -> None:
    def said(model: str) -> str:
        return " ".join(asrprof("run", model, "--data", str(speech), "--dry-run").out.split())

    assert (
        "the hub was not asked whether there is openai/whisper-tinny; "
        'did you mean "openai/whisper-tiny"?'
    ) in said("openai/whisper-tinny")
    assert "the hub was not asked whether there is me/my-model" in said("me/my-model")
    assert "the hub was not asked" not in said("openai/whisper-tiny")

from importlib.resources import files

import pytest

from runner.clips import prepare
from runner.clips.builtin import read_builtin
from runner.config import Data
from runner.errors import UserError

SHIPPED = pytest.mark.skipif(
    not files("runner.clips").joinpath("speech/manifest.jsonl").is_file(),
    reason="the built-in speech is not in this checkout",
)


@SHIPPED
def test_the_built_in_speech_is_whole():
    speech = read_builtin()
    assert len(speech.utterances) >= 50
    assert speech.dropped == 0
    assert len({utterance.id for utterance in speech.utterances}) == len(speech.utterances)
    assert all(0.5 < utterance.seconds < 15 for utterance in speech.utterances)
    assert all(abs(utterance.audio).max() > 0.05 for utterance in speech.utterances)


@SHIPPED
@pytest.mark.parametrize("seconds", [5.0, 15.0, 30.0, 60.0])
def test_packed_built_in_speech_fills_its_clips(tmp_path, seconds):
    clips = prepare(Data(cache=str(tmp_path), clips="packed"), audio_seconds=seconds, seed=42)
    assert (clips.omitted.too_long, clips.kind) == (0, "packed")
    assert all(len(clip.audio) == seconds * 16_000 for clip in clips.clips)
    spoken = sum(clip.speech_seconds for clip in clips.clips)
    assert spoken / (len(clips.clips) * seconds) > 0.85


@SHIPPED
@pytest.mark.parametrize("seconds", [5.0, 15.0, 30.0])
def test_continuous_built_in_speech_has_one_voice_in_each_clip(tmp_path, seconds):
    clips = prepare(Data(cache=str(tmp_path)), audio_seconds=seconds, seed=42)
    assert (clips.omitted.too_long, clips.kind) == (0, "continuous")
    assert clips.utterances == 110
    for clip in clips.clips:
        voices = {name.split("-")[0] for name in clip.utterance_ids}
        assert voices == {clip.speaker}
        assert clip.recording is None
        assert clip.origin == ("speaker" if len(clip.utterance_ids) > 1 else "utterance")
    # Those that timing takes first.
    first = clips.clips[:8]
    assert sum(clip.speech_seconds for clip in first) / (len(first) * seconds) > 0.85


def test_utterances_of_the_manifest_are_read_through_package_resources(folder):
    assert len(read_builtin(root=folder).utterances) == 6
    assert [utterance.id for utterance in read_builtin(2, root=folder).utterances] == ["a0", "a1"]


def test_an_incomplete_installation_is_explained(folder):
    (folder / "a3.flac").unlink()
    with pytest.raises(UserError, match=r"lacks a3.flac; install asrprof again"):
        read_builtin(root=folder)

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runner.clips import load_clips, prepare
from runner.clips.cache import DamagedEntryError, cache_root, read
from runner.config import Data
from runner.errors import UserError

ROOT = Path(__file__).parents[2]


def data(folder: Path, cache: Path, **fields) -> Data:
    return Data(source="folder", path=str(folder), cache=str(cache), **fields)


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


PREPARE = """
import sys
from runner.clips import prepare
from runner.config import Data
data = Data(source="folder", path=sys.argv[1], cache=sys.argv[2])
print(prepare(data, audio_seconds=5.0, seed=42).fingerprint)
"""


def test_the_same_config_gives_the_same_clips_cold_and_warm(folder, tmp_path):
    first = prepare(data(folder, tmp_path / "a"), audio_seconds=5.0, seed=42)
    warm = prepare(data(folder, tmp_path / "a"), audio_seconds=5.0, seed=42)
    cold = prepare(data(folder, tmp_path / "b"), audio_seconds=5.0, seed=42)
    fresh = run(PREPARE, folder, tmp_path / "c")
    assert first.fingerprint == warm.fingerprint == cold.fingerprint == fresh.stdout.strip()
    assert first.utterances == 6
    assert first.audio_seconds == 5.0
    assert first.kind == "continuous"
    packed = prepare(data(folder, tmp_path / "a", clips="packed"), audio_seconds=5.0, seed=42)
    assert packed.kind == "packed"
    assert packed.fingerprint != first.fingerprint


def test_the_seed_changes_the_clips(folder, tmp_path):
    def first(seed: int, **fields) -> str:
        config = data(folder, tmp_path, **fields)
        return prepare(config, audio_seconds=3.5, seed=seed).clips[0].utterance_ids[0]

    # Of those that are full, 3.0 and 3.5 s long, either may be first.
    assert {first(seed) for seed in range(8)} == {"a4", "a5"}
    assert len({first(seed, clips="packed") for seed in range(12)}) > 2


def test_real_speech_has_the_same_fingerprint_in_a_fresh_process(real_speech, tmp_path):
    here = prepare(data(real_speech, tmp_path / "a"), audio_seconds=5.0, seed=42)
    assert run(PREPARE, real_speech, tmp_path / "b").stdout.strip() == here.fingerprint
    assert here.omitted.too_long > 0
    rows = (real_speech / "manifest.jsonl").read_text().count("\n")
    assert here.omitted.too_long + here.utterances == rows


def test_a_source_is_read_once_for_all_lengths(folder, tmp_path):
    told: list[str] = []
    for seconds in (4.0, 5.0, 6.0, 60.0):
        prepare(
            data(folder, tmp_path),
            audio_seconds=seconds,
            seed=1,
            progress=lambda what, share: told.append(what),
        )
    assert told.count("reading speech") == 6
    assert sum(what.startswith("made ") for what in told) == 4


def test_an_edited_manifest_is_read_again(folder, tmp_path):
    before = prepare(data(folder, tmp_path), audio_seconds=5.0, seed=1)
    text = (folder / "manifest.jsonl").read_text()
    (folder / "manifest.jsonl").write_text(text.replace("Word number 3", "Another word"))
    after = prepare(data(folder, tmp_path), audio_seconds=5.0, seed=1)
    assert before.fingerprint != after.fingerprint
    assert any("Another word" in clip.reference for clip in after.clips)


def test_the_child_loads_what_was_prepared_without_the_source(folder, tmp_path):
    rows = (folder / "manifest.jsonl").read_text().replace('"file"', '"speaker": "eve", "file"')
    (folder / "manifest.jsonl").write_text(rows)
    prepared = prepare(data(folder, tmp_path / "cache"), audio_seconds=5.0, seed=1)
    assert {clip.speaker for clip in prepared.clips} == {"eve"}
    assert {clip.origin for clip in prepared.clips} == {"speaker", "utterance"}
    for file in folder.iterdir():
        file.unlink()
    loaded = load_clips(prepared.path)
    assert loaded.fingerprint == prepared.fingerprint
    assert loaded.path == prepared.path
    assert loaded.omitted == prepared.omitted
    for one, two in zip(prepared.clips, loaded.clips, strict=True):
        assert (one.id, one.reference, one.utterance_ids) == (
            two.id,
            two.reference,
            two.utterance_ids,
        )
        assert (one.origin, one.speaker, one.recording) == (two.origin, two.speaker, two.recording)
        assert one.speech_seconds == two.speech_seconds
        assert np.array_equal(one.audio, two.audio)
        assert two.audio.dtype == np.float32


def damage_samples(path: Path) -> None:
    array = next(path.parent.glob("*.npy"))
    with array.open("r+b") as file:
        file.seek(1_000)
        file.write(b"\xff\x7f")


def truncate_samples(path: Path) -> None:
    array = next(path.parent.glob("*.npy"))
    array.write_bytes(array.read_bytes()[:5_000])


def damage_reference(path: Path) -> None:
    path.write_text(path.read_text().replace("Word", "Wort"))


DAMAGES = [
    damage_samples,
    truncate_samples,
    damage_reference,
    lambda path: path.write_text("[]"),
    lambda path: path.write_text("3"),
    lambda path: path.write_bytes(b"\xff\xfe{"),
    lambda path: path.write_text(""),
    lambda path: next(path.parent.glob("*.npy")).unlink(),
    lambda path: next(path.parent.glob("*.npy")).write_bytes(b""),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_rebuilt(folder, tmp_path, damage):
    config = data(folder, tmp_path / "cache")
    first = prepare(config, audio_seconds=5.0, seed=1)
    audio = first.clips[0].audio
    damage(first.path)
    with pytest.raises(DamagedEntryError):
        read(first.path, verify=True)
    again = prepare(config, audio_seconds=5.0, seed=1)
    assert again.fingerprint == first.fingerprint
    assert read(first.path, verify=True).fingerprint == first.fingerprint
    assert np.array_equal(again.clips[0].audio, audio)


def test_a_lost_entry_is_one_line_for_the_child(tmp_path):
    with pytest.raises(UserError, match="run the benchmark again"):
        load_clips(tmp_path / "gone.json")


def test_processes_prepare_the_same_clips_at_once(folder, tmp_path):
    command = [sys.executable, "-c", PREPARE, str(folder), str(tmp_path / "cache")]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    fingerprints = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert len(fingerprints) == 1
    assert fingerprints != {""}
    names = sorted(path.suffix for path in (tmp_path / "cache" / "clips").iterdir())
    assert names == [".json", ".npy"]


def test_a_cache_that_cannot_be_written_is_one_line(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="or ASRPROF_CACHE to another folder") as caught:
        prepare(data(folder, tmp_path / "file" / "cache"), audio_seconds=5.0, seed=1)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_line_and_leaves_nothing(folder, tmp_path):
    code = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "from runner.errors import UserError\n"
        "try:\n    exec('''" + PREPARE + "''')\n"
        "except UserError as error:\n    print('refused:', error)\n"
    )
    done = run(code, folder, tmp_path / "cache")
    assert done.stdout.startswith("refused: cannot write")
    assert done.stdout.count("\n") == 1
    assert list((tmp_path / "cache" / "clips").iterdir()) == []


def test_the_cache_folder_is_configured_then_from_the_environment_then_at_home(tmp_path):
    assert cache_root("/x", {"ASRPROF_CACHE": "/y"}) == Path("/x")
    assert cache_root(None, {"ASRPROF_CACHE": "/y"}) == Path("/y")
    assert cache_root(None, {}) == Path("~/.cache/asrprof").expanduser()


def test_an_entry_says_what_it_holds(folder, tmp_path):
    prepared = prepare(data(folder, tmp_path / "cache"), audio_seconds=2.0, seed=1)
    assert (prepared.omitted.too_long, prepared.utterances, prepared.omitted.no_words) == (3, 3, 0)
    body = json.loads(prepared.path.read_text())
    assert body["samples"] == f"{prepared.fingerprint}.npy"


def test_preparing_local_speech_imports_neither_torch_nor_datasets(folder, tmp_path):
    code = (
        PREPARE
        + "print([name for name in ('torch', 'transformers', 'datasets') if name in sys.modules])"
    )
    assert run(code, folder, tmp_path).stdout.splitlines()[1] == "[]"

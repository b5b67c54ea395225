import importlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from runner.clips import prepare
from runner.clips.audio import flac_bytes
from runner.clips.hub import read_hub
from runner.clips.hub_errors import explain, is_script_only
from runner.clips.hub_request import HubRequest, hub_request
from runner.clips.hub_stream import Row, Stream, open_stream
from runner.config import Data
from runner.errors import UserError

ROOT = Path(__file__).parents[2]
CARD = """---
configs:
- config_name: clean
  data_files:
  - split: validation
    path: clean/validation-*
- config_name: other
  data_files:
  - split: validation
    path: clean/validation-*
---
"""


def hub(dataset, **fields) -> Data:
    return Data(source="hub", dataset=str(dataset), **fields)


@pytest.fixture
def parquet(tmp_path, noise) -> Path:
    """A data set as the hub has them: Parquet with the encoded audio inside."""
    import datasets
    import pyarrow as pa
    import pyarrow.parquet

    folder = tmp_path / "org" / "speech"
    (folder / "clean").mkdir(parents=True)
    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "audio": datasets.Audio(sampling_rate=16_000),
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["a", "b"]),
        }
    )
    texts = ["ONE <COMMA> TWO", "<MUSIC>", "THREE", "", "FOUR", "FIVE"]
    rows = {
        "id": [f"s{number}" for number in range(6)],
        "audio": [
            {"bytes": flac_bytes(noise(16_000 + 100 * n, n)), "path": f"{n}.flac"} for n in range(6)
        ],
        "text": texts,
        "label": [0, 1] * 3,
    }
    table = pa.table(rows, schema=features.arrow_schema)
    pyarrow.parquet.write_table(table, folder / "clean" / "validation-0.parquet")
    (folder / "README.md").write_text(CARD)
    return folder


def test_parquet_is_streamed_without_decoding(parquet, noise, tmp_path):
    speech = read_hub(hub(parquet, subset="clean"), tmp_path)
    assert [u.id for u in speech.utterances] == ["s0", "s2", "s4", "s5"]
    assert speech.utterances[0].text == "ONE, TWO"
    assert speech.dropped == 2
    assert np.array_equal(speech.utterances[1].audio, noise(16_200, 2))
    two = read_hub(hub(parquet, subset="clean", utterances=2), tmp_path)
    assert [u.id for u in two.utterances] == ["s0", "s2"]


def test_a_local_data_set_is_packed_end_to_end(parquet, tmp_path):
    config = hub(parquet, subset="clean", cache=str(tmp_path / "cache"))
    clips = prepare(config, audio_seconds=5.0, seed=1)
    assert (clips.utterances, clips.omitted.no_words, clips.omitted.too_long) == (4, 2, 0)


def test_an_audio_folder_is_streamed(folder, tmp_path):
    (folder / "manifest.jsonl").unlink()
    target = tmp_path / "set" / "validation"
    folder.rename(target.parent.parent / "moved")
    target.parent.mkdir()
    (tmp_path / "moved").rename(target)
    rows = [{"file_name": f"a{n}.flac", "transcription": f"said {n}"} for n in range(6)]
    (target / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    speech = read_hub(hub(target.parent), tmp_path)
    assert [u.text for u in speech.utterances] == [f"said {n}" for n in range(6)]
    assert [len(u.audio) for u in speech.utterances] == [16_000 + 8_000 * n for n in range(6)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "several subsets; set data.subset to one of ['clean', 'other']"),
        ({"subset": "dirty"}, "no subset \"dirty\"; set data.subset to one of ['clean', 'other']"),
        ({"subset": "clean", "split": "test"}, "set data.split to one of ['validation']"),
        ({"subset": "clean", "text_column": "words"}, "set data.text_column to one of id, audio"),
        ({"subset": "clean", "audio_column": "sound"}, "set data.audio_column to one of id, audio"),
        ({"subset": "clean", "audio_column": "id"}, "cannot be read"),
        ({"subset": "clean", "text_column": "audio"}, "has no transcripts"),
    ],
)
def test_what_a_data_set_lacks_is_named_on_one_line(parquet, tmp_path, fields, words):
    with pytest.raises(UserError) as caught:
        read_hub(hub(parquet, **fields), tmp_path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_that_are_no_data_sets_are_explained(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no data files"):
        read_hub(hub(tmp_path / "empty"), tmp_path)
    (tmp_path / "script").mkdir()
    (tmp_path / "script" / "script.py").write_text("")
    with pytest.raises(UserError, match="loading script"):
        read_hub(hub(tmp_path / "script"), tmp_path)


def test_a_script_only_branch_leads_to_the_preset_revision(tmp_path):
    assert hub_request(hub("gigaspeech")).parquet_revision == "refs/pr/20"
    assert hub_request(hub("gigaspeech", revision="main")).parquet_revision is None
    assert is_script_only(RuntimeError("Dataset scripts are no longer supported, but found x.py"))
    (tmp_path / "script").mkdir()
    (tmp_path / "script" / "script.py").write_text("")
    request = HubRequest(
        str(tmp_path / "script"), None, "validation", None, None, None, 1, parquet_revision="x"
    )
    with pytest.raises(UserError, match="loading script"):
        open_stream(request)


def test_presets_name_the_published_data_sets():
    giga, libri = hub_request(hub("gigaspeech")), hub_request(hub("librispeech", utterances=5))
    assert (giga.repository, giga.subset, giga.split) == (
        "speechcolab/gigaspeech",
        "xs",
        "validation",
    )
    assert (libri.repository, libri.subset, libri.count) == ("openslr/librispeech_asr", "clean", 5)
    assert giga.count == 200
    assert hub_request(hub("librispeech", subset="other")).subset == "other"


def test_every_part_of_a_request_changes_its_place_in_the_cache():
    keys = {
        hub_request(hub("librispeech", **fields)).key
        for fields in (
            {},
            {"subset": "other"},
            {"split": "test"},
            {"revision": "abc"},
            {"utterances": 3},
            {"text_column": "x"},
        )
    }
    assert len(keys) == 6


class FakeHub:
    """Opens streams of generated rows and counts how often."""

    def __init__(self, noise, rows=5):
        self.noise, self.rows, self.opened = noise, rows, 0

    def __call__(self, request: HubRequest) -> Stream:
        self.opened += 1
        rows = (
            Row(
                id="same" if number < 2 else None,
                audio={"bytes": flac_bytes(self.noise(16_000, number)), "path": None},
                text=f"number {number}",
            )
            for number in range(self.rows)
        )
        return Stream(rows=rows, commit="c0ffee")


def test_downloaded_utterances_are_kept(tmp_path, noise):
    opener = FakeHub(noise)
    config = hub("org/name", utterances=4)
    first = read_hub(config, tmp_path, opener=opener)
    again = read_hub(config, tmp_path, opener=opener)
    assert opener.opened == 1
    assert [u.id for u in first.utterances] == [
        "same",
        "same#000001",
        "validation-000002",
        "validation-000003",
    ]
    for one, two in zip(first.utterances, again.utterances, strict=True):
        assert (one.id, one.text) == (two.id, two.text)
        assert np.array_equal(one.audio, two.audio)
    (kept,) = (tmp_path / "hub").iterdir()
    about = json.loads((kept / "source.json").read_text())
    assert (about["dataset"], about["commit"], about["utterances"]) == ("org/name", "c0ffee", 4)
    # The folder is a data source of its own.
    copy = prepare(
        Data(source="folder", path=str(kept), cache=str(tmp_path)), audio_seconds=3.0, seed=1
    )
    assert copy.utterances == 4


@pytest.mark.parametrize("file", ["000002.flac", "manifest.jsonl", "source.json"])
@pytest.mark.parametrize("damage", ["delete", "overwrite"])
def test_damaged_downloads_are_fetched_again(tmp_path, noise, file, damage):
    opener = FakeHub(noise)
    config = hub("org/name", utterances=4)
    read_hub(config, tmp_path, opener=opener)
    (kept,) = (tmp_path / "hub").iterdir()
    if damage == "delete":
        (kept / file).unlink()
    else:
        (kept / file).write_bytes(b"{}")
    assert len(read_hub(config, tmp_path, opener=opener).utterances) == 4
    assert opener.opened == 2
    assert [path.name for path in (tmp_path / "hub").iterdir()] == [kept.name]


def test_a_row_may_hold_an_array_and_must_hold_something(tmp_path):
    def opener(audio):
        return lambda request: Stream(rows=iter([Row(None, audio, "said")]), commit=None)

    array = {"array": [0.25] * 44_100, "sampling_rate": 44_100}
    speech = read_hub(hub("org/a"), tmp_path, opener=opener(array))
    assert len(speech.utterances[0].audio) == 16_000
    with pytest.raises(UserError, match=r"org/b validation row 0 holds no audio"):
        read_hub(hub("org/b"), tmp_path, opener=opener({}))
    with pytest.raises(UserError, match="local file /etc/hostname"):
        read_hub(hub("org/c"), tmp_path, opener=opener({"path": "/etc/hostname"}))


def response_error(status: int, headers: dict[str, str]) -> Exception:
    """What huggingface_hub raises for an answer of the hub."""
    from huggingface_hub.errors import Response
    from huggingface_hub.utils import hf_raise_for_status

    http = importlib.import_module(Response.__module__.split(".")[0])
    url = "https://huggingface.co/api/datasets/org/name"
    with pytest.raises(Exception, match=str(status)) as caught:
        hf_raise_for_status(Response(status, headers=headers, request=http.Request("GET", url)))
    return caught.value


def test_answers_of_the_hub_become_one_line():
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import OfflineModeIsEnabled

    request = hub_request(hub("gigaspeech", revision="v9"))
    gated = response_error(403, {"X-Error-Code": "GatedRepo"})
    wrapped = DatasetNotFoundError("Dataset 'x' is a gated dataset on the Hub.")
    wrapped.__context__ = gated
    cases = [
        (gated, "huggingface.co/datasets/speechcolab/gigaspeech, then set HF_TOKEN"),
        (wrapped, "hf auth login"),
        (response_error(404, {"X-Error-Code": "RepoNotFound"}), "there is no data set"),
        (response_error(404, {"X-Error-Code": "RevisionNotFound"}), 'no revision "v9"'),
        (response_error(503, {}), "the hub answers 503"),
        (response_error(429, {}), "the hub answers 429"),
        (response_error(403, {}), "refuses the token"),
        (OfflineModeIsEnabled("offline mode is enabled"), "HF_HUB_OFFLINE"),
        (ConnectionError("Couldn't reach"), "cannot be reached"),
        (TimeoutError("too slow"), "cannot be reached"),
        (KeyError("odd\nthing"), "KeyError"),
    ]
    for error, words in cases:
        explained = explain(error, request)
        assert isinstance(explained, UserError)
        assert words in str(explained)
        assert "\n" not in str(explained)


class Answers(BaseHTTPRequestHandler):
    """A hub with one gated and one missing data set."""

    def do_GET(self):
        known = self.path.split("?")[0] == "/api/datasets/speechcolab/gigaspeech"
        body = b'{"id": "speechcolab/gigaspeech", "sha": "abc", "gated": "auto"}' if known else b""
        self.send_response(200 if known else 403 if "gigaspeech" in self.path else 404)
        if not known:
            code = "GatedRepo" if "gigaspeech" in self.path else "RepoNotFound"
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


ASK = """
import sys
from runner.clips import prepare
from runner.config import Data
from runner.errors import UserError
for name in sys.argv[2:]:
    try:
        prepare(Data(source="hub", dataset=name, cache=sys.argv[1]), audio_seconds=5.0, seed=1)
    except UserError as error:
        print(error)
"""


def ask(tmp_path, *names, **environment) -> tuple[list[str], float]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path), *names],
        cwd=ROOT,
        env={**os.environ, "HF_HOME": str(tmp_path / "hf"), "NO_PROXY": "*", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), time.monotonic() - started


def test_a_gated_and_a_missing_data_set_end_to_end(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    lines, _ = ask(tmp_path, "gigaspeech", "org/missing", HF_ENDPOINT=endpoint)
    server.shutdown()
    server.server_close()
    assert len(lines) == 2
    assert "is gated: accept its terms at" in lines[0]
    assert 'there is no data set "org/missing"' in lines[1]


@pytest.mark.timed
def test_no_network_is_one_line_within_seconds(tmp_path):
    lines, seconds = ask(tmp_path, "librispeech", HF_ENDPOINT="http://127.0.0.1:9")
    assert len(lines) == 1
    assert 'cannot be reached for the data set "openslr/librispeech_asr"' in lines[0]
    assert seconds < 15
    lines, _ = ask(tmp_path, "librispeech", HF_HUB_OFFLINE="1")
    assert len(lines) == 1
    assert "HF_HUB_OFFLINE is set" in lines[0]


@pytest.mark.hub
@pytest.mark.skipif(
    os.environ.get("ASRPROF_TEST_HUB") != "1", reason="set ASRPROF_TEST_HUB=1 to use the hub"
)
def test_librispeech_from_the_hub(tmp_path):
    speech = read_hub(hub("librispeech", utterances=3), tmp_path)
    assert [len(u.audio) > 16_000 for u in speech.utterances] == [True] * 3
    assert speech.utterances[0].text.isupper()


class Damaged(FakeHub):
    """The same, with some rows whose audio is none."""

    def __init__(self, noise, rows, bad):
        super().__init__(noise, rows)
        self.bad = bad

    def __call__(self, request: HubRequest) -> Stream:
        stream = super().__call__(request)
        rows = (
            replace(row, audio=self.bad[number]) if number in self.bad else row
            for number, row in enumerate(stream.rows)
        )
        return replace(stream, rows=rows)


BAD_AUDIO = ({"bytes": b"fLaC" + b"\xff" * 99}, {"bytes": b"<html>404</html>"}, {})


@pytest.mark.parametrize("audio", BAD_AUDIO)
def test_a_row_that_cannot_be_read_is_skipped_and_named(tmp_path, noise, audio):
    opener = Damaged(noise, 8, {3: audio})
    config = hub("org/name", utterances=5)
    for speech in (read_hub(config, tmp_path, opener=opener) for _ in range(2)):
        assert [u.text for u in speech.utterances] == [f"number {n}" for n in (0, 1, 2, 4, 5)]
        assert [text.split(" row ")[1][0] for text in speech.unreadable] == ["3"]
    assert opener.opened == 1


def test_more_than_a_twentieth_that_cannot_be_read_is_no_data_set(tmp_path, noise):
    two = {1: BAD_AUDIO[0], 30: BAD_AUDIO[1]}
    config = hub("org/name", utterances=40)
    assert len(read_hub(config, tmp_path, opener=Damaged(noise, 50, two)).unreadable) == 2
    three = two | {5: {}}
    with pytest.raises(UserError, match=r"3 rows of the data set .* more than 5% of 40"):
        read_hub(hub("org/other", utterances=40), tmp_path, opener=Damaged(noise, 50, three))
    # The share is of the rows that there are, where those are fewer.
    with pytest.raises(UserError, match="2 rows of the data set"):
        read_hub(hub("org/few"), tmp_path, opener=Damaged(noise, 9, {1: {}, 2: {}}))
    with pytest.raises(UserError, match=r"row 0 holds no audio; set data\.audio_column"):
        read_hub(hub("org/none"), tmp_path, opener=Damaged(noise, 1, {0: {}}))


@pytest.mark.parametrize("split", ["validation[:2]", "train[10%:20%]", "validation+test"])
def test_a_part_of_a_split_is_not_taken_for_the_list_of_splits(parquet, tmp_path, split):
    with pytest.raises(UserError) as caught:
        read_hub(hub(parquet, subset="clean", split=split), tmp_path)
    assert "set data.split to one of ['validation'], and data.utterances to how many" in str(
        caught.value
    )


@pytest.mark.parametrize(
    "texts", [("007", "3", "12"), ("3.50", "1", "2"), ("true", "false", "true"), ("1", "", "2")]
)
def test_transcripts_that_look_like_numbers_are_texts(folder, tmp_path, texts):
    (folder / "manifest.jsonl").unlink()
    rows = [f"a{number}.flac,{text}" for number, text in enumerate(texts)]
    (folder / "metadata.csv").write_text("\n".join(["file_name,transcription", *rows]))
    for number in range(3, 6):
        (folder / f"a{number}.flac").unlink()
    speech = read_hub(hub(folder, split="train"), tmp_path)
    assert [u.text for u in speech.utterances] == [text for text in texts if text]
    assert speech.dropped == texts.count("")

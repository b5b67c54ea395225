"""Who speaks in a hub data set, and where: as its columns say it, and as it is kept."""

import json

from runner.clips.audio import flac_bytes
from runner.clips.hub import read_hub
from runner.clips.hub_request import HubRequest
from runner.clips.hub_stream import Row, Stream
from runner.config import Data


def hub(dataset, **fields) -> Data:
    return Data(source="hub", dataset=str(dataset), **fields)


class Chapters:
    """Opens a stream of rows that say who speaks, and where."""

    def __init__(self, noise):
        self.noise, self.opened = noise, 0

    def __call__(self, request: HubRequest) -> Stream:
        self.opened += 1
        rows = (
            Row(
                id=f"{number}",
                audio={"bytes": flac_bytes(self.noise(16_000, number)), "path": None},
                text=f"number {number}",
                recording="tape",
                speaker=None if number == 2 else "eve",
                start_s=100.0 + 1.5 * number,
            )
            for number in range(3)
        )
        return Stream(rows=rows, commit="c0ffee")


def test_kept_utterances_say_who_speaks_and_where(tmp_path, noise):
    opener = Chapters(noise)
    for _ in range(2):
        speech = read_hub(hub("org/name", utterances=3), tmp_path, opener=opener)
        assert [u.recording for u in speech.utterances] == ["tape"] * 3
        assert [u.speaker for u in speech.utterances] == ["eve", "eve", None]
        # Where each begins in its recording is no place in its own file of 1 s.
        assert [u.start_s for u in speech.utterances] == [100.0, 101.5, 103.0]
        assert [u.seconds for u in speech.utterances] == [1.0] * 3
        assert [u.pause for u in speech.utterances] == [None] * 3
    assert opener.opened == 1


def test_a_download_of_an_older_format_is_fetched_again(tmp_path, noise):
    opener = Chapters(noise)
    read_hub(hub("org/name", utterances=3), tmp_path, opener=opener)
    (kept,) = (tmp_path / "hub").iterdir()
    about = json.loads((kept / "source.json").read_text())
    assert about.pop("format") == 3
    for older in (about, about | {"format": 2}, []):
        (kept / "source.json").write_text(json.dumps(older))
        opener.opened = 0
        assert len(read_hub(hub("org/name", utterances=3), tmp_path, opener=opener).utterances) == 3
        assert opener.opened == 1


def test_columns_of_well_known_data_sets_are_understood(tmp_path, noise):
    import datasets
    import pyarrow as pa
    import pyarrow.parquet

    columns = {
        "librispeech": {
            "id": ["1688-142285-0001", "1688-142285-0002"],
            "speaker_id": [1688, 1688],
            "chapter_id": [142285, 142285],
        },
        "named": {"id": ["1688-142285-0001", "x"], "recording": [None, "n/a"]},
        "gigaspeech": {
            "segment_id": ["POD1_S1", "POD1_S2"],
            "speaker": ["N/A", "eve"],
            "audio_id": ["POD1", "POD1"],
            "begin_time": [12.5, float("nan")],
            "end_time": [13.5, 20.0],
        },
        "clips": {"client_id": ["abc", None], "start": ["early", None], "speaker": [[1], [2]]},
    }
    found = {}
    for name, more in columns.items():
        folder = tmp_path / name
        folder.mkdir()
        audio = [{"bytes": flac_bytes(noise(16_000, n)), "path": f"{n}.flac"} for n in range(2)]
        table = pa.table({"audio": audio, "text": ["one", "two"], **more})
        features = datasets.Features.from_arrow_schema(table.schema)
        features["audio"] = datasets.Audio(sampling_rate=16_000)
        table = table.cast(features.arrow_schema)
        pyarrow.parquet.write_table(table, folder / "validation-0.parquet")
        speech = read_hub(hub(folder), tmp_path)
        found[name] = [(u.recording, u.speaker, u.start_s) for u in speech.utterances]
    assert found == {
        "librispeech": [("1688-142285", "1688", None)] * 2,
        "named": [("1688-142285", "1688", None), (None, None, None)],
        "gigaspeech": [("POD1", None, 12.5), ("POD1", "eve", None)],
        "clips": [(None, "abc", None), (None, None, None)],
    }

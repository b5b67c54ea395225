"""What a bootstrap of transcripts draws."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from store.clusters import clusters_of


@dataclass(frozen=True)
class Said:
    speaker: str | None = None
    recording: str | None = None


def test_speakers_are_drawn_where_there_are_four() -> None:
    found = clusters_of([Said(name, f"r{n}") for n, name in enumerate("abcadb")])
    assert (found.by, found.count, found.remark) == ("speaker", 4, None)
    assert found.numbers == (0, 1, 2, 0, 3, 1)


def test_a_speaker_and_a_recording_of_one_name_are_two() -> None:
    found = clusters_of([Said("a"), Said("b"), Said("c"), Said(None, "a"), Said(), Said()])
    assert found.by == "speaker, recording or utterance"
    assert found.numbers == (0, 1, 2, 3, 4, 5)
    found = clusters_of([Said("a"), Said("b"), Said("c"), Said(None, "x"), Said(None, "x")])
    assert (found.by, found.numbers) == ("speaker or recording", (0, 1, 2, 3, 3))


@pytest.mark.parametrize(
    ("speakers", "recordings", "by", "count", "remark"),
    [
        (3, 5, "recording", 5, "3 speakers are too few to draw from: "
         "the interval speaks for these speakers"),
        (1, 4, "recording", 4, "1 speaker is too few to draw from: "
         "the interval speaks for this speaker"),
        (3, 3, "utterance", 20, "3 speakers are too few to draw from: "
         "the interval speaks for these speakers"),
        (0, 2, "utterance", 20, "2 recordings are too few to draw from: "
         "the interval speaks for these recordings"),
        (0, 0, "utterance", 20, None),
        (4, 2, "speaker", 4, None),
    ],
)  # fmt: skip
def test_the_coarsest_of_which_there_are_enough(
    speakers: int, recordings: int, by: str, count: int, remark: str | None
) -> None:
    said = [
        Said(f"s{n % speakers}" if speakers else None, f"r{n % recordings}" if recordings else None)
        for n in range(20)
    ]
    found = clusters_of(said)
    assert (found.by, found.count, found.remark, found.enough) == (by, count, remark, True)


def test_fewer_than_four_are_not_enough_whatever_they_are() -> None:
    found = clusters_of([Said("a"), Said("b"), Said("b")], itself="packed clip")
    assert (found.by, found.count, found.enough) == ("packed clip", 3, False)
    assert clusters_of([]).count == 0

import pytest

from runner.clips.text import clean_transcript


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (
            "AS THEY'RE LEAVING <COMMA> CAN KASH PULL ZAHRA ASIDE REALLY QUICKLY <QUESTIONMARK>",
            "AS THEY'RE LEAVING, CAN KASH PULL ZAHRA ASIDE REALLY QUICKLY?",
        ),
        ("STOP <EXCLAMATIONPOINT> NOW <PERIOD>", "STOP! NOW."),
        ("hello <comma> you <Noise> there", "hello, you there"),
        ("  two\n lines ", "two lines"),
        ("a < b <UNKNOWN>", "a < b <UNKNOWN>"),
        ("<SIL>", None),
        ("<MUSIC> <NOISE> <OTHER>", None),
        ("<SIL> <PERIOD>", None),
        ("…", None),
        ("", None),
    ],
)
def test_tags_become_punctuation_or_nothing(raw, clean):
    assert clean_transcript(raw) == clean

"""A store of the shape of the demo: all models at a small point, three at a larger one too."""

from __future__ import annotations

from pathlib import Path

from tests.report.synthetic import Grid, Law, write_study

SMALL = (
    Law("small-parakeet-ctc", "transducer", 3_000_000, 0.0015, 0.0, 0.11, 0.06, 0.0),
    Law("small-wav2vec2-ctc", "ctc", 2_000_000, 0.0080, 0.0, 0.23, 0.05, 0.0),
    Law("small-whisper", "whisper", 4_000_000, 0.0025, 0.0, 0.31, 0.02, 0.5),
)
SLOW = Law("pocketsphinx", "pocketsphinx", 1, 0.300, 0.0, 1.0, 0.90, 0.0)
UNTRAINED = (
    Law("openai/whisper-tiny", "whisper", 37_760_640, 0.2, 0.0, 8.4, 0.0, 0.45),
    Law("facebook/wav2vec2-base-960h", "ctc", 94_396_320, 0.24, 0.0, 14.5, 0.0, 0.0),
)


def write_demo_like(path: Path) -> None:
    """Fills a store with what a run of the demo leaves, by known laws.

    Args:
        path: The store.
    """
    plain = Grid(devices=("cpu",), variants=(), out_of_memory=False, rounds=4)

    def job(name: str, laws: tuple[Law, ...], length: float, batch: int, quality: bool) -> None:
        grid = Grid(
            **{**vars(plain), "laws": laws, "lengths": (length,)}
            | {"batches": (batch,), "quality": quality}
        )
        write_study(path, grid, name=name)

    job("all", (*SMALL, SLOW), 5.0, 1, True)
    job("untrained", UNTRAINED, 5.0, 1, False)
    job("larger", SMALL, 15.0, 4, True)

"""One Whisper on every engine that is installed, each interleaved with transformers in fp32.

Both engines of a pair are resident in one process and take turns, batch by batch, so that what the
machine does otherwise meets both alike: `asrprof run engines` runs its cases one after the other.
The words are those of each utterance by itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from report.compare import WerDifference, compare_wer
from report.text import interval, number
from runner.catalogue.variants import VARIANTS
from runner.cli.app import guarded
from runner.clips.clip import Clip
from runner.clips.folder import read_folder
from runner.config import Variant
from runner.engines.base import Engine, LoadRequest
from runner.errors import Refused, UserError
from runner.load import load_engine
from runner.measure.comparison import compare
from runner.measure.latency import Cycle
from runner.measure.quality import score
from runner.measure.utterances import transcribe_utterances
from store.records import Comparison
from store.word_records import Transcript

WAYS = (
    (None, "int8-dynamic"),
    ("faster-whisper", "fp32"),
    ("faster-whisper", "int8-dynamic"),
    ("onnx", "fp32"),
    ("onnx", "int8-dynamic"),
    ("openvino", "fp32"),
    ("openvino", "int8-weight-only"),
    ("whisper-cpp", "fp16"),
    ("whisper-cpp", "int8-dynamic"),
    ("whisper-cpp", "q5_0"),
    ("whisper-cpp", "q4_0"),
)
"""Engine and variant; None is transformers."""


@dataclass(frozen=True)
class Row:
    """One way of running the model, beside transformers in fp32."""

    title: str
    comparison: Comparison
    words: WerDifference
    weights_bytes: int | None
    baseline_bytes: int | None

    def line(self) -> str:
        """A line of a Markdown table."""
        found, words = self.comparison, self.words
        size = (
            f"{self.weights_bytes / self.baseline_bytes:.2f}"
            if self.weights_bytes and self.baseline_bytes
            else "-"
        )
        cells = (
            self.title,
            f"{1e3 * found.variant_s:,.0f}",
            f"{found.speedup:.2f}",
            interval(found.speedup_low, found.speedup_high),
            size,
            f"{100 * words.b:.1f}",
            f"{100 * words.difference:+.1f}",
            interval(100 * words.low, 100 * words.high, 2),
        )
        return f"| {' | '.join(cells)} |"


def measure(
    request: LoadRequest,
    utterances: Sequence[Clip],
    cycle: Cycle,
    rounds: int,
    only: Sequence[str] = (),
) -> Iterator[Row]:
    """Each way that can run here; what cannot is said on stderr.

    Args:
        request: The checkpoint on transformers in fp32.
        utterances: Whose words are compared, each by itself.
        cycle: What is timed.
        rounds: Of the cycle, interleaved.
        only: Engines; all when empty.
    """
    baseline = load_engine(request)
    expected = _transcripts(baseline, utterances)
    for engine, name in WAYS:
        if only and (engine or "transformers") not in only:
            continue
        title = f"{engine or 'transformers'} `{name}`"
        try:
            other = load_engine(replace(request, engine=engine, variant=named(name)))
        except Refused as refusal:
            typer.echo(f"{title}: {refusal}", err=True)
            continue
        comparison, _ = compare(
            baseline,
            other,
            cycle,
            rounds,
            name="fp32",
            clock=time.perf_counter,
            progress=lambda *_: None,
        )
        words = compare_wer(expected, _transcripts(other, utterances))
        yield Row(title, comparison, words, other.weights_bytes, baseline.weights_bytes)


def named(name: str) -> Variant:
    """A ready-made variant."""
    return Variant.model_validate({"name": name, **VARIANTS[name]})


def _transcripts(engine: Engine, utterances: Sequence[Clip]) -> tuple[Transcript, ...]:
    transcribed = transcribe_utterances(
        engine, utterances, 1, clock=time.perf_counter, progress=lambda _: None
    )
    return score(transcribed, seed=42)[1]


def engines(
    checkpoint: Annotated[Path, typer.Argument(help="A folder with a Whisper.")],
    speech: Annotated[Path, typer.Argument(help="A folder of speech.")],
    threads: Annotated[int, typer.Option(min=1)] = 2,
    rounds: Annotated[int, typer.Option(min=4)] = 6,
    batches: Annotated[int, typer.Option(min=1, help="Utterances that are timed.")] = 3,
    longest: Annotated[float, typer.Option(help="Seconds of the longest utterance.")] = 15.0,
    engine: Annotated[list[str] | None, typer.Option(help="Only this one; repeatable.")] = None,
) -> int:
    """Print the table of engines and number formats for one Whisper."""
    torch.set_num_threads(threads)
    utterances = [one.alone() for one in read_folder(speech).utterances if one.seconds <= longest]
    if len(utterances) < batches:
        raise UserError(f"{speech} has {len(utterances)} utterances of at most {longest:g} s")
    by_length = sorted(utterances, key=lambda clip: -clip.speech_seconds)
    cycle = Cycle(tuple((clip,) for clip in by_length[:batches]))
    request = LoadRequest.of_checkpoint(str(checkpoint))
    words = sum(len(clip.reference.split()) for clip in utterances)
    typer.echo(
        f"{checkpoint.name}, {threads} threads, batch 1, {number(cycle.audio_s)} s of speech a "
        f"batch; words of {len(utterances)} utterances ({words:,} words)\n"
    )
    heads = ("", "ms", "times as fast", "95 %", "size", "WER %", "points", "95 %")
    typer.echo(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in measure(request, utterances, cycle, rounds, engine or ()):
        typer.echo(row.line())
    return 0


def main() -> int:
    """Runs the command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(engines)
    return guarded(app, sys.argv[1:], "python -m benchmarks.engines")


if __name__ == "__main__":
    sys.exit(main())

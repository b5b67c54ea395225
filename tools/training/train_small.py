"""Trains the small models: `python -m tools.training.train_small [--only NAME ...]`.

Each model is trained from scratch on espeak-ng speech made at the start, tested on the built-in
speech and saved as an ordinary transformers folder with a `training.json`. Runs on a CPU: give each
core one process with `--only`.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import platform
import random
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import transformers

from tools.training import espeak
from tools.training.corpus import CORPUS_VERSION
from tools.training.data import ClipMaker, Pool, make_pool
from tools.training.evaluate import built_in_speech, evaluate, singles, word_error_rate
from tools.training.recipes import RECIPES, Recipe
from tools.training.trainee import Trainee

PHRASE_S = 2.0
"""Clips shorter than this hold a phrase, longer ones whole sentences; seconds."""

CHECKPOINTS = Path(__file__).parents[2] / "runner" / "catalogue" / "checkpoints"
"""The small models, where they ship with the runner."""


@dataclass(frozen=True)
class Budget:
    """How long to train.

    Attributes:
        steps: Optimiser steps; used when `seconds` is None.
        seconds: Wall time, seconds; takes the place of `steps`.
    """

    steps: int
    seconds: float | None

    def progress(self, step: int, elapsed_s: float) -> float:
        """Share of the run that is over, 0 to 1 or a little more."""
        return step / self.steps if self.seconds is None else elapsed_s / self.seconds


def learning_rate(progress: float, recipe: Recipe) -> float:
    """Linear warm-up, then half a cosine to zero."""
    if progress < recipe.warmup:
        return recipe.peak_rate * (progress / recipe.warmup + 1e-3)
    rest = min(1.0, (progress - recipe.warmup) / (1.0 - recipe.warmup))
    return recipe.peak_rate * 0.5 * (1.0 + math.cos(math.pi * rest))


def train(
    trainee: Trainee,
    recipe: Recipe,
    maker: ClipMaker,
    budget: Budget,
    *,
    seed: int,
    report: Callable[[int, float, float], None],
) -> int:
    """Runs the recipe.

    Args:
        trainee: The model, changed in place.
        recipe: Stages and learning rate.
        maker: Source of clips.
        budget: Steps or seconds.
        seed: Seed of the draw of clip lengths.
        report: Called after each step with the step, the loss and the progress.

    Returns:
        Number of steps made.
    """
    rng = random.Random(seed)
    parameters = [one for one in trainee.module.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=recipe.peak_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    started = time.monotonic()
    step = 0
    trainee.module.train()
    while (progress := budget.progress(step, time.monotonic() - started)) < 1.0:
        stage = next(one for one in recipe.stages if progress < one.until)
        seconds = rng.choice(stage.seconds)
        clips = max(1, round(stage.audio_seconds / seconds))
        make = maker.phrases if seconds < PHRASE_S else maker.batch
        batch = make(clips, seconds)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(progress, recipe)
        optimiser.zero_grad(set_to_none=True)
        loss = trainee.loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        report(step, loss.item(), progress)
    return step


def monitor_word_errors(trainee: Trainee, utterances: int = 22) -> float:
    """Word error rate of the first built-in utterances, with the model left in training mode."""
    spoken = built_in_speech(utterances)
    trainee.module.eval()
    with torch.inference_mode():
        heard = singles(trainee, spoken)
    trainee.module.train()
    return word_error_rate([one.text for one in spoken], heard)


def round_to_half(trainee: Trainee) -> None:
    """Rounds the weights to float16's values, as in the saved file, before the test."""
    with torch.no_grad():
        for tensor in trainee.module.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().to(tensor.dtype))


def make_checkpoint(name: str, pool: Pool, options: argparse.Namespace) -> None:
    """Trains, tests and saves one model."""
    recipe = RECIPES[name]
    torch.manual_seed(options.seed)
    device = torch.device(options.device)
    trainee = recipe.build(device, options.seed)
    maker = ClipMaker(pool, options.seed, recipe.cut_share)
    seconds = None if options.minutes is None else 60.0 * options.minutes
    budget = Budget(options.steps or recipe.steps, seconds)
    started, cpu_started = time.monotonic(), time.process_time()
    recent: list[float] = []

    def report(step: int, loss: float, progress: float) -> None:
        recent.append(loss)
        if step % 50 == 0:
            mean = sum(recent) / len(recent)
            recent.clear()
            wall_s = time.monotonic() - started
            line = f"{name} step {step} {progress:.0%} {wall_s:.0f} s loss {mean:.3f}"
            if options.monitor and step % options.monitor == 0:
                line += f" WER {monitor_word_errors(trainee):.1%}"
            print(line, flush=True)

    steps = train(trainee, recipe, maker, budget, seed=options.seed, report=report)
    wall_s, cpu_s = time.monotonic() - started, time.process_time() - cpu_started
    round_to_half(trainee)
    errors = evaluate(trainee)
    folder = options.out / name
    trainee.save(folder)
    record = {
        "corpus_version": CORPUS_VERSION,
        "seed": options.seed,
        "steps": steps,
        "training_hours_of_speech": round(pool.hours, 2),
        "device": options.device,
        "processor": device_name(device),
        "threads": torch.get_num_threads(),
        "wall_seconds": round(wall_s),
        "cpu_seconds": round(cpu_s),
        "parameters": sum(one.numel() for one in trainee.model.parameters()),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "word_error_rate": {key: round(rate, 4) for key, rate in asdict(errors).items()},
    }
    (folder / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record), flush=True)


def device_name(device: torch.device) -> str:
    """The graphics card's name, or the processor's as Linux gives it."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def keep_freed_memory() -> None:
    """Asks glibc to keep the memory of freed tensors for the next step.

    Otherwise every step returns its tensors to the kernel and asks for them again, which took half
    of the processor time. Does nothing with another C library.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((-1, 2**31 - 1), (-2, 2**28), (-4, 0)):  # trim, top pad, mmap count
            mallopt(option, value)


def main(arguments: list[str] | None = None) -> int:
    """Trains the chosen models one after the other."""
    parser = argparse.ArgumentParser(description="Train the small models from scratch.")
    parser.add_argument("--only", nargs="+", choices=sorted(RECIPES), default=list(RECIPES))
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--minutes", type=float, help="wall minutes a model, in place of steps")
    parser.add_argument("--steps", type=int, help="optimiser steps a model (default: its recipe's)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    parser.add_argument("--sentences", type=int, default=4_000, help="training utterances to make")
    parser.add_argument("--fragments", type=int, default=800, help="cut utterances to make, twice")
    parser.add_argument("--phrases", type=int, default=3_000, help="short phrases to make")
    parser.add_argument("--monitor", type=int, default=0, help="test a little every N steps")
    parser.add_argument("--out", type=Path, default=CHECKPOINTS, help="folder of the checkpoints")
    options = parser.parse_args(arguments)
    try:
        pool = make_pool(options.sentences, options.fragments, options.phrases, seed=options.seed)
    except espeak.SpeechError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{pool.hours:.2f} h of speech", flush=True)
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    for name in options.only:
        make_checkpoint(name, pool, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())

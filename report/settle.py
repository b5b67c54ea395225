"""The command that would settle what a recommendation leaves in doubt."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from report.alike import OTHER_ENGINES
from report.recommend import Recommendation
from report.study import Case

LONGER_S = 60
"""Seconds of timing a case that tell a few per cent apart."""
MOST_MODELS = 4


def settling(found: Recommendation) -> str | None:
    """Runs the choice again beside what it is not sure to beat: longer, and over all utterances.

    Args:
        found: A recommendation.

    Returns:
        None where there is no choice, or nothing to settle.
    """
    choice, doubts = found.choice, found.doubts
    if choice is None:
        return None
    rivals = [*doubts.alike, *doubts.left_out]
    rivals += [doubts.elsewhere] if doubts.elsewhere is not None else []
    others = [rival.case for rival in rivals][: MOST_MODELS - 1]
    unstable = any(case.row.stable is False for case in (choice, *others))
    if not (others or unstable or doubts.limit_unsure):
        return None
    if not others and doubts.limit_unsure and found.runner_up is not None:
        others = [found.runner_up]
    return _command([choice, *others])


def _command(cases: Sequence[Case]) -> str:
    settings: dict[str, object] = {
        "models": _distinct([_model(case) for case in cases]),
        "devices": _distinct([case.row.device for case in cases]),
        "audio_seconds": sorted({case.row.audio_seconds for case in cases}),
        "batch_sizes": sorted({case.row.batch_size for case in cases}),
        # The job's own may be random; a model that has random weights says so itself.
        "weights": "pretrained",
        "include": [],
        "exclude": [],
        # Either would end the timing sooner, and the first leaves no room for a shortest time.
        "limits.precision": None,
        "limits.max_seconds": None,
        "limits.min_seconds": LONGER_S,
        "limits.quality_utterances": None,
    }
    if all(case.row.wer is None for case in cases):
        del settings["limits.quality_utterances"]
    words = ["asrprof", "run", f"job:{cases[0].row.job_id}"]
    for key, value in settings.items():
        words += ["--set", shlex.quote(f"{key}={json.dumps(value)}")]
    return " ".join(words)


def _model(case: Case) -> object:
    """The model as a config names it."""
    row = case.row
    given: dict[str, object] = {"name": row.model}
    if row.weights == "random":
        given["weights"] = "random"
    if row.engine in OTHER_ENGINES:
        given["engine"] = row.engine
    return row.model if len(given) == 1 else given


def _distinct(values: Sequence[object]) -> list[object]:
    return [value for n, value in enumerate(values) if value not in values[:n]]

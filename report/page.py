"""The whole page from a study: every section, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from report.content import Page
from report.errors import ReportError
from report.figures.style import Palette
from report.scenarios import Scenario
from report.sections import costs, evidence
from report.sections.brief import brief
from report.sections.decoder import decoder
from report.sections.load import load
from report.sections.measured import measured
from report.sections.memory import memory
from report.sections.recommendations import optimisation, recommendations
from report.sections.robustness import robustness
from report.sections.scaling import scaling
from report.sections.tables import study_tables
from report.study import Study, shape
from report.text import listing, plural


def build_page(
    study: Study,
    scenarios: Sequence[Scenario],
    *,
    title: str | None = None,
    condition: str | None = None,
    now: datetime | None = None,
) -> Page:
    """Makes the page.

    Args:
        study: The results.
        scenarios: What to recommend for.
        title: Of the page.
        condition: The SQL by which the results were chosen.
        now: When, for the page's head.

    Raises:
        ReportError: There is no result.
    """
    if not study.cases:
        raise ReportError("there is no result to report on: run a benchmark first (`asrprof demo`)")
    palette = Palette.of(study.models)
    sections = [brief(study)]
    if study.ok:
        sections += [
            recommendations(study, scenarios),
            measured(study),
            study_tables(study),
            costs.speed(study, palette),
            *filter(None, [decoder(study)]),
            scaling(study, palette),
            *filter(None, [memory(study)]),
            costs.quality(study, palette),
            *filter(None, [robustness(study), load(study, scenarios)]),
            costs.explained(study, palette),
            costs.optimised(study, palette),
            optimisation(study),
            evidence.transcripts(study),
        ]
    else:
        sections.append(measured(study))
        without_latency = [decoder(study), robustness(study), load(study, scenarios)]
        sections += filter(None, without_latency)
    sections += [evidence.missing(study), evidence.everything(study)]
    moment = now or datetime.now(UTC)
    return Page(
        title or "Speech recognition, measured",
        "What models cost and what they get right: latency, throughput, energy, memory and FLOPs "
        "of the same inferences, and the word error rate of single utterances.",
        _facts(study, condition, moment),
        tuple(sections),
    )


def _facts(study: Study, condition: str | None, moment: datetime) -> tuple[tuple[str, str], ...]:
    hardware = Counter(
        f"{environment.cpu_model} ({plural(environment.cpu_logical_cores, 'logical CPU')})"
        if case.row.device.startswith("cpu") or environment.gpu_name is None
        else environment.gpu_name
        for case in study.ok
        if (environment := study.environment(case))
    )
    facts = [
        ("store", str(study.path)),
        ("made", f"{moment:%Y-%m-%d %H:%M} UTC"),
        ("cases", f"{len(study.ended):,} with figures of {len(study.cases):,}"),
    ]
    if study.models:
        facts.append(("models", f"{len(study.models):,}"))
    if study.data is not None:
        facts.append(("speech", study.data))
    if study.places:
        facts.append(("devices", listing(study.places)))
    if hardware:
        facts.append(("hardware", listing(name for name, _ in hardware.most_common())))
    if study.cases:
        length, batch = max((case.point for case in study.cases), key=lambda point: point[::-1])
        facts.append(
            (
                "notation",
                f"{shape(length, batch)} is a batch of {plural(batch, 'clip')} of {length:g} s, "
                "computed at once",
            )
        )
    if condition:
        facts.append(("where", condition))
    return tuple(facts)

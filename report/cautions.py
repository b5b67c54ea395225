"""Why two sides of a comparison may differ for another reason than the one in question."""

from __future__ import annotations

from collections.abc import Sequence

from report.study import Case, Study


def cautions(a: Study, b: Study, pairs: Sequence[tuple[Case, Case]]) -> list[str]:
    """Sentences on what else differs between the sides of a comparison.

    Args:
        a: The baseline.
        b: The other.
        pairs: Cases of both, the baseline's first.
    """
    found = []
    both = (a, [x for x, _ in pairs]), (b, [y for _, y in pairs])
    for what, of in (("hardware", _hardware), ("host", _host)):
        sides = [{of(side, case) for case in cases} - {""} for side, cases in both]
        if all(sides) and sides[0] != sides[1]:
            found.append(
                f"the {what} differs: {', '.join(sorted(sides[0]))} against "
                f"{', '.join(sorted(sides[1]))}"
            )
    modes = sum(
        x.row.clips_mode != y.row.clips_mode
        for x, y in pairs
        if x.row.clips_mode and y.row.clips_mode
    )
    if modes:
        found.append(
            f"in {modes} of {len(pairs)} pairs one side's clips are continuous speech and the "
            "other's are packed: different work, whose latency, RTFx and joules do not compare"
        )
    early = sum(x.stopped_early or y.stopped_early for x, y in pairs)
    if early:
        found.append(
            f"{early} of {len(pairs)} pairs stopped early on one side or both: a latency there is "
            "of less work"
        )
    clips = sum(
        x.row.clips_fingerprint != y.row.clips_fingerprint
        for x, y in pairs
        if x.row.clips_fingerprint
        and y.row.clips_fingerprint
        and x.row.clips_mode == y.row.clips_mode
    )
    if clips:
        found.append(f"{clips} of {len(pairs)} pairs had different clips")
    unstable = sum(x.row.stable is False or y.row.stable is False for x, y in pairs)
    if unstable:
        found.append(f"{unstable} of {len(pairs)} pairs were not stable on one side or both")
    threads = sum(x.row.threads != y.row.threads for x, y in pairs)
    if threads:
        found.append(f"{threads} of {len(pairs)} pairs ran on different numbers of threads")
    return found


def _hardware(study: Study, case: Case) -> str:
    environment = study.environment(case)
    if environment is None:
        return ""
    on_cpu = case.row.device.startswith("cpu")
    return (environment.cpu_model if on_cpu else environment.gpu_name) or ""


def _host(study: Study, case: Case) -> str:
    environment = study.environment(case)
    return environment.hostname if environment else ""

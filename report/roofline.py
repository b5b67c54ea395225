"""How far each stage is from what the machine can do: a roofline.

The roof is the machine's measured peak. Across lies arithmetic intensity, FLOPs by the bytes of
weights that the stage must read at least once: what it also reads and writes (activations, the
cache of keys and values) is not counted, so the true intensity is lower, never higher.

Source: Williams, Waterman and Patterson (2009), Roofline, Communications of the ACM 52(4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from report.study import Case, Study
from store import FlopsReading, Peak, Stage


@dataclass(frozen=True)
class Point:
    """One stage of one case."""

    case: Case
    stage: str
    """``encode`` or ``token``, one decoder step."""
    intensity: float
    """FLOPs a byte of weights, at most."""
    flops_per_s: float
    """What it achieved."""
    roof_flops_per_s: float
    """What the machine could do at this intensity."""

    @property
    def share_of_roof(self) -> float:
        return self.flops_per_s / self.roof_flops_per_s


@dataclass(frozen=True)
class Roofline:
    """One device's roof and what lies under it."""

    place: str
    peak: Peak
    points: tuple[Point, ...]

    @property
    def ridge(self) -> float:
        """The intensity from which on the matrix product, not memory, is the roof."""
        return self.peak.flops_per_s / self.peak.bytes_per_s


def rooflines(study: Study) -> list[Roofline]:
    """One roofline for each device with a measured peak, from its full-precision cases."""
    peaks = _peaks(study)
    counted = [
        case
        for case in study.baseline
        if case.row.flops and case.row.weights_bytes and case.place in peaks
    ]
    flops = study.children(FlopsReading, counted)
    stages = study.children(Stage, counted)
    found = []
    for place in study.places:
        points: list[Point] = []
        for case in counted:
            if case.place == place:
                points += _points(
                    case,
                    peaks[place],
                    flops.get(case.row.result_id, ()),
                    stages.get(case.row.result_id, ()),
                )
        if points:
            found.append(Roofline(place, peaks[place], tuple(points)))
    return found


def _peaks(study: Study) -> dict[str, Peak]:
    """The newest peak of each device."""
    found: dict[str, Peak] = {}
    peaks = study.children(Peak, study.ok)
    for case in study.ok:
        for peak in peaks.get(case.row.result_id, ()):
            if peak.device == case.row.device:
                found[case.place] = peak
    return found


def _points(
    case: Case, peak: Peak, flops: Sequence[FlopsReading], stages: Sequence[Stage]
) -> list[Point]:
    work = {reading.stage: reading.flops for reading in flops if reading.method == "meta"}
    seconds = {stage.stage: stage.median_s for stage in stages}
    weights = case.row.weights_bytes or 0
    points = []
    encoder, encode_s = work.get("encoder"), seconds.get("encode")
    if encoder and encode_s:
        points.append(_point(case, peak, "encode", encoder / weights, encoder / encode_s))
    token, token_s = work.get("token"), seconds.get("token")
    if token and token_s:
        # A step multiplies each weight that it reads once for every clip: two FLOPs for each of
        # the batch, by four bytes.
        intensity = 2 * case.row.batch_size / 4
        points.append(_point(case, peak, "token", intensity, token / token_s))
    return points


def _point(case: Case, peak: Peak, stage: str, intensity: float, rate: float) -> Point:
    roof = min(peak.flops_per_s, intensity * peak.bytes_per_s)
    return Point(case, stage, intensity, rate, roof)

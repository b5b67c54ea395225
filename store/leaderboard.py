"""The view ``leaderboard``: one readable row a result, in the units that people compare.

Each column is declared once, with what all readers say of it. A change here raises
``SCHEMA_VERSION`` in ``store/schema.py``: a store's view is made anew only then, and when a scalar
is new to the store.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from store.booleans import boolean_fields, make_booleans
from store.energy_marks import ESTIMATED, SAMPLED, EnergyLabel
from store.metrics import Form, Metric
from store.records import LanguageBy, ResultState, Weights
from store.word_records import ClipsMode, Headline, QualityOf


@dataclass(frozen=True, kw_only=True)
class ViewColumn(Metric):
    """A column of the view."""

    short: str | None = None
    """What stands in the place of heading and unit where there is little room."""
    of: str | None = None
    """What it is made of and sorted by, as SQL over ``results`` and the benchmark's row; by default
    the column of its name."""
    scale: str = ""
    """SQL that follows, which changes the unit and not the order."""
    digits: int | None = None
    """Significant digits; None where it is not rounded."""
    reason: str | None = None
    """The column of ``results`` that says why there is no value, or why to doubt it."""
    aliases: tuple[str, ...] = ()
    """Shorter names, for filters."""

    @property
    def label(self) -> str:
        """See :class:`~store.metrics.Metric`."""
        return super().label if self.short is None else self.short

    @property
    def source(self) -> str:
        """SQL that sorts ``results`` as the column would: unrounded, which is quicker."""
        return self.of or f"results.{self.name}"

    @property
    def expression(self) -> str:
        """SQL that gives its values.

        ``round()`` keeps decimals, which suits no unit here: latencies span 0.1 ms to 100 s.
        SQLite's ``log10()`` would do but is missing from many builds; ``printf()`` is in all, and
        turns NULL into 0.
        """
        value = self.source + self.scale
        if self.digits is None:
            return value
        rounded = f"CAST(printf('%.{self.digits}g', {value}) AS REAL)"
        return f"CASE WHEN {value} IS NOT NULL THEN {rounded} END"


def _column(
    heading: str, about: str, *aliases: str, unit: str = "", **more: Any
) -> Mapping[str, Any]:
    """What is said of a field of the row.

    Args:
        heading: See :class:`ViewColumn`, as for all others.
        about: What it is of.
        *aliases: Shorter names.
        unit: Of the values as they are written.
        **more: The rest.
    """
    return {"heading": heading, "about": about, "aliases": aliases, "unit": unit, **more}


_FIGURE: dict[str, Any] = {"digits": 5}
_TIME = _FIGURE | {"unit": "ms", "scale": " * 1e3", "better": "lower"}
_SPEED = _FIGURE | {"better": "higher", "reason": "stable_reason"}
_ENERGY: dict[str, Any] = {"reason": "energy_reason"}
_JOULES = _FIGURE | _ENERGY | {"better": "lower"}
_FLOPS = _FIGURE | {"scale": " / 1e9", "better": "lower", "reason": "flops_reason"}
_BYTES = _FIGURE | {"unit": "MB", "scale": " / 1e6", "better": "lower"}
_QUALITY: dict[str, Any] = {"reason": "quality_reason"}
_RATE = _QUALITY | {"unit": "%", "form": "share", "digits": 4, "better": "lower"}


@dataclass(frozen=True, kw_only=True)
class LeaderboardRow:
    """One row of the view: its columns, in their order, and the scalars.

    Figures are for one batch and rounded to five significant digits (error rates to four); the
    table ``results`` has them in full.
    """

    result_id: int = field(metadata=_column("id", "of the result", "id", of="results.id"))
    job_id: int = field(metadata=_column("job", "the run it belongs to", "job", "run"))
    benchmark: str = field(metadata=_column("benchmark", "the config's name", of="benchmarks.name"))
    model: str = field(metadata=_column("model", "r: random weights, real cost, no WER"))
    engine: str = field(metadata=_column("engine", "the family that ran it"))
    weights: Weights = field(metadata=_column("weights", "pretrained or random"))
    device: str = field(metadata=_column("device", "where it ran"))
    variant: str = field(metadata=_column("variant", "how it ran: precision …"))
    language: str | None = field(
        metadata=_column("language", "that the model was told to transcribe; detect: it found out")
    )
    language_by: LanguageBy | None = field(
        metadata=_column("language by", "who chose it: config, checkpoint, default or model")
    )
    audio_seconds: float = field(
        metadata=_column("audio", "of one clip that is timed", "audio", "length", unit="s")
    )
    batch_size: int = field(metadata=_column("batch", "clips at once", "batch"))
    state: ResultState = field(metadata=_column("state", "ok, or why there are no figures"))
    reason: str | None = field(metadata=_column("reason", "why a case has no figures"))
    data: str | None = field(
        metadata=_column("data", "a folder, a data set: where the speech is from", of="jobs.data")
    )
    clips_mode: ClipsMode | None = field(
        metadata=_column("clips", "how the clips that are timed are made", "clips")
    )
    speech_share: float | None = field(
        metadata=_column("speech", "of the clips that are timed", unit="%", form="share", digits=4)
    )
    latency_ms: float | None = field(
        metadata=_column(
            "latency",
            "median of one batch",
            "latency",
            of="latency_s",
            reason="stable_reason",
            **_TIME,
        )
    )
    latency_low_ms: float | None = field(
        metadata=_column(
            "95 % interval",
            "of the median, in ms",
            of="latency_low_s",
            reason="latency_interval_reason",
            short="95 % interval",
            **_TIME,
        )
    )
    latency_high_ms: float | None = field(
        metadata=_column(
            "upper end",
            "of the interval of the median",
            of="latency_high_s",
            reason="latency_interval_reason",
            **_TIME,
        )
    )
    p95_ms: float | None = field(
        metadata=_column(
            "p95",
            "95 % of batches are quicker",
            "p95",
            of="latency_p95_s",
            reason="stable_reason",
            **_TIME,
        )
    )
    cold_ms: float | None = field(
        metadata=_column("cold", "the first batch after loading", "cold", of="cold_s", **_TIME)
    )
    stable: bool | None = field(
        metadata=_column("stable", "whether the latency was stable, else `stable_reason` says why")
    )
    stopped_early: bool | None = field(
        metadata=_column(
            "stopped early",
            "a tenth of the words of the timed clips, or more, did not come out",
            "stopped",
        )
    )
    rtfx: float | None = field(metadata=_column("RTFx", "seconds of audio a second", **_SPEED))
    throughput: float | None = field(
        metadata=_column("throughput", "clips a second", unit="clips/s", short="clips/s", **_SPEED)
    )
    energy_j: float | None = field(
        metadata=_column(
            "energy",
            f"of one batch; {ESTIMATED} estimated, {SAMPLED} sampled",
            "energy",
            unit="J",
            **_JOULES,
        )
    )
    energy_label: EnergyLabel | None = field(
        metadata=_column(
            "energy label",
            "measured, sampled or estimated",
            "label",
            of="CASE WHEN energy_j IS NOT NULL THEN energy_label END",
            **_ENERGY,
        )
    )
    energy_source: str | None = field(
        metadata=_column(
            "source",
            "of the energy",
            "source",
            of="CASE WHEN energy_j IS NOT NULL THEN energy_source END",
            **_ENERGY,
        )
    )
    joules_per_audio_hour: float | None = field(
        metadata=_column(
            "energy",
            "joules for an hour of audio",
            unit="J per audio hour",
            short="J/audio h",
            **_JOULES,
        )
    )
    encoder_gflops: float | None = field(
        metadata=_column("enc GFLOP", "the encoder's", of="encoder_flops", **_FLOPS)
    )
    gflops: float | None = field(metadata=_column("GFLOP", "of one batch", of="flops", **_FLOPS))
    rss_mb: float | None = field(
        metadata=_column(
            "RAM", "peak of the case's own process", "ram", "rss", of="rss_bytes", **_BYTES
        )
    )
    vram_mb: float | None = field(
        metadata=_column(
            "VRAM", "reserved by the framework", "vram", of="gpu_reserved_bytes", **_BYTES
        )
    )
    tokens: float | None = field(metadata=_column("tokens", "generated a batch", **_FIGURE))
    speedup: float | None = field(
        metadata=_column(
            "speed-up", "of a variant to its baseline", **_SPEED | {"reason": "comparison_reason"}
        )
    )
    wer: float | None = field(
        metadata=_column("WER", "word error rate of single utterances", **_RATE)
    )
    wer_low: float | None = field(
        metadata=_column("WER interval", "of the WER, 95 %, in %", short="WER interval", **_RATE)
    )
    wer_high: float | None = field(
        metadata=_column("upper end", "of the interval of the WER", **_RATE)
    )
    cer: float | None = field(metadata=_column("CER", "character error rate of the same", **_RATE))
    wer_of: QualityOf | None = field(
        metadata=_column(
            "WER of", "utterances; clips in old stores", of="results.quality_of", **_QUALITY
        )
    )
    scored: int | None = field(
        metadata=_column("scored", "utterances scored for WER and CER", **_QUALITY)
    )
    loops: int | None = field(
        metadata=_column(
            "loops",
            "utterances whose text ran into the length limit or repeats itself",
            of="results.quality_loops",
            **_QUALITY,
        )
    )
    normaliser: str | None = field(
        metadata=_column("normaliser", "what both texts went through before counting", **_QUALITY)
    )
    headline: Headline | None = field(
        metadata=_column(
            "rate",
            "the one to look at: CER of languages without spaces",
            of="results.quality_headline",
            **_QUALITY,
        )
    )
    not_scored: int | None = field(
        metadata=_column(
            "not scored",
            "rows of the data in no rate: too long, not chosen, without words, unreadable",
            of="too_long + not_chosen + rows_without_words + rows_unreadable",
            form="count",
        )
    )
    environment_id: int | None = field(metadata=_column("machine", "its number"))
    created_at: str = field(metadata=_column("stored, UTC", "when it was stored", "created"))
    scalars: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Figures that only some cases have; the view has a column of each that is in the store."""

    @property
    def threads(self) -> int | None:
        """CPU threads, where the benchmark listed several numbers of them."""
        found = self.scalars.get("threads")
        return None if found is None else int(found)

    @property
    def place(self) -> str:
        """The device, and the threads where several numbers of them were listed: ``cpu t2``."""
        return self.device if self.threads is None else f"{self.device} t{self.threads}"

    @property
    def place_and_variant(self) -> str:
        """The place, and the variant if it is not the plain one: ``cpu t2 bf16``."""
        return self.place if self.variant == "fp32" else f"{self.place} {self.variant}"

    def value(self, name: str) -> Any:
        """The value of a column or scalar, None where it has none."""
        return getattr(self, name) if name in COLUMNS else self.scalars.get(name)

    def as_dict(self) -> dict[str, Any]:
        """Columns and scalars by their names."""
        return {name: self.value(name) for name in (*COLUMNS, *self.scalars)}


def _form(hint: str) -> Form:
    """How values of a type are written."""
    forms: dict[str, Form] = {"bool": "flag", "int": "count", "float": "number"}
    return forms.get(hint.partition(" | ")[0], "text")


COLUMNS: dict[str, ViewColumn] = {
    field.name: ViewColumn(name=field.name, **{"form": _form(str(field.type)), **field.metadata})
    for field in fields(LeaderboardRow)
    if field.metadata
}
"""The columns of every store's view."""
LEADERBOARD_COLUMNS = tuple(COLUMNS)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BOOLEANS = boolean_fields(LeaderboardRow)

SELECT_ROWS = f"""SELECT {", ".join(LEADERBOARD_COLUMNS)}, (
  SELECT json_group_object(name, value) FROM figures WHERE figures.result_id = leaderboard.result_id
) AS scalars FROM leaderboard"""
"""Gives the rows that ``leaderboard_row`` reads. A column of every scalar would be slower."""


def leaderboard_row(row: sqlite3.Row) -> LeaderboardRow:
    """The record of one row that was selected with ``SELECT_ROWS``."""
    values = dict(zip((*COLUMNS, "scalars"), row, strict=True))
    make_booleans(values, _BOOLEANS)
    return LeaderboardRow(**values | {"scalars": json.loads(values["scalars"])})


def can_be_column(scalar: str) -> bool:
    """Whether a scalar of this name can have a column of the view."""
    return _NAME.fullmatch(scalar) is not None and scalar not in COLUMNS


def scalar_expression(name: str, result: str = "results.id") -> str:
    """SQL that gives the values of a scalar.

    Args:
        name: Of the scalar.
        result: SQL of the result's id.
    """
    return f"(SELECT value FROM figures WHERE figures.result_id = {result} AND name = '{name}')"


def leaderboard_view(scalars: Iterable[str] = ()) -> str:
    """The statement that makes the view of a store that has these scalars."""
    columns = [f"{column.expression} AS {name}" for name, column in COLUMNS.items()]
    # Quoted, for a name may be a word of SQL.
    columns += [f'{scalar_expression(name)} AS "{name}"' for name in scalars]
    return "CREATE VIEW leaderboard AS SELECT\n  {}\n{}".format(
        ",\n  ".join(columns),
        """FROM results
JOIN jobs ON jobs.id = results.job_id
JOIN benchmarks ON benchmarks.id = jobs.benchmark_id""",
    )

"""What the tab Results shows, as values: plots, differences, alignments, histograms, files."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from textual.theme import BUILTIN_THEMES
from textual.widget import Widget

from benchmarks.tui.big_store import BATCHES, LENGTHS, MODELS, PLACES, make_big_store
from report.compare import compare_samples
from report.reasons import missing_reason
from store import (
    LEADERBOARD_COLUMNS,
    Comparison,
    DecoderStep,
    LeaderboardRow,
    PowerSample,
    Proof,
    Scalar,
    Store,
    StoreError,
    filter_sql,
)
from tests.tui.data import HOSTILE, Clock, add_job
from tests.tui.records import result
from tests.tui.results import side_by_side
from tui.glyphs import UNICODE
from tui.plot.draw import draw
from tui.plot.svg import to_svg
from tui.present import number as written
from tui.results import detail, detail_times
from tui.results.bins import bins
from tui.results.columns import chosen_columns, group_filter, result_columns
from tui.results.detail_plots import decoder_plot, power_plot, samples_plot
from tui.results.differences import compare_runs, percent_change, verdict_words
from tui.results.export import rows_csv, rows_json, rows_tsv
from tui.results.own_charts import axes_offered
from tui.results.plots import KINDS, MOST_SERIES, make_plot, plot_tsv
from tui.results.points import ANY, Choices
from tui.themes import palette
from tui.views.results_pane import Upkeep


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> list[LeaderboardRow]:
    """The newest result of each case of a grid with known laws."""
    path = tmp_path_factory.mktemp("values") / "asrprof.db"
    make_big_store(path, results=len(MODELS) * len(PLACES) * len(LENGTHS) * len(BATCHES), samples=1)
    with Store.open(path, readonly=True) as store:
        return store.browse.newest()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "asrprof.db", clock=Clock()) as opened:
        yield opened


# Plots


def test_latency_by_batch_follows_its_law(newest: list[LeaderboardRow]) -> None:
    plot = make_plot(newest, Choices("latency-batch", audio_seconds="15", place="cuda fp16"))
    assert plot.title == "Latency by batch size, cuda fp16, 15 s of audio"
    assert len(plot.series) == len(MODELS)
    assert plot.x.at == tuple(float(size) for size in BATCHES)
    for series in plot.series:
        for a, b in zip(series.points, series.points[1:], strict=False):
            slope = math.log(b.y / a.y) / math.log(b.x / a.x)
            assert 0.75 < slope < 1.05  # 0.9 and the noise of the grid
        assert all(point.low < point.y < point.high for point in series.points)  # type: ignore[operator]


def test_a_plot_holds_what_it_says(newest: list[LeaderboardRow]) -> None:
    by_id = {row.result_id: row for row in newest}
    plot = make_plot(newest, Choices("latency-length", batch_size="4", place="cpu"))
    for _, point in plot.points():
        row = by_id[point.id]
        assert (row.batch_size, row.device, row.variant) == (4, "cpu", "fp32")
        assert (point.x, point.y) == (row.audio_seconds, row.latency_ms)


def test_too_many_series_are_left_out_and_counted(newest: list[LeaderboardRow]) -> None:
    plot = make_plot(newest, Choices("latency-batch", audio_seconds="5", place=ANY))
    assert len(plot.series) == 8
    assert plot.left_out == len(MODELS) * len(PLACES) - 8
    # Unless it is asked for, one place is shown, in which the marks suffice.
    assert make_plot(newest, Choices("latency-batch")).left_out == 0


def test_energies_of_different_labels_are_different_series(newest: list[LeaderboardRow]) -> None:
    some = [row for row in newest if row.model == "pocketsphinx" and row.variant == "fp32"]
    mixed = [replace(row, device="cpu") for row in some]
    plot = make_plot(mixed, Choices("energy-length", batch_size="1"))
    assert {series.label for series in plot.series} == {
        "pocketsphinx cpu, estimated",
        "pocketsphinx cpu, measured",
    }


def test_the_front_is_the_best_of_both(newest: list[LeaderboardRow]) -> None:
    plot = make_plot(newest, Choices("wer-rtfx"))
    points = [point for _, point in plot.points()]
    assert len(points) == len(MODELS) * len(PLACES)
    for point in points:
        beaten = any(
            other.x >= point.x and other.y <= point.y and (other.x, other.y) != (point.x, point.y)
            for other in points
        )
        assert beaten == (point not in plot.front)
    xs = [point.x for point in plot.front]
    assert xs == sorted(xs)


def test_random_weights_are_on_no_quality_chart(newest: list[LeaderboardRow]) -> None:
    random = [replace(row, weights="random", wer=None) for row in newest[:50]]
    plot = make_plot(random, Choices("wer-rtfx"))
    assert list(plot.points()) == []
    assert "random weights have none" in plot.empty


def test_cases_that_stopped_early_are_marked_and_on_no_front(
    newest: list[LeaderboardRow],
) -> None:
    chosen = Choices("wer-rtfx", audio_seconds="60", batch_size=ANY)
    honest = make_plot(newest, chosen)
    best = honest.front[-1].id
    early = [replace(row, stopped_early=row.result_id == best) for row in newest]
    plot = make_plot(early, chosen)
    # The next quickest case of the same configuration stands for it.
    assert best not in {point.id for _, point in plot.points()}
    assert plot.caption == "1 stopped early left out of the front"
    (row,) = (row for row in early if row.result_id == best)
    same = {
        other.result_id
        for other in early
        if (other.model, other.device, other.variant) == (row.model, row.device, row.variant)
    }
    all_early = [replace(row, stopped_early=row.result_id in same) for row in newest]
    plot = make_plot(all_early, chosen)
    assert [point.mark for _, point in plot.points() if point.id in same] == ["!"]
    assert same.isdisjoint(point.id for point in plot.front)
    assert plot.caption == f"{len(BATCHES)} stopped early left out of the front"


def test_a_wer_of_packed_clips_is_not_drawn_beside_one_of_utterances(
    newest: list[LeaderboardRow],
) -> None:
    old = [
        replace(row, wer_of="packed clips") if row.model == "pocketsphinx" else row
        for row in newest
    ]
    plot = make_plot(old, Choices("wer-rtfx"))
    at = "60 s of audio, batch size 32"
    assert plot.title == f"Word error rate of utterances by RTFx, {at}"
    assert "pocketsphinx" not in {series.label for series in plot.series}
    assert plot.caption == f"{len(PLACES)} with WER of packed clips or counted otherwise left out"
    all_old = [replace(row, wer_of="packed clips", clips_mode="packed") for row in newest]
    plot = make_plot(all_old, Choices("wer-rtfx"))
    assert plot.title == f"Word error rate of packed clips by RTFx, {at}"
    assert len(plot.front) == len(make_plot(newest, Choices("wer-rtfx")).front)
    assert plot.caption == "32 of 32 cases timed over packed clips"


def test_a_latency_of_less_work_is_marked(newest: list[LeaderboardRow]) -> None:
    chosen = Choices("latency-batch", audio_seconds="5", place="cpu")
    first = next(point.id for _, point in make_plot(newest, chosen).points())
    rows = [replace(row, stopped_early=row.result_id == first) for row in newest]
    plot = make_plot(rows, chosen)
    marked = {point.id: (point.mark, point.note) for _, point in plot.points() if point.mark}
    assert marked == {first: ("!", "stopped early")}
    drawn = "\n".join("".join(text for text, _ in row) for row in draw(plot, 120, 30).rows)
    assert "! stopped early: less work" in drawn
    assert drawn.count("!") == 2  # The point and the legend.
    assert to_svg(plot).count(">!</text>") == 2


def test_the_first_chart_is_the_choice() -> None:
    assert list(KINDS)[:2] == ["wer-rtfx", "by-model"]


def test_places_of_the_choice_are_told_by_signs(newest: list[LeaderboardRow]) -> None:
    plot = make_plot(newest, Choices("wer-rtfx"))
    assert plot.kinds == ("cpu", "cpu int8", "cuda", "cuda fp16")
    by_id = {row.result_id: row for row in newest}
    for number, point in plot.points():
        assert point.kind is not None
        assert plot.kinds[point.kind] == by_id[point.id].place_and_variant
        assert point.name == plot.series[number].label
    alone = make_plot(
        [row for row in newest if row.device == "cpu"], Choices("wer-rtfx", place="cpu")
    )
    assert alone.kinds == ()


@pytest.mark.parametrize(
    ("measure", "column", "best"),
    [("latency", "latency_ms", min), ("RTFx", "rtfx", max), ("energy", "energy_j", min)],
)
def test_bars_stand_the_best_first(
    newest: list[LeaderboardRow], measure: str, column: str, best: Callable[..., float]
) -> None:
    plot = make_plot(newest, Choices("by-model", measure=measure))
    values = [point.y for _, point in plot.points()]
    assert values == sorted(values, reverse=best is max)
    at = [row for row in newest if (row.audio_seconds, row.batch_size) == (60, 32)]
    known = [row.value(column) for row in at if row.value(column) is not None]
    assert values[0] == best(known)
    assert len(values) == len(known) > MOST_SERIES  # Bars need no marks of their own.
    assert plot.title == f"{measure} by model, 60 s of audio, batch size 32"


def test_bars_of_wer_are_of_one_kind(newest: list[LeaderboardRow]) -> None:
    old = [
        replace(row, wer_of="packed clips") if row.model == "pocketsphinx" else row
        for row in newest
    ]
    plot = make_plot(old, Choices("by-model", measure="WER"))
    assert not [series for series in plot.series if "pocketsphinx" in series.label]
    assert len(plot.series) == (len(MODELS) - 1) * len(PLACES)


def test_axes_can_be_any_two_figures(newest: list[LeaderboardRow]) -> None:
    offered = axes_offered(newest)
    assert {"latency_ms", "rtfx", "wer", "energy_j", "batch_size", "audio_seconds"} <= set(offered)
    assert not {"result_id", "model", "stable", "latency_low_ms"} & set(offered)
    chosen = Choices("own", x="batch_size", y="energy_j", place="cuda", audio_seconds="60")
    plot = make_plot(newest, chosen)
    assert plot.title == "energy by batch, cuda, 60 s of audio"
    assert plot.lines
    by_id = {row.result_id: row for row in newest}
    for _, point in plot.points():
        row = by_id[point.id]
        assert (point.x, point.y) == (row.batch_size, row.energy_j)
    slow = [row for row in newest if row.model == "pocketsphinx" and row.device == "cpu"]
    points = [point for _, point in make_plot(slow, Choices("own")).points()]
    assert points
    # In per cent, as it is written.
    assert [point.y for point in points] == pytest.approx([32] * len(points), abs=3)


@pytest.mark.parametrize("kind", KINDS)
def test_no_results_make_an_empty_plot(kind: str) -> None:
    plot = make_plot([], Choices(kind))
    assert list(plot.points()) == []
    assert plot.empty
    assert plot_tsv(plot) == ""


def test_a_plot_can_be_pasted(newest: list[LeaderboardRow]) -> None:
    plot = make_plot(newest, Choices("latency-batch", place="cpu"))
    lines = plot_tsv(plot).splitlines()
    assert lines[0] == "series\tbatch size\tlatency, ms\tlow\thigh\tresult"
    assert len(lines) == 1 + len(list(plot.points()))


# Differences


def test_a_slower_run_is_told_from_chance(store: Store) -> None:
    clock = Clock()
    names = ("a", "b", "c")
    first = add_job(store, clock, "one", "done", [result(n, latency_s=0.1) for n in names])
    slow = [
        result(name, latency_s=latency)
        for name, latency in zip(names, (0.1, 0.15, 0.08), strict=True)
    ]
    extra = result("only here")
    second = add_job(store, clock, "two", "done", [*slow, extra])
    compared = compare_runs(store, first, second)
    verdicts = {case.b.model: case.latency for case in compared.cases}
    assert verdicts["a"].tone == ""
    assert verdicts["b"].tone == "bad"
    assert verdicts["b"].text == "+50.0 %"
    assert verdicts["c"].tone == "good"
    assert (compared.slower, compared.faster) == (1, 1)
    assert (compared.only_a, compared.only_b) == (0, 1)
    assert compared.cases[0].b.model == "b"  # The largest change first.


def test_an_unstable_side_has_no_firm_verdict(store: Store) -> None:
    clock = Clock()
    first = add_job(store, clock, "one", "done", [result("a", latency_s=0.1)])
    slow = result("a", latency_s=0.15)
    assert slow.latency is not None
    shaky = replace(slow, latency=replace(slow.latency, stable=False, stable_reason="drift"))
    second = add_job(store, clock, "two", "done", [shaky])
    compared = compare_runs(store, first, second)
    (case,) = compared.cases
    assert (case.latency.tone, verdict_words(case.latency)) == ("warn", "unstable")
    assert (compared.slower, compared.faster) == (0, 0)


def test_energies_of_two_labels_are_not_compared(store: Store) -> None:
    clock = Clock()
    estimated = result("m", energy="estimated")
    measured = result("m", energy="measured", batch_size=2)
    job = add_job(store, clock, "one", "done", [estimated, measured])
    ids = [row.result_id for row in store.leaderboard(job_id=job)]
    figures = side_by_side(store, ids).figures
    energy = next(row for row in figures if row.label == "energy J")
    verdict = energy.verdicts[1]
    assert energy.values[0].startswith("≈")
    assert verdict is not None
    assert (verdict.text, verdict.note) == ("-", "estimated and measured do not compare")


def test_results_are_compared_with_the_first(store: Store) -> None:
    clock = Clock()
    rows = [result("m", latency_s=0.1 * n, batch_size=n, wer=0.05 * n) for n in (1, 2, 3)]
    job = add_job(store, clock, "one", "done", rows)
    ids = [row.result_id for row in store.leaderboard(job_id=job)]
    compared = side_by_side(store, ids)
    assert [row.result_id for row in compared.rows] == ids
    by_label = {row.label: row for row in compared.figures}
    assert by_label["latency ms"].values == ("100", "200", "300")
    texts = [verdict and verdict.text for verdict in by_label["latency ms"].verdicts]
    assert texts == [None, "x 2.00", "x 3.00"]
    assert by_label["batch"].values == ("1", "2", "3")
    assert "variant" not in by_label  # All the same.


@pytest.mark.parametrize(
    ("energies", "intervals"),
    [((None, None), 1), (("estimated", "estimated"), 2), (("estimated",) * 3, 4)],
)
def test_intervals_allow_for_the_number_of_those_that_are_shown(
    store: Store, energies: tuple[str | None, ...], intervals: int
) -> None:
    """Of latency and of energy; the words of all are alike and have none."""
    rows = [result("m", energy=label, batch_size=1 + n) for n, label in enumerate(energies)]
    job = add_job(store, Clock(), "one", "done", rows)
    ids = [row.result_id for row in store.leaderboard(job_id=job)]
    figures = side_by_side(store, ids).figures
    verdict = next(row for row in figures if row.label == "latency ms").verdicts[1]
    confidence = 1 - 0.05 / intervals
    found = compare_samples(rows[0].samples, rows[1].samples, confidence=confidence)
    assert verdict is not None
    assert verdict.note == f"[{percent_change(found.low)}, {percent_change(found.high)}]"


def test_energies_have_the_interval_of_their_readings(store: Store) -> None:
    """Each is known to 1 of 22 parts: half as much again is no chance, 3 % may be."""
    clock = Clock()
    names = ("much", "little")
    first = add_job(store, clock, "one", "done", [result(n, latency_s=0.1) for n in names])
    more = [result("much", latency_s=0.15), result("little", latency_s=0.103)]
    second = add_job(store, clock, "two", "done", more)
    verdicts = {case.b.model: case.energy for case in compare_runs(store, first, second).cases}
    assert (verdicts["much"].text, verdicts["much"].tone) == ("+50.0 %", "bad")
    assert (verdicts["little"].text, verdicts["little"].tone) == ("+3.0 %", "")
    # Four intervals, two of them of latency; 2.498 standard errors of 1/22 times the root of 2.
    factor = math.exp(2.4977 * math.sqrt(2) / 22)
    ends = f"[{percent_change(1.03 / factor)}, {percent_change(1.03 * factor)}]"
    assert verdicts["little"].note == ends


def test_a_case_that_no_longer_runs_is_lost(store: Store) -> None:
    clock = Clock()
    first = add_job(store, clock, "one", "done", [result("a"), result("b")])
    fails = result("b", state="oom", reason="killed")
    second = add_job(store, clock, "two", "done", [result("a"), fails])
    compared = compare_runs(store, first, second)
    assert (len(compared.cases), compared.lost, compared.only_a) == (1, 1, 0)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (math.nan, "-"),
        (1.0, "+0.0 %"),
        (1.052, "+5.2 %"),
        (0.9, "-10.0 %"),
        (2.5, "x 2.50"),
        (0.25, "x 0.250"),
    ],
)
def test_changes_read_well(ratio: float, text: str) -> None:
    assert percent_change(ratio) == text


# A result


@given(values=st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=200))
def test_a_histogram_counts_every_sample(values: list[float]) -> None:
    low, step, counts = bins(values)
    assert sum(counts) == len(values)
    assert step > 0
    assert low == min(values)
    assert len(counts) <= 16


def test_few_samples_have_few_bins() -> None:
    for values in ([1.0, 1.1, 5.0], [1.0, 1.0, 1.1, 1.1, 1.2, 9.0]):
        assert len(bins(values)[2]) <= 4
        assert sum(bins(values)[2]) == len(values)


def test_an_unstable_latency_is_marked_and_a_reason_is_said_once(store: Store) -> None:
    one = result("m")
    assert one.latency is not None
    reason = "one round of the batch cycle gives no interval"
    bare = [replace(s, low_s=None, high_s=None, interval_reason=reason) for s in one.stages]
    shaky = replace(one, latency=replace(one.latency, stable=False), stages=tuple(bare))
    job = add_job(store, Clock(), "one", "done", [shaky])
    (row,) = store.leaderboard(job_id=job)
    theme = palette(BUILTIN_THEMES["textual-dark"].to_color_system().generate())
    console = Console(width=120, file=io.StringIO())
    stored = store.result(row.result_id)
    console.print(detail.figures(stored, theme, UNICODE))
    text = console.file.getvalue()
    assert re.search(r"latency +~", text) and re.search(r"RTFx +~", text)
    console.print(detail_times.stages(stored, theme, UNICODE, 100))
    assert len(bare) > 1 and console.file.getvalue().count(reason) == 1


def test_the_samples_keep_their_order_and_batches(store: Store) -> None:
    job = add_job(store, Clock(), "one", "done", [result("m", samples=6)])
    (row,) = store.leaderboard(job_id=job)
    plot = samples_plot(store.result(row.result_id))
    assert [series.label for series in plot.series] == ["batch 0", "batch 1"]
    assert [point.x for point in plot.series[0].points] == [1, 3, 5]


def test_the_power_of_a_counter_is_how_it_grows(store: Store) -> None:
    counter = tuple(
        PowerSample(source="rapl", phase="window-1", time_s=10.0 + n, power_w=None, energy_j=j)
        for n, j in enumerate((0.0, 20.0, 50.0, 40.0, 70.0))
    )
    job = add_job(store, Clock(), "one", "done", [replace(result("m"), power_samples=counter)])
    (row,) = store.leaderboard(job_id=job)
    (series,) = power_plot(store.result(row.result_id)).series
    assert series.label == "rapl work"
    assert [point.y for point in series.points] == [20.0, 30.0, 30.0]  # No power from a wrap.


def test_a_result_shows_what_proved_its_variant(store: Store) -> None:
    shown = replace(
        result("m", variant="stream"),
        proofs=(Proof(technique="chunk_seconds", requested="1 s", found="5 passes for 5 chunks"),),
        figures=(Scalar(name="first_word_s", value=1.25, note="of the clip"),),
        comparison=Comparison(
            baseline="fp32",
            rounds=3,
            baseline_s=1.0,
            variant_s=0.5,
            speedup=2.0,
            speedup_low=None,
            speedup_high=None,
            interval_reason="fewer than 4 interleaved rounds give no interval",
            clips=31,
            same_text=30,
            same_text_promised=True,
        ),
    )
    job = add_job(store, Clock(), "one", "done", [shown])
    (row,) = store.leaderboard(job_id=job)
    theme = BUILTIN_THEMES["textual-dark"].to_color_system().generate()
    console = Console(width=120, file=io.StringIO())
    console.print(detail.figures(store.result(row.result_id), palette(theme), UNICODE))
    text = console.file.getvalue()
    assert re.search(r"chunk seconds +1 s +5 passes for 5 chunks", text)
    assert re.search(r"first whole word after +1\.25 s +of the clip", text)
    assert re.search(r"speed-up +x2\.00 +fewer than 4 interleaved rounds", text)
    assert re.search(r"same text +30 of 31 +promised of all, but for rounding", text)


def test_the_decoder_is_drawn_without_its_prefill(store: Store) -> None:
    steps = tuple(
        DecoderStep(position=n, median_s=s, low_s=0.9 * s, high_s=2 * s, iterations=3)
        for n, s in ((1, 0.5), (2, 0.02), (3, 0.03))
    )
    job = add_job(store, Clock(), "one", "done", [replace(result("m"), decoder_steps=steps)])
    (row,) = store.leaderboard(job_id=job)
    (series,) = decoder_plot(store.result(row.result_id)).series
    assert [(point.x, point.y) for point in series.points] == [(2, 20.0), (3, 30.0)]
    assert [point.high for point in series.points] == [40.0, 60.0]


# Words and files


def test_every_column_of_the_view_can_be_shown() -> None:
    keys = {column.key for column in result_columns()}
    assert keys <= set(LEADERBOARD_COLUMNS)
    # An interval is one column, a label is part of its figure, and `stable` of the latency.
    hidden = {"latency_high_ms", "wer_high", "energy_label", "stable"}
    assert set(LEADERBOARD_COLUMNS) - keys == hidden
    assert all(len(column.label) <= column.width for column in result_columns())
    assert [column.key for column in chosen_columns(["wer", "nonsense", "model"])] == [
        "wer",
        "model",
    ]


@pytest.mark.parametrize("name", [*HOSTILE, 'say "hi" to it', "", "o'brien"])
def test_a_group_is_found_by_its_filter(store: Store, name: str) -> None:
    job = add_job(store, Clock(), "one", "done", [result(name or "x"), result("another")])
    (first, *_) = store.browse.groups(["model", "batch_size"], "model != 'another'")
    words = group_filter(["model", "batch_size"], first)
    assert "\x1b" not in words
    found = store.leaderboard(where=filter_sql(words))
    assert [row.model for row in found] == [name or "x"]
    assert job == found[0].job_id


def test_files_hold_every_figure_in_full(store: Store) -> None:
    hostile = [result(name) for name in (*HOSTILE, "=cmd|' /C calc'!A0")]
    add_job(store, Clock(), "one", "done", [*hostile, result("w", state="failed", reason="no, \n")])
    rows = store.leaderboard()
    read = list(csv.DictReader(io.StringIO(rows_csv(rows))))
    assert list(read[0]) == list(LEADERBOARD_COLUMNS)
    assert [row["model"].lstrip("'") for row in read] == [row.model for row in rows]
    assert read[-2]["model"].startswith("'=")  # No spreadsheet runs it.
    assert read[-1]["latency_ms"] == ""
    assert rows[0].stable is True
    assert read[0]["stable"] == "1"  # As `asrprof export` writes it.
    assert json.loads(rows_json(rows))[0]["latency_ms"] == rows[0].latency_ms
    pasted = rows_tsv(rows, ["model", "wer"])
    assert len(pasted.splitlines()) == 1 + len(rows)
    assert "\x1b" not in pasted
    assert rows_tsv([], ["model"]) == ""


def test_reasons(store: Store) -> None:
    failed = result("w", state="oom", reason="killed")
    job = add_job(
        store, Clock(), "one", "done", [result("openai/w", wer=None, energy=None), failed]
    )
    good, bad = store.leaderboard(job_id=job)
    reasons = store.browse.reasons(good.result_id)
    assert missing_reason(good, "wer", reasons) == "random weights"
    assert missing_reason(good, "energy_j", reasons) == "no sensor"
    assert missing_reason(good, "vram_mb", reasons) == "no GPU was used"
    assert missing_reason(good, "rtfx", reasons) == ""
    assert missing_reason(bad, "rtfx", {}) == "oom: killed"
    unstable = replace(good, stable=False)
    assert missing_reason(unstable, "latency_ms", {"stable_reason": "drift"}) == "unstable: drift"


# Upkeep


def test_upkeep_takes_its_share_and_no_more() -> None:
    class Owner:
        def __init__(self) -> None:
            self.timers: list[tuple[float, Callable[[], None]]] = []

        def set_timer(self, seconds: float, later: Callable[[], None]) -> None:
            self.timers.append((seconds, later))

    owner, asked = Owner(), []
    upkeep = Upkeep(cast(Widget, owner), lambda: asked.append(1))
    upkeep.wanted()
    upkeep.wanted()
    assert len(asked) == 2  # Nothing is known of its cost.
    upkeep.took(3.0)
    upkeep.wanted()
    upkeep.wanted()
    assert len(asked) == 2
    ((seconds, later),) = owner.timers  # One, whatever happens meanwhile.
    assert 28 < seconds <= 30
    later()
    assert len(asked) == 3
    upkeep.took(0.0)
    upkeep.wanted()
    assert len(asked) == 4


def test_results_that_are_gone_are_not_compared(store: Store) -> None:
    job = add_job(store, Clock(), "one", "done", [result("a"), result("b")])
    ids = [row.result_id for row in store.leaderboard(job_id=job)]
    compared = side_by_side(store, [*ids, 999])
    assert [row.result_id for row in compared.rows] == ids
    with pytest.raises(StoreError, match="fewer than two"):
        side_by_side(store, [ids[0], 998, 999])


def test_rtfx_has_the_marks_of_its_latency(store: Store) -> None:
    add_job(store, Clock(), "one", "done", [result("openai/w")])
    (row,) = store.leaderboard()
    (column,) = chosen_columns(["rtfx"])
    assert column.cell(row) == (written(row.rtfx), "")
    assert column.cell(replace(row, stable=False)) == (f"~{written(row.rtfx)}", "warn")

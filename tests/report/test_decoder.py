"""The decoder's profile in the report: the ratio, the drawing, the table, and gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from report.content import Bullets, Section, Table
from report.decoder import decoder_profiles, in_words
from report.page import build_page
from report.render.html import render_html
from report.render.markdown import render_markdown
from report.render.pdf import render_pdf
from report.scenarios import load_scenarios
from report.study import Study
from report.text import MISSING
from store import DecoderStep, Result, Scalar, Store, process_owner
from tests.report.synthetic import Grid, results_of

BARE = next(iter(results_of(Grid(clips=1))))
STEPS = 48


def profiled(
    variant: str,
    growth: float,
    *,
    batch: int = 1,
    first_s: float = 0.020,
    shares: bool = True,
    steps: int = STEPS,
) -> Result:
    """A result whose tokens take ``first_s`` at first and ``growth`` times as long at the end."""
    seconds = [8 * first_s] + [
        first_s * (1 + (growth - 1) * place / max(steps - 2, 1)) for place in range(steps - 1)
    ]
    figures = [Scalar(name="prefill_s", value=seconds[0])]
    if steps > 17:
        figures += [
            Scalar(name="early_token_s", value=first_s),
            Scalar(name="late_token_s", value=first_s * growth),
            Scalar(name="late_to_early", value=growth),
            Scalar(name="tokens_per_second", value=batch / first_s),
        ]
    if shares:
        figures += [
            Scalar(name="self_attention_share", value=0.21),
            Scalar(name="cross_attention_share", value=0.34),
            Scalar(name="feed_forward_share", value=0.25),
            Scalar(name="self_cache_bytes", value=1e6),
            Scalar(name="cross_cache_bytes", value=36.5e6),
        ]
    return replace(
        BARE,
        case_key=f"{variant}|{batch}|{steps}",
        variant=variant,
        batch_size=batch,
        decoder_steps=tuple(
            DecoderStep(
                position=place + 1, median_s=s, low_s=0.95 * s, high_s=1.1 * s, iterations=3
            )
            for place, s in enumerate(seconds)
        ),
        figures=tuple(figures),
    )


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def fill(path: Path, results: Iterable[Result]) -> Path:
    results = list(results)
    with Store.open(path) as store:
        job = store.start_job(
            store.add_benchmark("decoder", '{"name": "decoder"}'),
            target="local",
            cases_total=len(results),
            owner=process_owner(),
            lease_s=60.0,
        )
        for result in results:
            store.write_result(job, result)
    return path


def section_of(path: Path) -> Section | None:
    with Store.open(path, readonly=True) as store:
        page = build_page(Study.read(store), load_scenarios())
    return next((found for found in page.sections if found.anchor == "decoder"), None)


def test_the_ratio_stands_there_in_words_and_in_every_format(store_path: Path) -> None:
    fill(store_path, [profiled("cache-dynamic", 0.99), profiled("cache-off", 1.22, first_s=0.2)])
    with Store.open(store_path, readonly=True) as store:
        page = build_page(Study.read(store), load_scenarios())
    said = (
        "cache-dynamic: the last tokens take 0.99 times as long as the first; "
        "cache-off: 1.22 times."
    )
    assert said in render_markdown(page).replace("\\", "")
    assert said in render_html(page)
    assert render_pdf(page).startswith(b"%PDF")
    (figure,) = [figure for figure in page.figures if figure.name == "decoder-steps"]
    assert figure.png.startswith(b"\x89PNG")
    assert "figures/decoder-steps.svg" in render_markdown(page)


def test_the_table_has_prefill_shares_and_cache(store_path: Path) -> None:
    fill(store_path, [profiled("cache-dynamic", 0.99)])
    section = section_of(store_path)
    assert section is not None
    cells: dict[str, str] = {}
    for table in (block for block in section.blocks if isinstance(block, Table)):
        assert len(table.columns) <= 8  # More run over one another in print.
        (row,) = table.rows
        cells |= dict(zip([column.title for column in table.columns], row, strict=True))
    assert cells["passes"] == "48"
    assert cells["prefill"] == "160"
    assert (cells["first tokens"], cells["last tokens"]) == ("20.0", "19.8")
    assert cells["last by first"] == "0.99"
    assert cells["cross-attention"] == "34"
    assert cells["vocabulary"] == MISSING
    assert cells["cache"] == "37.5"


def test_batches_of_one_variant_are_told_apart(store_path: Path) -> None:
    fill(store_path, [profiled("cache-dynamic", 1.0), profiled("cache-dynamic", 1.1, batch=16)])
    with Store.open(store_path, readonly=True) as store:
        found = decoder_profiles(Study.read(store))
    sentence = in_words(found)
    assert sentence is not None
    assert "cache-dynamic at batch 1: the last tokens take 1.00 times" in sentence
    assert "cache-dynamic at batch 16: 1.10 times" in sentence


def test_a_ratio_of_a_busy_machine_is_marked(store_path: Path) -> None:
    busy = profiled("cache-dynamic", 2.3)
    assert busy.latency is not None
    latency = replace(busy.latency, stable=False, stable_reason="foreign load")
    fill(store_path, [replace(busy, latency=latency)])
    section = section_of(store_path)
    assert section is not None
    table, _ = [block for block in section.blocks if isinstance(block, Table)]
    assert table.rows[0][6] == "~2.30"
    assert any(note.startswith("~ the latency was not stable") for note in table.notes)
    (said,) = [block for block in section.blocks if isinstance(block, Bullets)]
    assert "cache-dynamic: the last tokens take ~2.30 times" in said.items[0][1]


def test_a_short_profile_without_shares_has_times_alone(store_path: Path) -> None:
    fill(
        store_path,
        [
            profiled("cache-off", 1.2, shares=False, steps=10),
            profiled("one", 1, shares=False, steps=2),
        ],
    )
    section = section_of(store_path)
    assert section is not None
    assert not any(isinstance(block, Bullets) for block in section.blocks)
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert all(row[6] == MISSING for row in table.rows)
    assert any("too short" in note for note in table.notes)


def test_a_store_without_profiles_has_no_such_section(store_path: Path) -> None:
    fill(store_path, [BARE])
    assert section_of(store_path) is None

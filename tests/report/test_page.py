"""The page of any store: everything said once, nothing left unexplained, never a traceback."""

from __future__ import annotations

import random
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from report.content import Bullets, Cards, Figure, Page, Section, Table, Text
from report.errors import ReportError
from report.page import build_page
from report.render.html import render_html
from report.render.markdown import render_markdown
from report.render.pdf import render_pdf
from report.scenarios import load_scenarios
from report.study import Study
from report.text import MISSING
from store import Result, Store
from tests.report.synthetic import ENVIRONMENT, Grid, results_of, write_study

CPU_S_OF_50_000 = 60.0
FEW = Grid().laws[:1]


def page_of(path: Path, where: str | None = None) -> Page:
    with Store.open(path, readonly=True) as store:
        return build_page(Study.read(store, where=where), load_scenarios(), condition=where)


@pytest.fixture(scope="module")
def full_page(study_path: Path) -> Page:
    """The page of the full grid."""
    return page_of(study_path)


def tables(page: Page) -> Iterator[Table]:
    for section in page.sections:
        yield from (block for block in section.blocks if isinstance(block, Table))


def words(page: Page) -> str:
    """Everything that the page says, as Markdown does."""
    return render_markdown(page).replace("\\", "")


def check(page: Page) -> None:
    """What holds for every page, whatever the store."""
    anchors = [section.anchor for section in page.sections]
    assert len(anchors) == len(set(anchors))
    assert all(section.blocks for section in page.sections)
    names = [figure.name for figure in page.figures]
    assert len(names) == len(set(names))
    for table in tables(page):
        assert table.rows, table.caption
        assert all(len(row) == len(table.columns) for row in table.rows), table.caption
        if any(MISSING in row for row in table.rows):
            assert table.notes, f"{table.caption}: a figure is missing without a word"
        cells = [cell for row in table.rows for cell in row]
        assert not {"nan", "None", "inf", ""} & set(cells), table.caption
    text = words(page)
    assert "nan" not in re.findall(r"[a-z]+", text)
    assert not re.search(r"\bNone\b(?! of)", text)
    html = render_html(page)
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", html)
    balanced(html)
    assert render_pdf(page).startswith(b"%PDF")


class Tags(HTMLParser):
    """Counts what is open."""

    VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def balanced(html: str) -> None:
    tags = Tags()
    tags.feed(html)
    assert tags.open == []


def test_the_full_grid_fills_every_section(full_page: Page) -> None:
    check(full_page)
    assert [section.anchor for section in full_page.sections] == [
        "brief",
        "recommendations",
        "measured",
        "tables",
        "time",
        "scaling",
        "quality",
        "work",
        "variants",
        "hints",
        "transcripts",
        "missing",
        "results",
    ]
    assert {figure.name for figure in full_page.figures} >= {
        "speed",
        "stages",
        "operators",
        "roofline",
        "latency-by-length",
        "rtfx-by-batch",
        "energy-by-batch",
        "memory-by-work",
        "wer-by-rtfx",
        "wer-by-energy",
        "work",
        "variants",
    }
    cards = next(
        block for s in full_page.sections for block in s.blocks if isinstance(block, Cards)
    )
    assert [card.headline for card in cards.cards] == [
        "whisper-tiny fp16 on cuda",
        "whisper-base fp16 on cuda",
        "whisper-medium fp16 on cuda",
        "whisper-tiny on cpu",
        "whisper-tiny on cuda",
    ]


def test_the_tables_show_the_laws_figures(full_page: Page) -> None:
    found = {table.caption: table for table in tables(full_page)}
    devices = found["CPU against GPU, clips of 60 s"]
    (row,) = [r for r in devices.rows if r[:2] == ("wav2vec2-base-960h", "16")]
    # 0.05 + 0.06 * 960 s against 0.012 + 0.00012 * 960 s.
    assert float(row[2].replace(",", "")) == pytest.approx(57_650, rel=0.01)
    assert float(row[3]) == pytest.approx(127.2, rel=0.01)
    assert float(row[4]) == pytest.approx(453, rel=0.02)
    errors = found["Word error rate"]
    # One row serves four lengths, four batch sizes and both devices.
    assert [row[:3] for row in errors.rows] == [
        ("whisper-medium", "cpu and cuda", "8.0"),
        ("whisper-medium fp16", "cuda", "8.0"),
        ("whisper-small", "cpu and cuda", "9.0"),
        ("whisper-small fp16", "cuda", "9.0"),
        ("whisper-medium int8", "cpu", "10.0"),
        ("whisper-base", "cpu and cuda", "11.0"),
        ("whisper-base fp16", "cuda", "11.0"),
        ("whisper-small int8", "cpu", "11.0"),
        ("whisper-base int8", "cpu", "13.0"),
        ("whisper-tiny", "cpu and cuda", "14.0"),
        ("whisper-tiny fp16", "cuda", "14.0"),
        ("whisper-tiny int8", "cpu", "16.0"),
        ("wav2vec2-base-960h", "cpu and cuda", "20.0"),
        ("wav2vec2-base-960h fp16", "cuda", "20.0"),
        ("wav2vec2-base-960h int8", "cpu", "22.0"),
    ]
    assert {row[4:6] for row in errors.rows} == {("20 utterances", "10 speakers")}
    assert "WER: of 20 utterances, each by itself." in errors.notes
    variants = found["Variants against their baseline"]
    (row,) = [r for r in variants.rows if r[:2] == ("whisper-base int8 on cpu", "60 s × 1")]
    assert float(row[4]) == pytest.approx(1 / 0.6, rel=0.01)
    assert row[8].startswith("+2.0")


def test_the_three_formats_say_the_same(full_page: Page) -> None:
    inside = r"<(style|svg|script)\b.*?</\1>"
    html = re.sub(inside, "", render_html(full_page), flags=re.DOTALL)
    html = re.sub(r"<[^>]+>", " ", html)
    markdown = words(full_page)
    for table in tables(full_page):
        for row in table.rows[:3]:
            for cell in row:
                assert cell in markdown
                assert cell in html


def test_an_empty_store_gives_no_page(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store.open(path).close()
    with pytest.raises(ReportError, match="no result to report on: run a benchmark first"):
        page_of(path)


def failed(
    number: int, state: str = "failed", reason: str = "RuntimeError: <b>`no`</b> | *x*"
) -> Result:
    return Result(
        case_key=f"case-{number}",
        model="openai/whisper-tiny",
        engine="whisper",
        weights="pretrained",
        revision=None,
        device="cuda",
        variant="fp32",
        audio_seconds=5.0 * (number + 1),
        batch_size=1,
        seed=42,
        state=state,  # type: ignore[arg-type]
        reason=reason,
        started_at="2026-01-31T12:00:00.000000+00:00",
        wall_s=1.0,
        environment=ENVIRONMENT if number else None,
    )


def write(path: Path, *results: Result) -> None:
    write_study(path, Grid(laws=()))
    with Store.open(path) as store:
        for result in results:
            store.write_result(1, result)


def test_a_store_with_only_failures_says_why(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write(path, failed(0), failed(1, "oom", "killed by the kernel"), failed(2, "refused", "no GPU"))
    page = page_of(path)
    check(page)
    text = words(page)
    assert "None of the 3 cases has figures" in text
    assert "killed by the kernel" in text
    assert "no GPU" in text
    assert "<b>" not in render_html(page).partition("<main>")[2]


def test_one_result_gives_a_page(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    one = Grid(
        laws=Grid().laws[:1],
        devices=("cpu",),
        lengths=(5.0,),
        batches=(1,),
        variants=(),
        clips=1,
        rounds=1,
    )
    write_study(path, one)
    page = page_of(path)
    check(page)
    assert not [f for f in page.figures if f.name not in ("stages", "operators", "roofline")]
    assert "It is the only candidate." in words(page)
    assert "a fit needs three points" in words(page)


def test_a_source_that_was_refused_beside_another_is_named(tmp_path: Path) -> None:
    (first, *_) = results_of(Grid(clips=1))
    refused = replace(
        first.energy[0],
        source="nvml-sampled",
        label="sampled",
        gross_j=None,
        reason="window of 1 s",
    )
    path = tmp_path / "store.db"
    write(path, replace(first, energy=(*first.energy, refused)))
    page = page_of(path)
    check(page)
    assert "| energy by nvml-sampled | window of 1 s | 1 |" in words(page)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (Grid(laws=FEW, energy=False, clips=2), "No energy: not asked for"),
        (Grid(laws=FEW, quality=False), "WER: none in this store (not asked for"),
    ],
)
def test_what_was_not_measured_is_said(tmp_path: Path, grid: Grid, sentence: str) -> None:
    path = tmp_path / "store.db"
    write_study(path, grid)
    page = page_of(path)
    check(page)
    assert sentence in words(page)


def test_only_the_newest_of_a_case_counts_and_a_condition_chooses(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    grid = Grid(laws=Grid().laws[:2], devices=("cpu",), variants=(), clips=2)
    write_study(path, grid)
    write_study(path, Grid(**{**vars(grid), "factor": 2.0, "seed": 8}), name="again")
    page = page_of(path, "batch_size = 1")
    check(page)
    text = words(page)
    assert "8 older results of the same cases" in text
    assert "- where: batch_size = 1" in text
    results = next(t for t in tables(page) if t.caption.startswith("One row per case"))
    (row,) = [r for r in results.rows if r[:2] == ("whisper-tiny on cpu", "5 s × 1")]
    assert float(row[2]) == pytest.approx(300, rel=0.02)  # Twice 50 + 20 * 5 ms.


@pytest.mark.timed
@pytest.mark.e2e
def test_fifty_thousand_results_give_a_page_in_reasonable_time(
    tmp_path: Path, study_path: Path
) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(study_path)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
        names = [row[1] for row in copy.execute("PRAGMA table_info(results)") if row[1] != "id"]
        chosen = ", ".join(
            {
                "model": "model || '-' || n",
                "case_key": "case_key || '|' || n",
                "latency_s": "latency_s * (1 + n / 100.0)",
            }.get(name, name)
            for name in names
        )
        copy.execute(
            f"WITH RECURSIVE copies (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM copies "
            f"WHERE n < 250) INSERT INTO results ({', '.join(names)}) "
            f"SELECT {chosen} FROM results, copies"
        )
        copy.commit()
    started = time.process_time()
    page = page_of(path)
    html = render_html(page)
    spent = time.process_time() - started
    check(page)
    assert spent < CPU_S_OF_50_000
    assert len(html) < 8_000_000
    assert "50,2" in words(page)  # 50,200 cases.
    assert "1,24" in words(page)  # Models that the figures leave out.


def test_code_in_a_sentence_keeps_the_blanks_around_it() -> None:
    section = Section("x", "X", (Text("Ask `asrprof doctor`  first, *then* `run`."),))
    page = Page("T", "", (), (section,))
    assert "Ask `asrprof doctor` first, \\*then\\* `run`." in render_markdown(page)


def test_text_of_any_script_and_markup_is_only_text(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    odd = "<script>alert(1)</script> #let x = [*] \\ $ @ref ` | Ελληνικά कखग 中文 \u202e"
    write(path, failed(1, "refused", odd))
    page = page_of(path)
    html = render_html(page)
    assert "<script>" not in html
    assert render_pdf(page).startswith(b"%PDF")
    assert "<script>" not in render_markdown(page)


def test_blocks_are_of_the_kinds_that_the_renderers_know(full_page: Page) -> None:
    kinds = {type(block) for section in full_page.sections for block in section.blocks}
    assert kinds >= {Text, Bullets, Table, Figure, Cards}


@pytest.mark.e2e
@pytest.mark.parametrize("seed", range(6))
def test_any_part_of_any_result_may_be_missing(tmp_path: Path, seed: int) -> None:
    generator = random.Random(seed)
    grid = Grid(
        laws=Grid().laws[:2], lengths=(5.0, 30.0), batches=(1, 8), clips=2, rounds=2, seed=seed
    )
    empty: dict[str, object] = {
        "latency": None,
        "memory": None,
        "quality": None,
        "conditions": None,
        "environment": None,
        "energy": (),
        "flops": (),
        "stages": (),
        "samples": (),
        "operators": (),
        "peaks": (),
        "transcripts": (),
        "parameters": None,
    }
    results = []
    for result in results_of(grid):
        changes = {name: value for name, value in empty.items() if generator.random() < 0.25}
        if "energy" in changes:
            changes["energy_primary"] = None
        if "quality" in changes:
            changes["transcripts"] = ()
        results.append(replace(result, **changes))  # type: ignore[arg-type]
    path = tmp_path / "store.db"
    write(path, *generator.sample(results, generator.choice((2, 5, len(results)))))
    check(page_of(path))

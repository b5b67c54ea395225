"""The short way to write a filter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import FilterError, Query, Result, Store, StoreError, filter_sql

Found = Callable[[str], list[str]]


@pytest.fixture
def found(store: Store, job_id: int, full: Result, failed: Result) -> Found:
    """The case keys that a filter leaves of four results."""
    store.write_result(job_id, replace(full, case_key="tiny"))
    store.write_result(job_id, failed)
    assert full.latency is not None and full.speech is not None
    slow = replace(full.latency, median_s=2.0, stable=False)
    odd = replace(full, case_key="odd", model="50%_o'model", variant="int8", latency=slow)
    cut = replace(full.speech, mode="packed", stopped_early=True)
    store.write_result(job_id, replace(odd, speech=cut))
    store.write_result(job_id, replace(full, case_key="long", audio_seconds=60.0))

    def keys(text: str) -> list[str]:
        ids = store.browse.rows(store.browse.ids(_query(text)))
        return [store.result(number).result.case_key for number in sorted(ids)]

    return keys


def _query(text: str) -> Query:
    return Query(where=filter_sql(text), descending=False)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", ["tiny", "case-2", "odd", "long"]),
        ("whisper-TINY", ["tiny", "case-2", "long"]),
        ("-whisper-tiny", ["odd"]),
        ("tiny cuda", ["tiny", "long"]),
        ("RuntimeError:", ["case-2"]),
        ("-RuntimeError", ["tiny", "odd", "long"]),
        ("model:50%_o", ["odd"]),
        ('"50%_o\'model"', ["odd"]),
        ("model:%", ["odd"]),
        ("model=openai/whisper-tiny", ["tiny", "case-2", "long"]),
        ("latency<1000", ["tiny", "long"]),
        ("latency_ms>=2e3", ["odd"]),
        ("wer<8%", ["tiny", "odd", "long"]),
        ("wer<7.6%", []),
        ("wer:none", ["case-2"]),
        ("wer!=none", ["tiny", "odd", "long"]),
        ("-wer<0.5", ["case-2"]),
        ("stable:no", ["odd"]),
        ("stable:yes", ["tiny", "long"]),
        ("audio:60 state:ok", ["long"]),
        ("-state:ok", ["case-2"]),
        ("batch>4", ["case-2"]),
        ("wer < 8%", ["tiny", "odd", "long"]),
        ("batch > 4 state = failed", ["case-2"]),
        ("wer_low < wer", ["tiny", "odd", "long"]),
        ("audio_seconds / 2 > 29 and state = 'ok'", ["long"]),
        ("batch_size + 1 > 5", ["case-2"]),
        ("wer < 0.1 or state = 'failed'", ["tiny", "case-2", "odd", "long"]),
        ("latency_ms > 1000 -- slow", ["odd"]),
        ("packed", ["odd"]),
        ("-packed", ["tiny", "case-2", "long"]),
        ("continuous", ["tiny", "long"]),
        ("clips:packed", ["odd"]),
        ("stopped early", ["odd"]),
        ('"stopped early"', ["odd"]),
        ("-stopped", ["tiny", "case-2", "long"]),
        ("stopped:yes", ["odd"]),
        ("stopped_early:no", ["tiny", "long"]),
        ("wer_of:utterances scored>31", ["tiny", "odd", "long"]),
        ("Reason:runtimeerror VARIANT:fp32", ["case-2"]),
    ],
)
def test_words_and_sql(found: Found, text: str, keys: list[str]) -> None:
    assert found(text) == keys


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle:tiny", "no column 'modle': did you mean model"),
        ("wer<low", "wer is a number, 'low' is none"),
        ("wer<none", "write wer:none"),
        ("batch:", "batch: what?"),
    ],
)
def test_what_cannot_hold(text: str, said: str) -> None:
    with pytest.raises(FilterError, match=re.escape(said)):
        filter_sql(text)


def test_the_condition_is_sql_that_the_command_line_takes(store: Store, job_id: int) -> None:
    assert filter_sql("wer<10% device:cuda") == "wer < 0.1 AND device LIKE '%cuda%' ESCAPE '\\'"
    assert store.leaderboard(where=filter_sql("o'brien")) == []
    assert filter_sql("   ") is None


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(max_codepoint=126), max_size=30))
def test_no_filter_breaks_out(store: Store, job_id: int, full: Result, text: str) -> None:
    store.write_result(job_id, full)
    try:
        store.browse.ids(_query(text))
    except (FilterError, StoreError) as error:
        assert "\n" not in str(error)
    assert store.counts().results == 1

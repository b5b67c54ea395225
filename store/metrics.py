"""What a metric is: its heading, unit and meaning, which way is better, how it is written.

The columns of the view ``leaderboard`` are described where they are declared, in
``store.leaderboard``. Here are the scalars: figures that only some cases have, stored under their
names. A measure describes its own in its entry of the catalogue; they travel with its results, and
every store says what the scalars in it are (``store.scalars``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

Better = Literal["lower", "higher"]
Form = Literal["text", "flag", "count", "number", "share", "bytes"]
Shown = Literal["tables", "report", "page"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric. Readers make their columns, headings and explanations of it."""

    name: str
    """Lower case, with its unit: ``compile_s``. A column of the view ``leaderboard`` has it."""
    heading: str
    unit: str = ""
    """Of the values as they are written: of a share ``%``."""
    about: str = ""
    """What it is of, in one line."""
    better: Better | None = None
    """Which values are; None where neither is."""
    form: Form = "number"
    """How its values are written: a share as per cent, bytes in a unit that suits them."""
    shown: Shown = "tables"
    """Of a scalar: in all ``tables`` of results, in the ``report`` and not those of the commands,
    or on the ``page`` of a result alone. The terminal UI offers each as a column."""

    @property
    def label(self) -> str:
        """Heading and unit in one line."""
        return f"{self.heading} {self.unit}".strip()


METRIC_FIELDS = tuple(field.name for field in fields(Metric))

_FORMS: dict[str, Form] = {"_bytes": "bytes", "_share": "share"}
"""Ends of names, and how values of such names are written."""


def _scalar(
    name: str, heading: str, about: str = "", better: Better | None = None, form: Form | None = None
) -> Metric:
    """A scalar of which unit and form follow from its name.

    Args:
        name: With its unit.
        heading: As short as it can be.
        about: What it is of.
        better: Which values are.
        form: How it is written, where the name does not say.
    """
    by_name: Form = next((form for end, form in _FORMS.items() if name.endswith(end)), "number")
    form = form or by_name
    unit = "%" if form == "share" else "s" if name.endswith("_s") else ""
    return Metric(
        name=name, heading=heading, unit=unit, about=about, better=better, form=form, shown="page"
    )


_IN_REPORT = (
    _scalar("size_ratio", "size by that of fp32", "bytes of the weights", "lower"),
    _scalar("acceptance", "drafts kept", "of the drafted tokens", "higher", "share"),
    _scalar("tokens_per_pass", "tokens a pass", "of the model's decoder", "higher"),
    _scalar("first_text_s", "first text after", "from the beginning of the clip", "lower"),
    _scalar("first_word_s", "first whole word after", "from the beginning of the clip", "lower"),
    _scalar("real_time_factor", "real-time factor", "above 1 the listener falls behind", "lower"),
    _scalar("final_lag_s", "last text after the end", "of the clip", "lower"),
    _scalar("compile_s", "compiling", "cold, nearly all within the cold latency", "lower"),
    _scalar("conversion_s", "converting", "to the engine's format", "lower"),
    _scalar("padding_share", "padding", "of the audio that the encoder was handed", "lower"),
    _scalar("unsorted_padding_share", "padding as they come", "of the same clips, unsorted"),
    _scalar("idle_decoder_share", "idle decoder rows", "those whose text had ended", "lower"),
    _scalar("largest_batch", "largest batch", "clips that fit", "higher"),
    _scalar("too_large_batch", "too large", "the smallest batch that did not fit"),
    _scalar("quality_batch_differing", "texts changed by padding", "", "lower", "count"),
    _scalar("seams", "seams", "where texts of two windows meet, in utterances", form="count"),
    _scalar("seam_words_lost", "words lost at seams", "within three words", "lower", "count"),
    _scalar("seam_other_errors", "other errors at seams", "within three words", "lower", "count"),
    _scalar("quality_batch_wer", "WER with that padding", "of utterances", "lower", "share"),
)
_ON_PAGE = (
    _scalar("threads", "threads", "of the CPU, where the config lists several", form="count"),
    _scalar("chunk_s", "chunk", "computing one chunk, of all clips", "lower"),
    _scalar("chunk_p95_s", "chunk p95", "95 % of chunks are quicker", "lower"),
    _scalar("compiled_graphs", "compiled graphs", "of the model", form="count"),
    _scalar("cuda_graphs", "CUDA graphs", "recordings, one a shape", form="count"),
    _scalar("cuda_graph_plain_passes", "plain passes", "without a CUDA graph", form="count"),
    _scalar("fallback_retries", "windows decoded again", "by temperature", form="count"),
    _scalar("fallback_temperature_max", "highest temperature", "of windows decoded again"),
    _scalar("prefill_s", "prefill", "the first pass of the decoder", "lower"),
    _scalar("early_token_s", "first tokens", "median of a step at the beginning", "lower"),
    _scalar("late_token_s", "last tokens", "median of a step at the end", "lower"),
    _scalar("late_to_early", "last by first", "time of a token, at the end by the beginning"),
    _scalar("tokens_per_second", "tokens a second", "of all rows of a batch", "higher"),
    _scalar("self_attention_share", "self-attention", "of the time of a decoder's step"),
    _scalar("cross_attention_share", "cross-attention", "of the time of a decoder's step"),
    _scalar("feed_forward_share", "feed-forward", "of the time of a decoder's step"),
    _scalar("vocabulary_share", "vocabulary", "of the time of a decoder's step"),
    _scalar("self_cache_bytes", "self-attention cache", "of one batch, at its end", "lower"),
    _scalar("cross_cache_bytes", "cross-attention cache", "of one batch", "lower"),
    _scalar("memory_weights_bytes", "memory of weights", "by the tensors", "lower"),
    _scalar("memory_activations_bytes", "memory of activations", "of one batch", "lower"),
    _scalar("memory_cache_bytes", "memory of the cache", "of one batch, at its end", "lower"),
)

SCALARS: dict[str, Metric] = {
    metric.name: metric
    for metric in (*(replace(metric, shown="report") for metric in _IN_REPORT), *_ON_PAGE)
}
"""Those of engines, techniques and earlier versions, which say nothing of them themselves."""


def metric_of(name: str) -> Metric:
    """The metric of a scalar; one that nobody has described is called by its name."""
    end = next((end for end in ("_s", *_FORMS) if name.endswith(end)), "")
    return SCALARS.get(name) or _scalar(name, name.removesuffix(end).replace("_", " "))

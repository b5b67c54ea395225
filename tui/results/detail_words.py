"""The words of one result: what was timed, what was scored, and every utterance with its errors."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from report.speech import PACKED, PARTIAL, STOPPED_EARLY
from report.text import plural
from store import Quality, Result, StoredResult, TimedSpeech
from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import plain
from tui.present import NO_VALUE, number, percent
from tui.results.alignment import AlignedClip, Piece

FigureLine = tuple[str, str, str | None, str]
"""Label, value, a note or None, and the style of the value."""


def stopped_early(speech: TimedSpeech | None, palette: Palette) -> list[FigureLine]:
    """Why a latency is of less work than it seems, where it is."""
    if speech is None or not speech.stopped_early:
        return []
    missing = f"missing {speech.missing_words} of {speech.reference_words} words"
    note = f"{missing}: latency is of less work"
    return [("", f"{STOPPED_EARLY} stopped early", note, palette.warn)]


def timed_words(speech: TimedSpeech | None, palette: Palette) -> list[FigureLine]:
    """How the timed clips were made, and whether their words came out."""
    if speech is None:
        return []
    packed = speech.mode == "packed"
    value = f"{PACKED} packed" if packed else speech.mode
    lines: list[FigureLine] = [("clips", value, _made(speech), palette.warn if packed else "")]
    if speech.left_out:
        words = f"{speech.left_out_words} of {speech.words} words: longer than a clip"
        value = f"{speech.left_out} of {plural(speech.utterances or 0, 'utterance')}"
        lines.append(("in no clip", value, words, palette.warn))
    if packed:
        lines.append(("", "", "after a change of speaker some models stop early", ""))
    if speech.reference_words is not None and speech.hypothesis_words is not None:
        out = f"{speech.hypothesis_words} of {speech.reference_words}"
        lost = f", {speech.missing_words} missing" if speech.missing_words else ""
        lines.append(("words", out, f"came out of the timed clips{lost}", ""))
    if speech.loops:
        share = speech.loops_time_share
        note = None if share is None else f"their batches take {percent(share)} of the time"
        lines.append(("loops in clips", plural(speech.loops, "clip"), note, palette.warn))
    return lines


def _made(speech: TimedSpeech) -> str:
    """``6 of one recording, 2 of one speaker, 94 % speech``."""
    parts = [
        f"{count} of {what}"
        for count, what in (
            (speech.of_recording, "one recording"),
            (speech.of_speaker, "one speaker"),
            (speech.of_utterance, "one utterance"),
            (speech.of_any, "unrelated speakers"),
        )
        if count
    ]
    if speech.speech_share is not None:
        parts.append(f"{percent(speech.speech_share)} speech")
    return ", ".join(parts) or "unrelated utterances joined, by an older asrprof"


def scored_words(quality: Quality | None, palette: Palette) -> list[FigureLine]:
    """Error rates with what they are of, or why there are none."""
    if quality is None or quality.wer is None:
        return [("WER", NO_VALUE, "not measured" if quality is None else quality.reason, "")]
    packed = quality.of == "packed clips"
    partial = quality.coverage is not None and quality.coverage.left_out > 0
    mark = (PACKED if packed else "") + (PARTIAL if partial else "")
    style = palette.warn if mark else ""
    lines: list[FigureLine] = [
        ("WER", f"{mark}{percent(quality.wer, 1)}", _of_what(quality), style),
        (
            "errors",
            f"{quality.substitutions} wrong, {quality.deletions} missing",
            f"{quality.insertions} too many, {quality.hits} right; {quality.normaliser}",
            "",
        ),
        ("CER", f"{mark}{percent(quality.cer, 1)}", quality.reason, style),
    ]
    if quality.loops:
        lines.append(
            ("loops", f"{quality.loops} of {quality.scored}", _loops(quality), palette.warn)
        )
    if quality.batch_size is not None:
        once = "transcribed once for all cases of this model, variant and device"
        lines.append(("quality batch", plural(quality.batch_size, "utterance"), once, ""))
    if quality.beyond_window:
        cut = "longer than the model's window, cut as the variant says"
        lines.append(("cut", plural(quality.beyond_window, "utterance"), cut, ""))
    if quality.remark:
        lines.append(("remark", "", quality.remark, ""))
    if quality.headline == "CER":
        # First, because it is the one to look at.
        lines.insert(0, lines.pop(2))
    return lines


def _of_what(quality: Quality) -> str:
    """``7.1 to 11.8 %, of 45 utterances, interval by 9 speakers``."""
    of = plural(quality.scored, quality.of.removesuffix("s"))
    if quality.wer_low is None or quality.wer_high is None:
        return f"of {of}, no interval"
    parts = [f"{100 * quality.wer_low:.1f} to {100 * quality.wer_high:.1f} %", f"of {of}"]
    if quality.interval_by is not None and quality.clusters is not None:
        parts.append(f"interval by {_clusters(quality.clusters, quality.interval_by)}")
    return ", ".join(parts)


def _clusters(count: int, by: str) -> str:
    """``9 speakers``; ``12 clusters (speaker or utterance)`` where they are of several kinds."""
    return f"{plural(count, 'cluster')} ({by})" if " or " in by else plural(count, by)


def _loops(quality: Quality) -> str:
    shares = [
        f"{percent(share)} of the {what}"
        for share, what in (
            (quality.loops_error_share, "errors"),
            (quality.loops_time_share, "time"),
        )
        if share is not None
    ]
    return ", ".join(["ran into the length limit or repeat themselves", *shares])


def transcripts(
    stored: StoredResult, clips: Sequence[AlignedClip], palette: Palette, glyphs: Glyphs
) -> RenderableType:
    """Every utterance with its errors marked, the worst first.

    Args:
        stored: The result.
        clips: The utterances to show, aligned word by word, in their order.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    result = stored.result
    what = _scored_thing(result)
    if not clips:
        return Text(plain(_no_transcripts(result)), palette.muted)
    arrow = ">" if glyphs.series.isascii() else "→"
    legend = Text.assemble(
        ("said", palette.muted),
        (arrow, palette.muted),
        ("wrote", f"bold {palette.bad}"),
        ("  wrong   ", palette.muted),
        ("-missing-", f"strike {palette.warn}"),
        ("  ", ""),
        ("+too many+", f"underline {palette.accent}"),
        (f"   {plural(len(result.transcripts), what)}", palette.muted),
    )
    blocks: list[RenderableType] = [legend, Text()]
    for clip in clips:
        blocks += [*_clip(clip, palette, arrow), Text()]
    hidden = len(result.transcripts) - len(clips)
    if hidden > 0:
        blocks.append(Text(f"{plural(hidden, f'more {what}')} with fewer errors.", palette.muted))
    return Group(*blocks)


def _clip(clip: AlignedClip, palette: Palette, arrow: str) -> list[Text]:
    rate = (
        "not scored"
        if clip.errors is None or not clip.words
        else f"{plural(clip.errors, 'error')} in {plural(clip.words, 'word')}, "
        f"{percent(clip.errors / clip.words)}"
    )
    speaker = f"  {plain(clip.speaker)}" if clip.speaker is not None else ""
    head = Text.assemble(
        (plain(clip.clip_id), "bold"),
        (f"{speaker}  {number(clip.audio_seconds)} s  {rate}", palette.muted),
        (f"  loop: {clip.loop}" if clip.loop else "", palette.warn),
    )
    if clip.pieces:
        body = Text()
        for piece in clip.pieces:
            body.append_text(_piece(piece, palette, arrow)).append(" ")
        return [head, body]
    raw = [
        head,
        Text.assemble(("said   ", palette.muted), plain(clip.reference)),
        Text.assemble(("wrote  ", palette.muted), plain(clip.hypothesis or NO_VALUE)),
    ]
    return [*raw, Text(plain(clip.note), palette.muted)] if clip.note else raw


def _scored_thing(result: Result) -> str:
    packed = result.quality is not None and result.quality.of == "packed clips"
    return "packed clip" if packed else "utterance"


def _no_transcripts(result: Result) -> str:
    words = "There are no transcripts."
    if result.state != "ok":
        return f"{words} The case is {result.state}: {result.reason or 'no reason was given'}"
    return words


def _piece(piece: Piece, palette: Palette, arrow: str) -> Text:
    said, heard = plain(piece.reference), plain(piece.hypothesis)
    if piece.kind == "equal":
        return Text(said)
    if piece.kind == "substitute":
        return Text.assemble(
            (said, palette.muted), (arrow, palette.muted), (heard, f"bold {palette.bad}")
        )
    if piece.kind == "delete":
        return Text(f"-{said}-", f"strike {palette.warn}")
    return Text(f"+{heard}+", f"underline {palette.accent}")

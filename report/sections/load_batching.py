"""Under load: what batches brought over one request at a time, and what bounds them."""

from __future__ import annotations

from collections.abc import Sequence

from report.content import Block, Bullets, Column, Table
from report.load import Loaded
from report.load_batching import Batching, Ratio, batchings_of, carried_of
from report.text import MISSING, interval, number, plural
from store import LoadLevel
from store.load_records import level_title

MOST_ROWS = 40


def batching(found: Sequence[Loaded]) -> list[Block]:
    """A sentence for each case and size of batches, and a table of their levels.

    Args:
        found: The curves of all cases.

    Returns:
        Nothing where no case was loaded both ways.
    """
    told = tuple((_lead(one), _sentence(one)) for one in carried_of(found))
    pairs = batchings_of(found)
    return [*([Bullets(told)] if told else []), *([_table(pairs)] if pairs else [])]


def _lead(one: Batching) -> str:
    return f"{one.case.configuration.title}, batches to {one.batched.max_batch}:"


def _sentence(one: Batching) -> str:
    """What was carried, by how much more than one at a time, and what bounds it."""
    text = f"{_carried(one, one.batched)}, one at a time {_carried(one, one.single, short=True)}"
    if one.goodput is not None:
        text += f": {_ratio(one.goodput)} times as many"
    return f"{text}. {one.why}".strip()


def _carried(one: Batching, level: LoadLevel, *, short: bool = False) -> str:
    if one.knees:
        return f"{number(level.rate_per_s)}{'' if short else ' requests a second at the knee'}"
    if not level.goodput_per_s:
        return "none" if short else "no answer within the SLO at any load"
    sent = level_title(level).partition(",")[0]
    most = "" if short else " good answers a second at most"
    return f"{number(level.goodput_per_s)}{most} ({sent})"


def _table(pairs: Sequence[Batching]) -> Table:
    rows = tuple(
        (
            one.case.configuration.title,
            one.sent,
            number(one.batched.batch_mean),
            _ms(one.single.service_mean_s),
            _ms(one.batched.service_mean_s),
            number(one.cost),
            number(one.at_most),
            _ratio(one.answers),
            number(one.single.goodput_per_s),
            number(one.batched.goodput_per_s),
            _ratio(one.goodput),
        )
        for one in pairs[:MOST_ROWS]
    )
    notes = [
        "At most: the requests in a batch, by how many times as long as a single one it takes. In "
        "the long run batches do not give more answers than one at a time by more than this "
        "factor; a short level counts whole batches, and may show more or less. Answers: how many "
        "times as many came.",
        "In brackets the 95 % interval, in closed loops without errors: of clients that always "
        "wait, it follows from those of the mean latencies.",
    ]
    if any(MISSING in row[2:] for row in rows):
        notes.append(
            f"{MISSING} nothing was answered, or nothing in time, one at a time or in batches."
        )
    if len(pairs) > len(rows):
        notes.append(f"{plural(len(pairs) - len(rows), 'more level')} in the store.")
    return Table(
        "Batches against one request at a time, under the same load",
        (
            Column("model and device", text=True),
            Column("sent", text=True),
            Column("in a batch", "requests"),
            Column("time of one", "ms"),
            Column("of a batch", "ms"),
            Column("batch by one", "times"),
            Column("at most", "times"),
            Column("answers", "times"),
            Column("goodput of one", "a second"),
            Column("of batches", "a second"),
            Column("goodput", "times"),
        ),
        rows,
        tuple(notes),
    )


def _ms(value_s: float | None) -> str:
    return number(None if value_s is None else 1e3 * value_s)


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return MISSING
    ends = "" if ratio.low is None else f" {interval(ratio.low, ratio.high)}"
    return f"{number(ratio.value)}{ends}"

"""The screens that are looked at: every tab and modal, and the keys that lead there and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.tui.data import CHECKS, StillSampler, fill
from tests.tui.fleet import StillFleet, fill_fleet
from tests.tui.records import NOW
from tui.app import AsrprofApp
from tui.options import Options

CHARTS, BACK = "right_square_bracket", "left_square_bracket"
"""The keys that lead to the next part, and to the one before."""

SIZES = ((80, 24), (120, 40), (200, 60))


Over = Literal["filled", "empty", "fleet"]
FILL: Mapping[Over, Callable[[Path], None]] = {
    "filled": fill,
    "empty": lambda _: None,
    "fleet": fill_fleet,
}
"""What makes each store."""


@dataclass(frozen=True)
class Shot:
    """One screen."""

    name: str
    keys: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    """What takes back what the keys did."""
    slow: bool = False
    """It shows something a moment later: a log, the palette's finds."""
    over: Over = "filled"
    """Which store it is of."""


SHOTS = (
    Shot("first-steps", over="empty"),
    Shot("home", ("1",)),
    Shot("configs", ("2",)),
    Shot("configs-edit", ("2", "enter", "down", "x"), ("escape", "u")),
    Shot("configs-json", ("2", "v"), ("v",)),
    Shot("configs-queue", ("2", "a"), ("escape",)),
    Shot("configs-save", ("2", "c", "ctrl+s"), ("escape", "escape", "u")),
    Shot("queue", ("3",)),
    Shot("queue-cancel", ("3", "x"), ("escape",)),
    Shot("queue-delete", ("3", "end", "D"), ("escape", "home")),
    Shot("queue-log", ("3", "l"), ("escape",), slow=True),
    Shot("live", ("4",), slow=True),
    Shot("live-cases", ("4", "v"), ("v", "v")),
    Shot("live-operators", ("4", "v", "v"), ("v",)),
    Shot("results", ("5",)),
    Shot("results-columns", ("5", "v"), ("escape",)),
    Shot("results-groups", ("5", "b", "down", "space", "enter"), ("b", "down", "space", "enter")),
    Shot("results-export", ("5", "w"), ("escape",)),
    Shot("results-charts", ("5", CHARTS, "n", "n"), (*["n"] * 6, BACK)),
    Shot("results-bars", ("5", CHARTS, "n"), (*["n"] * 7, BACK)),
    Shot("results-own", ("5", CHARTS, *["n"] * 7), ("n", BACK)),
    Shot("results-front", ("5", CHARTS, "right"), (BACK,)),
    Shot("results-compare", ("5", "end", "space", "up", "up", "space", "c"), (BACK, BACK, "u")),
    Shot("results-pick", ("5", BACK, "c"), ("escape", CHARTS)),
    Shot("results-runs", ("5", BACK, "c", "space", "down", "space", "enter"), (CHARTS,)),
    Shot("result", ("5", "end", "enter"), ("escape",)),
    Shot("result-stages", ("5", "end", "enter", *[CHARTS] * 1), ("escape",)),
    Shot("result-samples", ("5", "end", "enter", *[CHARTS] * 2), ("escape",)),
    Shot("result-energy", ("5", "end", "enter", *[CHARTS] * 3), ("escape",)),
    Shot("result-operators", ("5", "end", "enter", *[CHARTS] * 4), ("escape",)),
    Shot("result-transcripts", ("5", "end", "enter", *[CHARTS] * 5), ("escape",)),
    Shot("result-machine", ("5", "end", "enter", BACK), ("escape",)),
    Shot("result-early", ("5", "home", *["down"] * 6, "enter"), ("escape", "home")),
    Shot(
        "result-loop",
        ("5", "home", *["down"] * 6, "enter", *[CHARTS] * 5),
        ("escape", "home"),
    ),
    Shot("fleet-none", ("6",), slow=True),
    Shot("fleet", ("6",), slow=True, over="fleet"),
    Shot("fleet-node", ("6", "down", "down"), ("up", "up"), over="fleet"),
    Shot("fleet-queue", ("3",), over="fleet"),
    Shot("fleet-live", ("6", "enter"), slow=True, over="fleet"),
    Shot("help", ("3", "?"), ("escape",)),
    Shot("palette", ("3", "ctrl+p"), ("escape",), slow=True),
)


def app_for(store: Path, theme: str | None = None) -> AsrprofApp:
    """An app that looks the same wherever and whenever it is drawn."""
    app = AsrprofApp(
        Options(
            store=store,
            theme=theme,
            configs=Path("/srv/speech"),
            clock=lambda: NOW,
            poll_s=0.02,
            dispatch=False,
            examine=lambda _: CHECKS,
            sampler=StillSampler,
            fleet=StillFleet,
        )
    )
    app.animation_level = "none"
    return app

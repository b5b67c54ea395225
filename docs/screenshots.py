"""Pictures of the terminal UI: `python docs/screenshots.py` writes docs/images.

With `--all FOLDER` it draws every tab and modal in every size and theme, to be looked at. Needs
`pip install --group docs` and the font JetBrains Mono (Debian: fonts-jetbrains-mono).
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.tui.conftest import settle
from tests.tui.data import CHECKS, NOW, StillSampler, fill
from tui.app import AsrprofApp
from tui.options import Options
from tui.themes import DARK, LIGHT

IMAGES = Path(__file__).parent / "images"
FONT = "JetBrains Mono"
WIDTH = 1400
SIZES = ((80, 24), (120, 40), (200, 60))


@dataclass(frozen=True)
class Shot:
    """One picture: the keys that lead to it."""

    name: str
    keys: tuple[str, ...] = ()
    fill: Callable[[Path], None] | None = fill


SHOTS = (
    Shot("first-steps", fill=None),
    Shot("home"),
    Shot("configs", ("2",)),
    Shot("configs-edit", ("2", "enter", "down", "x")),
    Shot("configs-json", ("2", "v")),
    Shot("configs-queue", ("2", "a")),
    Shot("configs-save", ("2", "c", "ctrl+s")),
    Shot("queue", ("3",)),
    Shot("queue-cancel", ("3", "x")),
    Shot("queue-delete", ("3", "end", "D")),
    Shot("queue-log", ("3", "l")),
    Shot("live", ("4",)),
    Shot("live-cases", ("4", "v")),
    Shot("live-operators", ("4", "v", "v")),
    Shot("results", ("5",)),
    Shot("help", ("3", "?")),
    Shot("palette", ("3", "ctrl+p")),
)
PUBLISHED = {
    "home": ((120, 34), DARK),
    "configs-edit": ((120, 34), DARK),
    "queue": ((120, 34), LIGHT),
    "live": ((120, 40), DARK),
}
"""The pictures of the docs: size and theme by shot."""


async def take(shot: Shot, size: tuple[int, int], theme: str) -> str:
    """The SVG of a shot."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "results" / "asrprof.db"
        if shot.fill is not None:
            shot.fill(store)
        app = AsrprofApp(
            Options(
                store=store,
                theme=theme,
                configs=Path(folder),
                clock=lambda: NOW,
                poll_s=0.02,
                dispatch=False,
                examine=lambda _: CHECKS,
                sampler=StillSampler,
            )
        )
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            await settle(app, pilot)
            for key in shot.keys:
                await pilot.press(key)
                await settle(app, pilot)
            await pilot.pause(0.3)
            return app.export_screenshot()


def to_png(svg: str, width: int = WIDTH) -> bytes:
    """The picture of an SVG, in few colours so that it stays small."""
    import resvg_py
    from PIL import Image

    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", FONT)
    image = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width))))
    packed = io.BytesIO()
    image.convert("RGB").quantize(96).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def main(arguments: list[str]) -> None:
    """Draws the published pictures, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="draw everything into a folder")
    parser.add_argument("--only", metavar="NAME", help="only shots whose name holds this")
    parser.add_argument("--size", metavar="80x24", help="with --all: only this size")
    parser.add_argument("--theme", help="with --all: only this theme")
    given = parser.parse_args(arguments)
    folder = given.all or IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        if given.only and given.only not in shot.name:
            continue
        if given.all:
            wanted = [(size, theme) for size in SIZES for theme in (DARK, LIGHT)]
        else:
            wanted = [PUBLISHED[shot.name]] if shot.name in PUBLISHED else []
        for size, theme in wanted:
            label = f"{size[0]}x{size[1]}"
            if (given.size and given.size != label) or (given.theme and given.theme != theme):
                continue
            name = f"{shot.name}-{label}-{theme}" if given.all else f"tui-{shot.name}"
            (folder / f"{name}.png").write_bytes(to_png(asyncio.run(take(shot, size, theme))))
            print(folder / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])

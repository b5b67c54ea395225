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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.tui.big_store import CASES, make_big_store
from tests.tui.conftest import settle
from tests.tui.shots import FILL, SHOTS, SIZES, Shot, app_for
from tui.themes import DARK, LIGHT

IMAGES = Path(__file__).parent / "images"
FONT = "JetBrains Mono"
WIDTH = 1400
PUBLISHED = {
    "home": ((120, 34), DARK),
    "configs-edit": ((120, 34), DARK),
    "queue": ((120, 34), LIGHT),
    "live": ((120, 40), DARK),
    "fleet": ((120, 34), DARK),
    "results": ((120, 30), DARK),
    "results-front": ((120, 32), LIGHT),
    "results-compare": ((120, 32), DARK),
}
"""The pictures of the docs: size and theme by shot."""
WHOLE_GRID = {"results-front"}
"""Pictures over the results of a whole grid, in which a chart has something to show."""


async def take(shot: Shot, size: tuple[int, int], theme: str) -> str:
    """The SVG of a shot."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "results" / "asrprof.db"
        if shot.name in WHOLE_GRID:
            make_big_store(store, results=CASES, samples=1)
        else:
            FILL[shot.over](store)
        app = app_for(store, theme)
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
    image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(
        packed, "PNG", optimize=True
    )
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

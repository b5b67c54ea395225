"""Every tab and modal in three sizes, as text: a change of a screen shows in the diff.

`ASRPROF_UPDATE_SCREENS=1 pytest tests/tui/test_screens.py` writes the texts anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.conftest import settle, shown, until
from tests.tui.shots import FILL, SHOTS, SIZES, Over, app_for

SCREENS = Path(__file__).parent / "screens"
UPDATE = bool(os.environ.get("ASRPROF_UPDATE_SCREENS"))


@pytest.mark.e2e  # Each drives the app through up to thirty screens.
@pytest.mark.parametrize("over", FILL)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_screens_look_as_they_did(
    store_path: Path, size: tuple[int, int], over: Over
) -> None:
    FILL[over](store_path)
    app = app_for(store_path)
    different = []
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        # The keys at the foot are drawn last.
        await until(lambda: bool(shown(app).splitlines()[-1].strip()), pilot)
        for shot in (shot for shot in SHOTS if shot.over == over):
            for key in shot.keys:
                await pilot.press(key)
                await settle(app, pilot)
            if shot.slow:
                await pilot.pause(0.4)
                await settle(app, pilot)
            text = shown(app) + "\n"
            page = SCREENS / f"{size[0]}x{size[1]}" / f"{shot.name}.txt"
            if UPDATE:
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_text(text, encoding="utf-8")
            elif text != page.read_text(encoding="utf-8"):
                different.append(f"{page.relative_to(SCREENS)} is now:\n{text}")
            for key in shot.back:
                await pilot.press(key)
                await settle(app, pilot)
    assert not different, "\n".join(different)

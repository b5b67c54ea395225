"""Where a repository's weights come from, asked once a session."""

from __future__ import annotations

import time

import pytest

from runner.config import Model
from runner.engines.hub import Hub
from runner.errors import Refused


@pytest.mark.timed
def test_out_of_reach_is_one_line_soon_and_asked_once():
    hub = Hub()
    model = Model(name="nobody-at-all/whisper-nowhere", weights="pretrained")
    started = time.monotonic()
    with pytest.raises(Refused) as caught:
        hub.locate(model)
    first = time.monotonic() - started
    assert first < 15
    assert "\n" not in str(caught.value)
    assert model.name in str(caught.value)
    started = time.monotonic()
    with pytest.raises(Refused):
        hub.locate(model)
    assert time.monotonic() - started < 0.2  # Half a second, were it asked again.


@pytest.mark.parametrize(
    "model",
    [
        Model(name="pocketsphinx", weights="pretrained"),
        Model(name="small-whisper", weights="pretrained"),
        Model(name="openai/whisper-tiny", weights="random"),
    ],
)
def test_what_needs_no_repository_asks_nobody(model):
    assert Hub().locate(model) is None

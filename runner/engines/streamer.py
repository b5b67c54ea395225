"""Stage times of engines that decode with transformers' ``generate()``."""

from __future__ import annotations

import torch
from transformers.generation.streamers import BaseStreamer

from runner.engines.base import Mark


class StageStreamer(BaseStreamer):  # type: ignore[misc]
    """Marks the end of the encoder and of the first decoder step."""

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.puts = 0

    def put(self, value: torch.Tensor) -> None:
        self.puts += 1
        if self.puts == 1:
            self.mark("encode")
        elif self.puts == 2:
            self.mark("prefill")

    def end(self) -> None:
        """The decode stage is marked by the engine, once the ids are in host memory."""

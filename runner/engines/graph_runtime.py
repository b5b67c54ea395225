"""What a runtime of exported graphs must offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray


class Graph(ABC):
    """One graph on its device. Its tensors are the runtime's own, and stay where they are."""

    inputs: frozenset[str]
    """Their names."""
    saved_bytes: int = 0
    """What its weights take less than in its file."""

    @abstractmethod
    def place(self, array: NDArray[Any]) -> Any:
        """A tensor of the runtime, on the device."""

    @abstractmethod
    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Runs it, and waits until it has run.

        Args:
            inputs: Name -> tensor of the runtime.

        Returns:
            Name -> tensor of the runtime, which the next run leaves as it is.
        """

    @abstractmethod
    def fetch(self, tensor: Any) -> NDArray[Any]:
        """A tensor's content on the host."""

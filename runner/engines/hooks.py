"""Forward hooks that are gone again when they have been of use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def hooked(modules: Iterable[Any], hook: Callable[..., None], *, before: bool) -> Iterator[None]:
    """Calls ``hook`` at every forward pass of some modules.

    Args:
        modules: The modules.
        hook: With ``before``: called with (module, arguments, keywords); else with (module,
            arguments, keywords, output).
        before: Whether before or after the pass.
    """
    handles = [
        module.register_forward_pre_hook(hook, with_kwargs=True)
        if before
        else module.register_forward_hook(hook, with_kwargs=True)
        for module in modules
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

"""What is known of a config before it runs: its grid, what is wrong with it, and its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runner.estimate import Estimate, estimate
from tui.configs import Config
from tui.form import Checked, check, check_document


@dataclass(frozen=True)
class Judged:
    """A config with its grid and its time."""

    key: str
    """The config's."""
    checked: Checked
    estimate: Estimate | None
    """None where the config is wrong."""


def judge(config: Config, texts: Mapping[str, str], took_s: Mapping[str, float]) -> Judged:
    """Checks a config and estimates its time.

    Args:
        config: As its file says.
        texts: Texts of the form by the fields' paths, where the user has changed any.
        took_s: Seconds that cases took before, by their keys.
    """
    if config.error is not None:
        return Judged(config.key, Checked(None, error=config.error), None)
    checked = check(texts, config.document) if texts else check_document(config.document)
    if checked.benchmark is None:
        return Judged(config.key, checked, None)
    return Judged(config.key, checked, estimate(checked.benchmark, checked.cases, took_s))

"""What models and places are called on a page: short, and no two alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from report.alike import OTHER_ENGINES
from store import Environment, StudyRow
from store.data_source import short_data

Titled = tuple[str, str, str, str | None, str | None]


def titled(row: StudyRow) -> Titled:
    """What the name of a result's model must tell apart."""
    return row.model, row.weights, row.engine, row.language, row.data


def model_names(rows: Sequence[StudyRow]) -> dict[Titled, str]:
    """What the model of each result is called.

    Random weights, an engine that is not the model's own and a language are marked, and the speech
    where the results are of several.

    Args:
        rows: All results that stand together.
    """
    models = dict.fromkeys(map(titled, rows))
    short = {model: model.rstrip("/").rsplit("/", 1)[-1] for model, *_ in models}
    uses = Counter(short.values())
    speech = short_data(row.data for row in rows if row.data is not None)
    several = len({row.data for row in rows}) > 1
    found = {}
    for key in models:
        model, weights, engine, language, data = key
        marks = _marks(weights, engine, language, speech.get(data or "") if several else None)
        found[key] = " ".join(filter(None, (_name(model, short, uses), marks)))
    return found


def _name(model: str, short: dict[str, str], uses: Counter[str]) -> str:
    return short[model] if uses[short[model]] == 1 else model


def _marks(weights: str, engine: str, language: str | None, speech: str | None) -> str:
    marks = ["random"] if weights == "random" else []
    marks += [engine] if engine in OTHER_ENGINES else []
    marks += [language] if language not in (None, "en") else []
    marks += [speech] if speech is not None else []
    return f"({', '.join(marks)})" if marks else ""


def thread_marks(rows: Sequence[StudyRow], environments: dict[int, Environment]) -> dict[int, str]:
    """What follows a place, by result: `` t2`` where numbers of threads must be told apart.

    That is where a benchmark listed several, and where the store has a model without optimisation
    with several numbers of them on one processor: two runs that were given other limits.

    Args:
        rows: All results that stand together.
        environments: The store's machines.
    """
    numbers: dict[tuple[Titled, str, str], set[int]] = defaultdict(set)
    for row in rows:
        if row.threads is not None and row.variant == (row.baseline or "fp32"):
            numbers[titled(row), row.device, hardware(row, environments)].add(row.threads)

    def several(row: StudyRow) -> bool:
        place = titled(row), row.device, hardware(row, environments)
        return row.device.startswith("cpu") and len(numbers.get(place, ())) > 1

    return {
        row.result_id: f" t{row.threads_listed or row.threads}"
        for row in rows
        if row.threads_listed or (row.threads and several(row))
    }


def hardware(row: StudyRow, environments: dict[int, Environment]) -> str:
    """The processor or the GPU that a result ran on; empty where it is not known."""
    environment = environments.get(row.environment_id or 0)
    if environment is None:
        return ""
    if row.device.startswith("cpu"):
        return environment.cpu_model
    return environment.gpu_name or ""


def place_names(
    rows: Sequence[StudyRow], environments: dict[int, Environment]
) -> dict[tuple[str, str], str]:
    """Device and hardware to what it is called; the hardware is named only where it must be.

    A case that never came to read its machine belongs to the device's only hardware, if there is
    only one.
    """
    found = dict.fromkeys((row.device, hardware(row, environments)) for row in rows)
    several = Counter(device for device, hardware in found if hardware)
    return {
        (device, hardware): f"{device} ({hardware})" if several[device] > 1 and hardware else device
        for device, hardware in found
    }

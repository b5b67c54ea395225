"""Makes the engine a case asks for. Importing this module imports no framework."""

from __future__ import annotations

from pkgutil import resolve_name

from runner.catalogue.engines import ENGINES, EngineEntry, lacking
from runner.catalogue.extras import install_line
from runner.catalogue.models import CATALOGUE
from runner.engines.base import Engine, LoadRequest
from runner.engines.language import check_language
from runner.errors import Refused


def load_engine(request: LoadRequest) -> Engine:
    """Loads a model, or makes it with random weights.

    Raises:
        Refused: it cannot be had here; the reason says what to change.
    """
    entry = CATALOGUE.get(request.name)
    if request.weights == "random" and (entry is None or not entry.random):
        raise Refused(
            f"{request.name} has no published configuration here to make random weights of; "
            'use "weights": "pretrained"'
        )
    check_language(request.name, request.language)
    engine = engine_class(engine_for(request))
    if not request.shapes_only:
        engine.check_device(request.device)
    from runner.variants.techniques import techniques_for

    techniques = techniques_for(request, engine, load_engine)
    if request.shapes_only:
        techniques = tuple(each for each in techniques if not each.leaves_work)
    return engine(request, techniques)


def engine_class(entry: EngineEntry) -> type[Engine]:
    """The class that runs an engine.

    Raises:
        Refused: its package, or what it makes its files with, is not installed.
    """
    missing = lacking(entry)
    if missing is not None and entry.extra is not None:
        raise Refused(f"{entry.name} needs {missing}; {install_line(entry.extra)}")
    try:
        found: type[Engine] = resolve_name(entry.target)
    except ImportError as error:
        if entry.extra is None:
            raise
        raise Refused(
            f"{entry.name} cannot be imported ({error}); {install_line(entry.extra)}"
        ) from error
    return found


def engine_for(request: LoadRequest) -> EngineEntry:
    """The engine that a request is loaded with.

    Raises:
        Refused: there is none that runs such a model.
    """
    if request.engine is not None and ENGINES[request.engine].remote:
        return ENGINES[request.engine]
    from runner.engines.pretrained import family_of

    family = family_of(request)
    if request.engine is None:
        return ENGINES[family]
    entry = ENGINES[request.engine]
    if family not in entry.runs:
        names = " or ".join(entry.runs)
        raise Refused(f"{request.name} is no {names} model: {entry.name} runs those alone")
    return entry

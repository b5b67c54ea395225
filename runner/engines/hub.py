"""Which commit of a repository to load, and whether from the hub or from the local cache.

Asked once a session before anything is loaded: the loaders retry for half a minute before they
give up, once for every file, and a branch may move while a sweep runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.catalogue.models import CATALOGUE, local_folder
from runner.config import Model
from runner.errors import Refused

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Located:
    """Where a model repository's files come from."""

    revision: str | None
    """The commit, where the hub told it; else the revision as asked for."""
    cached: bool
    """Load from the local cache, without asking the hub."""


@dataclass
class Hub:
    """Remembers what it found, and what it could not find, for a session."""

    _found: dict[tuple[str, str | None], Located | str] = field(default_factory=dict)

    def locate(self, model: Model) -> Located | None:
        """Where to load a model from; None where no repository is involved.

        Raises:
            Refused: it is neither in the cache nor on a hub that answers; the reason says what
                to do.
        """
        entry = CATALOGUE.get(model.name)
        bundled = entry is not None and entry.bundled
        if model.server is not None:
            return None
        if model.weights == "random" or bundled or local_folder(model.name) is not None:
            return None
        key = (model.name, model.revision)
        if key not in self._found:
            try:
                self._found[key] = _locate(*key)
            except Refused as refusal:
                self._found[key] = str(refusal)
        found = self._found[key]
        if isinstance(found, str):
            raise Refused(found)
        return found


def _locate(repository: str, revision: str | None) -> Located:
    from huggingface_hub import HfApi, constants, try_to_load_from_cache
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    cached = isinstance(try_to_load_from_cache(repository, "config.json", revision=revision), str)
    if constants.HF_HUB_OFFLINE:
        if cached:
            return Located(revision, cached=True)
        raise Refused(f"{repository} is not in the local cache and HF_HUB_OFFLINE is set")
    try:
        info = HfApi().model_info(repository, revision=revision, timeout=TIMEOUT_S)
    except GatedRepoError as error:
        raise Refused(gated(repository)) from error
    except RevisionNotFoundError as error:
        raise Refused(f'{repository} has no revision "{revision}" on the hub') from error
    except RepositoryNotFoundError as error:
        raise Refused(
            f"there is no model {repository} on the hub, or it is private: correct the name, or "
            "set HF_TOKEN"
        ) from error
    except Exception as error:
        if cached:
            return Located(revision, cached=True)
        raise Refused(
            f"{repository} is not in the local cache and the Hugging Face hub cannot be reached "
            f'({type(error).__name__}); use "weights": "random", a local folder, or a network'
        ) from error
    return Located(info.sha or revision, cached=False)


def gated(repository: str) -> str:
    """What to do about a model behind a licence."""
    return (
        f"{repository} is gated: accept its terms at https://huggingface.co/{repository}, then "
        "set HF_TOKEN or run `hf auth login`"
    )

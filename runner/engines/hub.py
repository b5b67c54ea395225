"""Where a repository's files come from: the hub, or the local cache when the hub is out of reach.

Asked once before anything is loaded, because the loaders retry for half a minute before they give
up, once for every file.
"""

from __future__ import annotations

from functools import cache

from huggingface_hub import HfApi, constants, try_to_load_from_cache
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

from runner.errors import Refused

TIMEOUT_S = 10.0


@cache
def only_cached(repository: str, revision: str | None) -> bool:
    """Whether to load a model repository from the local cache without asking the hub.

    Raises:
        Refused: it is neither in the cache nor on a hub that answers; the reason says what to do.
    """
    cached = isinstance(try_to_load_from_cache(repository, "config.json", revision=revision), str)
    if constants.HF_HUB_OFFLINE:
        if cached:
            return True
        raise Refused(f"{repository} is not in the local cache and HF_HUB_OFFLINE is set")
    try:
        HfApi().model_info(repository, revision=revision, timeout=TIMEOUT_S)
    except GatedRepoError as error:
        raise Refused(gated(repository)) from error
    except RevisionNotFoundError as error:
        raise Refused(f'{repository} has no revision "{revision}" on the hub') from error
    except RepositoryNotFoundError as error:
        raise Refused(
            f"there is no model {repository} on the hub, or it is private: correct the name, or "
            "set HF_TOKEN"
        ) from error
    except Exception as error:  # its HTTP library has changed three times, and its errors with it
        if cached:
            return True
        raise Refused(
            f"{repository} is not in the local cache and the Hugging Face hub cannot be reached "
            f'({type(error).__name__}); use "weights": "random", a local folder, or a network'
        ) from error
    return False


def gated(repository: str) -> str:
    """What to do about a model behind a licence."""
    return (
        f"{repository} is gated: accept its terms at https://huggingface.co/{repository}, then "
        "set HF_TOKEN or run `hf auth login`"
    )

"""What `datasets` and the hub raise, in one line that says what to change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.clips.hub_request import HubRequest
from runner.errors import UserError

_URL = "https://huggingface.co/datasets/"

# By name, because the HTTP library under huggingface_hub has changed three times.
_UNREACHABLE = {
    "ConnectionError",
    "ConnectError",
    "ConnectTimeout",
    "NetworkError",
    "TimeoutException",
    "TransportError",
    "Timeout",
    "TimeoutError",
    "ProxyError",
    "SSLError",
}


class Outage(UserError):
    """The hub does not answer: no row can be read, and no row is to blame."""


def explain(error: Exception, request: HubRequest) -> UserError:
    """The one line for what went wrong while a data set was opened or read."""
    name = f'data set "{request.repository}"'
    kinds = {kind.__name__ for link in _chain(error) for kind in type(link).__mro__}
    message = " ".join(" ".join(str(link).split()) for link in _chain(error))
    for explained in (
        _access(error, kinds, message, request),
        _parts(message, name, request),
        _files(kinds, message, name),
    ):
        if explained is not None:
            return UserError(explained)
    if outage := _network(error, kinds, message, name):
        return Outage(outage)
    first = " ".join(str(error).split())[:300]
    return UserError(f"the {name} cannot be read: {type(error).__name__}: {first}")


def is_script_only(error: Exception) -> bool:
    """Whether the data set holds a loading script, which `datasets` 4 and later refuses."""
    return any("scripts are no longer supported" in str(link) for link in _chain(error))


def _access(error: Exception, kinds: set[str], message: str, request: HubRequest) -> str | None:
    name = f'data set "{request.repository}"'
    if "GatedRepoError" in kinds or "is a gated dataset" in message:
        return (
            f"the {name} is gated: accept its terms at {_URL}{request.repository}, then set "
            'HF_TOKEN or run "hf auth login" (if you have: the token lacks access to it)'
        )
    if "RevisionNotFoundError" in kinds:
        return f'the {name} has no revision "{request.revision}"; correct data.revision'
    # Errors of an unreachable hub are of these kinds too: DatasetNotFoundError only knows better.
    if kinds & {"RepositoryNotFoundError", "DatasetNotFoundError", "HFValidationError"}:
        return (
            f"there is no {name} on the hub, or it is private; correct data.dataset, or set "
            'HF_TOKEN or run "hf auth login"'
        )
    if _status(error) in (401, 403):
        return f'the {name} refuses the token; set another HF_TOKEN or run "hf auth login"'
    return None


def _parts(message: str, name: str, request: HubRequest) -> str | None:
    if found := re.search(r"BuilderConfig '.*?' not found\. Available: (\[.*?\])", message):
        return f'the {name} has no subset "{request.subset}"; set data.subset to one of {found[1]}'
    if found := re.search(r"Config name is missing.*?configs: (\[.*?\])", message):
        return f"the {name} has several subsets; set data.subset to one of {found[1]}"
    # Not the first bracket: the split itself may have one, as in "test[:100]".
    if found := re.search(r"(?:Available splits:|Should be one of) (\[[^\]]*\])", message):
        remedy = f"set data.split to one of {found[1]}"
        if "[" in request.split or "+" in request.split:
            remedy += ", and data.utterances to how many of its first to take"
        return f'the {name} has no split "{request.split}"; {remedy}'
    return None


def _files(kinds: set[str], message: str, name: str) -> str | None:
    if "scripts are no longer supported" in message:
        return (
            f'the {name} is a loading script, which the package "datasets" no longer runs; set '
            'data.revision to one with Parquet files, for example "refs/convert/parquet"'
        )
    if kinds & {"EmptyDatasetError", "DataFilesNotFoundError"}:
        return f"the {name} holds no data files that can be read; correct data.dataset"
    if "find any data file" in message:
        return f"there is no {name}; write data.dataset as org/name"
    return None


def _network(error: Exception, kinds: set[str], message: str, name: str) -> str | None:
    if "OfflineModeIsEnabled" in kinds or "offline mode is enabled" in message.lower():
        return (
            f"the {name} is not in the cache and HF_HUB_OFFLINE is set; unset it once to "
            'download, or use data source "builtin" or "folder"'
        )
    if kinds & _UNREACHABLE:
        return (
            f"the hub cannot be reached for the {name}; check the network, or use data source "
            '"builtin" or "folder"'
        )
    status = _status(error)
    if status == 429 or status >= 500:
        return f"the hub answers {status} for the {name}; try again later"
    return None


def _status(error: Exception) -> int:
    """The HTTP status of the answer that was refused; 0 where there was none."""
    for link in _chain(error):
        status = getattr(getattr(link, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
    return 0


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, the hidden contexts (`from None`) included."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__

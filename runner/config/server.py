"""A server that transcribes, which is asked over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from runner.config.strict import Strict


class Server(Strict):
    """Where the server of a model with `"engine": "http"` is, and how it is asked."""

    url: Annotated[str, Field(min_length=1, max_length=500)]
    """What `/audio/transcriptions` is appended to: `http://127.0.0.1:8000/v1`."""

    key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)] | None = (
        None
    )
    """The environment variable that holds the key, which is sent as a bearer token. The key itself
    is neither stored nor shown."""

    response_format: Literal["json", "verbose_json"] = "json"
    """What the server is asked for; the text is read of either."""

    stream: bool = False
    """Ask for events, so that the time of the first text is known; a server that answers with one
    JSON object is understood as well."""

    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds for one answer outside the measure `load`, which has a limit of its own."""

    @field_validator("url")
    @classmethod
    def _no_secrets(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise ValueError("should be like http://127.0.0.1:8000/v1")
        if parts.username is not None or parts.password is not None:
            raise ValueError("should have no password in it; name the key's variable in key_env")
        if parts.query or parts.fragment:
            raise ValueError("should end with its path, without ? and #")
        return url.rstrip("/")

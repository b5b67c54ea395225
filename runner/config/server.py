"""A server that transcribes, which is asked over HTTP or a websocket."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from runner.config.strict import Strict


class Server(Strict):
    """Where the server of a model with `"engine": "http"` is, and how it is asked."""

    url: Annotated[str, Field(min_length=1, max_length=500)]
    """`http://127.0.0.1:8000/v1`: whole utterances are sent, to `/audio/transcriptions` below it.
    `ws://127.0.0.1:8000/v1`: speech is sent at real-time pace, to `/realtime` below it."""

    dialect: Literal["openai", "vllm"] = "openai"
    """For `ws` and `wss`: the events of OpenAI's realtime transcription (24 kHz), which
    `asrprof serve` speaks too, or those of vLLM (16 kHz)."""

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
        known = ("http", "https", "ws", "wss")
        if parts.scheme not in known or not parts.hostname or port == 0:
            raise ValueError("should be like http://127.0.0.1:8000/v1, or ws:// for streams")
        if parts.username is not None or parts.password is not None:
            raise ValueError("should have no password in it; name the key's variable in key_env")
        if parts.query or parts.fragment:
            raise ValueError("should end with its path, without ? and #")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.paced and (self.stream or self.response_format != "json"):
            raise ValueError(
                '"stream" and "response_format" belong to http: a stream of ws has events anyway'
            )
        if not self.paced and self.dialect != "openai":
            raise ValueError('"dialect" belongs to a url of ws:// or wss://')
        return self

    @property
    def paced(self) -> bool:
        """Whether speech is sent at real-time pace."""
        return urlsplit(self.url).scheme in ("ws", "wss")

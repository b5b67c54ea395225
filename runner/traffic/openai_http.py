"""A server of the OpenAI-style `POST /v1/audio/transcriptions`, as a target."""

from __future__ import annotations

import asyncio
import io
import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import numpy as np
import soundfile
from numpy.typing import NDArray

from runner.config.server import Server
from runner.errors import Refused
from runner.traffic.server_words import MOST_WORDS, said_in, shown
from runner.traffic.target import Answer, Failure, Target

PATH = "/audio/transcriptions"
MOST_BYTES = 16 * 2**20
"""Of an answer: a text is far shorter, and a server may send anything."""
_RATE_HZ = 16_000

Audio = NDArray[np.float32]


def read_key(server: Server, environment: Mapping[str, str] = os.environ) -> str | None:
    """The key that the environment holds for a server; None where it needs none.

    Raises:
        Refused: the variable is not set, or holds what no header can.
    """
    if server.key_env is None:
        return None
    key = environment.get(server.key_env, "")
    if not key:
        raise Refused(f"server.key_env: the environment variable {server.key_env} is not set")
    # A client would quote it in its error.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise Refused(
            f"server.key_env: {server.key_env} holds blanks or letters that no key has; set it anew"
        )
    return key


def wav(audio: Audio) -> bytes:
    """A waveform as a WAV file of 16 bits, exact for one that lies on their grid.

    Args:
        audio: Shape (samples,), float32, 16 kHz.
    """
    samples = np.clip(np.rint(audio * 32_768.0), -32_768, 32_767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, _RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


@dataclass
class _Heard:
    """What a stream of events has said so far."""

    text: str = ""
    first_s: float | None = None
    done: bool = False


class HttpTarget(Target):
    """Sends each utterance as a file of its own, over connections that are kept open."""

    def __init__(
        self, server: Server, model: str, audio: Sequence[Audio], *, language: str | None = None
    ) -> None:
        """Prepares the bodies of the requests, so that sending one costs little.

        Args:
            server: Where it is, and how it is asked.
            model: What it is to be asked for.
            audio: The utterances, each of shape (samples,), 16 kHz.
            language: A code that the server is told, or None.

        Raises:
            Refused: the key is not there.
        """
        self.server = server
        self._key = read_key(server)
        form = {"model": model, "response_format": server.response_format}
        if language is not None:
            form["language"] = language
        if server.stream:
            form["stream"] = "true"
        self._bodies = [_body(form, wav(one)) for one in audio]
        self._client: httpx2.AsyncClient | None = None

    async def begin(self) -> None:
        """See :class:`~runner.traffic.target.Target`."""
        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        self._client = httpx2.AsyncClient(
            base_url=self.server.url,
            headers=headers,
            timeout=None,  # Whoever sends knows how long it waits.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
            # No proxy and no password that the environment happens to hold.
            trust_env=False,
        )

    async def close(self) -> None:
        """See :class:`~runner.traffic.target.Target`."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def send(self, utterance: int) -> Answer:
        """See :class:`~runner.traffic.target.Target`."""
        if self._client is None:
            raise RuntimeError("begin() was not called")
        content, kind = self._bodies[utterance]
        headers = {"Content-Type": kind}
        try:
            async with self._client.stream(
                "POST", PATH, content=content, headers=headers
            ) as response:
                if response.status_code != httpx2.codes.OK:
                    await self._refuse(response)
                if "text/event-stream" in response.headers.get("content-type", ""):
                    return await self._events(response)
                return Answer(self._text(await _bounded(response)))
        except httpx2.HTTPError as error:
            raise self._failure(error) from None
        except httpx2.InvalidURL as error:
            raise Failure("connect", self._said(str(error))) from None

    async def _refuse(self, response: httpx2.Response) -> None:
        status = response.status_code
        words = self._said(said_in(await _bounded(response)))
        raise Failure(f"http_{status}", f"HTTP {status}{': ' if words else ''}{words}")

    def _text(self, body: bytes) -> str:
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            words = self._said(body[:MOST_WORDS].decode("utf-8", "replace"))
            raise Failure("not_json", f"the answer is no JSON: {words}") from None
        text = said.get("text") if isinstance(said, dict) else None
        if not isinstance(text, str):
            raise Failure("no_text", "the answer has no text: is this a server of transcriptions?")
        return text

    async def _events(self, response: httpx2.Response) -> Answer:
        """Server-sent events, as `transcript.text.delta` and `transcript.text.done`."""
        heard = _Heard()
        async for event in _events_of(response):
            kind, delta = event.get("type"), event.get("delta")
            if kind == "transcript.text.delta" and isinstance(delta, str):
                heard.text += delta
                if heard.first_s is None and delta:
                    heard.first_s = asyncio.get_running_loop().time()
            elif kind == "transcript.text.done":
                whole = event.get("text")
                heard.text = whole if isinstance(whole, str) else heard.text
                heard.done = True
                break
            elif kind == "error" or "error" in event:
                raise Failure("stream_error", self._said(json.dumps(event.get("error"))))
        if not heard.done:
            raise Failure("stream_cut", "the stream of events ended before the text was done")
        return Answer(heard.text, first_text_s=heard.first_s)

    def _failure(self, error: httpx2.HTTPError) -> Failure:
        """The kind of an error of the connection."""
        words = self._said(f"{type(error).__name__}: {error}".rstrip(": "))
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLError) or "SSL" in type(cause).__name__:
                return Failure("tls", words)
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return Failure("connect", words)
        if isinstance(error, httpx2.DecodingError | httpx2.TooManyRedirects):
            return Failure("not_json", words)
        if isinstance(error, httpx2.TransportError):
            return Failure("disconnect", words)
        return Failure("http", words)

    def _said(self, words: str) -> str:
        """Words of a server or a library, as they may be shown."""
        return shown(words, self._key)


def _body(form: Mapping[str, str], file: bytes) -> tuple[bytes, str]:
    """A multipart body with an audio file, and its content type."""
    files = {"file": ("audio.wav", file, "audio/wav")}
    request = httpx2.Request("POST", "http://any", data=dict(form), files=files)
    return request.read(), request.headers["Content-Type"]


async def _bounded(response: httpx2.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            raise Failure("too_long", f"the answer is longer than {MOST_BYTES // 2**20} MiB")
        parts.append(part)
    return b"".join(parts)


async def _events_of(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        name, _, data = line.partition(":")
        if name != "data" or data.strip() in ("", "[DONE]"):
            continue
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise Failure("not_json", "an event of the stream is no JSON") from None
        if isinstance(event, dict):
            yield event

"""A server of realtime transcription, as a target: speech over a websocket, as slowly as spoken.

Sources of the two dialects: OpenAI's guide "Realtime transcription" and its reference of client
and server events (PCM of 16 bits at 24 kHz, https://developers.openai.com/api/docs/guides/
realtime-transcription); vLLM's `vllm/entrypoints/openai/realtime` (the same at 16 kHz, a commit
before the audio and a final one behind it).
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Sequence
from typing import Any

import numpy as np
import soxr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
)

from runner.config.server import Server
from runner.traffic.heard import Heard
from runner.traffic.openai_http import MOST_BYTES, Audio, read_key
from runner.traffic.server_words import said_in, shown
from runner.traffic.target import Answer, Failure, Target

PIECE_S = 0.1
"""Seconds of speech of a piece. It is due when its last sample has been spoken."""

RATES_HZ = {"openai": 24_000, "vllm": 16_000}
_RATE_HZ = 16_000
_GOODBYE_S = 1.0
"""For the closing handshake, which nobody waits for."""
_NORMAL = (1000, 1001)
_TOO_BIG = 1009


class _Connect(connect):
    """Follows no redirect: speech and key go where the config says."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class RealtimeTarget(Target):
    """Each utterance is a stream with a connection of its own."""

    paced = True

    def __init__(
        self, server: Server, model: str, audio: Sequence[Audio], *, language: str | None = None
    ) -> None:
        """Prepares what is sent.

        Args:
            server: Where it is, and how it is spoken to.
            model: What it is to be asked for.
            audio: The utterances, each of shape (samples,), 16 kHz.
            language: A code that the server is told, or None.

        Raises:
            Refused: the key is not there.
        """
        self.server = server
        self._key = read_key(server)
        self._seconds = [len(one) / _RATE_HZ for one in audio]
        self._rate_hz = RATES_HZ[server.dialect]
        self._pcm = [pcm16(one, self._rate_hz) for one in audio]
        query = "?intent=transcription" if server.dialect == "openai" else ""
        self._url = f"{server.url}/realtime{query}"
        self._opening = _opening(server.dialect, model, language, self._rate_hz)
        commit: dict[str, Any] = {"type": "input_audio_buffer.commit"}
        self._commit = json.dumps(commit | {"final": True} if server.dialect == "vllm" else commit)
        self._leaving: set[asyncio.Task[None]] = set()

    def lasts_s(self, utterance: int) -> float:
        """See :class:`~runner.traffic.target.Target`."""
        return self._seconds[utterance]

    async def close(self) -> None:
        """See :class:`~runner.traffic.target.Target`."""
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def send(self, utterance: int) -> Answer:
        """See :class:`~runner.traffic.target.Target`.

        The speech begins now, whether the connection is open or not: what is spoken until then is
        sent when it is. So it is with a person who speaks into a telephone.
        """
        start_s = asyncio.get_running_loop().time()
        connection = await self._connected()
        heard = Heard()
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen(connection, heard))
                delay_s = await self._speak(connection, utterance, start_s, heard)
                if heard.done:
                    listening.cancel()
        except* Failure as failures:
            raise failures.exceptions[0] from None
        finally:
            self._leave(connection)
        return Answer(heard.text, first_text_s=heard.first_s, send_delay_s=delay_s)

    async def _connected(self) -> ClientConnection:
        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        try:
            return await _Connect(
                self._url,
                additional_headers=headers,
                compression=None,  # It would be the generator's time, and gain little.
                proxy=None,  # None that the environment happens to hold.
                open_timeout=None,  # Whoever sends knows how long it waits.
                ping_interval=None,
                close_timeout=_GOODBYE_S,
                max_size=MOST_BYTES,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            words = self._said(said_in(bytes(error.response.body or b"")))
            line = f"HTTP {status}{': ' if words else ''}{words}"
            raise Failure(f"http_{status}", line) from None
        except ssl.SSLError as error:
            raise Failure("tls", self._said(f"{type(error).__name__}: {error}")) from None
        except InvalidMessage as error:  # Whoever answered does not speak HTTP, or left.
            cut = isinstance(error.__cause__, EOFError | OSError)
            raise Failure("disconnect" if cut else "handshake", self._said(str(error))) from None
        except (InvalidHandshake, InvalidURI) as error:
            raise Failure("handshake", self._said(str(error))) from None
        except (OSError, UnicodeError) as error:
            raise Failure("connect", self._said(f"{type(error).__name__}: {error}")) from None

    async def _speak(
        self, connection: ClientConnection, utterance: int, start_s: float, heard: Heard
    ) -> float:
        """Sends each piece when it is due; gives how late the generator was, at the most.

        Pieces that are late because the connection was not open, or the server does not read, are
        not the generator's delay.
        """
        loop = asyncio.get_running_loop()
        pcm = self._pcm[utterance]
        size = 2 * round(PIECE_S * self._rate_hz)
        late_s = 0.0
        try:
            for message in self._opening:
                await connection.send(message)
            for begin in range(0, len(pcm), size):
                piece = pcm[begin : begin + size]
                due_s = start_s + (begin + len(piece)) / (2 * self._rate_hz)
                if due_s > loop.time():
                    await asyncio.sleep(due_s - loop.time())
                    late_s = max(late_s, loop.time() - due_s)
                audio = base64.b64encode(piece).decode()
                await connection.send(f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}')
            heard.committed = True
            await connection.send(self._commit)
        except ConnectionClosed:
            pass  # Who listens says why.
        return late_s

    async def _listen(self, connection: ClientConnection, heard: Heard) -> None:
        """Takes events until the text is there.

        Raises:
            Failure: it will not be.
        """
        loop = asyncio.get_running_loop()
        while not heard.done:
            try:
                message = await connection.recv()
            except ConnectionClosed as closed:
                raise self._cut(closed, spoken=heard.committed) from None
            try:
                event = json.loads(message)
            except (ValueError, RecursionError):
                raise Failure("not_json", "an event of the stream is no JSON") from None
            if not isinstance(event, dict):
                raise Failure("not_json", "an event of the stream is no JSON object")
            try:
                heard.take(event, loop.time())
            except Failure as failure:
                raise Failure(failure.kind, self._said(str(failure))) from None

    def _cut(self, closed: ConnectionClosed, *, spoken: bool) -> Failure:
        """What a connection that has ended before the text counts as."""
        if closed.sent is not None and closed.sent.code == _TOO_BIG:
            return Failure("too_long", f"an event is longer than {MOST_BYTES // 2**20} MiB")
        when = "before the text was done" if spoken else "while speech was sent"
        if closed.rcvd is None:
            return Failure("disconnect", f"the connection broke off {when}")
        code = closed.rcvd.code
        kind = "stream_cut" if code in _NORMAL else f"close_{code}"
        reason = self._said(closed.rcvd.reason)
        words = f"the server closed the stream with {code} {when}"
        return Failure(kind, f"{words}{': ' if reason else ''}{reason}")

    def _leave(self, connection: ClientConnection) -> None:
        """Says goodbye, which is no part of a latency."""
        task = asyncio.create_task(connection.close())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _said(self, words: str) -> str:
        """Words of a server or a library, as they may be shown."""
        return shown(words, self._key)


def pcm16(audio: Audio, rate_hz: int) -> bytes:
    """A waveform as bare samples of 16 bits, little-endian.

    Args:
        audio: Shape (samples,), float32, 16 kHz.
        rate_hz: What to resample it to.
    """
    if rate_hz != _RATE_HZ:
        audio = soxr.resample(audio, _RATE_HZ, rate_hz)
    samples = np.clip(np.rint(audio * 32_768.0), -32_768, 32_767)
    return bytes(samples.astype("<i2").tobytes())


def _opening(dialect: str, model: str, language: str | None, rate_hz: int) -> list[str]:
    """The events before the speech."""
    if dialect == "vllm":
        # Its first commit begins the transcription, of what is appended from then on.
        begin = {"type": "input_audio_buffer.commit", "final": False}
        return [json.dumps({"type": "session.update", "model": model}), json.dumps(begin)]
    transcription = {"model": model} | ({} if language is None else {"language": language})
    session = {
        "type": "transcription",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": rate_hz},
                "transcription": transcription,
                "turn_detection": None,
            }
        },
    }
    return [json.dumps({"type": "session.update", "session": session})]

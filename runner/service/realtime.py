"""A session of `GET /v1/realtime`: speech comes in pieces, and each turn of it has a text.

The events are those of OpenAI's realtime transcription
(https://developers.openai.com/api/docs/guides/realtime-transcription). The engines give whole
texts: what was said is transcribed when the client commits it, and comes in one piece.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
import json
from contextlib import suppress
from typing import Any

import numpy as np
import soxr
from starlette.websockets import WebSocket, WebSocketDisconnect

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.errors import error_words
from runner.service.errors import ApiError
from runner.service.worker import EngineWorker, Overloaded

RATE_HZ = 24_000
"""Of the speech that comes; samples of 16 bits, little-endian, one channel."""

SHORTEST_S = 0.1

MOST_TURNS = 16
"""Turns of one session whose text has not come."""

_ITEM = "conversation.item.input_audio_transcription"


class Session:
    """One websocket."""

    def __init__(
        self,
        socket: WebSocket,
        worker: EngineWorker,
        *,
        model: str,
        language: str | None,
        most_s: float,
    ) -> None:
        """Begins without speech.

        Args:
            socket: Not yet accepted.
            worker: Transcribes the turns.
            model: What is served.
            language: The language that the model is told, or known, to transcribe.
            most_s: Longest turn in seconds.
        """
        self._socket = socket
        self._worker = worker
        self._model = model
        self._language = language
        self._most_s = most_s
        self._pcm = bytearray()
        self._turns: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._events = itertools.count(1)

    async def run(self) -> None:
        """Until the client leaves; what it still waited for is then not computed."""
        await self._socket.accept()
        try:
            await self._tell("session.created", session=self._session())
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                await self._take(message.get("text"))
        except WebSocketDisconnect:
            return
        finally:
            for turn in self._turns:
                turn.cancel()

    async def _take(self, text: str | None) -> None:
        event: dict[str, Any] = {}
        try:
            event = _event(text)
            kind = event.get("type")
            if kind == "session.update":
                self._update(event.get("session"))
                await self._tell("session.updated", session=self._session())
            elif kind == "input_audio_buffer.append":
                self._append(event.get("audio"))
            elif kind == "input_audio_buffer.clear":
                self._pcm.clear()
                await self._tell("input_audio_buffer.cleared")
            elif kind == "input_audio_buffer.commit":
                await self._commit()
            else:
                known = "session.update and input_audio_buffer.append, .clear and .commit"
                raise ApiError(400, f"there are the events {known} here", param="type")
        except ApiError as error:
            of = event.get("event_id")
            said = {**error.body(), "event_id": of if isinstance(of, str) else None}
            await self._tell("error", error=said)

    def _session(self) -> dict[str, Any]:
        return {
            "object": "realtime.transcription_session",
            "type": "transcription",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": RATE_HZ},
                    "transcription": {"model": self._model, "language": self._language},
                    "turn_detection": None,
                    "noise_reduction": None,
                }
            },
        }

    def _update(self, asked: object) -> None:
        """Takes what is as it is here; all else is refused, not ignored."""
        mine = self._session()["audio"]["input"]
        session = _object(asked, "session", {"type", "audio"})
        if session.get("type") != "transcription":
            raise ApiError(400, 'session.type is "transcription" here', param="session.type")
        audio = _object(session.get("audio", {}), "session.audio", {"input"})
        given = _object(audio.get("input", {}), "session.audio.input", set(mine))
        transcription = _object(
            given.get("transcription", {}),
            "session.audio.input.transcription",
            {"model", "language"},
        )
        model = transcription.get("model", self._model)
        if model != self._model:
            raise ApiError(
                404, f'there is no model "{model}" here: ask for "{self._model}"', param="model"
            )
        spoken = transcription.get("language")
        if spoken is not None and self._language is not None and spoken != self._language:
            raise ApiError(
                400,
                f'the model transcribes "{self._language}", not "{spoken}"',
                param="language",
            )
        for name in ("format", "turn_detection", "noise_reduction"):
            if name in given and given[name] != mine[name]:
                where = f"session.audio.input.{name}"
                raise ApiError(400, f"{where} is {json.dumps(mine[name])} here", param=where)

    def _append(self, audio: object) -> None:
        try:
            piece = base64.b64decode(audio, validate=True) if isinstance(audio, str) else b""
        except (binascii.Error, ValueError):
            piece = b""
        if not piece or len(piece) % 2:
            raise ApiError(
                400, "no samples of 16 bits in base64: send some in audio", param="audio"
            )
        if len(self._pcm) + len(piece) > 2 * RATE_HZ * self._most_s:
            self._pcm.clear()
            raise ApiError(
                400, f"the turn is longer than {self._most_s:g} s: commit earlier", param="audio"
            )
        self._pcm += piece

    async def _commit(self) -> None:
        if len(self._pcm) < 2 * RATE_HZ * SHORTEST_S:
            seconds = len(self._pcm) / (2 * RATE_HZ)
            raise ApiError(
                400, f"the turn has {seconds:.3g} s, less than {SHORTEST_S:g} s: append more first"
            )
        if len(self._turns) >= MOST_TURNS:
            raise ApiError(503, f"{MOST_TURNS} turns have no text yet: commit later")
        pcm = bytes(self._pcm)
        self._pcm.clear()
        item = f"item_{next(self._numbers)}"
        await self._tell("input_audio_buffer.committed", item_id=item)
        turn = asyncio.create_task(self._transcribe(item, pcm))
        self._turns.add(turn)
        turn.add_done_callback(self._turns.discard)

    async def _transcribe(self, item: str, pcm: bytes) -> None:
        """Has a turn transcribed, and tells its text."""
        of: dict[str, Any] = {"item_id": item, "content_index": 0}
        with suppress(WebSocketDisconnect):  # Who receives learns of it too.
            try:
                text = await self._text(await asyncio.to_thread(_waveform, pcm))
            except ApiError as error:
                await self._tell(f"{_ITEM}.failed", **of, error=error.body())
                return
            await self._tell(f"{_ITEM}.delta", **of, delta=text)
            await self._tell(f"{_ITEM}.completed", **of, transcript=text)

    async def _text(self, audio: Waveform) -> str:
        try:
            text = self._worker.submit(audio)
        except Overloaded as error:
            raise ApiError(503, f"{error}: ask again later") from None
        try:
            return await asyncio.wrap_future(text)
        except Exception as error:
            words = error_words(error, 160)
            raise ApiError(500, words) from error

    async def _tell(self, kind: str, **said: Any) -> None:
        event = {"type": kind, "event_id": f"event_{next(self._events)}", **said}
        await self._socket.send_text(json.dumps(event))


def _event(text: str | None) -> dict[str, Any]:
    try:
        event = json.loads(text or "")
    except (ValueError, RecursionError):
        raise ApiError(400, "no event: send a JSON object as text") from None
    if not isinstance(event, dict):
        raise ApiError(400, "no event: send a JSON object as text")
    return event


def _object(given: object, where: str, known: set[str]) -> dict[str, Any]:
    """An object that has no other fields than the known ones."""
    if not isinstance(given, dict):
        raise ApiError(400, f"{where} is an object", param=where)
    for name in given:
        if name not in known:
            raise ApiError(
                400, f"{where}.{name} is not supported: leave it out", param=f"{where}.{name}"
            )
    return given


def _waveform(pcm: bytes) -> Waveform:
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768.0
    found: Waveform = soxr.resample(samples, RATE_HZ, SAMPLE_RATE)
    return found

"""The server: its routes, its answers, and its limits."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hmac import compare_digest

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from runner.clips.clip import SAMPLE_RATE
from runner.errors import error_words
from runner.service.errors import ApiError
from runner.service.realtime import Session
from runner.service.uploads import Asked, read_request
from runner.service.worker import EngineWorker, Overloaded

_DRAINED = 4
"""Of a body that is too large, so many times the limit is read and dropped: a client that is still
sending would else see a broken connection instead of the answer."""


@dataclass(frozen=True)
class Settings:
    """How a model is served."""

    model: str
    device: str
    most_bytes: int
    """Of a request's body."""
    most_s: float
    """Longest audio in seconds."""
    key: str | None = None
    """What requests must carry as a bearer token."""


def make_app(worker: EngineWorker, settings: Settings) -> ASGIApp:
    """The server of one model.

    Args:
        worker: Its engine.
        settings: How it is served.
    """
    service = _Service(worker, settings)
    app = Starlette(
        routes=[
            Route("/health", service.health),
            Route("/v1/models", service.models),
            Route("/v1/audio/transcriptions", service.transcribe, methods=["POST"]),
            WebSocketRoute("/v1/realtime", service.realtime),
        ],
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            Exception: _own_error,
        },
    )
    return _BodyLimit(app, settings.most_bytes)


class _Service:
    def __init__(self, worker: EngineWorker, settings: Settings) -> None:
        self.worker = worker
        self.settings = settings
        self.since = int(time.time())
        self.sessions = 0
        """Websockets that are open."""
        language = worker.engine.language
        self.language = language.code if language is not None else None

    async def health(self, _: Request) -> Response:
        """Whether it can answer; asked without a key."""
        if not self.worker.alive:
            raise ApiError(500, "the engine has ended: start the server again")
        return JSONResponse(
            {
                "status": "ok",
                "model": self.settings.model,
                "engine": self.worker.engine.family,
                "device": self.settings.device,
                "open": self.worker.open,
            }
        )

    async def models(self, request: Request) -> Response:
        """The one model that there is."""
        self._check_key(request)
        one = {"id": self.settings.model, "object": "model", "created": self.since}
        return JSONResponse({"object": "list", "data": [{**one, "owned_by": "asrprof"}]})

    async def transcribe(self, request: Request) -> Response:
        """One utterance."""
        self._check_key(request)
        settings = self.settings
        asked = await read_request(
            request, model=settings.model, language=self.language, most_s=settings.most_s
        )
        try:
            text = asyncio.wrap_future(self.worker.submit(asked.audio))
        except Overloaded as error:
            raise ApiError(503, f"{error}: ask again later") from None
        gone = asyncio.create_task(_until_gone(request))
        try:
            await asyncio.wait((text, gone), return_when=asyncio.FIRST_COMPLETED)
            if not text.done():
                raise ApiError(499, "the client has left")
            return self._answer(asked, text.result())
        except ApiError:
            raise
        except Exception as error:
            words = error_words(error, 160)
            raise ApiError(500, words) from error
        finally:
            gone.cancel()
            text.cancel()  # Where it still waits it is not computed.

    def _answer(self, asked: Asked, text: str) -> Response:
        if asked.stream:
            return StreamingResponse(_events(text), media_type="text/event-stream")
        if asked.response_format == "text":
            return PlainTextResponse(f"{text}\n")
        if asked.response_format == "json":
            return JSONResponse({"text": text})
        seconds = len(asked.audio) / SAMPLE_RATE
        return JSONResponse(
            {
                "task": "transcribe",
                "language": self.language,
                "duration": seconds,
                "text": text,
                "segments": [{"id": 0, "start": 0.0, "end": seconds, "text": text}],
            }
        )

    async def realtime(self, socket: WebSocket) -> None:
        """A session of transcriptions, over a websocket."""
        try:
            self._check_key(socket)
            if self.sessions >= self.worker.most_waiting:
                raise ApiError(503, f"{self.sessions} sessions are open already: ask again later")
            if socket.query_params.get("intent", "transcription") != "transcription":
                raise ApiError(400, "intent is transcription here", param="intent")
        except ApiError as error:
            await socket.send_denial_response(error.response())
            return
        self.sessions += 1
        try:
            settings = self.settings
            session = Session(
                socket,
                self.worker,
                model=settings.model,
                language=self.language,
                most_s=settings.most_s,
            )
            await session.run()
        finally:
            self.sessions -= 1

    def _check_key(self, connection: HTTPConnection) -> None:
        key = self.settings.key
        given = connection.headers.get("authorization", "")
        if key is not None and not compare_digest(given.encode(), f"Bearer {key}".encode()):
            raise ApiError(401, "wrong or no key: send it as a bearer token")


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _events(text: str) -> AsyncIterator[str]:
    """The text as events. It comes in one piece: engines give whole texts."""
    for event in (
        {"type": "transcript.text.delta", "delta": text},
        {"type": "transcript.text.done", "text": text},
    ):
        yield f"data: {json.dumps(event)}\n\n"


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def _http_error(_: Request, error: Exception) -> Response:
    """Of the router: no such path, or another method."""
    assert isinstance(error, HTTPException)
    return ApiError(error.status_code, str(error.detail)).response()


async def _own_error(_: Request, error: Exception) -> Response:
    return ApiError(500, f"{type(error).__name__}").response()


class _BodyLimit:
    """Refuses bodies that are too large, whether they say so or not.

    Starlette's own limit answers in plain text, where a client expects the JSON of an error.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self.app = app
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most_bytes:
                while message.get("more_body") and read < _DRAINED * self.most_bytes:
                    message = await receive()
                    read += len(message.get("body", b""))
                raise ApiError(
                    413, f"the request is longer than {self.most_bytes / 1e6:g} MB", param="file"
                )
            return message

        await self.app(scope, limited, send)

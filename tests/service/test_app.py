"""What the server answers, with an engine that says how long an utterance is."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Engine, LoadRequest, Mark, Transcription, no_mark
from runner.engines.language import Language
from runner.service.app import Settings, make_app
from runner.service.worker import EngineWorker

KEY = "sk-0123456789-secret"


class Lengths(Engine):
    """Says of each utterance how many samples it has; fails on one of half a second."""

    family = "lengths"

    def __init__(self) -> None:
        super().__init__(LoadRequest.of_checkpoint("lengths"))
        self.batches: list[list[int]] = []
        self.go = threading.Event()
        self.go.set()
        self.in_hand = threading.Event()
        """Set with the first batch that comes."""

    def language_of(self, request: LoadRequest) -> Language | None:
        return Language("en", "model")

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        self.in_hand.set()
        assert self.go.wait(60)
        self.batches.append([len(wave) for wave in batch])
        if any(len(wave) == SAMPLE_RATE // 2 for wave in batch):
            raise ValueError("no such\nword")
        return Transcription(texts=tuple(f"{len(wave)} samples" for wave in batch))

    def synchronize(self) -> None:
        pass


@contextmanager
def working(engine: Engine, *, max_batch: int = 4, most_waiting: int = 8) -> Iterator[EngineWorker]:
    worker = EngineWorker(
        lambda: engine, max_batch=max_batch, max_wait_s=0.0, most_waiting=most_waiting
    )
    try:
        yield worker
    finally:
        worker.close()
    assert not worker.alive


Ask = Callable[..., Coroutine[Any, Any, httpx2.Response]]


def asked(
    work: Callable[[httpx2.AsyncClient], Coroutine[Any, Any, Any]],
    engine: Lengths | None = None,
    **settings: Any,
) -> Any:
    """Runs a coroutine with a client of the server."""
    most_waiting = settings.pop("most_waiting", 8)
    fields = {"model": "lengths", "device": "cpu", "most_bytes": 200_000, "most_s": 5.0}

    async def run(worker: EngineWorker) -> Any:
        transport = httpx2.ASGITransport(app=make_app(worker, Settings(**{**fields, **settings})))
        async with httpx2.AsyncClient(transport=transport, base_url="http://any") as client:
            return await work(client)

    with working(engine or Lengths(), most_waiting=most_waiting) as worker:
        return asyncio.run(run(worker))


def wav(seconds: float, rate: int = SAMPLE_RATE, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(round(seconds * rate)), rate, format=kind)
    return file.getvalue()


def post(client: httpx2.AsyncClient, audio: bytes = b"", **form: str) -> Any:
    return client.post(
        "/v1/audio/transcriptions",
        data={"model": "lengths", **form},
        files={"file": ("a.wav", audio or wav(1))},
    )


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_the_text_of_each_format(kind: str) -> None:
    async def work(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        audio = wav(1, 48_000, kind)
        formats = ({}, {"response_format": "verbose_json"}, {"response_format": "text"})
        return [await post(client, audio, **form) for form in formats]

    plain, verbose, text = asked(work)
    assert plain.json() == {"text": "16000 samples"}
    assert verbose.json() == {
        "task": "transcribe",
        "language": "en",
        "duration": 1.0,
        "text": "16000 samples",
        "segments": [{"id": 0, "start": 0.0, "end": 1.0, "text": "16000 samples"}],
    }
    assert (text.text, text.headers["content-type"].split(";")[0]) == (
        "16000 samples\n",
        "text/plain",
    )


def test_events_are_those_that_the_target_understands() -> None:
    async def work(client: httpx2.AsyncClient) -> httpx2.Response:
        return await post(client, stream="true", language="en", temperature="0")

    response = asked(work)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line]
    assert [event["type"] for event in events] == [
        "transcript.text.delta",
        "transcript.text.done",
    ]
    assert events[0]["delta"] == events[1]["text"] == "16000 samples"


def test_models_and_health() -> None:
    async def work(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        return [await client.get(path) for path in ("/v1/models", "/health")]

    models, health = asked(work)
    (one,) = models.json()["data"]
    assert (one["id"], one["object"]) == ("lengths", "model")
    assert health.json() == {
        "status": "ok",
        "model": "lengths",
        "engine": "lengths",
        "device": "cpu",
        "open": 0,
    }


@pytest.mark.parametrize(
    ("form", "status", "param", "words"),
    [
        ({"model": "other"}, 404, "model", 'ask for "lengths"'),
        ({"response_format": "srt"}, 400, "response_format", "json, verbose_json, text"),
        ({"stream": "maybe"}, 400, "stream", "true or false"),
        ({"language": "de"}, 400, "language", 'transcribes "en", not "de"'),
        ({"temperature": "0.7"}, 400, "temperature", "leave it out"),
        ({"prompt": "names"}, 400, "prompt", "prompt is not supported"),
        ({"model": "x" * 5000}, 400, None, "maximum size"),
        ({"audio": b"no audio"}, 400, "file", "cannot be decoded"),
        ({"audio": wav(0.01)}, 400, "file", "less than 0.1 s"),
        ({"audio": wav(5.5)}, 400, "file", "longer than 5 s"),
        ({"audio": wav(10)}, 413, "file", "longer than 0.2 MB"),
        ({"audio": wav(60)}, 413, "file", "longer than 0.2 MB"),
        ({"audio": wav(0.5)}, 500, None, "ValueError: no such word"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_shape(
    form: dict[str, Any], status: int, param: str | None, words: str
) -> None:
    async def work(client: httpx2.AsyncClient) -> tuple[httpx2.Response, httpx2.Response]:
        return await post(client, **form), await post(client)

    response, after = asked(work)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (status, status, param)
    assert words in error["message"] and "\n" not in error["message"]
    assert error["type"] == ("server_error" if status == 500 else "invalid_request_error")
    assert after.json() == {"text": "16000 samples"}


def test_other_paths_methods_and_bodies() -> None:
    async def work(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        path = "/v1/audio/transcriptions"

        async def chunks() -> AsyncIterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            for _ in range(10):
                yield b"a" * 100_000  # Without a length beforehand.

        return [
            await client.get("/v2"),
            await client.get(path),
            await client.post(path, json={"model": "lengths"}),
            await client.post(path, data={"model": "lengths"}),
            await client.post(path, files={"file": ("a.wav", wav(1))}),
            await client.post(
                path, content=chunks(), headers={"content-type": "multipart/form-data; boundary=x"}
            ),
        ]

    responses = asked(work)
    assert [one.status_code for one in responses] == [404, 405, 400, 400, 400, 413]
    assert all(list(one.json()) == ["error"] for one in responses)
    assert responses[4].json()["error"]["message"] == 'no model: ask for "lengths"'


def test_a_key_is_asked_for_and_never_said() -> None:
    async def work(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        none, models = await post(client), await client.get("/v1/models")
        client.headers["authorization"] = "Bearer sk-wrong"
        wrong = await post(client)
        client.headers["authorization"] = f"Bearer {KEY}"
        return [none, models, wrong, await post(client), await client.get("/health")]

    responses = asked(work, key=KEY)
    assert [one.status_code for one in responses] == [401, 401, 401, 200, 200]
    assert not any("sk-" in one.text for one in responses)


def test_requests_that_wait_share_a_batch_and_too_many_are_sent_away() -> None:
    engine = Lengths()
    engine.go.clear()

    async def work(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        waiting = [asyncio.create_task(post(client, wav(1 + n))) for n in range(4)]
        while (await client.get("/health")).json()["open"] < 4:
            await asyncio.sleep(0.01)
        away = await post(client)
        engine.go.set()
        return [away, *await asyncio.gather(*waiting)]

    away, *answers = asked(work, engine, most_waiting=4)
    assert (away.status_code, away.headers["retry-after"]) == (503, "1")
    assert away.json()["error"]["type"] == "server_error"
    assert [one.json()["text"] for one in answers] == [
        f"{16_000 * (1 + n)} samples" for n in range(4)
    ]
    # What came while the first batch was computed is one batch.
    assert len(engine.batches) <= 2 and sum(map(len, engine.batches)) == 4


def test_an_utterance_that_nobody_waits_for_is_not_computed() -> None:
    engine = Lengths()
    engine.go.clear()
    with working(engine) as worker:
        first = worker.submit(np.zeros(100, np.float32))
        while not first.running():
            pass
        left, kept = (worker.submit(np.zeros(n, np.float32)) for n in (200, 300))
        assert left.cancel()
        assert worker.open == 3
        engine.go.set()
        assert kept.result(60) == "300 samples"
    assert engine.batches == [[100], [300]]
    assert worker.open == 0


def test_an_engine_that_cannot_be_loaded_is_told_to_who_waits() -> None:
    def load() -> Engine:
        raise ValueError("no such model")

    with pytest.raises(ValueError, match="no such model"):
        EngineWorker(load, max_batch=1, max_wait_s=0.0, most_waiting=1)

"""Sessions over a websocket, with an engine that says how long an utterance is."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import numpy as np
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from runner.config.server import Server
from runner.service.app import Settings, make_app
from runner.service.worker import EngineWorker
from runner.traffic.realtime import RealtimeTarget
from runner.traffic.target import Failure
from tests.service.test_app import KEY, Lengths, working

T = TypeVar("T")
ITEM = "conversation.item.input_audio_transcription"
Work = Callable[[str], Awaitable[T]]


def served(
    work: Work[T], engine: Lengths | None = None, *, most_waiting: int = 8, **settings: Any
) -> T:
    """Runs a coroutine with the URL of the server, which listens on loopback."""
    fields = {"model": "lengths", "device": "cpu", "most_bytes": 200_000, "most_s": 5.0}

    async def run(worker: EngineWorker) -> T:
        app = make_app(worker, Settings(**{**fields, **settings}))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                return await work(f"ws://127.0.0.1:{listener.getsockname()[1]}/v1")
            finally:
                server.should_exit = True
                await serving

    with working(engine or Lengths(), most_waiting=most_waiting) as worker:
        return asyncio.run(run(worker))


async def say(client: ClientConnection, kind: str, **fields: Any) -> None:
    await client.send(json.dumps({"type": kind, **fields}))


async def append(client: ClientConnection, seconds: float) -> None:
    audio = base64.b64encode(bytes(2 * round(24_000 * seconds))).decode()
    await say(client, "input_audio_buffer.append", audio=audio)


async def heard(client: ClientConnection) -> dict[str, Any]:
    event = json.loads(await asyncio.wait_for(client.recv(), 20))
    assert isinstance(event, dict)
    return event


def test_each_turn_has_its_text_and_the_events_of_the_protocol() -> None:
    async def work(url: str) -> list[dict[str, Any]]:
        async with connect(f"{url}/realtime?intent=transcription", proxy=None) as client:
            audio = {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "transcription": {"model": "lengths", "language": "en"},
                    "turn_detection": None,
                }
            }
            await say(client, "session.update", session={"type": "transcription", "audio": audio})
            await append(client, 4.0)
            await say(client, "input_audio_buffer.clear")
            for seconds in (0.7, 0.3, 2.0):
                await append(client, seconds)
                if seconds != 0.7:
                    await say(client, "input_audio_buffer.commit")
            events = []
            while sum(event["type"] == f"{ITEM}.completed" for event in events) < 2:
                events.append(await heard(client))
            return events

    events = served(work)
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["session.created", "session.updated", "input_audio_buffer.cleared"]
    session = events[1]["session"]
    assert session["type"] == "transcription"
    assert session["audio"]["input"]["transcription"] == {"model": "lengths", "language": "en"}
    assert kinds.count("input_audio_buffer.committed") == 2
    texts = {e["item_id"]: e["transcript"] for e in events if e["type"] == f"{ITEM}.completed"}
    deltas = {e["item_id"]: e["delta"] for e in events if e["type"] == f"{ITEM}.delta"}
    assert texts == deltas == {"item_1": "16000 samples", "item_2": "32000 samples"}
    assert len({event["event_id"] for event in events}) == len(events)


def of_session(**given: Any) -> dict[str, Any]:
    audio = {"input": given}
    return {"type": "session.update", "session": {"type": "transcription", "audio": audio}}


@pytest.mark.parametrize(
    ("event", "code", "param", "words"),
    [
        ("{", 400, None, "JSON object"),
        ("[]", 400, None, "JSON object"),
        ("[" * 90_000, 400, None, "JSON object"),
        (b"{}", 400, None, "JSON object"),
        ({"type": "response.create"}, 400, "type", "session.update"),
        ({"type": "session.update"}, 400, "session", "is an object"),
        (
            {"type": "session.update", "session": {"type": "realtime"}},
            *(400, "session.type", "transcription"),
        ),
        (of_session(transcription={"model": "other"}), 404, "model", 'ask for "lengths"'),
        (of_session(transcription={"language": "de"}), 400, "language", 'not "de"'),
        (
            of_session(transcription={"prompt": "names"}),
            *(400, "session.audio.input.transcription.prompt", "leave it out"),
        ),
        (
            of_session(format={"type": "audio/pcm", "rate": 8000}),
            *(400, "session.audio.input.format", "24000"),
        ),
        (
            of_session(turn_detection={"type": "server_vad"}),
            *(400, "session.audio.input.turn_detection", "null"),
        ),
        ({"type": "input_audio_buffer.append"}, 400, "audio", "base64"),
        ({"type": "input_audio_buffer.append", "audio": "not base64!"}, 400, "audio", "base64"),
        ({"type": "input_audio_buffer.append", "audio": "AAAA"}, 400, "audio", "16 bits"),
        ({"type": "input_audio_buffer.commit"}, 400, None, "has 0 s, less than 0.1 s"),
    ],
)
def test_what_cannot_be_had_is_said_and_the_session_goes_on(
    event: Any, code: int, param: str | None, words: str
) -> None:
    async def work(url: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with connect(f"{url}/realtime", proxy=None) as client:
            await heard(client)
            if isinstance(event, dict):
                event["event_id"] = "mine"
            await client.send(event if isinstance(event, str | bytes) else json.dumps(event))
            error = await heard(client)
            await append(client, 1.0)
            await say(client, "input_audio_buffer.commit")
            return error, [await heard(client) for _ in range(3)]

    error, after = served(work)
    assert error["type"] == "error"
    said = error["error"]
    assert (said["code"], said["param"]) == (code, param)
    assert words in said["message"] and "\n" not in said["message"]
    assert said["type"] == "invalid_request_error"
    assert said["event_id"] == ("mine" if isinstance(event, dict) else None)
    assert after[2]["transcript"] == "16000 samples"


def test_a_turn_that_is_too_long_and_one_that_the_engine_cannot() -> None:
    async def work(url: str) -> list[dict[str, Any]]:
        async with connect(f"{url}/realtime", proxy=None) as client:
            await heard(client)
            for _ in range(3):
                await append(client, 2.0)
            found = [await heard(client)]
            await append(client, 0.5)
            await say(client, "input_audio_buffer.commit")
            return found + [await heard(client) for _ in range(2)]

    long, committed, failed = served(work)
    assert long["error"]["message"] == "the turn is longer than 5 s: commit earlier"
    assert (failed["type"], failed["item_id"]) == (f"{ITEM}.failed", committed["item_id"])
    assert failed["error"]["message"] == "ValueError: no such word"
    assert failed["error"]["type"] == "server_error"


def test_a_key_too_many_sessions_and_other_intents_are_said_before_it_begins() -> None:
    async def refused(url: str, **headers: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(InvalidStatus) as error:
            async with connect(url, additional_headers=headers, proxy=None):
                pass
        response = error.value.response
        return response.status_code, json.loads(response.body or b"")["error"]

    async def work(url: str) -> list[tuple[int, dict[str, Any]]]:
        right = {"Authorization": f"Bearer {KEY}"}
        found = [
            await refused(f"{url}/realtime"),
            await refused(f"{url}/realtime", Authorization="Bearer sk-wrong"),
            await refused(f"{url}/realtime?intent=conversation", **right),
        ]
        async with connect(f"{url}/realtime", additional_headers=right, proxy=None):
            found.append(await refused(f"{url}/realtime", **right))
        async with connect(f"{url}/realtime", additional_headers=right, proxy=None) as client:
            await heard(client)
        return found

    found = served(work, key=KEY, most_waiting=1)
    assert [status for status, _ in found] == [401, 401, 400, 503]
    assert not any("sk-" in error["message"] for _, error in found)


def test_who_leaves_is_not_computed() -> None:
    engine = Lengths()
    engine.go.clear()

    async def work(url: str) -> str:
        speech = [np.zeros(16_000, np.float32)]
        target = RealtimeTarget(Server(url=url), "lengths", speech)
        # The first batch is in hand while the others come.
        async with connect(f"{url}/realtime", proxy=None) as client:
            await append(client, 1.5)
            await say(client, "input_audio_buffer.commit")
            while (await heard(client))["type"] != "input_audio_buffer.committed":
                pass
            assert await asyncio.to_thread(engine.in_hand.wait, 60)
            async with connect(f"{url}/realtime", proxy=None) as leaver:
                await append(leaver, 3.0)
                await say(leaver, "input_audio_buffer.commit")
                while (await heard(leaver))["type"] != "input_audio_buffer.committed":
                    pass
                await asyncio.sleep(0.1)
            stream = asyncio.create_task(target.send(0))
            await asyncio.sleep(1.3)
            engine.go.set()
            answer = await stream
            await target.close()
            return answer.text

    assert served(work, engine) == "16000 samples"
    assert [n for batch in engine.batches for n in batch] == [24_000, 16_000]


def test_the_target_is_told_of_another_model() -> None:
    async def work(url: str) -> str:
        target = RealtimeTarget(Server(url=url), "other", [np.zeros(8000, np.float32)])
        with pytest.raises(Failure) as failure:
            await target.send(0)
        await target.close()
        return f"{failure.value.kind}: {failure.value}"

    words = served(work)
    assert words == 'stream_error: there is no model "other" here: ask for "lengths"'

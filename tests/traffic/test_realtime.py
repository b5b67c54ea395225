"""Streams over a websocket, on loopback: what is sent and when, and all that a server can do."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.datastructures import Headers

from runner.config.server import Server
from runner.traffic.generator import Held, hold
from runner.traffic.realtime import RealtimeTarget
from runner.traffic.summary import summarise
from runner.traffic.target import Answer, Failure
from store.load_records import LoadLevel
from tests.traffic.simulated import level

KEY = "sk-secret-0123456789"
SECONDS = 0.45
AUDIO = [
    (0.3 * np.sin(2 * np.pi * 440 * np.arange(round(16_000 * SECONDS)) / 16_000)).astype(np.float32)
]
ITEM = "conversation.item.input_audio_transcription"
Handle = Callable[[ServerConnection], Awaitable[None]]


async def tell(socket: ServerConnection, kind: str, **said: Any) -> None:
    await socket.send(json.dumps({"type": kind, **said}))


async def until_commit(socket: ServerConnection) -> list[tuple[float, dict[str, Any]]]:
    """The events up to the commit that ends the speech, each with its time."""
    seen = []
    async for message in socket:
        seen.append((time.monotonic(), json.loads(message)))
        last = seen[-1][1]
        if last["type"] == "input_audio_buffer.commit" and last.get("final", True):
            break
    return seen


def after(seconds: float, text: str = "hello there") -> Handle:
    """Answers so many seconds after the commit."""

    async def handle(socket: ServerConnection) -> None:
        await until_commit(socket)
        await tell(socket, "input_audio_buffer.committed", item_id="a")
        await asyncio.sleep(seconds)
        await tell(socket, f"{ITEM}.delta", item_id="a", delta=text)
        await tell(socket, f"{ITEM}.completed", item_id="a", transcript=text)
        await socket.wait_closed()

    return handle


async def ask(target: RealtimeTarget) -> Answer:
    await target.begin()
    try:
        return await asyncio.wait_for(target.send(0), 20)
    finally:
        await target.close()


def asked(handle: Handle, *, process: Any = None, **fields: Any) -> Answer:
    async def work() -> Answer:
        async with serve(handle, "127.0.0.1", 0, process_request=process) as server:
            port = server.sockets[0].getsockname()[1]
            url = f"ws://127.0.0.1:{port}/v1"
            return await ask(RealtimeTarget(Server(url=url, **fields), "tiny", AUDIO))

    return asyncio.run(work())


@pytest.mark.timed
@pytest.mark.parametrize(("dialect", "rate"), [("openai", 24_000), ("vllm", 16_000)])
def test_speech_is_sent_as_it_is_spoken_in_the_words_of_each_dialect(
    dialect: str, rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[float, dict[str, Any]]] = []
    asked_for: dict[str, Any] = {}

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        asked_for.update(path=socket.request.path, key=socket.request.headers["Authorization"])
        await tell(socket, "session.created")
        seen.extend(await until_commit(socket))
        if dialect == "vllm":
            await tell(socket, "transcription.delta", delta="hello ")
            await tell(socket, "transcription.done", text="hello there")
        else:
            await tell(socket, f"{ITEM}.completed", item_id="a", transcript="hello there")

    monkeypatch.setenv("SOME_KEY", KEY)
    answer = asked(handle, key_env="SOME_KEY", dialect=dialect)
    assert answer.text == "hello there" and answer.first_text_s is not None
    assert asked_for["key"] == f"Bearer {KEY}"
    times = [at for at, event in seen if event["type"] == "input_audio_buffer.append"]
    pieces = [
        base64.b64decode(event["audio"])
        for _, event in seen
        if event["type"] == "input_audio_buffer.append"
    ]
    # Each piece when its last sample has been spoken: four of a tenth of a second, and the rest.
    assert [len(piece) for piece in pieces] == [rate // 5] * 4 + [rate // 10]
    assert np.diff(times) == pytest.approx([0.1, 0.1, 0.1, 0.05], abs=0.04)
    samples = np.frombuffer(b"".join(pieces), "<i2") / 32_768.0
    said = 0.3 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / rate)
    assert np.abs(samples - said)[rate // 50 : -rate // 50].max() < 0.01
    first = seen[0][1]
    if dialect == "vllm":
        assert asked_for["path"] == "/v1/realtime"
        assert first == {"type": "session.update", "model": "tiny"}
        commits = [event for _, event in seen if event["type"] == "input_audio_buffer.commit"]
        assert [event["final"] for event in commits] == [False, True]
    else:
        assert asked_for["path"] == "/v1/realtime?intent=transcription"
        given = first["session"]["audio"]["input"]
        assert given["format"] == {"type": "audio/pcm", "rate": 24_000}
        assert given["transcription"] == {"model": "tiny"} and given["turn_detection"] is None


def test_turns_that_a_server_ends_by_itself_are_one_text() -> None:
    async def handle(socket: ServerConnection) -> None:
        await socket.recv()
        await tell(socket, "input_audio_buffer.committed", item_id="a")
        await tell(socket, f"{ITEM}.completed", item_id="a", transcript="hello ")
        await until_commit(socket)
        await asyncio.sleep(0.05)
        await tell(socket, "input_audio_buffer.committed", item_id="b")
        await tell(socket, "input_audio_buffer.committed", item_id="c")
        await tell(socket, f"{ITEM}.completed", item_id="c", transcript="you")
        await tell(socket, f"{ITEM}.completed", item_id="b", transcript="there")
        await socket.wait_closed()

    assert asked(handle).text == "hello there you"


def test_a_last_turn_of_nothing_is_no_error() -> None:
    async def handle(socket: ServerConnection) -> None:
        await socket.recv()
        await tell(socket, f"{ITEM}.completed", item_id="a", transcript="hello")
        await until_commit(socket)
        await tell(
            socket, "error", error={"message": "empty", "code": "input_audio_buffer_commit_empty"}
        )
        await socket.wait_closed()

    assert asked(handle).text == "hello"


def test_a_text_that_ends_before_the_speech_waits_for_it() -> None:
    async def handle(socket: ServerConnection) -> None:
        await socket.recv()
        await tell(socket, "transcription.done", text="hello")
        await socket.wait_closed()

    began = time.monotonic()
    assert asked(handle, dialect="vllm").text == "hello"
    assert time.monotonic() - began >= SECONDS


def saying(*messages: str | bytes) -> Handle:
    async def handle(socket: ServerConnection) -> None:
        for message in messages:
            await socket.send(message)
        await socket.wait_closed()

    return handle


async def aborts(socket: ServerConnection) -> None:
    await socket.recv()
    socket.transport.abort()


async def aborts_at_the_end(socket: ServerConnection) -> None:
    await until_commit(socket)
    socket.transport.abort()


async def closes(socket: ServerConnection) -> None:
    await until_commit(socket)


async def closes_with_words(socket: ServerConnection) -> None:
    await socket.close(1011, f"engine died of {KEY}")


@pytest.mark.parametrize(
    ("handle", "kind", "words"),
    [
        (aborts, "disconnect", "broke off while speech was sent"),
        (aborts_at_the_end, "disconnect", "broke off before the text was done"),
        (closes, "stream_cut", "closed the stream with 1000 before the text was done"),
        (closes_with_words, "close_1011", "while speech was sent: engine died of ***"),
        (saying("<html>"), "not_json", "no JSON"),
        (saying(b"\xff\xfe"), "not_json", "no JSON"),
        (saying("[" * 100_000), "not_json", "no JSON"),
        (saying("[1]"), "not_json", "no JSON object"),
        (saying("x" * (2**24 + 1)), "too_long", "longer than 16 MiB"),
        (saying('{"type": "error", "error": {"message": "no model"}}'), "stream_error", "no model"),
        (saying('{"type": "error", "error": "no\\nmodel"}'), "stream_error", "no model"),
        (saying('{"type": "error", "error": null}'), "stream_error", "error"),
        (
            saying(f'{{"type": "{ITEM}.failed", "error": {{"message": "unheard"}}}}'),
            "stream_error",
            "unheard",
        ),
        (saying(f'{{"type": "{ITEM}.completed", "transcript": 3}}'), "no_text", "no text"),
    ],
)
def test_each_way_to_fail_has_its_kind(
    handle: Handle, kind: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with pytest.raises(Failure) as failure:
        asked(handle, key_env="SOME_KEY")
    assert failure.value.kind == kind
    assert words in str(failure.value) and KEY not in str(failure.value)


@pytest.mark.parametrize(
    ("status", "headers", "body", "words"),
    [
        (401, {}, b'{"error": {"message": "no such key"}}', "HTTP 401: no such key"),
        (307, {"Location": "/elsewhere"}, b"", "HTTP 307"),
        (503, {}, b"busy", "HTTP 503: busy"),
    ],
)
def test_a_handshake_that_is_refused(
    status: int, headers: dict[str, str], body: bytes, words: str
) -> None:
    asked_for = []

    def refuse(_: ServerConnection, request: Request) -> Response:
        asked_for.append(request.path)
        return Response(status, "no", Headers(headers), body)

    with pytest.raises(Failure) as failure:
        asked(after(0), process=refuse)
    assert failure.value.kind == f"http_{status}" and str(failure.value) == words
    assert len(asked_for) == 1


def test_nobody_there_and_somebody_else_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Failure) as failure:
        asyncio.run(ask(RealtimeTarget(Server(url=f"ws://127.0.0.1:{port}/v1"), "m", AUDIO)))
    assert failure.value.kind == "connect"

    async def other(words: bytes) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(words)
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await ask(RealtimeTarget(Server(url=f"ws://127.0.0.1:{port}/v1"), "m", AUDIO))

    for words, kind in (
        (b"220 mail\r\n\r\n", "handshake"),
        (b"", "disconnect"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "http_200"),
    ):
        with pytest.raises(Failure) as failure:
            asyncio.run(other(words))
        assert failure.value.kind == kind


def held(handle: Handle, **changes: Any) -> tuple[Held, LoadLevel]:
    async def work() -> Held:
        async with serve(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            target = RealtimeTarget(Server(url=f"ws://127.0.0.1:{port}/v1"), "tiny", AUDIO)
            fields = {"rate_per_s": None, "concurrency": 8, "warmup_s": 0.45, "duration_s": 2.0}
            try:
                return await hold(target, level(**{**fields, **changes}), 1)
            finally:
                await target.close()

    of = asyncio.run(work())
    return of, summarise(of, [SECONDS], seed=1)


@pytest.mark.timed
def test_the_latency_is_from_the_end_of_the_speech() -> None:
    of, found = held(after(0.2))
    assert found.paced and found.held and found.errors == 0
    assert found.latency_p50_s == pytest.approx(0.2, abs=0.03)
    assert found.latency_p95_s == pytest.approx(0.2, abs=0.08)
    # From the begin of the speech.
    assert found.first_text_p50_s == pytest.approx(SECONDS + 0.2, abs=0.03)
    # A stream takes 0.65 s, of which 0.45 are speech.
    assert found.in_flight == pytest.approx(8, abs=0.3)
    assert found.rtfx == pytest.approx(8 * 0.45 / 0.65, rel=0.1)
    assert found.rtfx is not None and found.rtfx <= 8
    # They do not begin at once.
    begins = sorted(one.due_s for one in of.requests)[:8]
    assert np.diff(begins) == pytest.approx([SECONDS / 8] * 7, abs=0.03)


@pytest.mark.timed
def test_a_server_that_does_not_read_is_charged_and_the_generator_is_not() -> None:
    async def stalls(socket: ServerConnection) -> None:
        await asyncio.sleep(1.0)  # Longer than the speech lasts.
        await after(0.0)(socket)

    _, found = held(stalls, concurrency=4, duration_s=3.0)
    assert found.errors == 0
    assert found.latency_p50_s == pytest.approx(1.0 - SECONDS, abs=0.05)

    async def never(socket: ServerConnection) -> None:
        await until_commit(socket)
        await socket.wait_closed()

    of, found = held(never, concurrency=2, duration_s=1.0, timeout_s=0.3)
    assert found.answered == 0
    assert json.loads(found.errors_by_kind or "") == {"timeout": found.requests}
    assert found.error_words == "no answer within 0.3 s"
    lasted = [one.done_s - one.due_s for one in of.requests]
    assert lasted == pytest.approx([SECONDS + 0.3] * len(lasted), abs=0.05)


@pytest.mark.timed
def test_a_generator_that_is_late_says_so() -> None:
    async def blocks(socket: ServerConnection) -> None:
        seen = 0
        async for _ in socket:
            seen += 1
            if seen == 3:
                time.sleep(0.25)  # The server shares its event loop with the generator here.
                break
        await after(0.0)(socket)

    answer = asked(blocks)
    assert answer.send_delay_s is not None and 0.1 < answer.send_delay_s < 0.3

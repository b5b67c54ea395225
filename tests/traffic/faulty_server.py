"""A server that does each thing wrong in turn: `python faulty_server.py`; it prints its port.

All is answered rightly until two requests are open at once: a run asks a few times before it begins
with its load. From then on each request is answered by what stands next in `FAULTS`. Wherever there
are words of its own in an answer, the key that it was sent is among them.
"""

from __future__ import annotations

import asyncio
import json
from itertools import count

FAULTS = ("none", "429", "500", "413", "garbage", "no text", "half a stream", "error", "hang")
KINDS = {
    "http_429",
    "http_500",
    "http_413",
    "not_json",
    "no_text",
    "stream_cut",
    "stream_error",
    "timeout",
}
"""What asrprof is to count them as."""


def answer(fault: str, key: str) -> tuple[str, str, str]:
    """Status, content type and body."""
    json_type, events = "application/json", "text/event-stream"
    half = f"data: {json.dumps({'type': 'transcript.text.delta', 'delta': 'seven'})}\n\n"
    error = f"data: {json.dumps({'type': 'error', 'error': f'no more for {key}'})}\n\n"
    return {
        "none": ("200 OK", json_type, '{"text": "seven big cups"}'),
        "429": ("429 Too Many Requests", json_type, json.dumps({"detail": f"slow down, {key}"})),
        "500": ("500 Internal Server Error", "text/html", f"<h1>oops</h1>\n{key}"),
        "413": ("413 Content Too Large", json_type, json.dumps({"error": f"too long for {key}"})),
        "garbage": ("200 OK", json_type, f"\x00\x01 {key}"),
        "no text": ("200 OK", json_type, json.dumps({"words": key})),
        "half a stream": ("200 OK", events, half),
        "error": ("200 OK", events, half + error),
    }[fault]


async def serve() -> None:
    number = count()
    opened = 0
    loaded = False

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened, loaded
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                given = {name.lower(): value for name, value in fields.items()}
                await reader.readexactly(int(given["content-length"]))
                opened += 1
                loaded = loaded or opened > 1
                fault = FAULTS[next(number) % len(FAULTS)] if loaded else "none"
                if fault == "hang":
                    await reader.read()
                    return
                await asyncio.sleep(0.02)
                opened -= 1
                status, kind, body = answer(fault, given.get("authorization", ""))
                said = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n"
                writer.write(f"{said}content-length: {len(body)}\r\n\r\n{body}".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())

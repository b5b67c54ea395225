"""A server that answers every request after a time: `python quick_server.py SECONDS [KEY]`.

It prints its port. With a key it answers 401 to every other one, and repeats what it was given.
"""

from __future__ import annotations

import asyncio
import sys


async def serve(seconds: float, key: str | None) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                given = {name.lower(): value for name, value in fields.items()}
                await reader.readexactly(int(given["content-length"]))
                await asyncio.sleep(seconds)
                status, body = "200 OK", '{"text": "seven big cups"}'
                if key is not None and given.get("authorization") != f"Bearer {key}":
                    status = "401 Unauthorized"
                    body = f'{{"error": {{"message": "no such key {given.get("authorization")}"}}}}'
                answer = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
                answer += f"content-length: {len(body)}\r\n\r\n{body}"
                writer.write(answer.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))

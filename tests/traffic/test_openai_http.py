"""A server over HTTP, on loopback: what it answers, and all that it can do wrong."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runner.config.server import Server
from runner.errors import Refused
from runner.traffic.openai_http import HttpTarget, read_key
from runner.traffic.target import Answer, Failure

KEY = "sk-secret-0123456789"
AUDIO = [np.linspace(-0.5, 0.5, 1600, dtype=np.float32), np.zeros(3200, np.float32)]
Reply = Callable[[BaseHTTPRequestHandler, bytes], None]


@contextmanager
def served(reply: Reply, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A real server on loopback; gives its URL, as of one without TLS."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            reply(self, self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def say(status: int, body: bytes, kind: str = "application/json") -> Reply:
    def reply(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def ask(url: str, utterance: int = 0, within_s: float = 20.0, **fields: Any) -> Answer:
    async def once() -> Answer:
        target = HttpTarget(Server(url=url, **fields), "whisper-1", AUDIO)
        await target.begin()
        try:
            return await asyncio.wait_for(target.send(utterance), within_s)
        finally:
            await target.close()

    return asyncio.run(once())


def test_the_request_is_what_servers_of_this_kind_take(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def reply(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        seen.update(path=handler.path, body=body, key=handler.headers["Authorization"])
        say(200, b'{"text": "hello there"}')(handler, body)

    monkeypatch.setenv("SOME_KEY", KEY)
    with served(reply) as url:
        answer = ask(url, 1, key_env="SOME_KEY", response_format="verbose_json")
    assert answer == Answer("hello there")
    assert seen["path"] == "/v1/audio/transcriptions"
    assert seen["key"] == f"Bearer {KEY}"
    parts = dict(
        re.findall(rb'name="(\w+)"[^\r]*\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--', seen["body"], re.S)
    )
    assert parts[b"model"] == b"whisper-1"
    assert parts[b"response_format"] == b"verbose_json"
    assert b"stream" not in parts and b"language" not in parts
    with wave.open(BytesIO(parts[b"file"])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16000, 1, 3200)


def events(*said: dict[str, str], length: int | None = None) -> Reply:
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in said)

    def reply(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Content-Length", str(length or len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return reply


def test_events_are_put_together_and_the_first_text_has_its_time() -> None:
    told = (
        {"type": "transcript.text.delta", "delta": "hello"},
        {"type": "transcript.text.delta", "delta": " there"},
        {"type": "transcript.text.done", "text": "hello there"},
    )
    with served(events(*told)) as url:
        answer = ask(url, stream=True)
    assert answer.text == "hello there"
    assert answer.first_text_s is not None


HALF = ({"type": "transcript.text.delta", "delta": "hello"},)


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (say(429, b'{"error": {"message": "slow down"}}'), "http_429", "HTTP 429: slow down"),
        (say(413, b'{"error": "too long"}'), "http_413", "HTTP 413: too long"),
        (say(500, b"oops\nagain", "text/plain"), "http_500", "HTTP 500: oops again"),
        (say(404, b'{"detail": "Not Found"}'), "http_404", "HTTP 404: Not Found"),
        (say(307, b""), "http_307", "HTTP 307"),
        (say(200, b"<html>welcome</html>"), "not_json", "no JSON: <html>welcome</html>"),
        (say(200, b"\xff\xfe\x00"), "not_json", "no JSON"),
        (say(200, b"[" * 100_000), "not_json", "no JSON"),
        (say(200, b'{"txt": "hello"}'), "no_text", "no text"),
        (say(200, b'{"text": null}'), "no_text", "no text"),
        (say(200, b'["text"]'), "no_text", "no text"),
        (events(*HALF), "stream_cut", "ended before"),
        (events(*HALF, length=5000), "disconnect", "RemoteProtocolError"),
        (events({"type": "error", "error": "overloaded"}), "stream_error", "overloaded"),
    ],
)
def test_what_a_server_does_wrong_has_its_kind(reply: Reply, kind: str, words: str) -> None:
    with served(reply) as url, pytest.raises(Failure, match=re.escape(words)) as failure:
        ask(url, stream=True)
    assert failure.value.kind == kind
    assert "\n" not in str(failure.value)


def test_a_connection_that_is_closed_in_the_middle() -> None:
    def reply(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    with served(reply) as url, pytest.raises(Failure) as failure:
        ask(url)
    assert failure.value.kind == "disconnect"


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(Failure) as failure:
        ask(url)
    assert failure.value.kind == "connect"


def test_a_server_without_tls() -> None:
    with served(say(200, b"{}")) as url, pytest.raises(Failure) as failure:
        ask(url.replace("http", "https", 1))
    assert failure.value.kind == "tls"


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "both.pem").write_bytes(secret + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with served(say(200, b'{"text": "hello"}'), context) as url:
        address = url.replace("http://127.0.0.1", "https://localhost")
        with pytest.raises(Failure, match="self-signed certificate") as failure:
            ask(address)
    assert failure.value.kind == "tls"
    assert "\n" not in str(failure.value)


def test_the_key_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    body = json.dumps({"error": {"message": f"incorrect key {KEY}"}}).encode()
    with served(say(401, body)) as url, pytest.raises(Failure) as failure:
        ask(url, key_env="SOME_KEY")
    assert failure.value.kind == "http_401"
    assert str(failure.value) == "HTTP 401: incorrect key ***"


@pytest.mark.parametrize("value", ["", "two words", "line\n", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_not_quoted(value: str) -> None:
    server = Server(url="http://127.0.0.1:1/v1", key_env="SOME_KEY")
    with pytest.raises(Refused) as refusal:
        read_key(server, {"SOME_KEY": value})
    assert "SOME_KEY" in str(refusal.value)
    assert not value or value.strip() not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "ftp://host/v1",
        "http://",
        "http://me:pw@host/v1",
        "http://host/v1?key=1",
        "http://host:99999/v1",
    ],
)
def test_urls_that_are_none_or_hold_secrets(url: str) -> None:
    with pytest.raises(ValueError, match=r"should|no URL"):
        Server(url=url)

"""`asrprof serve`: a model as a server of transcriptions, of files and of streams."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated

import typer

from runner.catalogue.extras import install_line
from runner.config import Server
from runner.config_file import parse_benchmark
from runner.errors import NoEffect, Refused, UserError
from runner.grid import Case, expand

if TYPE_CHECKING:
    from runner.engines.base import Engine

_MOST_WAITING = 256
"""Requests; a client that is told to come again is better off than one that waits for minutes."""

END_S = 5
"""For open requests, when the server ends."""


def serve(
    model: Annotated[str, typer.Argument(help="A model, as a config names it.")],
    engine: Annotated[
        str | None, typer.Option("--engine", help="What to run it with instead of its own.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:N.")] = "cpu",
    variant: Annotated[
        str, typer.Option("--variant", help="How to run it, as a config names it.")
    ] = "fp32",
    language: Annotated[
        str | None, typer.Option("--language", help="What it is told to transcribe.")
    ] = None,
    weights: Annotated[
        str, typer.Option("--weights", help="pretrained, or random: true cost, no words.")
    ] = "pretrained",
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="CPU threads (default: one for each core)."),
    ] = None,
    max_batch: Annotated[
        int, typer.Option("--max-batch", min=1, max=1024, help="Most utterances in a batch.")
    ] = 8,
    max_wait: Annotated[
        float,
        typer.Option(
            "--max-wait",
            metavar="SECONDS",
            min=0.0,
            max=60.0,
            help="Longest that the first of a batch waits for others.",
        ),
    ] = 0.01,
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="The port; 0 takes a free one.")
    ] = 8000,
    key_env: Annotated[
        str | None,
        typer.Option(
            "--key-env",
            metavar="NAME",
            help="The environment variable with the key that clients must send.",
        ),
    ] = None,
    max_upload: Annotated[
        float, typer.Option("--max-upload", metavar="MB", min=0.1, help="Longest request.")
    ] = 25.0,
    max_audio: Annotated[
        float, typer.Option("--max-audio", metavar="SECONDS", min=1.0, help="Longest utterance.")
    ] = 600.0,
) -> int:
    """Serve a model until it is ended: utterances over HTTP, streams over a websocket."""
    case = _case(model, engine, device, variant, language, weights)
    if case.variant.chunk_seconds is not None and max_batch > 1:
        raise UserError("a variant that streams takes one utterance at a time: use --max-batch 1")
    key = _key(host, key_env)
    try:
        import uvicorn

        from runner.service.app import Settings, make_app
        from runner.service.worker import EngineWorker
    except ImportError as error:
        raise UserError(f"{error}; {install_line('serve')}") from error
    with _listen(host, port) as listener:
        typer.echo(f"loading {case.model.name} ({case.variant.name}) on {device}", err=True)
        try:
            worker = EngineWorker(
                _loader(case, threads),
                max_batch=max_batch,
                max_wait_s=max_wait,
                most_waiting=_MOST_WAITING,
            )
        except (Refused, NoEffect) as error:
            raise UserError(str(error)) from error
        settings = Settings(
            model=model,
            device=device,
            most_bytes=round(max_upload * 1e6),
            most_s=max_audio,
            key=key,
        )
        where = f"[{host}]" if ":" in host else host
        typer.echo(
            f"serving {model} at http://{where}:{listener.getsockname()[1]}/v1, "
            f"in batches of up to {max_batch}; Ctrl-C ends it"
        )
        config = uvicorn.Config(
            make_app(worker, settings),
            log_level="warning",
            access_log=False,
            server_header=False,
            ws_max_size=settings.most_bytes,
            timeout_graceful_shutdown=END_S,
        )
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            worker.close()
    return 0


def _case(
    model: str, engine: str | None, device: str, variant: str, language: str | None, weights: str
) -> Case:
    """The one case that a config of this would have, with all its checks."""
    if engine == "http":
        raise UserError("--engine http asks a server, and cannot be one")
    given = {"name": model, "engine": engine, "language": language}
    document = {
        "name": "serve",
        "models": [{name: value for name, value in given.items() if value is not None}],
        "devices": [device],
        "variants": [variant],
        "weights": weights,
    }
    (case,) = expand(parse_benchmark(json.dumps(document), "serve"))
    return case


def _key(host: str, key_env: str | None) -> str | None:
    """What clients must send; None where none but this machine's can ask."""
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    if key_env is None:
        if not local:
            raise UserError(
                f"others can reach --host {host}: name the variable of a key with --key-env"
            )
        return None
    # Not at the top: it imports an HTTP client.
    from runner.traffic.openai_http import read_key

    try:
        return read_key(Server(url="http://127.0.0.1", key_env=key_env))
    except ValueError as error:  # Of pydantic, in many lines.
        raise UserError(f'--key-env: "{key_env}" is no name of a variable') from error
    except Refused as error:
        raise UserError(str(error).replace("server.key_env", "--key-env")) from error


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise UserError(
            f"cannot listen at {host} port {port} ({error.strerror or error}): "
            "choose others with --host and --port"
        ) from error


def _loader(case: Case, threads: int | None) -> Callable[[], Engine]:
    """Loads the engine of a case, proves its variant and runs it once."""

    def load() -> Engine:
        import runner.quiet  # noqa: F401, I001  (first: it silences what the others import)

        import torch
        import transformers

        from runner.case import default_threads
        from runner.clips.builtin import read_builtin
        from runner.engines.base import LoadRequest
        from runner.load import load_engine

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        torch.set_num_threads(threads or default_threads())
        speech = [one.audio for one in read_builtin(1).utterances]
        model = case.model
        request = replace(
            LoadRequest.of_checkpoint(model.name),
            weights=model.weights or "pretrained",
            device=case.device,
            variant=case.variant,
            engine=model.engine,
            language=model.language,
        )
        engine = load_engine(request)
        engine.transcribe(speech)
        engine.verify(speech)
        engine.synchronize()
        return engine

    return load

"""A model behind a server, over HTTP or a websocket: its words and its latency.

The timed region is the same as of every engine, with the network and the server within it: a
batch is sent as as many requests at once, and ends with the last answer. Over a websocket speech
is sent at real-time pace, and has no latency of a batch: a benchmark does not ask for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.config import DETECT
from runner.engines.base import Engine, LoadRequest, Mark, Technique, Transcription, no_mark
from runner.engines.language import Language
from runner.errors import Refused
from runner.traffic.openai_http import HttpTarget
from runner.traffic.realtime import RealtimeTarget
from runner.traffic.target import Failure, Target

_ELSEWHERE = "a server computes it, into which asrprof cannot look"


class HttpEngine(Engine):
    """Asks a server."""

    family = "http"
    without: ClassVar[Mapping[str, str]] = MappingProxyType(
        dict.fromkeys(
            ("stages", "memory", "energy", "flops", "study_flops", "decoder", "operators"),
            _ELSEWHERE,
        )
    )

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        """Asks once, with a second of silence, so that what is wrong is known at once.

        Raises:
            Refused: there is no such server, or it does not answer as one.
        """
        super().__init__(request, techniques)
        if request.server is None:
            raise Refused('"engine": "http" needs "server"')
        self.server = request.server
        self._loop = asyncio.new_event_loop()
        try:
            self._ask([np.zeros(SAMPLE_RATE, np.float32)])
        except Failure as failure:
            raise Refused(f"{self.server.url}: {failure}; {_remedy(failure)}") from None

    @classmethod
    def check_device(cls, device: str) -> None:
        """Takes ``cpu`` alone, which says nothing of the server."""
        if device != "cpu":
            raise Refused("a server's device is its own affair: use the device cpu for http")

    def language_of(self, request: LoadRequest) -> Language | None:
        """See :class:`Engine`; without one the server finds it out."""
        if request.language in (None, DETECT):
            return None
        return Language(str(request.language), "config")

    def target(self, audio: Sequence[Waveform]) -> Target:
        """The server, to be sent these utterances."""
        language = self.language.code if self.language is not None else None
        kind = RealtimeTarget if self.server.paced else HttpTarget
        return kind(self.server, self.request.name, audio, language=language)

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`Engine`.

        Raises:
            RuntimeError: a request failed; one line with its kind.
        """
        try:
            texts = self._ask(batch)
        except Failure as failure:
            raise RuntimeError(f"{failure.kind}: {failure}") from None
        mark("decode")
        return Transcription(texts=texts, input_samples=sum(map(len, batch)))

    def synchronize(self) -> None:
        """An answer is there when it is there."""

    def _ask(self, batch: Sequence[Waveform]) -> tuple[str, ...]:
        return self._loop.run_until_complete(self._all(self.target(batch), len(batch)))

    async def _all(self, target: Target, count: int) -> tuple[str, ...]:
        limit_s = self.server.timeout_s + max(map(target.lasts_s, range(count)))
        await target.begin()
        try:
            async with asyncio.timeout(limit_s):
                answers = await asyncio.gather(*map(target.send, range(count)))
        except TimeoutError:
            raise Failure("timeout", f"no answer within {limit_s:g} s") from None
        finally:
            await target.close()
        return tuple(answer.text for answer in answers)


def _remedy(failure: Failure) -> str:
    """What to look at, by the kind of a failure."""
    remedies = {
        "connect": "start the server, or correct server.url",
        "handshake": "correct server.url: no websocket is there",
        "tls": "correct http or https in server.url, or the server's certificate",
        "http_401": "set the variable of server.key_env to a valid key",
        "http_403": "set the variable of server.key_env to a valid key",
        "http_404": "correct server.url (it ends in /v1 on most servers) or the model's name",
        "timeout": "raise server.timeout_s, or see what the server does",
    }
    return remedies.get(failure.kind, "is this a server of transcriptions?")

"""What a request of `POST /v1/audio/transcriptions` asks for, checked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from runner.clips.audio import read_audio
from runner.clips.clip import Waveform
from runner.errors import UserError
from runner.service.errors import ApiError

FORMATS = ("json", "verbose_json", "text")
FIELDS = frozenset({"file", "model", "response_format", "stream", "language", "temperature"})
"""Those that are understood. Another one would change the words, so it is refused, not ignored."""
_FIELD_BYTES = 4096


@dataclass(frozen=True)
class Asked:
    """One request."""

    audio: Waveform
    response_format: str
    stream: bool


async def read_request(
    request: Request, *, model: str, language: str | None, most_s: float
) -> Asked:
    """Reads the form and decodes its file, which costs the event loop nothing.

    Args:
        request: With its body not yet read.
        model: What is served.
        language: The language that the model is told, or known, to transcribe.
        most_s: Longest audio in seconds.

    Raises:
        ApiError: it is no such request, or asks for what there is not.
    """
    try:
        async with request.form(max_files=1, max_fields=20, max_part_size=_FIELD_BYTES) as form:
            response_format, stream = _options(form, model, language)
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise ApiError(400, "no audio: send a multipart form with a file", param="file")
            data = await file.read()
    except HTTPException as error:  # Of the parser.
        raise ApiError(400, str(error.detail)) from None
    try:
        audio = await asyncio.to_thread(read_audio, data, "the audio", most_s=most_s, speech=False)
    except UserError as error:
        raise ApiError(400, str(error), param="file") from None
    return Asked(audio, response_format, stream)


def _options(form: FormData, model: str, language: str | None) -> tuple[str, bool]:
    for name in form:
        if name not in FIELDS:
            raise ApiError(400, f"{name} is not supported: leave it out", param=name)
    asked = form.get("model")
    if asked is None:
        raise ApiError(400, f'no model: ask for "{model}"', param="model")
    if asked != model:
        raise ApiError(404, f'there is no model "{asked}" here: ask for "{model}"', param="model")
    response_format = form.get("response_format", "json")
    if response_format not in FORMATS:
        known = ", ".join(FORMATS)
        raise ApiError(400, f"response_format is one of {known}", param="response_format")
    spoken = form.get("language")
    if spoken is not None and language is not None and spoken != language:
        raise ApiError(400, f'the model transcribes "{language}", not "{spoken}"', param="language")
    if form.get("temperature", "0") not in ("0", "0.0"):
        raise ApiError(400, "temperature is 0 here: leave it out", param="temperature")
    stream = form.get("stream", "false")
    if stream not in ("true", "false"):
        raise ApiError(400, "stream is true or false", param="stream")
    return str(response_format), stream == "true"

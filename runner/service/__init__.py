"""The project's own server of `POST /v1/audio/transcriptions`: any engine behind the batcher."""

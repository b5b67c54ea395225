# Recipes for daily work; `just` lists them. Every recipe needs `just setup` once.

python := ".venv/bin/python"

# List the recipes
default:
    @just --list

# Make .venv with everything at its pinned version
setup:
    .ci/setup

# Run the offline demo
demo *ARGS:
    .venv/bin/asrprof demo {{ARGS}}

# Open the terminal UI
tui *ARGS:
    .venv/bin/asrprof-tui {{ARGS}}

# Build the runner images: cpu, and cuda where there is a GPU (or name them)
images *FLAVOURS:
    {{python}} docker/build.py {{FLAVOURS}}

# Run a benchmark in a CPU container
run-cpu CONFIG *ARGS:
    .venv/bin/asrprof run {{CONFIG}} --target docker-cpu {{ARGS}}

# Run a benchmark in a CUDA container
run-gpu CONFIG *ARGS:
    .venv/bin/asrprof run {{CONFIG}} --target docker-cuda {{ARGS}}

# Make the study of the store: HTML, PDF, Markdown
report *ARGS:
    .venv/bin/asrprof report {{ARGS}}

# Run the fast tests
test *ARGS:
    {{python}} -m pytest -n 2 -m "not docker and not gpu and not hub and not e2e" {{ARGS}}

# Run the slow end-to-end tests
e2e *ARGS:
    {{python}} -m pytest -m e2e {{ARGS}}

# Run the tests that need a Docker engine with the CPU image
containers *ARGS:
    {{python}} -m pytest -m docker {{ARGS}}

# Run the tests that need an NVIDIA GPU
gpu *ARGS:
    {{python}} -m pytest -m gpu {{ARGS}}

# Format, lint, types, import contracts
lint:
    .venv/bin/ruff format --check .
    .venv/bin/ruff check .
    .venv/bin/mypy
    .venv/bin/lint-imports

# Format and mend what can be mended
format:
    .venv/bin/ruff format .
    .venv/bin/ruff check --fix .

# Write the screens of the terminal UI that the tests compare with
screens:
    ASRPROF_UPDATE_SCREENS=1 {{python}} -m pytest -n 2 tests/tui/test_screens.py

# Draw the pictures of the docs (needs `pip install --group docs` and fonts-jetbrains-mono)
screenshots *ARGS:
    {{python}} docs/screenshots.py {{ARGS}}

# Time asrprof's loop against a bare torch loop
bench-overhead *ARGS:
    {{python}} -m benchmarks.overhead {{ARGS}}

# Print what the terminal UI costs over 100,000 results, and fail if it is too much
bench-tui *ARGS:
    {{python}} -m benchmarks.tui {{ARGS}}

# One Whisper on every engine that is installed, interleaved with transformers
bench-engines *ARGS:
    {{python}} -m benchmarks.engines {{ARGS}}

# How long a sweep takes with this tree and with an earlier commit, in turns
bench-sweep *ARGS:
    {{python}} -m benchmarks.sweep {{ARGS}}

# Print what a job costs the dispatcher with 100,000 queued and 1,000 nodes made up
bench-fleet *ARGS:
    {{python}} -m benchmarks.fleet {{ARGS}}

# Train the small models on the built-in speech's vocabulary (needs espeak-ng)
train-small *ARGS:
    {{python}} -m tools.training.train_small {{ARGS}}

# Make the built-in speech again (needs espeak-ng)
speech:
    {{python}} -m tools.training.synthesise

# Resolve requirements.lock again (needs uv)
lock:
    uv pip compile --quiet --universal --python-version 3.11 --group dev \
        --extra faster-whisper --extra fleet --extra int8 --extra serve \
        --extra-index-url https://download.pytorch.org/whl/cpu --index-strategy unsafe-best-match \
        --no-header --no-annotate pyproject.toml | sed 's/+cpu//' > requirements.lock
    uv pip compile --quiet --universal --python-version 3.11 --extra onnx --extra openvino --extra whisper-cpp \
        --constraint requirements.lock --no-header --no-annotate pyproject.toml \
        | grep -vxFf requirements.lock > requirements-engines.lock

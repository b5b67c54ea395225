"""Reading configs: files, presets, overrides, and a thousand ways to be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runner.__main__ import main as run_module
from runner.config import Benchmark
from runner.config_file import MAX_BYTES, load_benchmark, presets
from runner.errors import UserError
from runner.grid import expand

LEAST = {"name": "x", "models": ["pocketsphinx"]}

FULL: dict[str, Any] = {
    "name": "full",
    "models": [
        "small-whisper",
        "pocketsphinx",
        {"name": "openai/whisper-tiny", "weights": "random"},
        {"name": "someone/model", "revision": "v1.0"},
    ],
    "weights": "pretrained",
    "devices": ["cpu", "cuda:1"],
    "audio_seconds": [5, 15.5],
    "batch_sizes": [1, 4],
    "variants": ["fp32", {"name": "half", "precision": "fp16"}],
    "data": {"source": "hub", "dataset": "librispeech", "split": "test", "utterances": 8},
    "measures": ["latency", "energy", "quality"],
    "limits": {"min_seconds": 1, "warmup_seconds": 0.5, "threads": None, "trace": True},
    "include": [{"model": "small-*", "audio_seconds": 30, "batch_size": 2}],
    "exclude": [{"device": "cuda*", "batch_size": 4}, {"model": "pocket*", "device": "cuda:1"}],
    "seed": 7,
}


def refusal(path: Path | str, *overrides: str) -> str:
    """The line with which a config is refused, without its path."""
    with pytest.raises(UserError) as caught:
        expand(load_benchmark(str(path), overrides))
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line.removeprefix(f"{path}: ")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[object], Path]:
    """Writes a config: text and bytes as they are, anything else as JSON."""

    def write(content: object) -> Path:
        path = tmp_path / "config.json"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_the_full_document_is_valid(write: Callable[[object], Path]) -> None:
    all_points, excluded, included = 4 * 2 * 2 * 2 * 2, 16 + 8 - 4, 2 * 2
    assert len(expand(load_benchmark(str(write(FULL))))) == all_points - excluded + included


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "broken JSON at line 1, column 1: Expecting value"),
        ('{\n "name": x}', "broken JSON at line 2, column 10: Expecting value"),
        ("null", "a config is a JSON object, this is null"),
        ("[]", "a config is a JSON object, this is a list"),
        ('"demo"', "a config is a JSON object, this is a string"),
        ("true", "a config is a JSON object, this is a boolean"),
        ("1e3", "a config is a JSON object, this is a number"),
        ('{"name": "x", "name": "y"}', 'key "name" is given twice'),
        ('{"limits": {"trace": true, "trace": true}}', 'key "trace" is given twice'),
        ('{"seed": NaN}', "NaN is no JSON number; write a finite number or leave it out"),
        ('{"seed": -Infinity}', "-Infinity is no JSON number; write a finite number or leave it"),
        ('{"seed": ' + "9" * 5000 + "}", "holds a number with too many digits"),
        ("[" * 100_000, "nested too deeply for a config"),
        ('{"a":' * 100_000, "nested too deeply for a config"),
        ('{"limits":' * 500 + "1" + "}" * 500, "nested too deeply for a config"),
        (b"\xff\xfe\x00", "not UTF-8 text (byte 0)"),
        (b"{}" + b" " * MAX_BYTES, "larger than 4 MiB, not a config"),
        ('{"name": "\\ud800"}', "'\\ud800' is not Unicode text"),
        ('{"\\ud800": 1}', "'\\ud800' is not Unicode text"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_no_config(
    write: Callable[[object], Path], content: str | bytes, line: str
) -> None:
    assert refusal(write(content)).startswith(line)


def test_no_depth_ends_in_a_traceback(write: Callable[[object], Path]) -> None:
    """Also those near the interpreter's own limit, where repr() fails and not the parser."""
    for depth in range(5, 1100, 37):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            nested = opening * depth + "1" + closing * depth
            assert refusal(write(f'{{"name": "x", "models": {nested}}}'))


def test_byte_order_mark_is_fine(write: Callable[[object], Path]) -> None:
    assert load_benchmark(str(write(b"\xef\xbb\xbf" + json.dumps(LEAST).encode()))).name == "x"


def test_numbers_beyond_a_float(write: Callable[[object], Path]) -> None:
    text = '{"name": "x", "models": ["pocketsphinx"], "audio_seconds": [1e999]}'
    assert refusal(write(text)).startswith("audio_seconds[0]: should be")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert refusal("dmo") == "no config file or preset 'dmo'; did you mean \"demo\"?"
    assert refusal("configs/engine.json").endswith('did you mean "engines"?')
    for stranger in ("none.json", "mine.json", "sets/resets.json", "x"):
        assert refusal(stranger).endswith(f"presets: {', '.join(presets())}")
    assert refusal(tmp_path).endswith(": Is a directory")
    assert "File name too long" in refusal("x" * 5000)
    assert "null byte" in refusal("a\0b")
    assert "home directory" in refusal("~no-such-user/x.json")
    assert refusal("not-\udcff.json").startswith("no config file or preset 'not-\\udcff.json'")


def test_endless_files_are_not_read_to_their_end() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero here")
    assert "larger than 4 MiB" in refusal("/dev/zero")


@pytest.mark.parametrize(
    ("override", "field"),
    [
        ("seed=7", ("seed", 7)),
        ("batch_sizes=[1, 2]", ("batch_sizes", [1, 2])),
        ('devices=["cuda"]', ("devices", ["cuda"])),
        ("limits.max_seconds=1.5", ("limits.max_seconds", 1.5)),
        ("limits.trace=true", ("limits.trace", True)),
        ("name=other", ("name", "other")),
        ('name="other"', ("name", "other")),
        ('data={"source": "folder", "path": "a=b"}', ("data.path", "a=b")),
    ],
)
def test_overrides(override: str, field: tuple[str, object]) -> None:
    benchmark: Any = load_benchmark("demo", [override])
    for name in field[0].split("."):
        benchmark = getattr(benchmark, name)
    assert benchmark == field[1]


def test_later_overrides_win_and_presets_stay_as_they_are() -> None:
    assert load_benchmark("demo", ["seed=1", "seed=2", "limits={}"]).seed == 2
    assert load_benchmark("demo").seed == 42


def test_an_override_makes_the_objects_it_needs(write: Callable[[object], Path]) -> None:
    path = str(write(LEAST))
    assert load_benchmark(path, ["limits.threads=2"]).limits.threads == 2
    both = load_benchmark(path, ["data.source=folder", "data.path=speech"])
    assert both.data.path == "speech"


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("seed", "--set 'seed': write key=value, for example limits.min_seconds=1"),
        ("=1", "--set '=1': write key=value"),
        ("", "--set '': write key=value"),
        ("limits..trace=1", "--set 'limits..trace=1': write key=value"),
        (".seed=1", "--set '.seed=1': write key=value"),
        ("seed=x", 'demo: seed: should be a valid integer (got "x")'),
        ("sed=1", 'demo: unknown key "sed"; did you mean "seed"?'),
        ("limits.min_second=1", 'demo: unknown key "limits.min_second"; did you mean "min_sec'),
        ("models.0=x", "--set 'models.0=x': \"models\" holds no keys of its own"),
        ("name.x=1", "--set 'name.x=1': \"name\" holds no keys of its own"),
        ("devices=cpu", 'demo: devices: should be a list (got "cpu")'),
        ("devices=gpu", 'demo: devices: should be a list (got "gpu"); a GPU is ["cuda"]'),
        ("seed=NaN", "--set 'seed=NaN': NaN is no JSON number"),
        ('data={"source": "hub", "source": "hub"}', "--set 'data="),
        ("seed=" + "9" * 5000, "--set 'seed=999"),
        ("seed=" + "[" * 100_000, "--set 'seed=[[["),
        ("a" + ".a" * 100_000 + "=1", "demo: nested too deeply for a config"),
        ("name=\udcff", "demo: '\\udcff' is not Unicode text"),
    ],
    ids=lambda value: value[:24].encode("unicode_escape").decode(),
)
def test_bad_overrides(override: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        load_benchmark("demo", [override])
    assert str(caught.value).startswith(line)
    assert len(str(caught.value)) < 300


# Random damage

words = st.sampled_from(
    ["", "name", "models", "openai/whisper-tiny", "cpu", "fp32", "latency", "[/]", "\x1b[31m", "*"]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**300),
    st.floats(),
    words,
    st.text(st.characters(), max_size=8),
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A valid config with a few keys dropped, renamed, doubled, nested or given other values."""
    document = deepcopy(FULL)
    for _ in range(draw(st.integers(1, 3))):
        holder: Any = document
        key: Any = draw(st.sampled_from(sorted(document))) if document else "name"
        while isinstance(holder.get(key) if isinstance(holder, dict) else holder[key], dict | list):
            inner = holder[key]
            if not inner or draw(st.booleans()):
                break
            holder = inner
            key = draw(
                st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner)))
            )
        change = draw(st.sampled_from(["drop", "rename", "replace", "nest", "double", "empty"]))
        if isinstance(holder, dict) and key not in holder:
            continue
        if change == "drop":
            del holder[key]
        elif change == "rename" and isinstance(holder, dict):
            holder[draw(words | st.text(max_size=6))] = holder.pop(key)
        elif change == "nest":
            holder[key] = draw(st.sampled_from([[holder[key]], {"name": holder[key]}]))
        elif change == "double" and isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        elif change == "empty":
            holder[key] = draw(st.sampled_from([[], {}, "", None]))
        else:
            holder[key] = draw(documents)
        if not document:
            break
    return document


@st.composite
def broken_files(draw: st.DrawFn) -> bytes:
    """What may lie in a config file that someone, or something, has damaged."""
    kind = draw(st.sampled_from(["damaged", "json", "truncated", "bytes", "flipped"]))
    if kind == "bytes":
        return draw(st.binary(max_size=64))
    document = draw(documents) if kind == "json" else draw(damaged())
    content = json.dumps(document).encode()
    position = draw(st.integers(0, len(content)))
    if kind == "truncated":
        return content[:position]
    if kind == "flipped":
        return content[:position] + draw(st.binary(max_size=3)) + content[position + 1 :]
    return content


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=broken_files())
@example(content=json.dumps({**LEAST, "name": "\ud800"}).encode())
@example(content=json.dumps({**LEAST, "audio_seconds": [1e-300]}).encode())
@example(content=json.dumps({**LEAST, "include": [{"device": "gpu"}]}).encode())
@example(content=json.dumps({**LEAST, "models": ["/" + "a" * 290]}).encode())
def test_any_file_is_a_benchmark_or_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    try:
        benchmark = load_benchmark(str(path))
        cases = expand(benchmark)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
        assert len(str(error)) < 2000
    else:
        assert isinstance(benchmark, Benchmark)
        assert len({case.key for case in cases}) == len(cases) > 0


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=broken_files())
def test_any_file_through_the_command(
    content: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    monkeypatch.setattr("sys.argv", ["runner", "--config", str(path), "--dry-run"])
    capfd.readouterr()
    code = run_module()
    output = capfd.readouterr()
    assert code in (0, 2)
    assert len(output.err.splitlines()) == (1 if code else 0)
    assert "\x1b" not in output.out + output.err


@settings(max_examples=60, deadline=None)
@given(override=st.text(max_size=12) | st.tuples(words, words).map("=".join))
def test_any_override_is_taken_or_one_line(override: str) -> None:
    try:
        expand(load_benchmark("demo", [override]))
    except UserError as error:
        assert len(str(error).splitlines()) == 1

"""How a case's process can end, and what its row says then."""

from __future__ import annotations

import signal

import pytest

from runner.errors import is_out_of_memory
from runner.isolation import explain_exit


@pytest.mark.parametrize(
    ("code", "log", "killed", "state", "words"),
    [
        (-signal.SIGKILL, "", True, "oom", "out-of-memory killer"),
        (-signal.SIGKILL, "", False, "failed", "killed by SIGKILL"),
        (-signal.SIGSEGV, "some line\n", False, "failed", "crashed with SIGSEGV: some line"),
        (-signal.SIGABRT, "terminate: std::bad_alloc\n", False, "oom", "bad_alloc"),
        (1, "Traceback\nMemoryError\n", False, "oom", "exit code 1"),
        (1, "libgomp: Thread creation failed: Resource\n\n", False, "oom", "exit code 1"),
        (3, "", False, "failed", "exit code 3"),
        (-40, "", False, "failed", "signal 40"),
        (None, "", False, "failed", "exit code None"),
    ],
)
def test_every_ending_has_a_state_and_a_reason(tmp_path, code, log, killed, state, words):
    file = tmp_path / "case.log"
    file.write_text(log)
    found, reason = explain_exit(code, file, killed)
    assert found == state
    assert words in reason
    assert "\n" not in reason


def test_a_log_that_is_not_there_is_no_trouble(tmp_path):
    assert explain_exit(1, tmp_path / "nothing", False)[0] == "failed"


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory",
        "OSError: [Errno 12] Cannot allocate memory",
        "CUDNN_STATUS_ALLOC_FAILED",
        "RuntimeError: can't start new thread",
    ],
)
def test_out_of_memory_is_recognised_however_it_is_said(text):
    assert is_out_of_memory(text)


def test_other_errors_are_not_taken_for_it():
    assert not is_out_of_memory("RuntimeError: mat1 and mat2 shapes cannot be multiplied")

"""Errors that a user can cause and mend: one line that says what to change."""

from __future__ import annotations


class UserError(Exception):
    """Bad input. The command prints the message on one line and exits with code 2."""

    exit_code = 2

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


OUT_OF_MEMORY = (
    "out of memory",  # torch on a GPU
    "can't allocate memory",  # torch on the CPU, which has no exception class of its own
    "cannot allocate memory",  # ENOMEM
    "not enough memory",
    "bad_alloc",
    "memoryerror",  # the last word of a Python that had no room to say more
    "alloc_failed",  # cuBLAS, cuDNN, cuFFT
    "can't start new thread",  # a thread's stack is memory too
    "thread creation failed",
)


def is_out_of_memory(text: str) -> bool:
    """Whether an error's text says that memory ran out."""
    lower = text.lower()
    return any(sign in lower for sign in OUT_OF_MEMORY)


class NoEffect(Exception):
    """A variant that was asked for and did nothing; its case fails with these words."""


class Refused(Exception):
    """A case that cannot be run as asked here; it becomes a row with state ``refused``."""


def error_words(error: BaseException, most: int) -> str:
    """An error as what it is and what it says, on one line.

    Args:
        error: Any.
        most: Letters of what it says that are kept.
    """
    return f"{type(error).__name__}: {' '.join(str(error).split())[:most]}"

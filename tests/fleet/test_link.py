"""The pipe to the bridge, where there is no cluster at its other end."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from runner.dispatch.fleet.link import Link, LinkError
from runner.dispatch.fleet.messages import Hello, ListNodes


@pytest.mark.timed
def test_after_a_failure_nobody_is_kept_waiting() -> None:
    now = [0.0]
    link = Link("127.0.0.1:1", clock=lambda: now[0])
    with pytest.raises(LinkError, match="no Ray cluster at"):
        link.ask(Hello(), str)
    began = time.monotonic()
    with pytest.raises(LinkError, match="no Ray cluster at"):
        link.ask(ListNodes(), list)
    assert time.monotonic() - began < 1
    # Later it tries anew: by then there may be one.
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        link.address = f"127.0.0.1:{deaf.getsockname()[1]}"
        now[0] = 60.0
        with pytest.raises(LinkError, match=f"no Ray cluster at {link.address}"):
            link.ask(Hello(), str)


@pytest.mark.timed
def test_closing_ends_a_question_that_gets_no_answer() -> None:
    with socket.socket() as deaf:
        # It takes connections and says nothing, as a head that hangs.
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        link = Link(f"127.0.0.1:{deaf.getsockname()[1]}")
        said: list[str] = []

        def ask() -> None:
            try:
                link.ask(Hello(), str)
            except LinkError as error:
                said.append(str(error))

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(2)
        began = time.monotonic()
        link.close()
        asking.join(10)
        assert not asking.is_alive()
        assert time.monotonic() - began < 5
        assert "broke" in said[0]

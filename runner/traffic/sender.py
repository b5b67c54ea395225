"""The process of the generator: `python -m runner.traffic.sender FD`.

The engine of a case computes in another process, so that neither shares an interpreter lock with
the other. Both ends of the pipe are ours; it ends with whichever process is gone first.
"""

from __future__ import annotations

import asyncio
import sys
from multiprocessing.connection import Connection

from runner.traffic.generator import Held, hold
from runner.traffic.level import Level
from runner.traffic.messages import AllDone, Ask, Begun, LevelDone, Order, Reply, Settle, Window
from runner.traffic.plan import hold_all, levels_of
from runner.traffic.target import Answer, Failure, Target


class PipeTarget(Target):
    """The engine at the other end of the pipe."""

    def __init__(self, connection: Connection) -> None:
        """Sends and hears over this connection."""
        self.connection = connection
        self._open: dict[int, asyncio.Future[Reply]] = {}
        self._next = 0
        self._gone = False

    async def begin(self) -> None:
        """See :class:`~runner.traffic.target.Target`."""
        asyncio.get_running_loop().add_reader(self.connection.fileno(), self._hear)

    async def close(self) -> None:
        """See :class:`~runner.traffic.target.Target`."""
        asyncio.get_running_loop().remove_reader(self.connection.fileno())

    async def settle(self, *, max_batch: int | None, replicas: int | None) -> None:
        """See :class:`~runner.traffic.target.Target`."""
        self._open.clear()
        self.connection.send(Settle(max_batch or 1, replicas or 1))

    async def send(self, utterance: int) -> Answer:
        """See :class:`~runner.traffic.target.Target`."""
        if self._gone:
            raise Failure("disconnect", "the process of the engine is gone")
        number = self._next
        self._next += 1
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._open[number] = future
        self.connection.send(Ask(number, utterance))
        try:
            reply = await future
        finally:
            self._open.pop(number, None)
        if reply.text is None:
            raise Failure("engine", reply.error or "the engine failed")
        return Answer(
            reply.text,
            service_start_s=reply.start_s,
            service_end_s=reply.end_s,
            batch=reply.batch,
        )

    def _hear(self) -> None:
        try:
            while self.connection.poll():
                reply = self.connection.recv()
                future = self._open.get(reply.number)
                if future is not None and not future.done():
                    future.set_result(reply)
        except (EOFError, OSError):
            self._gone = True
            asyncio.get_running_loop().remove_reader(self.connection.fileno())
            for future in self._open.values():
                if not future.done():
                    future.set_exception(Failure("disconnect", "the process of the engine is gone"))


async def serve(connection: Connection) -> None:
    """Holds the levels that are ordered, one after the other."""
    order: Order = connection.recv()
    target = PipeTarget(connection)
    await target.begin()

    async def one(level: Level) -> Held:
        connection.send(Begun(level))
        held = await hold(
            target,
            level,
            order.utterances,
            tell=connection.send,
            on_window=lambda begins: connection.send(Window(begins)),
        )
        connection.send(LevelDone(held))
        return held

    await hold_all(target, levels_of(order.load, batcher=True, seed=order.seed), one)
    connection.send(AllDone())
    await target.close()


def main(arguments: list[str]) -> int:
    """Entry point; its argument is the number of the pipe's file."""
    try:
        with Connection(int(arguments[0])) as connection:
            asyncio.run(serve(connection))
    except (EOFError, OSError):
        return 1  # The other process is gone: nobody would read what is wrong.
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The app as its views, screens and widgets know it: options, state, threads and colours.

Where to go next is a message of ``tui.messages``, which ``tui.app`` obeys: nothing that is part of
the app imports it.
"""

from __future__ import annotations

from typing import cast

from textual.app import App
from textual.message_pump import MessagePump

from store import process_owner
from tui.dispatching import DispatchThread
from tui.glyphs import Glyphs, glyphs
from tui.messages import DispatcherSaid, Failed, StoreChanged
from tui.options import Options
from tui.palette import Palette
from tui.plain import plain
from tui.present_queue import others_words
from tui.snapshot import Snapshot
from tui.store_thread import StoreThread, TaskThread
from tui.themes import palette


class AppBase(App[None]):
    """What every part of the app may ask of it."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options
        self.glyphs: Glyphs = glyphs(ascii=options.ascii)
        self.owner = process_owner()
        self.snapshot = Snapshot(at=options.clock())
        """The latest state of the store."""
        self.reader = StoreThread(options.store, readonly=True)
        self.writer = StoreThread(options.store, readonly=False)
        self.worker = TaskThread("worker")
        self.targets = TaskThread("targets")
        """Asks targets whether they can start runners; a cluster may take its time to answer."""
        self.dispatcher: DispatchThread | None = None
        if options.dispatch and not options.readonly:
            self.dispatcher = DispatchThread(
                options.store,
                options.launchers,
                parallel=options.parallel,
                tell=lambda words: self.post(DispatcherSaid(words)),
                fail=lambda reason: self.post(Failed(reason)),
            )

    @property
    def palette(self) -> Palette:
        """The theme's colours for text; ask again at each drawing, the theme may have changed."""
        return palette(self.theme_variables)

    def tell(self, words: str, *, severity: str = "information") -> None:
        """Shows a line for a few seconds; it is data, never markup."""
        self.notify(plain(words), severity=severity, markup=False)  # type: ignore[arg-type]

    def post(self, message: StoreChanged | Failed | DispatcherSaid) -> None:
        """Posts what a thread says; dropped where the app has ended."""
        if self.is_running:
            self.post_message(message)

    def toggle_dispatcher(self) -> None:
        """Pauses the dispatcher of this app, or lets it go on."""
        if self.dispatcher is None:
            self.tell("this app starts no jobs; `asrprof work` does")
        elif self.dispatcher.serves:
            self.dispatcher.stop()
        else:
            self.dispatcher.start()

    def dispatch_words(self, snapshot: Snapshot) -> tuple[str, str]:
        """Who starts jobs, in a line, and the colour to say it in."""
        palette = self.palette
        others = [job for job in snapshot.held if job.dispatcher != self.owner]
        if self.options.readonly:
            return "Read-only: nothing can be changed from here.", palette.muted
        if self.dispatcher is None:
            return "This app starts no jobs; `asrprof work` does.", palette.muted
        if not self.dispatcher.serves:
            return "Paused: this app starts no further jobs. What runs goes on.", palette.warn
        if others:
            return f"{others_words(others)}; this app waits until it has ended.", palette.accent
        if self.options.parallel > 1:
            words = f"up to {self.options.parallel} at once; they disturb each other"
            return f"This app starts the jobs, {words}.", palette.warn
        return "This app starts the jobs, one at a time.", palette.muted


class AppPart(MessagePump):
    """The base of views, screens and widgets that ask something of the app."""

    @property
    def asrprof(self) -> AppBase:
        """The app, with its type."""
        return cast(AppBase, self.app)

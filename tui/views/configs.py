"""The tab Configs: presets and files, a form with its grid, JSON, and the way into the queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Group
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from report.text import plural
from runner.config_file import parse_object
from runner.dispatch.catalogue import TARGETS, launcher_of
from runner.errors import UserError
from store import JobRequest, Store
from tui.bindings import bindings
from tui.configs import Config, list_configs, read_config, to_json, write_config
from tui.editor import edit
from tui.form import FIELDS, default_text, texts_of
from tui.judging import Judged, judge
from tui.messages import Told
from tui.plain import plain
from tui.present import about
from tui.present_configs import COLUMNS, config_row, grid_line, grid_table, json_text
from tui.queueing import queue_benchmark
from tui.screens.save import SaveScreen
from tui.screens.target import TargetScreen
from tui.snapshot import Snapshot
from tui.view import View
from tui.widgets.form_field import FormField
from tui.widgets.panel import Panel
from tui.widgets.rows import Rows

TIMES_EVERY_S = 30.0
MODELS = 6
"""Models that the grid names."""


class ConfigsView(View):
    """What can be run. Changes stay until they are saved or taken back, also unsaved ones."""

    SCOPE = "configs"
    TITLE = "Configs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("configs")

    class Listed(Message):
        """The configs that are there."""

        def __init__(self, configs: list[Config], show: str | None = None) -> None:
            super().__init__()
            self.configs = configs
            self.show = show

    class Timed(Message):
        """How long cases took before."""

        def __init__(self, took_s: Mapping[str, float]) -> None:
            super().__init__()
            self.took_s = took_s

    class Done(Message):
        """A config was judged."""

        def __init__(self, judged: Judged) -> None:
            super().__init__()
            self.judged = judged

    class Startable(Message):
        """A target can start runners: the job may be queued."""

        def __init__(self, target: str, add: Callable[[Store], int]) -> None:
            super().__init__()
            self.target = target
            self.add = add

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._configs: dict[str, Config] = {}
        self._texts: dict[str, dict[str, str]] = {}
        """Texts of configs that the user has changed in the form."""
        self._took_s: Mapping[str, float] = {}
        self._results = -1
        self._timed_at = float("-inf")
        self._judged: Judged | None = None

    def compose(self) -> ComposeResult:
        ellipsis = self.asrprof.glyphs.ellipsis
        with Container(id="configs-body"):
            yield Panel(
                "Configs",
                Rows(COLUMNS, header=False, id="configs-list", ellipsis=ellipsis),
                id="configs-panel",
            )
            with Container(id="config-right"):
                with (
                    Panel("Form", id="config-panel"),
                    ContentSwitcher(initial="form", id="config-switch"),
                ):
                    yield VerticalScroll(*self._form(), id="form", can_focus=False)
                    with VerticalScroll(id="json"):
                        yield Static(id="json-text")
                yield Static(id="field-help", classes="muted")
                yield Panel("Grid", Static(id="grid"), id="grid-panel")

    @staticmethod
    def _form() -> list[Widget]:
        widgets: list[Widget] = []
        section = ""
        for field in FIELDS:
            if field.section != section:
                section = field.section
                widgets.append(Static(section, classes="section"))
            widgets.append(FormField(field, default_text(field.path)))
        return widgets

    def on_mount(self) -> None:
        self.action_reload()

    def first_focus(self) -> Widget:
        return self.query_one("#configs-list")

    def receive(self, snapshot: Snapshot) -> None:
        # Looks at every result of the store: now and then is enough for an estimate.
        late = time.monotonic() - self._timed_at > TIMES_EVERY_S
        if snapshot.exists and snapshot.results != self._results and late:
            self._results, self._timed_at = snapshot.results, time.monotonic()
            self.asrprof.reader.ask(self, "timed", lambda s: s.case_seconds(), self.Timed)
        self._show_list()
        self._show_judged()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "list":
            return not self.query_one("#configs-list").has_focus
        return super().check_action(action, parameters)

    # The list

    @property
    def config(self) -> Config | None:
        """The config under the cursor, as its file says."""
        key = self.query_one("#configs-list", Rows).key
        return None if key is None else self._configs.get(key)

    @on(Listed)
    def _listed(self, event: Listed) -> None:
        unsaved = {
            key: config
            for key, config in self._configs.items()
            if config.path is None and not config.preset
        }
        self._configs = {config.key: config for config in event.configs} | unsaved
        self._show_list()
        if event.show is not None:
            self.query_one("#configs-list", Rows).go_to(event.show)
        self._show_config()

    def _show_list(self) -> None:
        app = self.asrprof
        rows = [
            config_row(
                config,
                changed=key in self._texts or config.changed,
                palette=app.palette,
                glyphs=app.glyphs,
            )
            for key, config in self._configs.items()
        ]
        self.query_one("#configs-list", Rows).show(rows)
        folder = plain(self.asrprof.options.configs.name or "/")
        self.query_one("#configs-panel", Panel).retitle("Configs", f"{folder}/")

    @on(Rows.Highlighted, "#configs-list")
    def _highlighted(self) -> None:
        self._show_config()

    @on(Rows.Chosen, "#configs-list")
    def action_edit(self) -> None:
        self._show_part("form")
        self.query(FormField).first().entry.focus()

    def action_list(self) -> None:
        self.query_one("#configs-list").focus()

    def action_reload(self) -> None:
        folder = self.asrprof.options.configs
        self.asrprof.worker.ask(self, "list", lambda _: list_configs(folder), self.Listed)

    # The form

    def _show_config(self) -> None:
        config = self.config
        if config is None:
            return
        texts = self._texts.get(config.key) or texts_of(config.document)
        for field in self.query(FormField):
            field.put(texts[field.field.path])
        self._judge()

    @on(FormField.Edited)
    def _edited(self, event: FormField.Edited) -> None:
        config = self.config
        if config is None:
            return
        texts = self._texts.setdefault(config.key, texts_of(config.document))
        texts[event.path] = event.text
        if texts == texts_of(config.document):
            del self._texts[config.key]
        self._show_list()
        self._judge()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        field = event.widget.parent
        words = field.field.help if isinstance(field, FormField) else ""
        self.query_one("#field-help", Static).update(Text(plain(words)))

    @on(Timed)
    def _timed(self, event: Timed) -> None:
        self._took_s = event.took_s
        self._judge()

    def _judge(self) -> None:
        """Has the config checked: as often as it changes, and only the last change counts."""
        config = self.config
        if config is None:
            return
        texts, took_s = dict(self._texts.get(config.key, {})), self._took_s

        self.asrprof.worker.ask(self, "judge", lambda _: judge(config, texts, took_s), self.Done)

    @on(Done)
    def _done(self, event: Done) -> None:
        self._judged = event.judged
        self._show_judged()

    @property
    def judged(self) -> Judged | None:
        """What is known of the config under the cursor; None while it is being checked."""
        config, judged = self.config, self._judged
        return judged if config is not None and judged and judged.key == config.key else None

    def _show_judged(self) -> None:
        judged, config = self.judged, self.config
        if judged is None or config is None:
            return
        palette = self.asrprof.palette
        for field in self.query(FormField):
            field.mark(wrong=field.field.path == judged.checked.field)
        line = grid_line(judged.checked, judged.estimate, palette)
        shown = Group(line, Text(), grid_table(judged.checked, palette, MODELS))
        room = self.query_one("#grid-panel").size.height > 3 and judged.checked.error is None
        self.query_one("#grid", Static).update(shown if room else line)
        document = judged.checked.document
        if document is not None:
            self.query_one("#json-text", Static).update(json_text(to_json(document), palette))
        part = "JSON" if self._part == "json" else "Form"
        changed = config.key in self._texts or config.changed
        self.query_one("#config-panel", Panel).retitle(
            f"{part}: {config.name}", "not saved" if changed else ""
        )

    @property
    def _part(self) -> str:
        return self.query_one("#config-switch", ContentSwitcher).current or "form"

    def _show_part(self, part: str) -> None:
        self.query_one("#config-switch", ContentSwitcher).current = part
        self._show_judged()

    def action_json(self) -> None:
        show = "form" if self._part == "json" else "json"
        self._show_part(show)
        if show == "json":
            self.query_one("#json").focus()
        else:
            self.action_list()

    # Changing and saving

    def _put(self, config: Config) -> None:
        """Lists a config and goes to it."""
        self._texts.pop(config.key, None)
        self._configs[config.key] = config
        self._show_list()
        self.query_one("#configs-list", Rows).go_to(config.key)
        self._show_config()

    def action_duplicate(self) -> None:
        config, judged = self.config, self.judged
        document = judged.checked.document if judged is not None else None
        if config is None or document is None:
            return
        stem = str(document.get("name") or Path(config.name).stem)
        names = {c.document.get("name") for c in self._configs.values()}
        copies = (f"{stem}-copy{number or ''}" for number in range(1000))
        name = next(copy for copy in copies if copy not in names)
        self._put(Config(f"{name}.json", {**document, "name": name}))
        self.action_edit()

    def action_revert(self) -> None:
        config = self.config
        if config is None:
            return
        self._texts.pop(config.key, None)
        if config.path is None and not config.preset:
            del self._configs[config.key]
        else:
            self._configs[config.key] = replace(config, document=config.saved)
        self._show_list()
        self._show_config()

    def action_editor(self) -> None:
        config, judged = self.config, self.judged
        if config is None:
            return
        document = judged.checked.document if judged is not None else None
        name = Path(config.name).stem
        try:
            text = edit(self.app, to_json(document or config.document) + "\n", f"{name}.json")
            changed = parse_object(text, name)
        except UserError as error:
            self.asrprof.tell(str(error), severity="error")
            return
        if config.preset and changed != config.document:
            # A preset stays as it is; what was made of it is a config of its own.
            self._put(Config(f"{changed.get('name', name)}.json", changed))
        else:
            self._put(replace(config, document=changed))

    def action_save(self) -> None:
        config, judged = self.config, self.judged
        if config is None or judged is None or judged.checked.document is None:
            return
        document = judged.checked.document
        if judged.checked.error is not None:
            # The good file would be lost, and no command takes the other.
            self.asrprof.tell(f"not saved: {judged.checked.error}", severity="error")
            return
        if config.path is not None:
            self._write(config, document, config.path)
            return
        name = f"{document.get('name') or Path(config.name).stem}.json"
        self.asrprof.push_screen(
            SaveScreen(self.asrprof.options.configs, name),
            lambda path: self._write(config, document, path) if path is not None else None,
        )

    def _write(self, config: Config, document: Mapping[str, Any], path: Path) -> None:
        folder = self.asrprof.options.configs

        def write(_: None) -> list[Config]:
            write_config(document, path)
            found = list_configs(folder)
            return found if path.parent == folder else [*found, read_config(path)]

        def written(configs: list[Config]) -> Message:
            self.post_message(Told(f"saved {path}"))
            return self.Listed(configs, show=f"file:{path}")

        self._texts.pop(config.key, None)
        if config.path is None and not config.preset:
            self._configs.pop(config.key, None)
        self.asrprof.worker.do(self, write, written)

    # Queueing

    @on(Startable)
    def _startable(self, event: Startable) -> None:
        self.asrprof.writer.do(
            self, event.add, lambda job: Told(f"queued as job {job} on {event.target}")
        )

    def action_queue(self) -> None:
        judged = self.judged
        if judged is None or judged.checked.benchmark is None:
            words = judged.checked.error if judged is not None else None
            self.asrprof.tell(words or "the config is being checked", severity="warning")
            return
        benchmark, cases = judged.checked.benchmark, len(judged.checked.cases)
        words = plural(cases, "case")
        if judged.estimate is not None:
            words += f", about {about(judged.estimate.seconds)}"
        folder = self.asrprof.options.configs
        config = self.config
        if config is not None and config.path is not None:
            folder = config.path.parent

        def queue(request: JobRequest | None) -> None:
            if request is None:
                return
            add = queue_benchmark(benchmark, replace(request, folder=str(folder)))
            store = self.asrprof.options.store
            if request.target != "local":
                self.asrprof.tell(f"asking {request.target} whether it can start runners")
            # A job that nothing here can start would wait in vain: say so now.
            self.asrprof.targets.do(
                self,
                lambda _: launcher_of(request.target, store).check(request.needs),
                lambda _: self.Startable(request.target, add),
            )

        self.asrprof.push_screen(TargetScreen(benchmark.name, words, tuple(TARGETS)), queue)

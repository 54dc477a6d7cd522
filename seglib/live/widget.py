"""``seglib.Live``: the article's demo in the notebook, with controls that work while it runs."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from seglib._internal.widget_messages import let_page_choose_thread
from seglib.arrays import Frame
from seglib.classes import ClassName
from seglib.images import write_image
from seglib.live.controls import Controls
from seglib.live.display import CanvasDisplay
from seglib.live.layout import IDLE_STATES, Panel
from seglib.live.loop import Loop, frame_limit, stop_running_loop
from seglib.live.model_loader import preload
from seglib.live.recorder import Recorder
from seglib.live.settings import CurrentSettings, Settings, choose_classes, make_effect
from seglib.live.source_choice import SourceChoice, check_choice
from seglib.live.still import still_html
from seglib.live.words import explain
from seglib.pipeline import Effect
from seglib.substitute import Background

if TYPE_CHECKING:
    from seglib.predict import Model


class Live:
    """The live picture with its controls. Make it the last line of a cell; it opens stopped.

    No camera is opened before Start. One picture is live at a time: making another ``Live`` stops the one before.

    Parameters
    ----------
    source
        "auto" (camera 0 if the kernel's machine has one, else the recorded clip), "clip", a camera's number, a file,
        "browser" (the camera of the computer that shows the page), or a function that returns an open source.
    model
        A name, which is loaded to compute in 16 bits where the processor can: a live picture is looked at, not
        compared. Or a loaded model, which is used as it is: ``load_model("portrait")`` computes in 32.
    effect
        "none", "blur", "substitute", or a function of your own, ``effect(frame, mask) -> output``.
    background
        For "substitute": "room", "beach", "mountains", or what :class:`Replace` takes.
    keep
        Classes of the model that stay in front. None is the person, or everything but the background where the model
        knows no person.
    panes
        What is shown side by side: input, labels, mask, result.
    frames
        Stop after so many; None takes the environment variable SEGLIB_FRAMES, or runs on if that is not set.
    folder
        Where snapshots and recordings are written.

    Attributes
    ----------
    snapshot : Frame or None
        The last snapshot, (H, W, 3) uint8 RGB.
    loop : Loop or None
        The run that was started last.
    box
        The ipywidgets box that is displayed.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit.

    Notes
    -----
    Whatever the buttons do can be called: :meth:`start`, :meth:`stop`, :meth:`take_snapshot`, :meth:`record`,
    :meth:`change`. Taught in ``06_live.ipynb``.

    Examples
    --------
    >>> live = seglib.Live("clip", effect="substitute", background="beach", frames=2)
    >>> live.start()
    >>> live.wait()
    True
    >>> live.loop.result.output.shape
    (480, 640, 3)
    """

    def __init__(
        self,
        source: SourceChoice = "auto",
        *,
        model: "str | Model" = "portrait",
        effect: "str | Effect | None" = "blur",
        background: Background = "room",
        keep: ClassName | Iterable[ClassName] | None = None,
        panes: Iterable[str] = ("result", "mask"),
        frames: int | None = None,
        folder: str | Path = "out",
    ) -> None:
        check_choice(source)
        frame_limit(frames)
        if keep is None:
            keep = choose_classes(model)
        kept = (keep,) if isinstance(keep, str | int) else tuple(keep)
        shown = (panes,) if isinstance(panes, str) else tuple(panes)
        settings = Settings(model=model, keep=kept, panes=shown, effect=make_effect(effect))
        self.snapshot: Frame | None = None
        self.loop: Loop | None = None
        self._source, self._frames, self._folder = source, frames, Path(folder)
        self._notes: dict[str, str] = {}  # by what caused them
        self._no_camera = ""  # what to do, where the page has none
        self._changed = ""  # what to do about a choice made since the run ended
        self._controls = Controls(settings, source, effect, background)
        self._settings = CurrentSettings(settings)
        self._settings.change(effect=self._controls.background.make_effect())
        stop_running_loop()
        self._display = CanvasDisplay("Press Start. Nothing is opened before.")
        self._panel = Panel(self._display.widget, self._controls)
        self.box = self._panel.box
        let_page_choose_thread(self.box)
        self._connect()
        self._refresh()

    def __repr__(self) -> str:
        return f"Live(source={self._source!r})"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self._repr_mimebundle_(), raw=True)
        display({"text/plain": "", "text/html": still_html()}, raw=True)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """A widget where a page can show it, else one line that is the same in every run."""
        if isinstance(self.settings.model, str):
            preload(self.settings.model)  # so that Start need not wait for it
        bundle = self.box._repr_mimebundle_(**options)
        data, *rest = bundle if isinstance(bundle, tuple) else (bundle,)
        data = {**data, "text/plain": repr(self)}
        return (data, *rest) if rest else data

    @property
    def settings(self) -> Settings:
        """The settings in force; see :meth:`change`."""
        return self._settings.get()

    def start(self) -> None:
        """Open the source and show pictures, until :meth:`stop`. Returns at once. While it runs, does nothing."""
        self._start(self._panel.show_source_widget)

    def stop(self) -> None:
        """Stop and close the camera, within about a second."""
        if self.loop is not None:
            self.loop.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until a run has ended.

        Parameters
        ----------
        timeout
            In seconds; None waits for ever.

        Returns
        -------
        bool
            False if it has not ended in time. What ended it, if anything did, is raised.
        """
        return self.loop is None or self.loop.wait(timeout)

    def change(self, **changes: Any) -> None:
        """Change settings, from the next frame on.

        Parameters
        ----------
        **changes
            Any field of :class:`seglib.live.settings.Settings`: model, keep, effect, threshold, feather, smoothing,
            only_largest, mirror, panes.

        Raises
        ------
        ValueError, TypeError
            If one does not fit; nothing is changed then.
        """
        settings = self._settings.change(**changes)
        self._controls.show(settings, changes)

    def take_snapshot(self) -> Path | None:
        """Keep the last output as ``snapshot`` and write it as a PNG. Returns its path, None if there is no picture."""
        result = self.loop.result if self.loop is not None else None
        if result is None:
            self._note("snapshot", "There is no picture yet. Press Start first.")
            return None
        self.snapshot = result.output
        try:
            path = write_image(self._new_path("snapshot", ".png"), result.output)
        except OSError as error:
            self._note("snapshot", f"The snapshot could not be written. {explain(error)}")
            raise
        self._note("snapshot", f"Snapshot in {path}, and in live.snapshot.")
        return path

    def record(self, on: bool = True) -> None:
        """Begin to record outputs as an H.264 file, or finish the recording. Stop finishes it, too.

        Parameters
        ----------
        on
            False finishes the recording.
        """
        loop = self.loop
        if not on or loop is None or not loop.alive:
            if on:
                self._note("recording", "Nothing is running. Press Start first.")
            elif loop is not None:
                loop.presenter.stop_recording()
        elif loop.presenter.recorder is None:
            path = self._new_path("recording", ".mp4")
            loop.presenter.start_recording(path, self._recording_done)
            self._note("recording", f"Recording to {path}.")
        self._refresh()

    def stats(self) -> dict[str, Any]:
        """Return what it does: state, message, counts of frames, frames per second, latency and stage times in ms."""
        flow = self._display.flow
        stats = self.loop.stats() if self.loop is not None else {"state": "stopped", "message": ""}
        return stats | {
            "sent": flow.sent,
            "shown": flow.shown.count,
            "in_flight": flow.in_flight,
            "views": self._display.views,
            "shown_fps": flow.shown.per_second(),
            "latency_ms": flow.stopwatch.milliseconds().get("capture to shown"),
        }

    def _connect(self) -> None:
        panel = self._panel
        panel.start.on_click(lambda button: self._try(self._start_by_hand))
        panel.stop.on_click(lambda button: Thread(target=self.stop, daemon=True).start())
        panel.snapshot.on_click(lambda button: Thread(target=self._take_snapshot_by_hand, daemon=True).start())
        panel.record.on_click(lambda button: self._try(lambda: self.record(not self._is_recording())))
        self._controls.on_settings = self._change_setting
        self._controls.on_source = self._change_source
        self._controls.on_note = self._note
        self._display.on_no_camera = self._page_has_no_camera

    def _start(self, on_source_widget: Callable[[Any], object]) -> None:
        if (self.loop is not None and self.loop.alive) or self._controls.chosen_source() == "":
            return
        self._notes.clear()
        self._note("start", "")
        self._changed = ""
        self._display.flow.closed = False  # a view that was closed before does not end this run
        self.loop = Loop(
            self._controls.chosen_source(),
            self._settings,
            self._display,
            frames=self._frames,
            on_change=self._refresh,
            on_source=lambda source: on_source_widget(getattr(source, "widget", None)),
            on_refused=self._model_refused,
        )
        self.loop.start()

    def _start_by_hand(self) -> None:
        """Start, and the browser camera with it: unlike start() in a cell, this follows a press of a button."""

        def show_and_ask(widget: Any) -> None:
            self._panel.show_source_widget(widget)
            if hasattr(widget, "ask_to_start"):
                widget.ask_to_start()

        self._start(show_and_ask)

    def _try(self, function: Callable[[], object]) -> None:
        """Show beside the picture what goes wrong after a click; nobody would see it elsewhere."""
        try:
            function()
        except Exception as error:
            self._note("button", explain(error))

    def _take_snapshot_by_hand(self) -> None:
        with suppress(OSError):  # the note tells it
            self.take_snapshot()

    def _change_setting(self, **changes: Any) -> Settings:
        settings = self._settings.change(**changes)
        failed = self.loop is not None and not self.loop.alive and self.loop.status.error is not None
        if failed and {"model", "effect"} & set(changes):
            self._changed = "Press Start to try again."
            self._refresh()
        return settings

    def _page_has_no_camera(self, advice: str) -> None:
        self._no_camera = advice
        self._tell_of_camera(self._controls.chosen_source())

    def _tell_of_camera(self, source: SourceChoice) -> None:
        self._note("camera", self._no_camera if source == "browser" else "")

    def _change_source(self, source: SourceChoice) -> None:
        self._tell_of_camera(source)
        if self.loop is not None and self.loop.alive:
            Thread(target=self._restart, daemon=True).start()
        else:
            self._changed = f"Press Start to show {self._controls.source_name()}."
            self._refresh()

    def _model_refused(self, message: str, in_force: dict[str, Any]) -> None:
        self.change(**in_force)
        self._note("model", message)

    def _restart(self) -> None:
        self.stop()
        self._try(self._start_by_hand)

    def _is_recording(self) -> bool:
        return self.loop is not None and self.loop.presenter.recorder is not None

    def _recording_done(self, recorder: Recorder) -> None:
        message = ""
        if recorder.error is not None:
            message = f"The recording could not be written. {explain(recorder.error)}"
        elif recorder.frames:
            message = f"Recording in {recorder.path}: {recorder.frames} frames, {recorder.seconds:.1f} s."
        self._note("recording", message)
        self._refresh()

    def _refresh(self) -> None:
        """Bring texts and buttons up to date. Called from any thread."""
        status = self.loop.status if self.loop is not None else None
        state, message = ("stopped", "Stopped.") if status is None else (status.state, status.message)
        if state in IDLE_STATES:
            self._controls.list_cameras()
            state, message = ("stopped", self._changed) if self._changed else (state, message)
        self._panel.update(state, message, self._is_recording(), "" if state in IDLE_STATES else self._rates())
        self._display.set_status(state, message)

    def _rates(self) -> str:
        stats = self.stats()
        rate = stats["shown_fps"] if stats["views"] else stats["fps"]
        latency = f" · {stats['latency_ms']:.0f} ms" if stats["latency_ms"] else ""
        return f"{rate:.0f} fps{latency}"

    def _note(self, cause: str, message: str) -> None:
        """Show a message until another one, or "", takes its place: the cause is gone then."""
        self._notes[cause] = message
        self._panel.note.value = "\n".join(filter(None, tuple(self._notes.values())))

    def _new_path(self, kind: str, suffix: str) -> Path:
        stem = f"{kind}_{time.strftime('%Y-%m-%d_%H-%M-%S')}"
        path, number = self._folder / f"{stem}{suffix}", 1
        while path.exists():
            number += 1
            path = self._folder / f"{stem}_{number}{suffix}"
        return path

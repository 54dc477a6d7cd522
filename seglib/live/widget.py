"""``seglib.Live``: the article's demo in the notebook, with controls that work while it runs."""

import time
from collections.abc import Iterable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from seglib.arrays import Frame
from seglib.capture.sources import Source
from seglib.classes import ClassName
from seglib.images import write_image
from seglib.live.controls import Controls
from seglib.live.display import make_display
from seglib.live.layout import STILL, Panel
from seglib.live.loop import Loop
from seglib.live.model_loader import preload
from seglib.live.recorder import Recorder
from seglib.live.settings import Effect, Settings, Slot, make_effect
from seglib.live.single import stop_running
from seglib.live.source_choice import Choice
from seglib.substitute import Background

if TYPE_CHECKING:
    from seglib.predict import Model

_HINT = "Press Start. Nothing is opened before."


class Live:
    """The live picture with its controls. Make it the last line of a cell; it opens stopped.

    source: "auto" (camera 0 if the kernel's machine has one, else the recorded clip), "clip", a camera's number, a
        file, "browser" (the camera of the computer that you sit at), or a function that returns an open source.
        No camera is opened before Start.
    model: a name, which is loaded to compute in 16 bits where the processor can: a live picture is looked at, not
        compared. Or a loaded model, which is used as it is: ``load_model("portrait")`` computes in 32.
    effect: "none", "blur", "substitute", or a function of your own, ``effect(frame, mask) -> output``.
    background: for "substitute": "room", "beach", "mountains", or what :class:`Replace` takes.
    keep: VOC classes that stay in front. panes: what stands side by side: input, labels, mask, result.
    frames: stop after so many; None takes the environment variable SEGLIB_FRAMES, and runs on if that is not set.
    folder: where snapshots and recordings go.

    snapshot: the last snapshot, (H, W, 3) uint8 RGB, or None.
    Everything the buttons do can be called: :meth:`start`, :meth:`stop`, :meth:`take_snapshot`, :meth:`record`,
    :meth:`change`. One picture is live at a time: making another Live stops the one before.
    Raises ValueError for what does not fit. Taught in 06_live.ipynb.
    """

    def __init__(
        self,
        source: Choice = "auto",
        *,
        model: "str | Model" = "portrait",
        effect: "str | Effect | None" = "blur",
        background: Background = "room",
        keep: ClassName | Iterable[ClassName] = ("person",),
        panes: Iterable[str] = ("result", "mask"),
        frames: int | None = None,
        folder: str | Path = "out",
    ) -> None:
        stop_running()
        kept = (keep,) if isinstance(keep, str | int) else tuple(keep)
        settings = Settings(model=model, keep=kept, panes=tuple(panes), effect=make_effect(effect))
        self.snapshot: Frame | None = None
        self.loop: Loop | None = None
        self._source, self._frames, self._folder = source, frames, Path(folder)
        self._controls = Controls(settings, source, effect, background)
        self._slot = Slot(settings)
        self._slot.change(effect=self._controls.make_effect())
        self._screen = make_display(_HINT)
        self._panel = Panel(self._screen.widget, self._controls)
        self.box = self._panel.box
        self._connect()
        self._refresh()

    def __repr__(self) -> str:
        return f"Live(source={self._source!r})"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """A widget where there is a page for it, and else one line that is the same in every run."""
        settings = self._slot.get()
        if isinstance(settings.model, str):
            preload(settings.model)  # PyTorch takes a while; so Start need not wait for it
        bundle = self.box._repr_mimebundle_(**options)
        data, *rest = bundle if isinstance(bundle, tuple) else (bundle,)
        data = {**data, "text/plain": repr(self)}
        return (data, *rest) if rest else data

    def start(self) -> None:
        """Open the source and show pictures, until :meth:`stop`. Returns at once. While it runs, does nothing."""
        self._begin(by_hand=False)

    def _begin(self, by_hand: bool = True) -> None:
        if self.loop is not None and self.loop.alive:
            return
        self._by_hand = by_hand
        self._say("")
        self.loop = Loop(
            self._controls.chosen_source(), self._slot, self._screen, frames=self._frames, on_change=self._refresh
        )
        self.loop.grabber.on_source = self._show_widget_of
        self.loop.start()

    def stop(self) -> None:
        """Stop and let go of the camera, within about a second."""
        if self.loop is not None:
            self.loop.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until a bounded run has ended; False if it has not within ``timeout`` seconds. Raises its error."""
        return self.loop is None or self.loop.wait(timeout)

    def change(self, **changes: Any) -> None:
        """Change settings by code, from the next frame on: any field of :class:`seglib.live.settings.Settings`.

        Raises ValueError or TypeError, and changes nothing, if one does not fit.
        """
        self._slot.change(**changes)
        self._controls.match(self._slot.get(), changes)

    def take_snapshot(self) -> Path | None:
        """Keep the last output as ``snapshot`` and write it as a PNG. Returns its path, None if there is no picture."""
        picture = self.loop.picture if self.loop is not None else None
        if picture is None:
            self._say("There is no picture yet. Press Start first.")
            return None
        self.snapshot = picture.output
        try:
            path = write_image(self._new_path("snapshot", ".png"), picture.output)
        except OSError as error:
            self._say(f"The snapshot could not be written: {error}")
            raise
        self._say(f"Snapshot in {path}, and in live.snapshot.")
        return path

    def record(self, on: bool = True) -> None:
        """Begin to record outputs as an H.264 file, or finish the recording. Stop finishes it, too."""
        loop = self.loop
        if not on or loop is None or not loop.alive:
            if on:
                self._say("Nothing is running. Press Start first.")
            elif loop is not None:
                loop.stop_recording()
        elif loop.recorder is None:
            path = self._new_path("recording", ".mp4")
            loop.start_recording(path, self._recorded)
            self._say(f"Recording to {path}.")
        self._refresh()

    def stats(self) -> dict[str, Any]:
        """What it is doing: state, message, counts of frames, frames per second, latency and stage times in ms."""
        flow = self._screen.flow
        told = self.loop.stats() if self.loop is not None else {"state": "stopped", "message": ""}
        latency = flow.meter.milliseconds().get("capture to shown")
        shown = {"sent": flow.sent, "shown": flow.shown.count, "in_flight": flow.in_flight}
        return (
            told
            | shown
            | {
                "views": self._screen.views,
                "shown_fps": flow.shown.per_second(),
                "latency_ms": latency,
            }
        )

    def _connect(self) -> None:
        self._panel.start.on_click(lambda button: self._try(self._begin))
        self._panel.stop.on_click(lambda button: Thread(target=self.stop, daemon=True).start())
        self._panel.snapshot.on_click(
            lambda button: Thread(target=self._try, args=(self.take_snapshot,), daemon=True).start()
        )
        self._panel.record.on_click(lambda button: self._try(self.record, not self._is_recording()))
        self._controls.on_settings = self._slot.change
        self._controls.on_source = self._change_source
        self._controls.on_error = self._say

    def _try(self, function: Any, *arguments: Any) -> None:
        """What goes wrong after a click is told beside the picture; nobody would see it elsewhere."""
        try:
            function(*arguments)
        except Exception as error:
            self._say(str(error))

    def _change_source(self, source: Choice) -> None:
        if self.loop is not None and self.loop.alive:
            Thread(target=self._start_again, daemon=True).start()

    def _start_again(self) -> None:
        self.stop()
        self._try(self._begin)

    def _is_recording(self) -> bool:
        return self.loop is not None and self.loop.recorder is not None

    def _recorded(self, recorder: Recorder) -> None:
        if recorder.error is not None:
            self._say(f"The recording could not be written: {recorder.error}")
        elif recorder.frames:
            self._say(f"Recording in {recorder.path}: {recorder.frames} frames, {recorder.seconds:.1f} s.")
        self._refresh()

    def _show_widget_of(self, source: Source | None) -> None:
        """A source that has something to show in the page, as the browser's camera has, shows it above the picture."""
        widget: Any = getattr(source, "widget", None)
        self._panel.make_room_for(widget)
        # After a press of Start the camera need not ask for another one; after start() in a cell it must.
        if self._by_hand and hasattr(widget, "ask_to_start"):
            widget.ask_to_start()

    def _refresh(self) -> None:
        """Bring the words and buttons up to date. Called from any thread."""
        state = self.loop.state if self.loop is not None else "stopped"
        message = self.loop.message if self.loop is not None else "Stopped."
        self._panel.show(state, message, self._is_recording(), "" if state in STILL else self._rates())
        self._screen.tell(state, message)

    def _rates(self) -> str:
        stats = self.stats()
        rate = stats["shown_fps"] if stats["views"] else stats["fps"]
        latency = f" · {stats['latency_ms']:.0f} ms" if stats["latency_ms"] else ""
        return f"{rate:.0f} fps{latency}"

    def _say(self, message: str) -> None:
        self._panel.note.value = message

    def _new_path(self, kind: str, ending: str) -> Path:
        stem = f"{kind}_{time.strftime('%Y-%m-%d_%H-%M-%S')}"
        path, number = self._folder / f"{stem}{ending}", 1
        while path.exists():
            number += 1
            path = self._folder / f"{stem}_{number}{ending}"
        return path

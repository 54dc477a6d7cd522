"""The model that a loop uses. Loading one, perhaps downloading it, happens beside the loop, which goes on meanwhile."""

from threading import Lock, Thread
from typing import TYPE_CHECKING, Union

from seglib.classes import VOC_CLASSES

if TYPE_CHECKING:
    from seglib.predict import Model

_loaded: dict[str, "Model"] = {}  # by name, for the whole process: the second start is quick
_loading: dict[str, Thread] = {}
_failed: dict[str, Exception] = {}
_lock = Lock()


def preload(name: str) -> None:
    """Begin to load a model, if it is not there yet, in a thread of its own. Returns at once."""
    with _lock:
        if name not in _loaded and name not in _loading:
            _failed.pop(name, None)
            _loading[name] = Thread(target=_load, args=(name,), name=f"seglib loads {name}", daemon=True)
            _loading[name].start()


def _load(name: str) -> None:
    try:
        from seglib.predict import load_model  # only now: PyTorch takes a while

        # A live picture is looked at and gone, so 16 bits are enough where the processor has them: twice as fast.
        _loaded[name] = load_model(name, precision="half", progress=False)
    except Exception as error:  # the loop that asked for it says so
        _failed[name] = error
    finally:
        _loading.pop(name, None)


class Models:
    """Finds the model that settings ask for. note: what a person should know about it, or ""."""

    def __init__(self) -> None:
        self.note = ""
        self._current: Model | None = None
        self._asked: str | None = None  # the last name that was asked for

    def get(self, wanted: Union[str, "Model"]) -> "Model | None":
        """The wanted model; the one before while it is being loaded, or if it cannot be had; None if there is none.

        Raises WeightsUnavailable or ValueError if the first one of all cannot be had.
        """
        if not isinstance(wanted, str):
            self._current, self.note, self._asked = wanted, "", None
        elif wanted in _loaded:
            self._current, self.note, self._asked = _loaded[wanted], "", wanted
        else:
            self._ask(wanted)
        return self._current

    def known(self, model: "Model", numbers: list[int]) -> list[int]:
        """Those of the kept classes that the model was taught; the note says which it was not."""
        missing = [VOC_CLASSES[number] for number in numbers if number not in model.classes]
        if missing and not self.note:
            self.note = f"{model.name} knows no {', '.join(missing)}"
        return [number for number in numbers if number in model.classes]

    def _ask(self, wanted: str) -> None:
        if wanted != self._asked:  # once for each change, so that what fails is not tried for every frame
            self._asked = wanted
            preload(wanted)
        error = _failed.get(wanted)
        if error is None:
            self.note = f"loading {wanted}"
        elif self._current is None:
            raise error
        else:
            self.note = f"going on with {self._current.name}: {str(error).splitlines()[0]}"

"""Load models in threads of their own, so that the loop goes on while one is loaded, or perhaps downloaded."""

from threading import Lock, Thread
from typing import TYPE_CHECKING, Union

from seglib.predict.registry import find_spec

if TYPE_CHECKING:
    from seglib.predict import Model

_loaded: dict[str, "Model"] = {}  # by name, for the whole process: the second start is quick
_loading: dict[str, Thread] = {}
_failed: dict[str, Exception] = {}
_lock = Lock()


def preload(name: str) -> None:
    """Begin to load a model in a thread, if it is not loaded yet. Returns at once."""
    with _lock:
        if name not in _loaded and name not in _loading:
            _failed.pop(name, None)
            _loading[name] = Thread(target=_load, args=(name,), name=f"seglib load {name}", daemon=True)
            _loading[name].start()


def _load(name: str) -> None:
    try:
        from seglib.predict import load_model  # imported here: it takes a second

        # 16 bits are enough for a picture that is only looked at, and twice as fast where the processor has them.
        _loaded[name] = load_model(name, precision="half", progress=False)
    except Exception as error:  # raised or shown by the loop that asked for the model
        _failed[name] = error
    finally:
        _loading.pop(name, None)


def class_names_of(model: Union[str, "Model"]) -> tuple[str, ...]:
    """Return the class names of a model, loaded or not, by number. Raises ValueError for an unknown model."""
    return model.class_names if hasattr(model, "class_names") else find_spec(model).class_names


class ModelLoader:
    """Find the model that the settings ask for.

    Attributes
    ----------
    note : str
        What a person should know about the model at the moment, or "".
    failure : str
        Why the wanted model is not in use, if it could not be loaded and the one before goes on; else "".
    """

    def __init__(self) -> None:
        self.note = self.failure = ""
        self._current: Model | None = None
        self._requested: str | None = None  # the last name that was asked for

    def get(self, wanted: Union[str, "Model"]) -> "Model | None":
        """Return the wanted model; the one before while it is being loaded, or if loading fails; None if there is none.

        Raises
        ------
        WeightsUnavailable, ValueError
            If the first model of all cannot be loaded.
        """
        if not isinstance(wanted, str) or wanted in _loaded:
            self._current = _loaded[wanted] if isinstance(wanted, str) else wanted
            self.note, self.failure, self._requested = "", "", None
        else:
            self._request(wanted)
        return self._current

    def _request(self, wanted: str) -> None:
        if wanted != self._requested:  # once for each change: do not try again for every frame
            self._requested, self.failure = wanted, ""
            preload(wanted)
        error = _failed.get(wanted)
        if error is None:
            self.note = f"loading {wanted}"
        elif self._current is None:
            raise error
        else:
            self.failure = f"{wanted} could not be loaded, {self._current.name} goes on: {str(error).splitlines()[0]}"
            self.note = ""

"""How an exercise answers back: it calls the learner's function, and says in two lines what is not right yet."""

import inspect
import linecache
import re
from collections.abc import Callable, Sequence
from dis import get_instructions
from functools import wraps
from types import TracebackType
from typing import Any

import numpy as np

from seglib.exercises.deadline import TimeIsUp, deadline

_attempts: dict[str, int] = {}  # how often in a row an exercise was not right yet
_IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}  # what three dots are compiled to
_PATIENCE = 3  # then the check says where the answer is

# What goes wrong most often, by a part of Python's own message, and what to think about.
_USUAL = {
    "truth value of an array": "and, or, not and if ask an array for one answer. Which operators ask pixel by pixel?",
    "'NoneType'": "Something there is None. Where does it come from, and what tells you so beforehand?",
    "not subscriptable": "What stands before the [ ] there has no such thing. What is it?",
    "divide by zero": "What should the answer be when there is nothing to divide by?",
    "division by zero": "What should the answer be when there is nothing to divide by?",
    "has a wrong type": "OpenCV wants whole numbers there, Python's own. Of which type is yours?",
    "% 2 == 1": "A kernel needs a middle pixel, so its size is odd. Or say sigma, with (0, 0) for the size.",
    "not 'Bunch'": "Who observes gets a whole change. Print it: which part of it is the new value?",
    "'invert'": "~ turns True and False round. Which difference does the same for numbers from 0 to 1?",
}


class NotYet(BaseException):
    """Why an answer is not right yet. seen: what it did. hint: where to look, never the answer itself.

    No Exception, so that a learner's own ``except Exception`` lets it through.
    """

    def __init__(self, seen: str, hint: str) -> None:
        super().__init__(seen, hint)
        self.seen, self.hint = seen, hint


class Answer:
    """What a learner wrote: called like a function, but all it can raise is NotYet."""

    def __init__(self, given: Any, name: str) -> None:
        self.name, self._given = name, given
        if not callable(given):
            raise NotYet(
                f"{name} is {describe(given)}, not a function",
                f"Hand over the function itself, without calling it: check_{name.lower()}({name}). Did its cell run?",
            )

    def __call__(self, *arguments: Any) -> Any:
        """Call it with copies of the arrays; raises NotYet if it fails or changes what it was given."""
        names = self._parameters(arguments)
        mine = [given.copy() if isinstance(given, np.ndarray) else given for given in arguments]
        result = self.watch(lambda: self._given(*mine))
        for name, before, after in zip(names, arguments, mine, strict=True):
            if isinstance(before, np.ndarray) and not np.array_equal(before, after):
                raise NotYet(
                    f"{self.name} changes the {name} that it is given",
                    "Somebody else may still need it. Let numpy make a new array, or work on a copy.",
                )
        return result

    def watch(self, action: Callable[[], Any]) -> Any:
        """Do something that runs the learner's code, such as taking the next item of its generator."""
        try:
            return action()
        except (Exception, SystemExit, GeneratorExit, KeyboardInterrupt) as error:
            raise NotYet(*self._failure(error)) from None

    def has_dots(self) -> bool:
        """Whether its body is still the three dots: it does nothing and gives back nothing."""
        inner = _body(self._given)
        code = getattr(inner, "__code__", None)
        if code is None:
            return False
        steps = {step.opname for step in get_instructions(code)}
        known = (getattr(inner, "__doc__", None), None, ...)
        return steps <= _IDLE and all(constant in known for constant in code.co_consts)

    def _parameters(self, arguments: Sequence[Any]) -> list[str]:
        try:
            signature = inspect.signature(self._given)
        except (TypeError, ValueError):  # some callables do not tell
            return ["input"] * len(arguments)
        try:
            bound = signature.bind(*arguments)
        except TypeError as error:
            raise NotYet(
                f"{self.name} cannot be called with {len(arguments)} argument{'s' * (len(arguments) != 1)}: {error}",
                f"Its first line was: def {self.name}(…) as the exercise gives it. Keep the names in the brackets.",
            ) from None
        names = list(bound.arguments)
        return names if len(names) == len(arguments) else ["input"] * len(arguments)

    def _failure(self, error: BaseException) -> tuple[str, str]:
        message = re.sub(r"^OpenCV\(\S+ \S* error: ", "", safe_text(error))
        kind = "cv2.error" if type(error).__name__ == "error" else type(error).__name__
        seen = f"{self.name} raised {kind}" + (f": {message}" if message else "")
        line = _own_line(error.__traceback__, _filename(self._given))
        place = f"Look at your line `{line}`." if line else "Call it yourself in a cell: Python shows the line."
        usual = next((f" {hint}" for part, hint in _USUAL.items() if part in message), "")
        return seen, place + usual


def exercise(name: str, notebook: str, seconds: float = 20.0) -> Callable[[Callable[[Answer], str]], Callable]:
    """Turn a function that tries an Answer out into a check that prints and never raises.

    name: of the learner's function. notebook: whose solutions hold it. seconds: how long it may take.
    The function raises NotYet, or returns a few words on what was tried.
    """

    def make(mark: Callable[[Answer], str]) -> Callable[[object], None]:
        @wraps(mark, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
        def check(answer: object) -> None:
            try:
                with deadline(seconds):
                    given = Answer(answer, name)
                    if given.has_dots():
                        print(f"not yet: {name} does nothing so far\nhint: Replace the three dots by your code.")
                        return
                    print(f"correct: {mark(given)}")
                _attempts.pop(name, None)
            except NotYet as not_yet:
                _say(name, notebook, not_yet.seen, not_yet.hint)
            except TimeIsUp:
                hint = "Is there a loop that never ends? What would end it?"
                _say(name, notebook, f"{name} was still busy after {seconds:g} seconds", hint)
            except (Exception, KeyboardInterrupt) as error:  # what it returned breaks even our looking at it
                seen = f"what {name} gives back cannot be looked at ({type(error).__name__})"
                _say(name, notebook, seen, "Give back plain numpy arrays or numbers.")

        del check.__wrapped__  # help() shall show how the check is called
        return check

    return make


def _say(name: str, notebook: str, seen: str, hint: str) -> None:
    _attempts[name] = _attempts.get(name, 0) + 1
    print(f"not yet: {seen}\nhint: {hint}")
    if _attempts[name] >= _PATIENCE:
        print(f"To see one answer, run this in an empty cell: %load -s {name} solutions/{notebook}.py")


def describe(value: object) -> str:
    """What a person would call it, in a few words: never the value of a large thing."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} {value.dtype}"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, bool | int | np.integer):
        return safe_text(value, 40)
    if isinstance(value, str):
        return f"the text {safe_text(value, 40)!r}"
    kind = type(value).__name__
    return f"a {kind}" if kind in ("list", "tuple", "dict", "function", "generator") else f"an object of type {kind}"


def safe_text(value: object, limit: int = 200) -> str:
    """``str(value)`` on one line and not too long, also for values whose own text raises."""
    try:
        text = " ".join(str(value).split())
    except Exception:
        return "…"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _body(given: Any) -> Any:
    """The function that runs when it is called: of an effect's class or object, that is its ``__call__``."""
    if hasattr(given, "__code__"):
        return given
    kind = given if inspect.isclass(given) else type(given)
    return vars(kind).get("__call__", given)


def _filename(given: Any) -> str:
    return getattr(getattr(_body(given), "__code__", None), "co_filename", "")


def _own_line(trace: TracebackType | None, filename: str) -> str:
    """The last line of the learner's own cell that was running."""
    line = ""
    while trace is not None:
        if filename and trace.tb_frame.f_code.co_filename == filename:
            line = linecache.getline(filename, trace.tb_lineno).strip() or line
        trace = trace.tb_next
    return line

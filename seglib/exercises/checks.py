"""How a check works: it calls the learner's function and prints, in two lines, what is not right yet and a hint."""

import inspect
import linecache
import re
from collections.abc import Callable, Sequence
from dis import get_instructions
from functools import wraps
from types import TracebackType
from typing import Any

import numpy as np

from seglib.exercises.time_limit import TimeLimitExceeded, time_limit

_failures: dict[str, int] = {}  # how often in a row each exercise has failed
_FAILURES_BEFORE_SOLUTION = 3  # then the check says where the solution is
_STUB_OPERATIONS = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}  # what ``...`` compiles to

# Hints for the most common exceptions, by a part of Python's message.
_COMMON_ERRORS = {
    "truth value of an array": "and, or, not and if need a single truth value. Which operators work pixel by pixel?",
    "'NoneType'": "A value there is None. Where does it come from, and how can you tell beforehand?",
    "not subscriptable": "The value before the [ ] cannot be indexed. What is it?",
    "divide by zero": "What should the result be when there is nothing to divide by?",
    "division by zero": "What should the result be when there is nothing to divide by?",
    "has a wrong type": "OpenCV needs Python's own integers there. Which type is yours?",
    "% 2 == 1": "A kernel needs a middle pixel, so its size is odd. Or give sigma, with (0, 0) for the size.",
    "not 'Bunch'": "The callback of observe gets a change, not a value. Print it: which part of it is the new value?",
    "generator raised StopIteration": "next() raises that when nothing is left. A for loop ends there by itself.",
    "'invert'": "~ inverts True and False. Which subtraction does the same for numbers from 0 to 1?",
}


class CheckFailed(BaseException):
    """A submission is not correct yet. Not an Exception, so that a learner's ``except Exception`` does not catch it.

    Parameters
    ----------
    observed
        What the submission did.
    hint
        Where to look; never the solution itself.
    """

    def __init__(self, observed: str, hint: str) -> None:
        super().__init__(observed, hint)
        self.observed, self.hint = observed, hint


class Submission:
    """A learner's function or class: called like the original, but it can only raise CheckFailed."""

    def __init__(self, function: Any, name: str) -> None:
        self.name, self._function = name, function
        if not callable(function):
            raise CheckFailed(
                f"{name} is {describe(function)}, not a function",
                f"Pass the function itself, without calling it: check_{name.lower()}({name}). Did you run its cell?",
            )

    def __call__(self, *arguments: Any) -> Any:
        """Call it with copies of the arrays; raise CheckFailed if it fails or changes them."""
        names = self._parameter_names(arguments)
        copies = [value.copy() if isinstance(value, np.ndarray) else value for value in arguments]
        result = self.guard(lambda: self._function(*copies))
        for name, before, after in zip(names, arguments, copies, strict=True):
            if isinstance(before, np.ndarray) and not np.array_equal(before, after):
                raise CheckFailed(
                    f"{self.name} changes its argument {name}",
                    "The caller may still need it. Let numpy make a new array, or work on a copy.",
                )
        return result

    def guard(self, action: Callable[[], Any]) -> Any:
        """Run an action that runs the learner's code, such as taking the next item of its generator."""
        try:
            return action()
        except (Exception, SystemExit, GeneratorExit, KeyboardInterrupt) as error:
            raise CheckFailed(*self._explain(error)) from None

    def is_stub(self) -> bool:
        """Whether the body is still ``...``: it does nothing and returns nothing."""
        function = _called_function(self._function)
        code = getattr(function, "__code__", None)
        if code is None:
            return False
        operations = {instruction.opname for instruction in get_instructions(code)}
        allowed = (getattr(function, "__doc__", None), None, ...)
        return operations <= _STUB_OPERATIONS and all(constant in allowed for constant in code.co_consts)

    def _parameter_names(self, arguments: Sequence[Any]) -> list[str]:
        try:
            signature = inspect.signature(self._function)
        except (TypeError, ValueError):  # some callables have none
            return ["input"] * len(arguments)
        try:
            names = list(signature.bind(*arguments).arguments)
        except TypeError as error:
            raise CheckFailed(
                f"{self.name} cannot be called with {len(arguments)} argument{'s' * (len(arguments) != 1)}: {error}",
                f"Keep the parameters of def {self.name}(…) as the exercise gives them.",
            ) from None
        return names if len(names) == len(arguments) else ["input"] * len(arguments)

    def _explain(self, error: BaseException) -> tuple[str, str]:
        message = re.sub(r"^OpenCV\(\S+ \S* error: ", "", safe_text(error))
        kind = "cv2.error" if type(error).__name__ == "error" else type(error).__name__
        observed = f"{self.name} raised {kind}" + (f": {message}" if message else "")
        line = _failing_line(error.__traceback__, _filename(self._function))
        place = f"Look at your line `{line}`." if line else "Call it yourself in a cell: Python shows the line."
        common = next((f" {hint}" for part, hint in _COMMON_ERRORS.items() if part in message), "")
        return observed, place + common


def exercise(
    name: str, notebook: str, seconds: float = 20.0
) -> Callable[[Callable[[Submission], str]], Callable[[object], None]]:
    """Turn a function that tests a Submission into a check that prints its result and never raises.

    Parameters
    ----------
    name
        Of the learner's function.
    notebook
        The name of the notebook, without its extension.
    seconds
        Time limit.

    Returns
    -------
    callable
        The decorator. The decorated function raises CheckFailed, or returns a few words on what was tested.
    """

    def decorate(test: Callable[[Submission], str]) -> Callable[[object], None]:
        @wraps(test, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
        def check(function: object) -> None:
            try:
                with time_limit(seconds):
                    submission = Submission(function, name)
                    if submission.is_stub():
                        print(f"not yet: {name} does nothing so far\nhint: Replace the three dots by your code.")
                        return
                    print(f"correct: {test(submission)}")
                _failures.pop(name, None)
            except CheckFailed as failure:
                _report(name, notebook, failure.observed, failure.hint)
            except TimeLimitExceeded:
                hint = "Is there a loop that never ends, or far more work than is needed? What should end it?"
                _report(name, notebook, f"{name} had not finished after {seconds:g} seconds", hint)
            except (Exception, KeyboardInterrupt) as error:  # the returned object raises when it is inspected
                observed = f"the result of {name} cannot be inspected ({type(error).__name__})"
                _report(name, notebook, observed, "Return plain numpy arrays or numbers.")

        del check.__wrapped__  # help() shall show the check's own signature
        return check

    return decorate


def _report(name: str, notebook: str, observed: str, hint: str) -> None:
    _failures[name] = _failures.get(name, 0) + 1
    print(f"not yet: {observed}\nhint: {hint}")
    if _failures[name] >= _FAILURES_BEFORE_SOLUTION:
        print(f"To see a solution, run this in an empty cell: %load -s {name} solutions/{notebook}.py")


def describe(value: object) -> str:
    """Describe a value in a few words, never with the contents of a large object."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} {value.dtype}"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, bool | int | np.integer):
        return safe_text(value, 40)
    if isinstance(value, str):
        return f"the string {safe_text(value, 40)!r}"
    kind = type(value).__name__
    return f"a {kind}" if kind in ("list", "tuple", "dict", "function", "generator") else f"an object of type {kind}"


def safe_text(value: object, limit: int = 200) -> str:
    """Return ``str(value)`` on one line of limited length, even if the value's own ``__str__`` raises."""
    try:
        text = " ".join(str(value).split())
    except Exception:
        return "…"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _called_function(function: Any) -> Any:
    """The function that a call runs: for the class or object of an effect, its ``__call__``."""
    if hasattr(function, "__code__"):
        return function
    kind = function if inspect.isclass(function) else type(function)
    return vars(kind).get("__call__", function)


def _filename(function: Any) -> str:
    return getattr(getattr(_called_function(function), "__code__", None), "co_filename", "")


def _failing_line(trace: TracebackType | None, filename: str) -> str:
    """The last line of the learner's own cell that was running."""
    line = ""
    while trace is not None:
        if filename and trace.tb_frame.f_code.co_filename == filename:
            line = linecache.getline(filename, trace.tb_lineno).strip() or line
        trace = trace.tb_next
    return line

"""WebKitGTK's MiniBrowser, driven by WebDriver: as much of Playwright's page as the tests of a widget use."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any

import requests

CAMERA = ["--enable-media-stream=true", "--enable-mock-capture-devices=true"]
OPTIONS = ["--automation", "--autoplay-policy=allow", *CAMERA]
CALL = """const [argument, done] = arguments;
Promise.resolve(argument).then(%s).then((value) => done({value}), (error) => done({error: `${error}`}));"""
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": " ", "End": "\ue010", "ArrowDown": "\ue015"}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the WebDriver standard's name for an element's number


def minibrowser() -> str | None:
    """The path of MiniBrowser, which lies off the PATH; None where it, its driver or a screen for it is missing."""
    found = [*glob("/usr/lib/*/webkit2gtk-4*/MiniBrowser"), *glob("/usr/libexec/webkit2gtk-4*/MiniBrowser")]
    return found[0] if found and shutil.which("WebKitWebDriver") and shutil.which("Xvfb") else None


@contextmanager
def webkit(program: str, log: Path) -> Iterator[WebKitPage]:
    """The page of a MiniBrowser on a screen of its own; its camera is a mock that is always allowed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["xvfb-run", "-a", "-s", "-screen 0 1400x1000x24", "WebKitWebDriver", f"--port={port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    page = WebKitPage(f"http://127.0.0.1:{port}/session")
    try:
        page.connect(program)
        yield page
        page.send("DELETE", "")
    finally:
        process.terminate()
        process.wait(20)


class WebKitPage:
    """One page; the names and the arguments of its methods are Playwright's."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.script = ""
        self.keyboard = self  # whose press() is below

    def connect(self, program: str, seconds: float = 60) -> None:
        """Wait for the driver, and let it start the browser."""
        wanted = {"webkitgtk:browserOptions": {"binary": program, "args": OPTIONS}}
        until = time.monotonic() + seconds
        while True:
            try:
                session = self.send("POST", "", {"capabilities": {"alwaysMatch": wanted}})
                break
            except requests.ConnectionError:
                assert time.monotonic() < until, "WebKitWebDriver does not answer"
                time.sleep(0.1)
        self.version = session["capabilities"]["browserVersion"]
        self.address += f"/{session['sessionId']}"
        self.send("POST", "/timeouts", {"script": 600_000})
        self.send("POST", "/window/rect", {"width": 1100, "height": 950})

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        reply = requests.request(method, self.address + path, json=body or {}, timeout=660).json()["value"]
        if isinstance(reply, dict) and "error" in reply and "message" in reply:
            raise AssertionError(f"{reply['error']}: {reply['message']}")
        return reply

    def add_init_script(self, script: str) -> None:
        """Here it runs once the page has loaded: WebDriver knows nothing sooner."""
        self.script = script

    def on(self, event: str, handler: object) -> None:
        """WebDriver reports no events."""

    def goto(self, address: str, **_: object) -> None:
        self.send("POST", "/url", {"url": address})
        self.evaluate(f"() => {{ {self.script} }}")

    def evaluate(self, function: str, argument: object = None) -> Any:
        text = function if "=>" in function else f"() => {function}"
        reply = self.send("POST", "/execute/async", {"script": CALL.replace("%s", text), "args": [argument]})
        assert "error" not in reply, reply["error"]
        return reply.get("value")

    def wait_for_function(self, function: str, timeout: float = 30_000) -> None:
        until = time.monotonic() + timeout / 1000
        while not self.evaluate(function):
            assert time.monotonic() < until, f"not within {timeout / 1000} seconds: {function}"
            self.wait_for_timeout(100)

    def wait_for_timeout(self, milliseconds: float) -> None:
        time.sleep(milliseconds / 1000)

    def locator(self, selector: str) -> WebKitLocator:
        return WebKitLocator(self, selector)

    def press(self, key: str) -> None:
        """Press a key, wherever the focus is."""
        strokes = [{"type": kind, "value": KEYS.get(key, key)} for kind in ("keyDown", "keyUp")]
        self.send("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def screenshot(self, path: Path, **_: object) -> None:
        path.write_bytes(base64.b64decode(self.send("GET", "/screenshot")))

    def is_closed(self) -> bool:
        return False

    def close(self) -> None:
        """It closes with its session."""


@dataclass
class WebKitLocator:
    """The first element that a CSS selector finds."""

    page: WebKitPage
    selector: str

    def wait_for(self, timeout: float = 30_000) -> None:
        self.page.wait_for_function(f"() => !!document.querySelector({self.selector!r})", timeout)

    def click(self, timeout: float = 30_000) -> None:
        self.wait_for(timeout)
        found = self.page.send("POST", "/element", {"using": "css selector", "value": self.selector})
        self.page.send("POST", f"/element/{found[ELEMENT]}/click")

    def press(self, key: str) -> None:
        self._ask("element.focus()")
        self.page.press(key)

    def get_attribute(self, name: str) -> str | None:
        return self._ask(f"element.getAttribute({name!r})")

    def inner_text(self) -> str:
        return self._ask("element.innerText")

    def input_value(self) -> str:
        return self._ask("element.value")

    def select_option(self, *, label: str) -> None:
        """Choose by script: a drop-down list of GTK's own opens outside the page, where WebDriver cannot reach."""
        change = "element.dispatchEvent(new Event('change', {bubbles: true}))"
        found = f"[...element.options].findIndex((option) => option.text === {label!r})"
        self._ask(f"(element.selectedIndex = {found}, {change}, null)")

    def _ask(self, expression: str) -> Any:
        self.wait_for()
        return self.page.evaluate(
            f"() => {{ const element = document.querySelector({self.selector!r}); return {expression}; }}"
        )

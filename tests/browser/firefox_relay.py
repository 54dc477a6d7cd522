"""Start Firefox for Playwright, and answer the one command of Playwright's that Firefox 153 does not know.

Playwright (1.65) speaks WebDriver BiDi with Firefox and sets each page's colour scheme at first, which Firefox refuses.
This program stands between them, as Firefox's executable: all other messages pass as they are.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

UNKNOWN = "emulation.setMediaFeaturesOverride"
LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


class Relay(WebSocketHandler):
    """One connection of Playwright's, and one to Firefox."""

    def initialize(self, address: str) -> None:
        self.address = address

    async def open(self, *_: str) -> None:
        self.firefox = await websocket_connect(self.address + self.request.path, max_message_size=2**30)
        self.task = asyncio.create_task(self.pass_back())

    async def pass_back(self) -> None:
        while (message := await self.firefox.read_message()) is not None:
            await self.write_message(message)
        self.close()

    async def on_message(self, message: str | bytes) -> None:
        request: dict[str, Any] = json.loads(message)
        if request["method"] == UNKNOWN:
            await self.write_message(json.dumps({"type": "success", "id": request["id"], "result": {}}))
        else:
            await self.firefox.write_message(message)

    def on_close(self) -> None:
        self.firefox.close()


async def main(command: list[str]) -> int:
    """Run Firefox until it ends; its exit code."""
    firefox = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, firefox.terminate)
    while line := await firefox.stderr.readline():
        text = line.decode(errors="replace")
        if found := LISTENS.search(text):
            sockets = bind_sockets(0, "127.0.0.1")
            server = HTTPServer(Application([(r"/.*", Relay, {"address": found[1]})], websocket_max_message_size=2**30))
            server.add_sockets(sockets)
            text = text.replace(found[1], f"ws://127.0.0.1:{sockets[0].getsockname()[1]}")
        print(text, end="", file=sys.stderr, flush=True)
    return await firefox.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

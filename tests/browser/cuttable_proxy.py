"""A connection between browser and server that a test cuts, as an unplugged cable does, and mends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from threading import Thread


class CuttableProxy:
    """A TCP proxy on this machine's loopback. port: where it listens."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._open.set()
        self._refuses = False
        self._transports: set[asyncio.WriteTransport] = set()
        Thread(target=self._loop.run_forever, daemon=True).start()
        serving = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self, closes: bool) -> None:
        """Cut it: either all connections are closed and new ones refused, or nothing arrives any more."""
        self._loop.call_soon_threadsafe(self._cut, closes)

    def mend(self) -> None:
        """Let everything through again; what was sent meanwhile arrives late."""
        self._loop.call_soon_threadsafe(self._mend)

    def _cut(self, closes: bool) -> None:
        self._open.clear()
        self._refuses = closes
        if closes:
            for transport in tuple(self._transports):
                transport.abort()

    def close(self) -> None:
        """End all connections, and the thread."""
        self._loop.call_soon_threadsafe(self._cut, True)
        self._loop.call_soon_threadsafe(self._open.set)
        self._loop.call_soon_threadsafe(self._loop.call_later, 0.5, self._loop.stop)

    def _mend(self) -> None:
        self._refuses = False
        self._open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        await self._open.wait()
        to_server = await asyncio.open_connection("127.0.0.1", self._target)
        ends = {writer.transport, to_server[1].transport}
        self._transports |= ends
        await asyncio.gather(self._pass_on(reader, to_server[1]), self._pass_on(to_server[0], writer))
        self._transports -= ends

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.contextmanager
def cuttable_proxy(target: int) -> Iterator[CuttableProxy]:
    proxy = CuttableProxy(target)
    yield proxy
    proxy.close()

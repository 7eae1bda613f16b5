# SPDX-License-Identifier: MIT
"""forward: a port of this host that leads to one on the loopback of a machine, where nobody else gets to.

    with Forward(machine, 8080):
        urllib.request.urlopen("http://127.0.0.1:8080/")
"""

import asyncio
import contextlib
import socket
import threading

import product
from host import Trouble

HOST = "127.0.0.1"


def reserve(port):
    """A socket that listens on this port of the host, or on any with 0; connections wait until there is a Forward."""
    try:
        return socket.create_server((HOST, port), backlog=256)
    except OSError as reason:
        raise Trouble(f"port {port} of this host cannot be had: {reason.strerror}") from None


class Forward:
    def __init__(self, machine, listener, port):
        self.place, self.listener, self.port = product.inside(machine), listener, port
        self.loop, self.thread = asyncio.new_event_loop(), threading.Thread(target=self._run, daemon=True)
        self.started = threading.Event()
        self.server = None

    def __enter__(self):
        self.thread.start()
        self.started.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def _run(self):
        self.server = self.loop.run_until_complete(asyncio.start_server(self._serve, sock=self.listener))
        self.started.set()
        self.loop.run_forever()
        self.server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.close()

    async def _serve(self, reader, writer):
        with product.network(self.place):               # of this thread, which does nothing else meanwhile
            inner = socket.socket()
        inner.setblocking(False)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self.loop.sock_connect(inner, (HOST, self.port))
            inner_reader, inner_writer = await asyncio.open_connection(sock=inner)
            try:
                await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
            finally:
                inner_writer.close()
        writer.close()
        inner.close()


async def _pump(reader, writer):
    """Everything that comes, and its end."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()

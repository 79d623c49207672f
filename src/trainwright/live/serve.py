"""The live page on this machine alone: the socket, the limits of a connection, and the end by Ctrl-C.

Promises: it listens on 127.0.0.1 and nowhere else. A connection is for one request, has ``SECONDS`` for all of it, and there
are ``CONNECTIONS`` at most: for one more the oldest goes that has not asked yet. So nobody keeps anybody waiting, and the
memory is bounded. Flooded, it rests until it has had no more than ``SHARE`` of a processor: a training keeps the others.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from trainwright.errors import error
from trainwright.live.index import Index
from trainwright.live.site import site

HOST = "127.0.0.1"
SECONDS = 10.0  # of a connection
CONNECTIONS = 256  # at once
WAITING = 128  # accepted at a time, fewer than there is room for
SHARE, BURST = 0.1, 1.0  # of a processor, in the long run; seconds of one that may be taken at once
REST = 1.0  # seconds at most
HEADERS = 16 << 10  # bytes of a request's head


class Connection(H11Protocol):
    """One connection, whose time is limited, and the bytes that it takes."""

    taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and end the connection that has waited longest where there are too many."""
        others = [each for each in self.connections if isinstance(each, Connection)]
        if len(others) >= CONNECTIONS:
            oldest = min(others, key=lambda each: (each.cycle is not None, each.deadline.when()))
            oldest.transport.abort()
            self.connections.discard(oldest)
        super().connection_made(transport)
        self.deadline = self.loop.call_later(SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take a part of the one request, which is a head and nothing else; a larger one is refused, whole or not."""
        self.taken += len(data)
        if self.taken <= HEADERS:
            super().data_received(data)
        elif self.cycle is None:
            self.send_400_response(f"a head has {HEADERS} bytes at most")
        else:  # it is being answered, and goes on
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.deadline.cancel()
        super().connection_lost(exc)


class Budget:
    """The time of a processor that may be taken: it grows with the time that goes by, up to ``BURST``."""

    def __init__(self, now: float, used: float) -> None:
        self._left, self._now, self._used = BURST, now, used

    def rest(self, now: float, used: float) -> float:
        """Return for how many seconds to rest, where ``used`` seconds of a processor have been taken at ``now``."""
        self._left = min(BURST, self._left + SHARE * (now - self._now)) - (used - self._used)
        self._now, self._used = now, used
        return min(REST, max(0.0, -self._left / SHARE))


class Server(uvicorn.Server):
    """A server that rests when it has taken too much of a processor."""

    budget: Budget | None = None

    async def on_tick(self, counter: int) -> bool:
        """Rest where it is time to; this is called ten times a second."""
        spent = time.monotonic(), time.thread_time()
        self.budget = self.budget or Budget(*spent)
        if rest := self.budget.rest(*spent):
            time.sleep(rest)  # all of the thread, so that nothing is accepted meanwhile
        return await super().on_tick(counter)


def listen(port: int) -> socket.socket:
    """Return a socket on a port of this machine, a free one where ``port`` is 0. Raise E340 where it cannot be had."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((HOST, port))
        opened.listen(WAITING)
    except (OSError, OverflowError) as problem:
        opened.close()
        raise error("E340", port=port, problem=getattr(problem, "strerror", None) or problem) from None
    return opened


class Live:
    """A live page of ``path`` that is about to be served at ``url``."""

    def __init__(self, path: Path, port: int = 0) -> None:
        """Raise E340 where the port cannot be had."""
        self._socket = listen(port)
        own, token = self._socket.getsockname()[1], secrets.token_urlsafe(24)
        self.url = f"http://{HOST}:{own}/{token}/"
        options: dict[str, Any] = {"log_config": None, "log_level": "critical", "access_log": False, "lifespan": "off"}
        options |= {"ws": "none", "loop": "asyncio", "proxy_headers": False, "server_header": False, "date_header": False}
        self._server = Server(
            uvicorn.Config(
                site(Index(path), token, own), http=Connection, backlog=WAITING, h11_max_incomplete_event_size=HEADERS,
                timeout_graceful_shutdown=1, **options,
            )
        )  # fmt: skip

    def serve(self) -> None:
        """Serve until Ctrl-C, or until ``stop``."""
        try:
            self._server.run(sockets=[self._socket])
        except KeyboardInterrupt:
            return
        finally:
            self._socket.close()

    def stop(self) -> None:
        """End ``serve``, from any thread."""
        self._server.should_exit = True

"""The live page as it is served: who may ask for what, and the few things there are to ask for.

Starlette and uvicorn serve it, as both are small and keep to plain HTTP: a page of NiceGUI speaks over web sockets and POST and
needs scripts and styles that a strict policy forbids. The charts are ours, as SVG: no script library of that size is to be had
from a Python package that is kept up.

Promises: only GET and HEAD, only with the token, only under the names of this machine itself; no path that is asked for is
ever one on the disk; no answer may be kept, framed, or load anything from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from importlib import resources
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainwright.live.index import Index
from trainwright.watch import palette

TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
OWN = "script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'"
ALWAYS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "cache-control": "no-store",
    "connection": "close",
    "content-security-policy": f"{ALWAYS}; {OWN}",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_BLOCK = re.compile(rb"<(style|script)\b[^>]*>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)


class Gate:
    """Lets through what may be asked, without the token in its path, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str]) -> None:
        self._app, self._token, self._hosts = app, token.encode(), hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in message["headers"]}
                message["headers"] = [(key.encode(), value.encode("latin-1")) for key, value in (HEADERS | given).items()]
            await send(message)

        status = self._refused(scope)
        if status:
            allowed = {"allow": "GET, HEAD"} if status == 405 else None
            await PlainTextResponse(f"{status}\n", status, allowed)(scope, receive, answer)
        else:
            scope["path"] = "/" + scope["path"].split("/", 2)[2]
            await self._app(scope, receive, answer)

    def _refused(self, scope: Scope) -> int:
        """Return why a request is refused, as a status of HTTP; 0 where it is not."""
        if scope["method"] not in ("GET", "HEAD"):
            return 405
        hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return 421
        parts = scope["path"].split("/", 2)
        if len(parts) != 3 or parts[0]:
            return 404
        return 0 if secrets.compare_digest(parts[1].encode("utf-8", "replace"), self._token) else 404


def site(index: Index, token: str, port: int) -> ASGIApp:
    """Return the application for ``http://127.0.0.1:PORT/TOKEN/``."""
    folder = resources.files("trainwright.live") / "assets"
    assets = {each.name: each.read_bytes() for each in folder.iterdir()}
    assets["watch.css"] = palette.css().encode() + assets["watch.css"]

    async def asset(request: Request) -> Response:
        name = request.path_params.get("name", "watch.html")
        kind = TYPES.get(name.rpartition(".")[2], "")
        return Response(assets[name], 200, media_type=kind) if name in assets else _nothing()

    async def state(request: Request) -> Response:
        asked = parse_qs(request.url.query, max_num_fields=4)
        shown, seen = (asked.get(name, [""])[0] for name in ("shown", "seen"))
        return _json(index.state(shown.split(","), seen))

    async def watched(request: Request) -> Response:
        found = index.watched(request.path_params["key"])
        return _nothing() if found is None else _json(found)

    async def page(request: Request) -> Response:
        found = index.page(request.path_params["key"], request.path_params["name"])
        if found is None:
            return _nothing()
        return Response(found, 200, {"content-security-policy": policy(found)}, TYPES["html"])

    routes = [
        Route("/", asset),
        Route("/state", state),
        Route("/runs/{key}/watched", watched),
        Route("/runs/{key}/{name}.html", page),
        Route("/{name}", asset),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return Gate(app, token, frozenset({f"127.0.0.1:{port}", f"localhost:{port}"}))


def _json(value: dict[str, Any]) -> Response:
    return Response(json.dumps(value, allow_nan=False), media_type="application/json")


def _nothing() -> Response:
    return PlainTextResponse("404\n", 404)


def policy(page: bytes) -> str:
    """Return the policy for a page that a run holds: its own scripts and styles, by their digests, in an origin of its own.

    The page cannot load or send anything, nor read what this server has to say of the runs.
    """
    found: dict[str, list[str]] = {"style": ["'none'"], "script": ["'none'"]}
    for kind, text in _BLOCK.findall(page.replace(b"\r\n", b"\n")):  # as a browser reads it
        digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
        found[kind.decode().lower()].append(f"'sha256-{digest}'")
    own = [f"{kind}-src {' '.join(digests[1:] or digests)}" for kind, digests in found.items()]
    return "; ".join([ALWAYS, *own, "img-src data:", "sandbox allow-scripts allow-modals"])

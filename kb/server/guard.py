"""What a request must be before it reaches the application."""

import asyncio
import time
from collections import OrderedDict

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kb.server.access import Access, is_loopback
from kb.server.errors import error

# Bytes that the body of a request may have (a program's whole conversation comes with each question), and seconds that
# it may take to come.
_MAX_BODY = 256 * 1024
_MAX_WAIT = 10
# Requests that another machine may make at once, and so many more a second. What programs on this machine may do is
# bounded by the queues.
_BURST, _PER_SECOND = 60, 2.0
_MAX_MACHINES = 4096
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets through what names this server as its host, comes from no page of another origin, brings the token where
    there is one, is small, and is not too much. Answers tell the browser to load nothing from elsewhere."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._rate = Rate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif refused := self._refusal(scope):
            await refused(scope, receive, marked)
        else:
            await self._app(scope, _hurried(receive), marked)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        path, headers = scope["path"], Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._access.names(host):
            return error(path, 403, "this server answers only requests to its own name or address")
        if origin is not None and origin != f"{scope['scheme']}://{host}":
            return error(path, 403, "this server answers no pages of other origins")
        machine = scope["client"][0] if scope["client"] else ""
        if not is_loopback(machine) and not self._rate.allows(machine, time.monotonic()):
            return error(path, 429, "too many requests from this machine: try again in a moment")
        if path.startswith(("/api/", "/v1/")) and path != "/api/session" and not self._access.admits(headers):
            return error(path, 401, "this server wants its token: kb serve printed it")
        if scope["method"] in ("GET", "HEAD", "DELETE"):
            return None
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return error(path, 411, "the request must state its length")
        if len(length) > 9 or int(length) > _MAX_BODY:
            return error(path, 413, f"the request is larger than {_MAX_BODY} bytes")
        return None


class Rate:
    """How many requests each machine has left: `_BURST` of them, of which `_PER_SECOND` come back."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, machine: str, now: float) -> bool:
        """Whether a machine may make a request at that time (seconds), which is taken from what it has left."""
        left, before = self._left.pop(machine, (float(_BURST), now))
        left = min(_BURST, left + (now - before) * _PER_SECOND)
        self._left[machine] = (max(left - 1, 0), now)
        if len(self._left) > _MAX_MACHINES:
            self._left.popitem(last=False)
        return left >= 1


def _hurried(receive: Receive) -> Receive:
    """`receive`, for a body that may not take for ever; after it, the client may wait as long as it likes."""
    deadline = time.monotonic() + _MAX_WAIT
    complete = False

    async def received() -> Message:
        nonlocal complete
        if complete:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), deadline - time.monotonic())
        except TimeoutError:
            message = {"type": "http.disconnect"}
        complete = not message.get("more_body", False)
        return message

    return received

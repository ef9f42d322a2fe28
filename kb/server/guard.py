"""What a request must be before it reaches the application."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Bytes that the body of a request may have.
_MAX_BODY = 64 * 1024
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Guard:
    """Lets through what names this machine as its host (a page elsewhere whose name was bound to it does not), comes
    from no page of another origin, and is small. Answers tell the browser to load nothing from elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        if scope["type"] == "http" and (refused := _refusal(scope["method"], Headers(scope=scope))):
            await refused(scope, receive, marked)
        else:
            await self._app(scope, receive, marked)


def _refusal(method: str, headers: Headers) -> JSONResponse | None:
    host, origin = headers.get("host", ""), headers.get("origin")
    if _name(host) not in _LOOPBACK:
        return error(403, "this server answers only requests to 127.0.0.1 or localhost")
    if origin is not None and origin != f"http://{host}":
        return error(403, "this server answers no pages of other origins")
    if method in ("GET", "HEAD"):
        return None
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return error(411, "the request must state its length")
    if len(length) > 9 or int(length) > _MAX_BODY:
        return error(413, f"the request is larger than {_MAX_BODY} bytes")
    return None


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def error(status: int, sentence: str) -> JSONResponse:
    """An error as every answer of the server gives it."""
    return JSONResponse({"error": sentence}, status)

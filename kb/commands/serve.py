"""`kb serve`: the knowledge base over HTTP, on this machine or for others."""

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from kb.options import KbFolder, ModelName
from kb.terminal import say
from retrieval.errors import UsageError

if TYPE_CHECKING:
    import socket

# Seconds after which a connection that says nothing is closed, and that answers under way are given at the end.
_IDLE, _FAREWELL = 15, 2
# Connections and requests at once.
_MOST = 512
_SHORTEST = 16

_EXAMPLES = """\b
Examples:
  kb serve
  kb serve --kb work --port 8080"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("serve", epilog=_EXAMPLES)(serve)


def serve(
    folder: KbFolder = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 7717,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on. Other machines need the token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(
            "--token", envvar="KB_TOKEN", show_default=False,
            help="What every request must bring (default: none on this machine, else made and printed once).",
        ),
    ] = None,
    model: ModelName = None,
) -> None:  # fmt: skip
    """Answer programs and browsers over HTTP, with models that stay loaded. kb ask uses them too."""
    import uvicorn

    from kb.knowledge import KnowledgeBase
    from kb.server.access import Access, is_loopback
    from kb.server.app import create_app
    from kb.server.service import Service

    with KnowledgeBase.open(folder) as kb:
        place = kb.folder
    if token is not None and not (token.isascii() and token.isalnum() and len(token) >= _SHORTEST):
        raise UsageError(f"--token: use {_SHORTEST} or more letters and digits")
    if token is None and not is_loopback(host):
        token = secrets.token_hex(16)
    bound = _bound(host, port)
    url = f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}/"
    say(f"serving {place} on {url}{f'#token={token}' if token else ''} (Ctrl-C stops)")
    if not is_loopback(host):
        say("nothing of this is encrypted: use it in a network that you trust, or behind a proxy with TLS")
    service = Service(place, model)
    service.warm()
    app = create_app(service, Access(host, token))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, proxy_headers=False, server_header=False, ws="none",
        limit_concurrency=_MOST, timeout_keep_alive=_IDLE, timeout_graceful_shutdown=_FAREWELL,
    )  # fmt: skip
    uvicorn.Server(config).run([bound])


def _bound(host: str, port: int) -> "socket.socket":
    """A socket on that address. Raises UsageError when it can't be had."""
    import socket

    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()  # who connects as soon as the address is told waits, and is not refused
    except OSError as error:
        raise UsageError(
            f"{host}:{port} can't be listened on ({error.strerror}): name another --port or --host"
        ) from error
    return bound

"""`kb serve`: the knowledge base over HTTP on this machine."""

from typing import Annotated

import typer

from kb.options import KbFolder, ModelName
from kb.terminal import say

_EXAMPLES = """\b
Examples:
  kb serve
  kb serve --kb work --port 8080"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("serve", epilog=_EXAMPLES)(serve)


def serve(
    folder: KbFolder = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port on 127.0.0.1.")] = 7717,
    model: ModelName = None,
) -> None:
    """Answer programs on this machine over HTTP, with models that stay loaded."""
    import uvicorn

    from kb.knowledge import KnowledgeBase
    from kb.server.app import create_app

    with KnowledgeBase.open(folder) as kb:
        place = kb.folder
    say(f"serving {place} on http://127.0.0.1:{port} (Ctrl-C stops)")
    uvicorn.run(create_app(place, model), host="127.0.0.1", port=port, log_level="warning", access_log=False,
                limit_concurrency=512, timeout_keep_alive=15, timeout_graceful_shutdown=5)  # fmt: skip

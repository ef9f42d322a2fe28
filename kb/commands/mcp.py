"""`kb mcp`: the knowledge base as tools of an assistant."""

import typer

from kb.options import KbFolder, ModelName

_EXAMPLES = """\b
Examples:
  kb mcp --kb ~/notes/.kb
  kb mcp --model qwen2.5-coder-0.5b"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("mcp", epilog=_EXAMPLES)(mcp)


def mcp(folder: KbFolder = None, model: ModelName = None) -> None:
    """Let a desktop assistant search, ask and read: a server of the Model Context Protocol on stdin and stdout."""
    from kb.knowledge import KnowledgeBase
    from kb.mcp_server import serve

    with KnowledgeBase.open(folder) as kb:
        place = kb.folder
    serve(place, model)

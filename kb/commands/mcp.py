"""`kb mcp`: the knowledge base as tools of an assistant."""

import typer

from kb.options import KbFolder, ModelName

_EXAMPLES = """\b
An assistant starts it, by an entry in its settings such as
  {"mcpServers": {"kb": {"command": "kb", "args": ["mcp", "--kb", "/home/me/my-kb"]}}}"""


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

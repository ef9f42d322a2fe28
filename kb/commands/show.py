"""`kb show`: opens what a citation or hit names."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from kb.options import Json, KbFolder
from kb.terminal import console, print_json

if TYPE_CHECKING:
    from kb.reports import Shown

_EXAMPLES = """\b
Examples:
  kb show 8d0d0d24c3c4:1032-1136
  kb show docs/wiki/decision-log.md"""
# Characters of the document that are shown around a span.
_AROUND = 600
# Messages of a thread that are shown before and after one.
_NEIGHBOURS = 3


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("show", epilog=_EXAMPLES)(show)


def show(
    ref: Annotated[str, typer.Argument(help="The ref of a hit, citation or document, or a file's path.")],
    folder: KbFolder = None,
    as_json: Json = False,
) -> None:
    """Show a passage in its document, or a whole document."""
    from kb.knowledge import KnowledgeBase

    with KnowledgeBase.open(folder) as kb:
        shown = kb.show(ref)
    if as_json:
        print_json(shown.to_json())
    else:
        print_shown(shown)


def print_shown(shown: "Shown") -> None:
    """The span in its surroundings: between »« where there are no colours, else set off by them."""
    from rich.text import Text

    from kb.render import day, origin

    out = console()
    info, text, start, end = shown.info, shown.text, shown.start, shown.end
    out.print(origin(shown), style="bold", soft_wrap=True)
    if info.kind != "mail" and (info.author or info.date):
        out.print(" · ".join(filter(None, (info.author, day(info.date or "")))), style="dim", soft_wrap=True)
    for line in _relations(shown):
        out.print(line, style="dim", soft_wrap=True, markup=False, highlight=False)
    out.print()
    first, last = _line_start(text, max(0, start - _AROUND)), _line_end(text, min(len(text), end + _AROUND))
    left, right = ("", "") if out.color_system or (start, end) == (0, len(text)) else ("»", "«")
    body = Text("…\n" if first else "", end="\n")
    body.append(text[first:start], style="dim")
    body.append(f"{left}{text[start:end]}{right}", style="bold" if out.color_system else "")
    body.append(text[end:last], style="dim")
    body.append("\n…" if last < len(text) else "")
    out.print(body, soft_wrap=True)


def _relations(shown: "Shown") -> Iterator[str]:
    """What a page is numbered with, the place of a message in its thread, the messages around it, and what came
    attached to what, with the refs."""
    from kb.render import day
    from retrieval.text import one_line

    if shown.page_label:
        yield f"Page {shown.page} of the file is numbered {one_line(shown.page_label)}"
    if shown.attached_to is not None:
        ref, info = shown.attached_to
        yield f"Attached to: {info.title} · {ref}"
    for ref, info in shown.attachments:
        yield f"Attachment: {one_line(info.part.rpartition('/')[2])} · {ref}"
    thread = shown.thread
    if thread is None or len(thread.messages) == 1:
        return
    started = thread.messages[0].info.date
    yield f"Thread: {thread.position} of {len(thread.messages)}" + (
        f", first {day(started)}" if started else ""
    )
    start = max(0, min(thread.position - 1 - _NEIGHBOURS, len(thread.messages) - 2 * _NEIGHBOURS - 1))
    for number, message in enumerate(thread.messages[start : start + 2 * _NEIGHBOURS + 1], start=start + 1):
        info = message.info
        mark = ">" if number == thread.position else " "
        parts = filter(None, (day(info.date or ""), info.author, info.title, message.ref))
        yield f"{mark} {number}  {' · '.join(parts)}"


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end

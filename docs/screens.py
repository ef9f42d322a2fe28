"""Takes the pictures of kb in this folder: real runs over sample_docs/ in a terminal.

    python docs/screens.py [ask chat ingest status doctor]

Needs tmux, and the models. kb gets a home of its own, so that nothing of the user's is read or shown; in the pictures
its path is ~.
"""

import os
import re
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from panes import COLUMNS, Pane  # noqa: E402

from kb.model_store import default_folder as models_folder  # noqa: E402

QUESTION = "what was the Q3 decision"
# Without the font that rich would have a browser fetch.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


class Studio:
    """Runs commands in a home of their own and keeps their screens."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._taken = 0
        (home / ".cache" / "kb").mkdir(parents=True)
        (home / ".cache" / "kb" / "models").symlink_to(models_folder())
        for name in [name for name in os.environ if name.startswith(("XDG_", "KB_"))]:
            del os.environ[name]
        os.environ |= {"HOME": str(home), "PYTHONPATH": str(ROOT)}

    def pane(self, *arguments: str) -> Pane:
        """A run of kb."""
        self._taken += 1
        folder = self._home / f".tmux{self._taken}"
        folder.mkdir()
        return Pane(folder, *arguments)

    def run(self, *arguments: str, midway: str = "") -> str:
        """The screen of a run that has ended, below that of the moment when the pattern `midway` was on it."""
        pane, moments = self.pane(*arguments), []
        if midway:
            pane.until(lambda: bool(re.search(midway, pane.text())) or pane.ended(), 900)
            moments.append(pane.text(styled=True) + "\n")
        pane.until(pane.ended, 900)
        moments.append(pane.text(styled=True))
        pane.close()
        # What tmux says below a command that has ended is none of kb's.
        return "\n".join(re.sub(r"\s*Pane is dead.*", "", moment) for moment in moments)

    def save(self, name: str, command: str, screen: str) -> None:
        """Writes a screen as a picture."""
        text = screen.replace(str(ROOT), "~/kb").replace(str(self._home), "~")
        console = Console(record=True, width=COLUMNS, file=StringIO(), highlight=False)
        console.print(Text(f"$ {command}", style="bold"))
        console.print(Text.from_ansi(text.rstrip()))
        console.save_svg(str(DOCS / f"{name}.svg"), title=command.partition(" -")[0], code_format=_FORMAT)


def ask(studio: Studio) -> None:
    studio.save("ask", f'kb ask "{QUESTION}"', studio.run("ask", QUESTION))


def chat(studio: Studio) -> None:
    pane = studio.pane("chat")
    pane.prompt()
    for line in ("How long is the guarantee on Wren?", "What does it not cover?", "/show 1"):
        pane.say(line)
    studio.save("chat", "kb chat", pane.text(styled=True))
    pane.type("/quit")
    pane.press("Enter")
    pane.until(pane.ended)
    pane.close()


def status(studio: Studio) -> None:
    studio.save("status", "kb status", studio.run("status"))


def doctor(studio: Studio) -> None:
    studio.save("doctor", "kb doctor", studio.run("doctor"))


def main() -> None:
    """Takes the pictures that are asked for, or all."""
    wanted = sys.argv[1:] or ["ingest", "ask", "chat", "status", "doctor"]
    with tempfile.TemporaryDirectory() as home:
        studio = Studio(Path(home))
        screen = studio.run("ingest", "sample_docs", midway=r"[4-9]\d%")
        if "ingest" in wanted:
            studio.save("ingest", "kb ingest sample_docs", screen)
        for take in (ask, chat, status, doctor):
            if take.__name__ in wanted:
                take(studio)


if __name__ == "__main__":
    main()

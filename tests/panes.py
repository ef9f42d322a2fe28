"""`kb` in a pane of tmux: a terminal that a test types into and reads the screen of, as a person does."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from conftest import SAMPLES

COLUMNS, LINES = 100, 40


class Pane:
    """A command in a pane of a tmux server of its own, whose socket lies in `folder`."""

    def __init__(
        self, folder: Path, *arguments: str | Path, columns: int = COLUMNS, lines: int = LINES
    ) -> None:
        self._socket, self._status = folder / "tmux", folder / "status"
        self._status.unlink(missing_ok=True)
        # Its status is written to a file: tmux at times never hears of an end, and shows the pane as dead without one.
        command = (
            shlex.join([sys.executable, "-m", "kb.main", *map(str, arguments)])
            + f"; echo $? >{shlex.quote(str(self._status))}"
        )
        self._tmux(
            "start-server", ";", "set", "-g", "remain-on-exit", "on", ";", "set", "-g", "history-limit", "9999", ";",
            "new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(SAMPLES.parent), command,
        )  # fmt: skip

    def _tmux(self, *arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        done = subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", str(self._socket), *arguments],
            env=environment | {"TERM": "xterm-256color"}, capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
        return done.stdout

    def text(self, *, styled: bool = False) -> str:
        """All that was shown, with what has left the screen; lines that the pane wrapped are whole again. `styled`
        keeps colours as escape sequences."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-", *(["-e"] if styled else [])).rstrip()

    def line(self) -> str:
        """The line that the cursor is in."""
        row = self._tmux("display-message", "-p", "#{cursor_y}").strip()
        return self._tmux("capture-pane", "-p", "-S", row, "-E", row).strip()

    def until(self, found: Callable[[], bool], seconds: float = 300) -> None:
        """Waits until `found`; fails with what is on the screen when it never is."""
        deadline = time.monotonic() + seconds
        while not found():
            assert time.monotonic() < deadline, self.text()[-3000:]
            time.sleep(0.1)

    def press(self, key: str) -> None:
        """A key by tmux's name for it: Enter, C-c, Tab."""
        self._tmux("send-keys", key)

    def type(self, text: str) -> None:
        """Types into the prompt and waits until all of it is there."""
        self._tmux("send-keys", "-l", text)
        self.until(lambda: self.line() == f"> {text}")

    def prompt(self) -> str:
        """All that was shown up to the next empty prompt of a chat."""
        self.until(lambda: self.line() == ">")
        return self.text()

    def say(self, line: str) -> str:
        """Types a line and gives back what came up to the next prompt."""
        self.type(line)
        self.press("Enter")
        return self.prompt().rpartition(f"> {line}\n")[2]

    def ended(self) -> bool:
        """Whether the command has ended."""
        return self._status.exists() and self._status.read_text("ascii").endswith("\n")

    def left(self) -> int:
        """Waits until the command has ended; its exit status."""
        self.until(self.ended)
        return int(self._status.read_text("ascii"))

    def close(self) -> None:
        self._tmux("kill-server")

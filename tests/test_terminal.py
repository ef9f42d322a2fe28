"""`kb ask` and `kb chat` on a terminal: what a person sees while the model works, and Ctrl-C."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from conftest import SAMPLES
from helpers import kb

Q3 = "what was the Q3 decision"


def _heed_ctrl_c() -> None:
    """A shell starts what it runs in the background with Ctrl-C ignored, and so would be what that starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments: str | Path) -> None:
        self._master, slave = pty.openpty()
        environment = os.environ | {
            "TERM": "xterm-256color",
            "COLUMNS": "100",
            "LINES": "40",
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kb.main", *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave,
            cwd=SAMPLES.parent, env=environment, start_new_session=True, preexec_fn=_heed_ctrl_c,
        )  # fmt: skip
        os.close(slave)
        self.text = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, found: Callable[[str], bool], seconds: float = 120) -> str:
        """What came until `found` says that it is enough."""
        start = len(self.text)
        deadline = time.monotonic() + seconds
        while not found(self.text[start:]):
            assert time.monotonic() < deadline, self.text[-2000:]
            ready, _, _ = select.select([self._master], [], [], 0.2)
            if ready:
                try:
                    self.text += os.read(self._master, 65536).decode("utf-8", "replace")
                except OSError:  # the other side has closed
                    break
        return self.text[start:]

    def prompt(self) -> str:
        """What came up to the next prompt of a chat: an answer comes in several reads, its sources last."""
        return plain(self.until(lambda seen: "\x1b[?2004h" in seen))  # what a prompt switches on: pasting

    def say(self, line: str) -> str:
        self.type(f"{line}\r")
        return self.prompt()

    def close(self) -> int:
        self.process.kill() if self.process.poll() is None else None
        os.close(self._master)
        return self.process.wait()


def plain(text: str) -> str:
    """The text without colours and cursor movements."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def test_ask_shows_passages_first_and_the_checked_answer_last(sample_folder: Path) -> None:
    terminal = Terminal("ask", Q3, "--kb", sample_folder)
    text = plain(terminal.until(lambda seen: "kb show" in seen))
    terminal.process.wait(30)
    assert terminal.close() == 0
    assert text.index("Reading") < text.index("Sources")
    answer = text[: text.index("Sources")]
    assert re.search(r"30\s+September", answer) and "[1]" in answer


def test_ctrl_c_stops_the_answer_and_not_the_chat(sample_folder: Path) -> None:
    """A person who sees that the question was wrong must not wait, nor lose the conversation."""
    terminal = Terminal("chat", "--kb", sample_folder)
    terminal.prompt()
    terminal.type(f"{Q3}\r")
    terminal.until(lambda seen: "Reading" in seen)
    time.sleep(0.5)
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert "stopped" in terminal.prompt()
    assert "18" in terminal.say("How long do we keep support tickets?")
    terminal.type("/quit\r")
    assert terminal.process.wait(30) == 0
    terminal.close()


def test_a_conversation_is_filtered_saved_left_and_gone_on_with(sample_folder: Path, tmp_path: Path) -> None:
    """A follow-up that forgot its subject, a filter that does not hold, or a conversation that is lost with the window
    would each make the chat useless for more than one question."""
    base = tmp_path / "kb"
    shutil.copytree(sample_folder, base, ignore=shutil.ignore_patterns("chats*"))  # of other tests
    notes = tmp_path / "notes.md"

    terminal = Terminal("chat", "--kb", base)
    terminal.prompt()
    assert "kb show" in terminal.say(Q3)
    assert "300" in terminal.say("and how many units was it?").partition("Sources")[0]
    assert "only mail" in terminal.say("/filter kind=mail")
    assert "wiki/" not in terminal.say("Who asked about the antenna?")
    assert "confidence" in terminal.say("/why")
    assert "saved in" in terminal.say(f"/save {notes}")
    terminal.type("/quit\r")
    assert terminal.process.wait(30) == 0
    terminal.close()
    saved = notes.read_text("utf-8")
    assert saved.count("## ") == 3 and "and how many units was it?" in saved and "300" in saved

    terminal = Terminal("chat", "--continue", "--kb", base)
    assert "antenna" in terminal.prompt()
    terminal.type("/new\r/quit\r")
    assert terminal.process.wait(30) == 0
    terminal.close()
    listed = kb("history", "--kb", base)
    assert listed.returncode == 0 and Q3 in listed.stdout and " 3  " in listed.stdout
    shown = kb("history", "show", "1", "--kb", base)
    assert "300" in shown.stdout
    assert kb("history", "rm", "1", "--kb", base).returncode == 0
    assert kb("history", "show", "1", "--kb", base).returncode == 2

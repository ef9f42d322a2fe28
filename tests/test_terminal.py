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

import pytest
from conftest import SAMPLES
from helpers import kb
from panes import Pane

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


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not on this machine")
def test_a_conversation_is_led_filtered_saved_left_and_gone_on_with(
    sample_folder: Path, tmp_path: Path
) -> None:
    """A follow-up that forgot its subject, a filter that does not hold, an answer that can't be stopped, or a
    conversation that is lost with the window would each make the chat useless for more than one question."""
    base = tmp_path / "kb"
    shutil.copytree(sample_folder, base, ignore=shutil.ignore_patterns("chats*", "*.sock"))  # of other tests
    notes = tmp_path / "notes.md"

    pane = Pane(tmp_path, "chat", "--kb", base)
    pane.prompt()
    assert "kb show" in pane.say(Q3)
    followed = pane.say("and how many units was it?")
    assert "searched for" in followed and "300" in followed.partition("Sources")[0]
    assert "Thwaite" in pane.say("and who approved it?")
    assert "searched for" in pane.say("why was it changed?")

    said = ""
    for _ in range(3):  # an answer may be there before the key is
        pane.type("What was set aside for marketing?")
        pane.press("Enter")
        pane.until(lambda: "Reading" in pane.text().rpartition("> What was set aside for marketing?\n")[2])
        pane.press("C-c")
        said = pane.prompt().rpartition("> What was set aside for marketing?\n")[2]
        if "stopped" in said:
            break
    assert "stopped" in said

    assert "only mail" in pane.say("/filter kind=mail")
    assert "wiki/" not in pane.say("Who asked about the antenna?")
    assert "confidence" in pane.say("/why")
    assert "saved in" in pane.say(f"/save {notes}").replace("\n", " ")
    pane.type("/quit")
    pane.press("Enter")
    assert pane.left() == 0
    pane.close()
    saved = notes.read_text("utf-8")
    assert saved.count("## ") == 5 and "and how many units was it?" in saved and "300" in saved

    pane = Pane(tmp_path, "chat", "--continue", "--kb", base)
    assert "antenna" in pane.prompt()
    assert "300" in pane.say("/sources") or "kb show" in pane.text()
    pane.press("C-d")
    assert pane.left() == 0
    pane.close()
    listed = kb("history", "--kb", base)
    assert listed.returncode == 0 and Q3 in listed.stdout and " 5  " in listed.stdout
    shown = kb("history", "show", "1", "--kb", base)
    assert "300" in shown.stdout
    assert kb("history", "rm", "1", "--kb", base).returncode == 0
    assert kb("history", "show", "1", "--kb", base).returncode == 2


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not on this machine")
def test_what_is_typed_can_be_edited_found_again_and_completed(world: Path, tmp_path: Path) -> None:
    """Several lines with Alt-Enter, an earlier line with Ctrl-R, also in the next chat, and names with Tab."""
    pane = Pane(tmp_path, "chat", "--kb", world / "base")
    pane.prompt()
    pane.say("/filter source=launch*")
    assert pane.say("/filter off").startswith("all documents")
    pane.press("C-r")
    pane.press("h")
    pane.press("*")
    pane.until(lambda: "/filter source=launch*" in pane.text().rpartition("> /filter off")[2])
    pane.press("Enter")
    pane.until(lambda: pane.line() == "> /filter source=launch*")
    pane.press("Enter")
    assert pane.prompt().endswith("only in launch*\n>")
    pane.type("/filter")
    pane.press("M-Enter")
    pane.press("x")
    pane.until(lambda: pane.line() == "x")
    pane.press("C-c")
    pane.prompt()
    pane.type("/model qwen2.5-coder-0")
    pane.press("Tab")
    pane.until(lambda: "/model qwen2.5-coder-0.5b" in pane.line())
    pane.press("Enter")  # takes what the menu offers
    pane.press("Enter")
    pane.until(lambda: "\n> qwen2.5-coder-0.5b" in pane.text())
    pane.press("C-d")
    assert pane.left() == 0
    pane.close()


def test_a_file_is_read_in_and_asked_for_without_leaving(world: Path, tmp_path: Path) -> None:
    """Who notices in the midst of a talk that a document is missing should not have to begin anew."""
    note = tmp_path / "note.md"
    note.write_text("# Aerial\n\nThe aerial weighs 412 grams.\n")
    base = tmp_path / "kb"
    shutil.copytree(world / "base", base)
    terminal = Terminal("chat", "--kb", base)
    terminal.prompt()
    assert "added" in terminal.say(f"/ingest {note}")
    assert "does not exist" in terminal.say("/ingest nosuch/folder")
    assert "412" in terminal.say("How much does the aerial weigh?")
    terminal.type("/quit\r")
    assert terminal.process.wait(30) == 0
    terminal.close()

"""Opening the file of a source: at the line of the quote, at the page, and nothing that would be run."""

import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import KnowledgeBase
from kb.chat_commands import Chat, run
from kb.chats import Exchange, Source
from kb.viewer import edit, editor_command, line_of, view, viewer_command
from retrieval.errors import UsageError

SAMPLES = Path(__file__).parents[1] / "sample_docs"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH. What is put there by `program` writes its arguments to a file beside it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    return folder


def program(folder: Path, name: str) -> Path:
    """Puts a program there; the file that its arguments will be in."""
    told = folder / f"{name}.told"
    (folder / name).write_text(
        f"#!{sys.executable}\nimport pathlib, sys\n"
        f"pathlib.Path({str(told)!r}).write_text('\\n'.join(sys.argv[1:]) + '\\n')\n"
    )
    (folder / name).chmod(0o755)
    return told


def test_the_line_of_a_quote_is_found_through_wrapped_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("# Plan\n\nWe go in\nJune. We ship\nin September, at the\nlatest on the 30th.\n")
    assert line_of(file, "We ship in September, at the latest on the 30th.") == 4


def test_markup_in_the_first_words_of_a_quote_does_not_hide_its_line(tmp_path: Path) -> None:
    """The text of a page has no link targets; its file has."""
    file = tmp_path / "a.md"
    file.write_text("# Plan\n\nSee [the log](log.md) for why the launch was moved to the autumn.\n")
    assert line_of(file, "See the log for why the launch was moved to the autumn.") == 3


def test_words_that_are_in_no_line_open_the_beginning(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(b"%PDF-1.7\n\x00\xff\n")
    assert line_of(file, "We ship in September") == 1
    assert line_of(file, "") == 1


@given(st.lists(st.text("ab c", min_size=1, max_size=30), min_size=1, max_size=12), st.data())
def test_a_whole_line_is_found_where_it_first_stands(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], data: st.DataObject
) -> None:
    """Whoever checks a citation wants to see it, not to look for it."""
    chosen = data.draw(st.sampled_from([line for line in lines if line.strip()] or [""]))
    file = tmp_path_factory.getbasetemp() / "lines.txt"
    file.write_text("\n".join(lines) + "\n")
    words = chosen.split()
    found = " ".join("\n".join(lines[line_of(file, chosen) - 1 :]).split()).split()
    assert not words or any(found[at : at + min(6, len(words))] == words[:6] for at in range(len(found)))


def test_an_archive_is_not_opened_in_an_editor(tmp_path: Path, programs: Path) -> None:
    told = program(programs, "nano")
    (tmp_path / "docs.zip").write_bytes(b"PK\3\4\0\0")
    with pytest.raises(UsageError, match="/open"):
        edit(tmp_path / "docs.zip", "We ship in September")
    assert not told.exists()


def test_editors_are_told_the_line_in_their_own_way(monkeypatch: pytest.MonkeyPatch, programs: Path) -> None:
    file = Path("/docs/a b.md")
    monkeypatch.setenv("EDITOR", "vim -R")
    assert editor_command(file, 7) == ["vim", "-R", "+7", "/docs/a b.md"]
    monkeypatch.setenv("VISUAL", "code --wait")
    assert editor_command(file, 7) == ["code", "--wait", "--goto", "/docs/a b.md:7"]
    monkeypatch.setenv("VISUAL", "'")
    with pytest.raises(UsageError, match="EDITOR"):
        editor_command(file, 7)
    monkeypatch.delenv("VISUAL")
    monkeypatch.delenv("EDITOR")
    with pytest.raises(UsageError, match="no editor"):
        editor_command(file, 7)
    program(programs, "nano")
    assert editor_command(file, 7) == ["nano", "+7", "/docs/a b.md"]


def test_a_pdf_is_opened_at_its_page_by_viewers_that_can(
    monkeypatch: pytest.MonkeyPatch, programs: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    file = Path("/docs/report.pdf")
    with pytest.raises(UsageError, match=r"no viewer here.*/docs/report\.pdf"):
        viewer_command(file, 3)
    program(programs, "xdg-open")
    assert viewer_command(file, 3) == ["xdg-open", "/docs/report.pdf"]
    program(programs, "mupdf")
    assert viewer_command(file, 3) == ["mupdf", "/docs/report.pdf", "3"]
    program(programs, "okular")
    assert viewer_command(file, 3) == ["okular", "--page=3", "/docs/report.pdf"]
    assert viewer_command(Path("/docs/board.png"), None) == ["xdg-open", "/docs/board.png"]


def test_what_a_viewer_would_run_is_not_opened(tmp_path: Path, programs: Path) -> None:
    """A saved page with a script in it is a document, not a program."""
    told = program(programs, "xdg-open")
    for name in ("page.html", "notes.svg", "run.desktop", "script.sh"):
        (tmp_path / name).touch()
        with pytest.raises(UsageError, match="/edit"):
            view(tmp_path / name, None)
    with pytest.raises(UsageError, match="gone"):
        view(tmp_path / "lost.pdf", 1)
    assert not told.exists()


@pytest.mark.skipif(os.name == "nt", reason="the programs of this test are scripts")
def test_a_source_of_a_chat_opens_in_editor_and_viewer(
    sample_folder: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    edited, viewed = program(programs, "vim"), program(programs, "evince")
    with KnowledgeBase.open(sample_folder) as kb:
        hits = kb.search("Which regions does the launch decision for Wren name?", k=40).hits
        page = next(hit for hit in hits if hit.info.doc.endswith("decision-log.md"))
        pdf = next(listed for listed in kb.list() if listed.info.doc.endswith(".pdf"))
        chat = Chat(kb, kb.chat())
        sources = (
            Source(1, page.ref, "log", " ".join(page.text.split()[-8:])),
            Source(2, f"{pdf.ref}:0-10", "pdf", "x"),
        )
        chat.session.resume([Exchange("?", "answered", "!", sources)])
        run(chat, "/edit 1")
        run(chat, "/view 2")
    line, file = edited.read_text().splitlines()
    assert Path(file).name == "decision-log.md"
    shown = "\n".join(Path(file).read_text("utf-8").splitlines()[int(line[1:]) - 1 :])
    assert " ".join(page.text.split()[-8:-2]) in " ".join(shown.split())
    deadline = time.monotonic() + 60
    while not viewed.exists() or not viewed.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (
        viewed.read_text().splitlines() == ["--page-index=1", pdf.info.doc]
        or pdf.info.doc in viewed.read_text()
    )

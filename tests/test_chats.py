"""Conversations that are kept, saved, filtered and completed."""

import stat
from datetime import date
from pathlib import Path

import pytest
from helpers import SMALL_MODEL, info, put
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from kb import KnowledgeBase
from kb.chat_commands import COMMANDS, Chat, run
from kb.chat_input import Names, history_file, reader
from kb.chats import CHATS, Chats, Exchange, Source
from kb.pager import pager_command
from kb.render import source_lines
from kb.session import ChatSession
from kb.transcript import transcript
from retrieval.errors import ModelError, StoreError, UsageError
from retrieval.store import Store
from retrieval.types import Filters
from retrieval.writer import writing

SAID = Exchange(
    "What of the antenna?", "answered", "It is late [1].", (Source(1, "ab:0-4", "Plan · a.md", "late"),)
)


@pytest.fixture
def talk(tmp_path: Path) -> Chat:
    """A chat with a knowledge base of one message and one page; the page's title is an attacker's."""
    with Store.open(tmp_path / "kb", create=True) as store, writing(store) as writer:
        put(
            writer,
            "The antenna is late.",
            info("mail/a.eml", kind="mail", author="Dana Okafor <dana@example.org>"),
        )
        put(writer, "A page.", info("wiki/plan.md", title="Launch plan"))
    base = KnowledgeBase.open(tmp_path / "kb")
    return Chat(base, ChatSession(base))


def completions(talk: Chat, text: str) -> list[str]:
    return [c.text for c in Names(talk.kb).get_completions(Document(text), CompleteEvent())]


def test_a_conversation_is_there_again_after_the_program_ends(tmp_path: Path) -> None:
    with Chats.open(tmp_path) as chats:
        first = chats.add(None, SAID)
        second = chats.add(None, SAID)
        assert chats.add(first, SAID) == first != second
    with Chats.open(tmp_path) as chats:
        assert chats.latest() == first
        assert chats.read(first) == [SAID, SAID]
        assert [(chat.id, chat.turns) for chat in chats.summaries()] == [(first, 2), (second, 1)]


def test_a_quote_that_stands_in_the_answer_is_not_shown_twice() -> None:
    source = Source(1, "ab:0-21", "Plan · a.md", "The antenna\nis late.")
    whole = ["[1] Plan · a.md", "    “The antenna is late.”", "    kb show ab:0-21"]
    assert source_lines(source, None, "It is late [1].") == whole
    assert source_lines(source, None, "It is late [1]. “The antenna is late” [1].") == [whole[0], whole[2]]


def test_a_removed_conversation_leaves_no_word_on_disk(tmp_path: Path) -> None:
    """Who removes a conversation about a secret must be able to rely on it."""
    secret = Exchange("zanzibar-secret?", "not_found", "The documents do not say.", ())
    with Chats.open(tmp_path) as chats:
        kept, gone = chats.add(None, SAID), chats.add(None, secret)
        with pytest.raises(UsageError, match="99"):
            chats.remove([kept, 99])
        chats.remove([gone])
        assert [chat.id for chat in chats.summaries()] == [kept]
        assert all(b"zanzibar" not in file.read_bytes() for file in tmp_path.iterdir())
        with pytest.raises(UsageError, match=f"conversation {gone}"):
            chats.read(gone)


def test_conversations_are_their_owners_alone(tmp_path: Path) -> None:
    with Chats.open(tmp_path) as chats:
        chats.add(None, SAID)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {0o600}


def test_what_was_typed_is_its_owners_alone(talk: Chat) -> None:
    history_file().parent.mkdir(parents=True, exist_ok=True)
    history_file().touch(0o644)
    reader(talk.kb)
    assert stat.S_IMODE(history_file().stat().st_mode) == 0o600


def test_a_damaged_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / CHATS).write_bytes(b"no database\n" * 500)
    with pytest.raises(StoreError, match="move it away"):
        Chats.open(tmp_path)


def test_a_conversation_goes_on_with_its_answered_turns(talk: Chat) -> None:
    """A refusal is no context, and the mark of doubt is no word of the answer."""
    refused = Exchange("And Bo?", "not_found", "The documents do not say.", ())
    talk.session.resume([SAID, refused, Exchange("When?", "answered", "In May. [?]", ())])
    assert [(turn.question, turn.answer) for turn in talk.session.turns] == [
        ("What of the antenna?", "It is late [1]."),
        ("When?", "In May."),
    ]


def test_a_transcript_has_the_sources_and_no_markup_of_strangers() -> None:
    """A saved quote must not load a picture from somewhere when the file is looked at."""
    evil = Source(1, "ab:0-4", "# Title", "![x](http://evil.example/p.png) <script>\n# Heading")
    text = transcript([Exchange("What?", "answered", "It is late [1]. [?]", (evil,))])
    assert "## What?" in text and "It is late [1]. [?]" in text and "`ab:0-4`" in text
    assert "![" not in text and "<script" not in text.replace("\\<", "") and "\n# " not in text


def test_save_never_writes_over_a_file_unasked(talk: Chat, tmp_path: Path) -> None:
    talk.session.resume([SAID])
    file = tmp_path / "notes of mine.md"
    file.write_text("mine")
    with pytest.raises(UsageError, match="--over"):
        run(talk, f"/save {file}")
    assert file.read_text() == "mine"
    run(talk, f"/save --over {file}")
    assert "late" in file.read_text()
    with pytest.raises(UsageError, match="can't be written"):
        run(talk, f"/save {tmp_path}/none/x.md")


@pytest.mark.parametrize(
    "line",
    [
        "/save x.md",
        "/why",
        "/show 1",
        "/open 1",
        "/edit 1",
        "/view 1",
        "/sources",
        "/nosuch",
        "/save",
        "/filter x",
        "/ingest",
        "/ingest nosuch/folder",
    ],
)
def test_a_command_that_cannot_be_done_is_explained(talk: Chat, line: str) -> None:
    with pytest.raises(UsageError):
        run(talk, line)


def test_another_model_answers_from_now_on_if_it_is_there(
    talk: Chat, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name with a slip in it must be told at once, not at the next question."""
    run(talk, f"/model {SMALL_MODEL}")
    assert talk.session.model == SMALL_MODEL
    assert f"> {SMALL_MODEL}" in capsys.readouterr().out
    with pytest.raises(ModelError, match="nosuch"):
        run(talk, "/model nosuch")
    assert talk.session.model == SMALL_MODEL
    run(talk, "/model")
    assert SMALL_MODEL in capsys.readouterr().out


def test_filters_are_set_added_to_dropped_and_cleared(talk: Chat) -> None:
    run(talk, "/filter kind=mail,wiki from=Dana Okafor after=2025-01")
    assert talk.session.filters == Filters(("mail", "wiki"), "Dana Okafor", date(2025, 1, 1))
    run(talk, "/filter from= source=wiki/*.md")
    assert talk.session.filters == Filters(("mail", "wiki"), None, date(2025, 1, 1), None, "wiki/*.md")
    with pytest.raises(UsageError, match="letter"):
        run(talk, "/filter kind=letter")
    assert talk.session.filters.kinds == ("mail", "wiki"), "a wrong filter changes nothing"
    run(talk, "/filter off")
    assert talk.session.filters == Filters()


def test_tab_completes_commands_senders_and_documents(talk: Chat) -> None:
    assert completions(talk, "/s") == ["/sources", "/show", "/save"]
    assert completions(talk, "/filter k") == ["kind="]
    assert completions(talk, "/filter kind=m") == ["mail"]
    assert completions(talk, "/filter kind=mail from=dan") == ["Dana Okafor"]
    assert completions(talk, "/filter from=Dana Oka") == ["Dana Okafor"]
    assert completions(talk, "/filter source=pl") == ["wiki/plan.md"]
    assert completions(talk, "what does okaf") == ["Dana Okafor"]
    assert completions(talk, "what does ") == []
    assert SMALL_MODEL in completions(talk, "/model qwen")


def test_tab_knows_what_was_ingested_since(talk: Chat) -> None:
    """Who has just read a file in asks for it by name."""
    names = Names(talk.kb)
    assert not list(names.get_completions(Document("what of Corvane"), CompleteEvent()))
    with Store.open(talk.kb.folder) as store, writing(store) as writer:
        put(writer, "Modules.", info("wiki/corvane.md", title="Corvane agreement"))
    [found] = names.get_completions(Document("what of Corvane"), CompleteEvent())
    assert found.text == "Corvane agreement"


def test_tab_completes_the_path_to_ingest(talk: Chat, tmp_path: Path) -> None:
    (tmp_path / "notes.md").touch()
    assert completions(talk, f"/ingest {tmp_path}/no") == ["tes.md"]


def test_help_names_every_command(talk: Chat, capsys: pytest.CaptureFixture[str]) -> None:
    run(talk, "/help")
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)


def test_the_pager_opens_at_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", "less -S")
    assert pager_command(7) == ["less", "-S", "+7"]
    monkeypatch.setenv("PAGER", "vim")
    assert pager_command(7) == ["vim", "+7", "-"]
    monkeypatch.setenv("PAGER", "cat")
    assert pager_command(7) == ["cat"]
    monkeypatch.setenv("PAGER", "'")
    with pytest.raises(UsageError, match="PAGER"):
        pager_command(7)

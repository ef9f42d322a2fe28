"""`kb eval` as a person runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import assert_one_sentence, kb, kb_json, model_path

from generation.abstain import MIN_CONFIDENCE
from generation.llm import LocalModel
from kb import KnowledgeBase
from kb.catalogue import DEFAULT_LLM
from kb.evaluation.make import make_questions, usable
from kb.evaluation.questions import parse, read_questions
from kb.evaluation.run import ask_one
from retrieval.errors import KbError
from retrieval.store import Store

QUESTIONS = (
    '{"id": "where", "question": "When does the antenna supplier deliver?", "doc": "antenna.eml"}\n'
    '{"id": "mail", "question": "antenna supplier promised delivery", "message_id": "<one@example.org>"}\n'
    '{"id": "lost", "question": "How much is set aside for the launch?", "doc": "elsewhere.md"}\n'
)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text(QUESTIONS)
    return file


def test_retrieval_is_measured_without_a_language_model(world: Path, questions: Path, tmp_path: Path) -> None:
    """On a machine that has only the embedding model, too."""
    run = kb_json("eval", questions, "--kb", world / "base", "--retrieval-only")
    assert run["complete"] is True and run["about"]["model"] is None
    assert run["summary"]["retrieval"]["hit@10"] == {"value": 0.6667, "of": 3}
    assert [question["given"] for question in run["questions"]] == [None] * 3
    assert "answers" not in run["summary"]


def test_a_run_is_held_against_an_earlier_one(world: Path, questions: Path, tmp_path: Path) -> None:
    before, page = tmp_path / "before.json", tmp_path / "report.html"
    common = ["--kb", world / "base", "--retrieval-only"]
    first = kb("eval", questions, *common, "--report", before)
    assert first.returncode == 0, first.stderr
    assert "hit@10" in first.stdout and "not well: 1" in first.stdout and "elsewhere" not in first.stdout
    questions.write_text(QUESTIONS.replace("elsewhere.md", "launch.md"))
    done = kb("eval", questions, *common, "--against", before, "--report", page)
    assert done.returncode == 0, done.stderr
    assert "▲ better" in done.stdout and "better: 1" in done.stdout and "lost  How much" in done.stdout
    assert "<svg" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a file with questions"),
        (["nowhere.jsonl"], "can't be read"),
        (["{bad}"], "line 2: its \"page\" should be a number"),
        (["{good}", "--against", "{good}"], "holds no earlier run"),
        (["{good}", "--report", "r.pdf"], ".html, .md, .json"),
        (["{good}", "--resume", "{good}", "--retrieval-only"], "not what an earlier run has kept"),
        (["{good}", "--make", "3"], "is there already"),
    ],
)  # fmt: skip
def test_a_mistake_costs_one_sentence_and_nothing_else(
    world: Path, questions: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"question": "q"}\n{"question": "q", "doc": "a.pdf", "page": "one"}\n')
    named = [argument.format(bad=bad, good=questions) for argument in arguments]
    done = kb("eval", *named, "--kb", world / "base")
    assert done.returncode == 2 and done.stdout == ""
    assert says in done.stderr
    assert_one_sentence(KbError(done.stderr.strip()))
    assert questions.read_text() == QUESTIONS


def test_what_was_kept_is_not_asked_again(world: Path, questions: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    command = ["eval", questions, "--kb", world / "base", "--retrieval-only", "--resume", kept]
    kb_json(*command)
    lines = kept.read_text().splitlines()
    assert len(lines) == 4
    kept.write_text("\n".join(lines[:2]).replace('"good": [true', '"good": [false, true') + "\n")
    run = kb_json(*command)
    assert run["questions"][0]["found"]["good"][:2] == [False, True]  # the kept one, as it was kept
    assert len(run["questions"]) == 3 and len(kept.read_text().splitlines()) == 4


def test_ctrl_c_prints_what_was_measured(world: Path, tmp_path: Path) -> None:
    file, kept = tmp_path / "many.jsonl", tmp_path / "kept.jsonl"
    file.write_text("".join(f'{{"question": "the launch {n}", "doc": "launch.md"}}\n' for n in range(20_000)))
    command = ["eval", file, "--kb", world / "base", "--retrieval-only", "--json", "--resume", kept]
    process = subprocess.Popen(
        [sys.executable, "-m", "kb.main", *map(str, command)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler), env=dict(os.environ),
    )  # fmt: skip
    while not (kept.exists() and kept.read_text().count("\n") > 5):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    run = json.loads(out)
    assert run["complete"] is False and 5 <= len(run["questions"]) < 20_000
    assert f"goes on from {kept}" in err


def test_an_answer_and_a_refusal_are_judged(sample_kb: KnowledgeBase) -> None:
    """With the real model, on a plain figure in one document and on a question about nothing in the documents."""
    docs = ["wiki/hiring.md", "meetings/2025-09-02-all-hands.md"]
    plain = parse(
        {"question": "What is the bonus for recommending somebody we hire?", "answer": "£900", "docs": docs}
    )
    good = ask_one(sample_kb, plain, DEFAULT_LLM)
    assert good.found is not None and good.given is not None
    assert good.given.answered and good.given.right and good.given.cited_right == good.given.citations
    assert good.given.confidence is not None and good.given.confidence >= MIN_CONFIDENCE
    none = ask_one(
        sample_kb, parse({"question": "What is the capital of Mongolia?", "answerable": False}), DEFAULT_LLM
    )
    assert none.found is None and none.given is not None
    assert none.good is True and none.given.confidence is not None and none.given.confidence < MIN_CONFIDENCE


def test_proposed_questions_are_true_to_their_documents(sample_folder: Path, tmp_path: Path) -> None:
    """Whatever the model writes: each line can be read by kb eval, and its span holds its answer."""
    model = LocalModel(model_path(DEFAULT_LLM))
    made = list(make_questions(sample_folder, model, 2))
    model.close()
    file = tmp_path / "made.jsonl"
    file.write_text("".join(json.dumps(entry) + "\n" for entry in made))
    assert made
    assert len(read_questions(file)) == len(made)
    with KnowledgeBase.open(sample_folder) as base:
        for entry in made:
            listed = [document for document in base.list() if document.info.doc == entry["doc"]]
            message = [d for d in listed if d.info.message_id == entry.get("message_id")]
            shown = base.show(message[0].ref)
            assert shown.text[slice(*entry["span"])] == entry["quote"]
            assert entry["answers"][0] in entry["quote"]


def first_chunk(folder: Path, doc: str) -> object:
    with Store.open(folder) as store:
        (id_,) = store.connection.execute(
            "SELECT min(c.id) FROM chunks c JOIN documents d ON d.id = c.document_id JOIN files f ON f.id = d.file_id "
            "WHERE f.doc LIKE ?", (f"%{doc}",),
        ).fetchone()  # fmt: skip
        return store.chunks([id_])[id_]


@pytest.mark.parametrize(
    ("reply", "is_usable"),
    [
        ("Question: How much is set aside for the launch in September?\nAnswer: 42,000 EUR", True),
        ("Question: How much is set aside for the launch in September?\n\nAnswer: “42,000   eur”.", True),
        # The answer is made up, then given away.
        ("Question: How much is set aside for the launch in September?\nAnswer: 43,000 EUR", False),
        ("Question: Are 42,000 EUR set aside for the September launch?\nAnswer: 42,000 EUR", False),
        ("Question: How much money is set aside in this text?\nAnswer: 42,000 EUR", False),
        ("Question: How much?\nAnswer: 42,000 EUR", False),
        ("Question: How much is set aside for the launch?", False),
        ("I can't help with that.", False),
        ("", False),
    ],
)
def test_a_proposal_that_its_document_does_not_bear_out_is_dropped(
    world: Path, reply: str, is_usable: bool
) -> None:
    entry = usable(reply, first_chunk(world / "base", "launch.md"))  # type: ignore[arg-type]
    assert (entry is not None) is is_usable
    if entry:
        assert entry["answers"] == ["42,000 EUR"] and "42,000 EUR are set aside" in entry["quote"]

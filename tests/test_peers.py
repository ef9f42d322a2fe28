"""The comparison with others: a wrong rank, a message taken for an answer or a shifted column would be a lie."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.__main__ import Run
from benchmarks.peers.documents import Documents, Source, prepare
from benchmarks.peers.judging import judge_answer, places, rank_of_gold, refuses
from benchmarks.peers.running import ADAPTERS, AdapterError, running
from benchmarks.peers.systems import System
from benchmarks.peers.tables import answers_table, retrieval_table

MEETING = "# Meeting\n\n**Ann:** Yes .\n\n**Ben:** We launch in May .\n\n**Ann:** Yes .\n"


def passage(document: str, text: str = "", **known: Any) -> dict[str, Any]:
    place = {"score": None, "page": None, "start": None, "end": None, "message_id": None, "copies": []}
    return {"document": document, "text": text, **place, **known}


def span(text: str) -> list[int]:
    return [MEETING.index(text), MEETING.index(text) + len(text)]


def rank(found: list[dict[str, Any]], question: dict[str, Any], **sources: Source) -> int | None:
    named = {name.replace("_", "."): source for name, source in sources.items()}
    return rank_of_gold(found, question, named, lambda document: MEETING)


def test_a_passage_is_right_where_its_system_says_that_it_stands() -> None:
    question = {"doc": "m.md", "char_spans": [span("We launch")]}
    start, end = span("Ben:** We")
    assert rank([passage("m.md", start=0, end=5), passage("m.md", start=start, end=end)], question) == 2
    assert rank([passage("m.md", start=end + 9, end=end + 20)], question) is None
    assert rank([passage("other.md", start=start, end=end)], question) is None


def test_a_passage_without_a_place_is_found_although_its_layout_was_changed() -> None:
    question = {"doc": "m.md", "char_spans": [span("launch")]}
    assert rank([passage("folder/m.md", "\n\nMeeting\nAnn: Yes.\nBen: We launch")], question) == 1
    assert rank([passage("m.md", "We launched")], question) is None
    assert rank([passage("m.md", "")], question) is None


def test_words_that_stand_twice_are_found_twice() -> None:
    found = places(passage("m.md", "Ann: Yes ."), lambda document: MEETING)
    assert [MEETING[start:end] for start, end in found] == ["Ann:** Yes"] * 2


def test_a_file_made_for_others_stands_for_its_message_and_for_those_with_its_body() -> None:
    source = Source("all.mbox", message_id="a@x", copies=("b@x",))
    assert rank([passage("m1.txt")], {"message_id": "a@x"}, m1_txt=source) == 1
    assert rank([passage("m1.txt")], {"message_id": "b@x"}, m1_txt=source) == 1
    assert rank([passage("m1.txt")], {"message_id": "c@x"}, m1_txt=source) is None
    assert rank([passage("all.mbox", message_id="a@x", copies=["b@x"])], {"message_id": "b@x"}) == 1


def test_a_page_counts_only_as_the_page_of_its_own_file() -> None:
    question = {"doc": "r.pdf", "pages": [7]}
    assert rank([passage("r.pdf", page=6), passage("r.pdf", page=7)], question) == 2
    assert rank([passage("p.txt")], question, p_txt=Source("r.pdf", page=7)) == 1
    assert rank([passage("q.pdf", page=7)], question) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Empty Response",
        "I'm sorry, but I can't find that.",
        "I don't know.",
        "The context does not mention who won.",
        "The provided context doesn't specify the year. It says that the race was long.",
        "There is no information about the winner in the context.",
        "The winner is not mentioned in the text.",
        "It is not possible to answer based on the given information.",
    ],
)
def test_prose_that_gives_no_answer_is_a_refusal(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "Anna Berg won.",
        "No, it was not built before 1900.",
        "He did not win the race. The context does not say who did.",
        "The context says that it was built in 1900.",
    ],
)
def test_an_answer_with_a_no_in_it_is_not_a_refusal(text: str) -> None:
    assert not refuses(text)


def test_a_right_answer_from_another_document_is_right_and_not_cited() -> None:
    question = {"answerable": True, "answers": ["Anna Berg"], "doc": "a.md"}
    reply = {"text": "Anna Berg.", "documents": ["/x/b.md"], "refused": None}
    assert judge_answer(reply, question) == {
        "answerable": True,
        "answered": True,
        "right": True,
        "cited": False,
    }
    assert judge_answer(reply | {"documents": ["/x/a.md"]}, question)["cited"]
    assert not judge_answer(reply | {"refused": True}, question)["right"]


def test_tables_have_a_cell_for_every_column() -> None:
    found = {
        "chunks": 1200, "ingest_seconds": 61.2, "ingest_cpu": 99.6, "ingest_peak": 7e8, "index_bytes": 2_340_000,
        "ranks": [1, None, 4, 10], "cold_seconds": 2.5, 
        "seconds": [0.02, 0.03, 0.04], "cpu": [0.01, 0.02, 0.03], "characters": 9000,
    }  # fmt: skip
    head, _, row = retrieval_table([("wiki", "kb", found)]).splitlines()
    assert row == (
        "| wiki (4) | kb | 1,200 | 61, 100 s | 700 MB | 2.3 MB | 0.250 | 0.500 | 0.750 | 0.338 | 9,000 | 2.5 s "
        "| 30, 20 ms |"
    )
    assert head.count("|") == row.count("|")
    one = {
        "answerable": True, "answered": True, "right": True, "cited": False, "tokens": 300, "seconds": 2.0, "cpu": 3.0,
        "peak": 2e9,
    }  # fmt: skip
    none = one | {"answerable": False, "answered": False, "right": False}
    head, _, row = answers_table([("kb", [one, none])]).splitlines()
    assert row == "| kb | 0/1 | 1/1 | 0 | 0 | 1/1 | 300 | 2.0, 3.0 s | 2,000 MB |"
    assert head.count("|") == row.count("|")


ADAPTER = """
import sys
from serving import Passage, Reply, serve

class Adapter:
    version = "1.0"
    def __init__(self, job):
        self.job = job
    def ingest(self):
        print("a library's chatter")
        return len(list(self.job.documents.iterdir()))
    def search(self, question, k):
        return [Passage("m.md", question, 0.5)] * k
    def ask(self, question):
        if question == "hard" and not (self.job.index / "restocked").exists():
            sys.exit("out of cheese")
        return Reply(f"{question}: 1900", ["m.md"])

serve(Adapter)
"""


def command(folder: Path) -> list[str]:
    script = folder / "adapter.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(ADAPTERS)!r})\n{ADAPTER}")
    options = [f"--{name}={folder}" for name in ("documents", "index", "embedder", "llm")]
    return [sys.executable, str(script), *options, "--setting=best"]


def test_an_adapter_is_asked_in_its_own_process_and_its_chatter_is_no_reply(tmp_path: Path) -> None:
    with running(command(tmp_path), tmp_path / "log.txt") as process:
        assert process.ask(do="ingest")["chunks"] == 2  # its script and its log
        found = process.ask(do="search", question="Grüße?\n", k=2)
    assert [one["text"] for one in found["passages"]] == ["Grüße?\n"] * 2
    assert process.cpu > 0
    assert "chatter" in (tmp_path / "log.txt").read_text()


def test_an_adapter_that_dies_says_why(tmp_path: Path) -> None:
    with (
        running(command(tmp_path), tmp_path / "log.txt") as process,
        pytest.raises(AdapterError, match="cheese"),
    ):
        process.ask(do="ask", question="hard")


def test_a_system_whose_environment_was_not_made_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "haiku" / "bin" / "python")
    with pytest.raises(AdapterError, match=r"haiku/bin/python: make it with benchmarks/peers/setup\.sh"):
        running([missing, "adapter.py"], tmp_path / "log.txt").__enter__()


class Faked(System):
    """A system whose adapter is the one above."""

    def command(self, environments: Path, documents: Path, index: Path) -> list[str]:
        return command(index.parent)


def test_a_run_that_was_cut_off_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    documents = Documents("wiki", "wiki", (), tmp_path, tmp_path, {})
    run = Run(Faked("kb", "default", "kb"), documents, tmp_path, tmp_path)
    common = {"answerable": True, "answers": ["1900"], "doc": "m.md"}
    questions = [
        {"id": str(n), "question": text, **common} for n, text in enumerate(("easy", "hard", "last"))
    ]
    with pytest.raises(AdapterError):
        run.answers(questions)
    kept = tmp_path / "wiki" / "kb-default"
    assert [json.loads(line)["id"] for line in (kept / "answers.jsonl").read_text().splitlines()] == ["0"]
    first = (kept / "answers.jsonl").read_text()
    (kept / "restocked").touch()
    assert [record["text"] for record in run.answers(questions)] == ["easy: 1900", "hard: 1900", "last: 1900"]
    assert (kept / "answers.jsonl").read_text().startswith(first)


def test_others_get_each_message_as_a_file_that_is_known_again(tmp_path: Path) -> None:
    docs = tmp_path / "eval" / "mail" / "docs"
    docs.mkdir(parents=True)
    message = "From x\nFrom: ann@x.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <{}@x>\n\nSee you.\n\n"
    (docs / "all.mbox").write_text(message.format("a") + message.format("b"))
    (docs.parent / "questions.jsonl").write_text(json.dumps({"question": "who?", "message_id": "b@x"}) + "\n")
    documents = prepare(tmp_path / "eval", "mail", tmp_path / "work")
    texts = {file.name: file.read_text("utf-8") for file in documents.folder("txtai").iterdir()}
    assert documents.folder("kb") == docs
    assert [
        (documents.sources[name].message_id, documents.sources[name].copies) for name in sorted(texts)
    ] == [
        ("a@x", ("b@x",)),
        ("b@x", ("a@x",)),
    ]
    assert all("Subject: Grüße\n" in text and text.rstrip().endswith("See you.") for text in texts.values())


def test_a_part_of_a_set_has_its_first_files_with_all_their_questions(tmp_path: Path) -> None:
    docs = tmp_path / "eval" / "wiki" / "docs"
    docs.mkdir(parents=True)
    for name in "abc":
        (docs / f"{name}.md").write_text(name)
    asked = [("b.md", True), ("c.md", True), ("b.md", True), ("gone.md", False), ("c.md", True)]
    asked += [("lost.md", False)]
    lines = [json.dumps({"question": "?", "doc": doc, "answerable": known}) for doc, known in asked]
    (docs.parent / "questions.jsonl").write_text("\n".join(lines))
    documents = prepare(tmp_path / "eval", "wiki", tmp_path / "work", files=1)
    assert [file.name for file in documents.folder("txtai").iterdir()] == ["b.md"]
    assert [question["doc"] for question in documents.answerable] == ["b.md", "b.md"]
    assert [question["doc"] for question in documents.questions] == ["b.md", "b.md", "gone.md"]

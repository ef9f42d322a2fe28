"""A person's question file: what is read from it, where a hit counts as right, and what a slip in it says."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import assert_one_sentence, hit, info
from hypothesis import given
from hypothesis import strategies as st

from kb.evaluation.measures import is_gold
from kb.evaluation.questions import parse, read_questions, sample
from retrieval.errors import UsageError
from retrieval.types import Copy, Hit

SAMPLES = Path(__file__).parents[1] / "sample_docs" / "questions.jsonl"


def at(doc: str, start: int = 0, page: int | None = None, message_id: str | None = None) -> Hit:
    """A hit of ten characters from `start` on."""
    from dataclasses import replace

    found = hit("ten chars.", replace(info(doc), message_id=message_id), start=start)
    return replace(found, page=page)


@pytest.mark.parametrize(
    ("gold", "found", "right"),
    [
        ({"doc": "Fortnite.md"}, at("docs/wiki/Fortnite.md"), True),
        ({"doc": "wiki/Fortnite.md"}, at("docs/wiki/Fortnite.md"), True),
        ({"doc": "mail/Fortnite.md"}, at("docs/wiki/Fortnite.md"), False),
        ({"file": "/home/ada/docs/wiki/a.md"}, at("docs/wiki/a.md"), True),  # the file was ingested from elsewhere
        ({"path": "docs\\wiki\\A.md"}, at("./docs/wiki/a.md"), True),  # written on another system
        ({"document": "nite.md"}, at("docs/Fortnite.md"), False),  # the end of a name is not the name
        ({"docs": ["a.md", "b.md"]}, at("b.md"), True),
        ({"doc": "10K.pdf", "pages": [60, 61]}, at("10K.pdf", page=61), True),
        ({"doc": "10K.pdf", "page": 60}, at("10K.pdf", page=6), False),
        ({"doc": "m.md", "char_spans": [[5, 8], [100, 120]]}, at("m.md", start=111), True),
        ({"doc": "m.md", "span": [20, 30]}, at("m.md", start=10), False),  # it ends where the span begins
        ({"doc": "m.md", "start": 19, "end": 20}, at("m.md", start=10), True),
        ({"message_id": "<one@example.org>"}, at("box.mbox", message_id="one@example.org"), True),
        ({"message_id": "one@example.org"}, at("box.mbox", message_id="two@example.org"), False),
        # A message says more than the mailbox that it is in.
        ({"message_id": "one@example.org", "doc": "box.mbox"}, at("box.mbox", message_id="two@example.org"), False),
        ({"question": "nothing is known"}, at("a.md"), False),
    ],
)  # fmt: skip
def test_a_hit_is_right_where_the_question_says(gold: dict[str, Any], found: Hit, right: bool) -> None:
    assert is_gold(found, gold) is right


def test_a_copy_counts_as_the_document_it_is_in_but_proves_no_page() -> None:
    from dataclasses import replace

    found = replace(at("a.pdf", page=1), copies=(Copy("ref", info("b.pdf")),))
    assert is_gold(found, {"doc": "b.pdf"})
    assert not is_gold(found, {"doc": "b.pdf", "page": 1})


def test_the_sample_questions_are_read() -> None:
    questions = read_questions(SAMPLES)
    assert len(questions) == 40
    assert sum(question.answerable is True for question in questions) == 30
    assert questions[6].answers == ("£437,500",) and len(questions[6].places) == 4


def test_a_withheld_page_is_no_place_to_look(tmp_path: Path) -> None:
    """Public sets name the page of a question even where it is withheld: nothing may count as a right hit then."""
    question = parse({"question": "who?", "doc": "Gone.md", "answers": ["Ada"], "answerable": False})
    assert question.places == () and question.answerable is False


def test_what_is_not_said_is_not_made_up() -> None:
    assert parse({"query": "who?"}, "7").id == "7"
    assert parse({"question": "who?"}).answerable is None
    assert parse({"question": "who?", "answer": "Ada"}).answerable is True
    assert parse({"question": "who?", "doc": "a.md", "id": 12}).id == "12"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no JSON object"),
        ("{}", 'no "question"'),
        ('{"question": "  "}', 'no "question"'),
        ('{"question": 3}', 'no "question"'),
        (json.dumps({"question": "x" * 4001}), "4000 characters"),
        ('{"question": "q", "answerable": "no"}', "true or false"),
        ('{"question": "q", "answers": 5}', "a text or a list of texts"),
        ('{"question": "q", "doc": {"name": "a"}}', "a text or a list of texts"),
        ('{"question": "q", "doc": "a.pdf", "page": 0}', "a number from 1"),
        ('{"question": "q", "doc": "a.pdf", "page": true}', "a number from 1"),
        ('{"question": "q", "doc": "a.pdf", "span": [9, 3]}', "start before end"),
        ('{"question": "q", "doc": "a.pdf", "span": "1-2"}', "start before end"),
        ('{"question": "q", "doc": "a.pdf", "start": 1}', "start before end"),
        ('{"question": "q", "docs": ["a.pdf", "b.pdf"], "page": 1}', "one document"),
        ('{"question": "q", "page": 1}', "one document"),
        ('{"question": "q", "id": "a"}\n{"question": "p", "id": "a"}', "earlier question with the id a"),
    ],
)
def test_a_slip_names_its_line_in_one_sentence(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "fine"}\n\n' + line + "\n")
    with pytest.raises(UsageError, match=says) as caught:
        read_questions(file)
    number = 3 + line.count("\n")
    assert f"{file}, line {number}: " in str(caught.value)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "can't be read"),
        (b"", "no question"),
        (b"\n \n", "no question"),
        (b"\xff\xfe{\x00", "no UTF-8"),
    ],
)
def test_a_file_without_questions_says_so(tmp_path: Path, content: bytes | None, says: str) -> None:
    file = tmp_path / "questions.jsonl"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=says) as caught:
        read_questions(file)
    assert_one_sentence(caught.value)


def test_a_file_from_windows_is_read(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"question": "who?"}\r\n{"question": "when?"}\r\n')
    assert [question.text for question in read_questions(file)] == ["who?", "when?"]


def test_a_line_separator_inside_a_question_ends_no_line(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps({"question": "who\u2028came?"}, ensure_ascii=False) + "\n")
    assert len(read_questions(file)) == 1


def test_the_same_questions_are_drawn_each_time() -> None:
    """Two runs with --limit must be about the same questions, or their difference means nothing."""
    questions = read_questions(SAMPLES)
    drawn = sample(questions, 7)
    assert drawn == sample(questions, 7) and len(drawn) == 7
    assert sample(questions, 9)[:7] == drawn
    assert sorted(q.id for q in sample(questions, 99)) == sorted(q.id for q in questions)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    "question answer answers doc docs path page pages span char_spans start end message_id answerable id".split()
)


@given(st.dictionaries(FIELDS, JSON, max_size=6))
def test_any_object_is_a_question_or_one_sentence(entry: dict[str, Any]) -> None:
    try:
        parse({"question": "q"} | entry)
    except UsageError as error:
        assert_one_sentence(error)

"""What a message quotes belongs to the message that it came from, and to the answer only when that is not there."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from helpers import toy_space

from ingest.document import Document, dump_layout
from ingest.loaders.mail import read
from ingest.quoted import lost_quotes
from retrieval.store import Store
from retrieval.writer import NewDocument, writing

ROOT = "The supplier promised us forty crates of cable by the first of June, and not one day later than."
WRAPPED = (
    "> The supplier promised us forty crates of\n> cable by the first of June, and not one\n> day later than."
)
ARTICLE = "> Copper has become dearer by a third since March, writes the paper, and will stay so for years."


def mail(name: str, body: str, answers: str = "", subject: str = "Cable", day: int = 1) -> bytes:
    reference = f"References: <{answers}>\n" if answers else ""
    date = f"Date: {day:02} Sep 2024 08:00:00 +0000\n"
    return f"Subject: {subject}\nMessage-ID: <{name}>\n{date}{reference}\n{body}\n".encode()


def lost(folder: Path, mails: Mapping[str, bytes], name: str) -> list[str]:
    """The quotes of one message that stand in no other."""
    with Store.open(folder / "kb", create=True) as store:
        with writing(store) as writer:
            space = toy_space(writer)
            for ref, data in mails.items():
                document = next(read(data, ref, ref))
                assert isinstance(document, Document)
                file_id = writer.begin_file(ref.encode(), ref)
                layout = dump_layout(document.blocks)
                no_vectors = np.zeros((0, space.dimensions), np.float32)
                writer.put(
                    file_id, NewDocument(document.info, ref, "", layout, document.text, (), no_vectors), space
                )
        document = store.document(name)
        return [document.text[run[0].start : run[-1].end] for run in lost_quotes(store, document)]


def test_a_quote_that_was_wrapped_anew_is_known(tmp_path: Path) -> None:
    answer = mail("b", f"Good.\n\nOn 1 Sep 2024, Ada wrote:\n{WRAPPED}", answers="a", day=2)
    assert lost(tmp_path, {"a": mail("a", ROOT), "b": answer}, "b") == []


def test_a_quote_from_elsewhere_is_kept_beside_one_that_is_known(tmp_path: Path) -> None:
    answer = mail("b", f"Good.\n\n{WRAPPED}\n\nBut see the paper:\n\n{ARTICLE}", answers="a", day=2)
    assert lost(tmp_path, {"a": mail("a", ROOT), "b": answer}, "b") == [ARTICLE]


def test_a_quote_whose_message_is_missing_is_kept_with_the_line_that_says_whose_it_is(tmp_path: Path) -> None:
    quote = f"On 1 Sep 2024, Ada wrote:\n\n{WRAPPED}"
    assert lost(tmp_path, {"b": mail("b", f"Good.\n\n{quote}", answers="a", day=2)}, "b") == [quote]


@pytest.mark.parametrize(("asked", "kept"), [("b", 1), ("c", 0)])
def test_of_two_answers_to_a_missing_message_the_first_keeps_its_quote(
    tmp_path: Path, asked: str, kept: int
) -> None:
    mails = {
        "c": mail("c", f"Bad.\n\n{WRAPPED}", answers="a", day=3),
        "b": mail("b", f"Good.\n\n{WRAPPED}", answers="a", day=2),
    }
    assert len(lost(tmp_path, mails, asked)) == kept


def test_an_answer_that_names_nothing_is_compared_with_what_has_its_subject(tmp_path: Path) -> None:
    outlook = (
        f"Good.\n\n-----Original Message-----\nFrom: Ada\nSent: Monday\nTo: Ben\nSubject: Cable\n\n{ROOT}"
    )
    mails = {"a": mail("a", ROOT), "b": mail("b", outlook, subject="RE: Cable", day=2)}
    assert lost(tmp_path, mails, "b") == []
    other = {"a": mail("a", "Something else.", subject="Fair"), "b": mails["b"]}
    (kept,) = lost(tmp_path / "other", other, "b")
    assert kept.startswith("-----Original Message-----") and kept.endswith(ROOT)


def test_a_few_words_are_known_only_as_they_stand(tmp_path: Path) -> None:
    mails = {"a": mail("a", "Shall we meet?"), "b": mail("b", "> Shall we meet?\n\nYes.", answers="a", day=2)}
    assert lost(tmp_path, mails, "b") == []
    changed = {"a": mail("a", "We shall meet."), "b": mails["b"]}
    assert lost(tmp_path / "other", changed, "b") == ["> Shall we meet?"]

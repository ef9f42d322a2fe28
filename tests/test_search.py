"""Search: words and vectors together, filters that hold, and any question is a harmless one."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from helpers import DIMENSIONS, assert_one_sentence, bag_of_words, found, info, put
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.encoder import EncoderSettings
from retrieval.errors import EmbedderMismatch
from retrieval.search import Searcher
from retrieval.store import Store
from retrieval.types import Filters
from retrieval.words import content_words, match_expression, query_words
from retrieval.writer import writing


class BagOfWords:
    """Stands where the exported model stands; it is a real embedding, only a poor one."""

    def __init__(self, fingerprint: str = "fingerprint-of-bag-of-words") -> None:
        self.settings = EncoderSettings(fingerprint, DIMENSIONS, 256)

    def encode_query(self, query: str) -> NDArray[np.float32]:
        return bag_of_words([query])[0]


TEXTS = {
    "launch.md": "The launch moved to September because the supplier was late.",
    "budget.md": "The marketing budget is 42,000 EUR for the third quarter.",
    "pets.md": "Dogs are welcome in the office on Fridays.",
    "mail/ask.eml": "Who launches what, and when? Launch, launch, launch!",
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "kb", create=True) as opened:
        with writing(opened) as writer:
            for doc, text in TEXTS.items():
                mail = doc.startswith("mail")
                about = info(
                    doc, title=doc.partition(".")[0], kind="mail" if mail else "wiki",
                    author="Dana <dana@example.org>" if mail else None, date="2024-09-03" if mail else None,
                )  # fmt: skip
                put(writer, text, about)
        yield opened


@pytest.fixture
def searcher(store: Store) -> Searcher:
    return Searcher(store, BagOfWords())  # type: ignore[arg-type]


def docs(searcher: Searcher, query: str, filters: Filters = Filters()) -> list[str]:
    return [hit.info.doc for hit in searcher.search(query, filters=filters)]


def test_a_hit_is_a_span_of_its_document_with_both_scores(store: Store, searcher: Searcher) -> None:
    hits = searcher.search("when is the launch?")
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        document = store.document(hit.ref.partition(":")[0])
        assert hit.text == document.text[hit.start : hit.end]
        assert hit.info == document.info
        assert hit.dense is not None and -1.001 <= hit.dense <= 1.001
    assert {hit.info.doc for hit in hits[:2]} == {"launch.md", "mail/ask.eml"}
    assert hits[0].lexical is not None
    assert next(hit for hit in hits if hit.info.doc == "pets.md").lexical is None


def test_word_forms_and_accents_find_each_other(store: Store, searcher: Searcher) -> None:
    with writing(store) as writer:
        put(writer, "Her résumé was excellent.", info("cv.md"))
    assert found(store, "resume") == {"cv.md"}
    launched = [hit for hit in searcher.search("launching") if hit.lexical is not None]
    assert {hit.info.doc for hit in launched} == {"launch.md", "mail/ask.eml"}


@pytest.mark.parametrize(
    "query",
    [
        '"', '""', '"launch', "'", "NEAR(launch supplier)", "launch NEAR/2 supplier", "*", "launch*", "launch OR", "OR",
        "AND", "NOT launch", "-launch", "launch -supplier", "header:launch", "body : launch", "{header body}: launch",
        "^launch", "launch + supplier", "(launch", "launch)", "launch; DROP TABLE fts", "👩‍🚀", "launch 👩‍🚀",
        "日本の予算", "\x00launch\x00", "launch\\", "%_", "?" * 5000, "launch " * 5000, "the of and", "\ud800launch",
        " ".join(f"w{i}" for i in range(3000)), "é" * 3000, "'; --", "launch\n\n\tsupplier",
    ],
)  # fmt: skip
def test_nothing_in_a_question_is_query_syntax(searcher: Searcher, query: str) -> None:
    """A quotation mark or a minus in a question must not give an error, or other results."""
    hits = searcher.search(query)
    assert len(hits) == len(TEXTS), "vectors find something near to any text"
    if "launch" in query and "w1" not in query:
        assert hits[0].info.doc in ("launch.md", "mail/ask.eml")


@pytest.mark.parametrize("query", ["", " ", "\n\t "])
def test_an_empty_question_finds_nothing(searcher: Searcher, query: str) -> None:
    assert searcher.search(query) == []


@given(query=st.text(max_size=60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_searched_for(searcher: Searcher, query: str) -> None:
    searcher.search(query)


def test_the_words_of_a_question_that_say_something() -> None:
    """ "what was the" would otherwise bring up any text with many of those words."""
    assert content_words("What was the Q3 decision, the Q3 one?") == ["q3", "decision", "one"]
    assert content_words("Who was he?") == ["who", "was", "he"], "better than nothing"
    assert content_words("?!") == []
    assert [word for _, word in query_words("Summarize what was said about the Q3 decision")] == [
        "q3",
        "decision",
    ]
    assert [word for _, word in query_words("What did they discuss?")] == ["discuss"], (
        "all there is to look for"
    )
    assert query_words("?!") == []
    assert (
        match_expression([word for _, word in query_words('Say "yes" OR NEAR(two*')])
        == '"yes" OR "near" OR "two"'
    )


def test_filters_hold_for_words_and_vectors(searcher: Searcher) -> None:
    """A hit from outside the filter would answer for the wrong person or year."""
    everything = "launch budget dogs office"
    assert docs(searcher, everything, Filters(kinds=("mail",))) == ["mail/ask.eml"]
    assert docs(searcher, everything, Filters(sender="DANA")) == ["mail/ask.eml"]
    assert docs(searcher, everything, Filters(after=date(2024, 9, 4))) == []
    assert docs(searcher, everything, Filters(before=date(2024, 9, 4))) == ["mail/ask.eml"]
    assert set(docs(searcher, everything, Filters(source="*.md"))) == {"launch.md", "budget.md", "pets.md"}


def test_k_is_the_number_of_hits(searcher: Searcher) -> None:
    assert len(searcher.search("launch", k=1)) == 1
    assert len(searcher.search("launch", k=3)) == 3
    assert searcher.search("launch", k=1)[0] == searcher.search("launch", k=3)[0]


def test_what_is_written_while_a_searcher_is_open_is_found(store: Store, searcher: Searcher) -> None:
    """A chat stays open for hours; documents ingested meanwhile count, removed ones do not."""
    assert docs(searcher, "zebras")[0] != "zebras.md"
    with Store.open(store.folder) as other, writing(other) as writer:
        put(writer, "Zebras are striped.", info("zebras.md"))
    assert docs(searcher, "zebras")[0] == "zebras.md"
    with Store.open(store.folder) as other, writing(other) as writer:
        writer.remove_document(other.document("zebras.md").id)
    assert "zebras.md" not in docs(searcher, "zebras")


def test_vectors_of_another_model_are_refused_not_compared(store: Store) -> None:
    """Vectors of two models have nothing to do with each other: the hits would be random."""
    searcher = Searcher(store, BagOfWords(fingerprint="another"))  # type: ignore[arg-type]
    with pytest.raises(EmbedderMismatch) as caught:
        searcher.search("launch")
    assert_one_sentence(caught.value)
    assert "kb reindex" in str(caught.value)
    assert store.connection.in_transaction is False, "the store can still be used"


def test_a_knowledge_base_without_documents_has_no_hits(tmp_path: Path) -> None:
    with Store.open(tmp_path / "empty", create=True) as store:
        searcher = Searcher(store, BagOfWords())  # type: ignore[arg-type]
        assert searcher.search("launch") == []


def test_the_same_passage_in_two_places_is_one_hit_that_names_both(store: Store, searcher: Searcher) -> None:
    """A notice that ten people got would otherwise fill the whole list."""
    notice = "The boiler in the cellar is replaced on Tuesday, so the heating is off until Wednesday noon in all rooms."
    with writing(store) as writer:
        for name in ("a", "b"):
            lines = f"Subject: Boiler\nFrom: {name}@example.org\nDate: Monday\n"
            about = info(f"mail/{name}.eml", title="Boiler", kind="mail", author=f"{name}@example.org")
            put(writer, lines + notice, about)
    first, *others = searcher.search("when is the boiler replaced")
    assert first.info.doc in ("mail/a.eml", "mail/b.eml")
    assert {copy.info.doc for copy in first.copies} | {first.info.doc} == {"mail/a.eml", "mail/b.eml"}
    assert all(not hit.info.doc.startswith("mail/") or hit.info.doc == "mail/ask.eml" for hit in others)
    assert first.to_json()["copies"][0]["ref"] == first.copies[0].ref
    assert "copies" not in others[0].to_json()


def test_a_letter_to_a_hundred_people_leaves_room_for_other_hits(store: Store, searcher: Searcher) -> None:
    """Its copies come first of all; one hit would be all that is found."""
    letter = "The rocket programme begins in May, and all are invited to the first meeting of the rocket programme. "
    letter += "It takes place in the large hall, with coffee, cake and a talk about engines, tanks, wings and wheels."
    with writing(store) as writer:
        for number in range(60):
            put(writer, letter, info(f"mail/to-{number}.eml", title="Rocket programme", kind="mail"))
        for topic in ("engine", "tank", "wing", "wheel", "hall", "coffee"):
            put(writer, f"What the rocket programme needs of a {topic} is here.", info(f"wiki/{topic}.md"))
    found = docs(searcher, "rocket programme")
    assert len(found) == 10 and sum(doc.startswith("mail/to-") for doc in found) == 1


def test_a_document_that_is_named_is_searched_by_itself(store: Store, searcher: Searcher) -> None:
    """Its one fitting line would not be among the best hundred of a thousand reports with the same words."""
    with writing(store) as writer:
        for number in range(150):
            put(
                writer,
                "Revenue growth and more revenue growth in all segments of revenue.",
                info(f"r{number}.md"),
            )
        put(
            writer,
            "A paragraph about cats.\n\nMany words later the revenue is told.",
            info("ACME_2022.md", title="ACME 2022"),
        )
    assert docs(searcher, "revenue growth in Acme")[0] == "ACME_2022.md"


def test_all_passages_of_a_transcript_are_looked_at(store: Store, searcher: Searcher) -> None:
    """Talk about a matter runs on without naming it: what follows its best passage comes before a page that mentions
    it."""
    talk = "\n\n".join(
        f"Dana: The remote {said}.\nInes: {answered}." for said, answered in [
            ("has a rubber case", "Rubber it is"), ("costs little", "Twelve euros at most"),
            ("needs a battery", "Two of the small ones"),
        ] * 3
    )  # fmt: skip
    with writing(store) as writer:
        put(writer, talk, info("talk.md"))
        for number in range(60):
            put(writer, f"Office {number} is remote, quiet and cheap.", info(f"p{number}.md"))
    hits = searcher.search("rubber case of the remote", k=3)
    assert {hit.info.doc for hit in hits} == {"talk.md"}
    assert all("document" in hit.evidence for hit in hits)


def test_how_to_answer_is_no_part_of_what_is_asked(store: Store, searcher: Searcher) -> None:
    """A long question says what form the answer is to have; that takes its pages no further from it."""
    frame = "give the answer to this as a figure with two places and say so where there is none of them in it"
    with writing(store) as writer:
        put(writer, "Marketing budget: 42,000 EUR.", info("plan.md", title="plan"))
    long = f"What is the marketing budget? {frame}"
    whole = float(bag_of_words([long])[0] @ bag_of_words(["plan\nMarketing budget: 42,000 EUR."])[0])
    (near,) = (hit.dense for hit in searcher.search(long) if hit.info.doc == "plan.md")
    assert near is not None and near > whole + 0.05


def test_the_score_is_the_sum_of_its_evidence(searcher: Searcher) -> None:
    for hit in searcher.search("when is the launch?"):
        assert hit.score == pytest.approx(sum(hit.evidence.values()))
        assert hit.evidence["meaning"] == pytest.approx(hit.dense)
        assert (
            "evidence" not in hit.to_json()
            and hit.to_json(explain=True)["evidence"].keys() == hit.evidence.keys()
        )


def test_a_decision_comes_before_what_it_replaces(store: Store, searcher: Searcher) -> None:
    """The older page says more about the launch date, and it is the wrong one."""
    texts = {
        "2024-05-02": "The council decided to launch Wren on 26 August 2024.",
        "2024-07-30": "The council decided to launch Wren on 30 September 2024 instead.",
        "2024-09-01": "We propose to launch Wren on 5 November 2024.",
    }
    with writing(store) as writer:
        for day, text in texts.items():
            put(writer, text, info(f"{day}.md", title="Council", date=day))
    hits = {
        hit.info.date: hit for hit in searcher.search("did the council decide to launch Wren on 26 August")
    }
    older, newer, proposal = (hits[day] for day in texts)
    assert newer.rank < older.rank
    assert older.replaced_by == newer.ref and older.to_json()["replaced_by"] == newer.ref
    assert newer.replaced_by is None and proposal.replaced_by is None
    assert "replaced_by" not in newer.to_json()

"""Search: words and vectors fused by hand-checked arithmetic, and any question is a harmless one."""

import random
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
from retrieval.search import DENSE_WEIGHT, Searcher, fuse
from retrieval.store import Store
from retrieval.types import Filters
from retrieval.words import content_words, match_expression
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


def test_fusion_is_min_max_by_hand() -> None:
    """Chunk 1: dense 0.9 is the top (1), words 2.0 the bottom (0). Chunk 2: dense (0.5-0.1)/0.8 = 0.5, words
    absent (0). Chunk 3: dense bottom (0), words (5-2)/(8-2) = 0.5. Chunk 4: dense absent (0), words top (1)."""
    w = DENSE_WEIGHT
    expected = {1: w, 2: w * 0.5, 3: (1 - w) * 0.5, 4: 1 - w}
    fused = fuse({1: 0.9, 2: 0.5, 3: 0.1}, {1: 2.0, 3: 5.0, 4: 8.0})
    assert {i: pytest.approx(score) for i, score in fused} == expected
    assert [i for i, _ in fused] == sorted(expected, key=lambda i: (-expected[i], i))


def test_fusion_of_one_side_or_none() -> None:
    assert fuse({}, {}) == []
    assert fuse({7: 0.3}, {}) == [(7, DENSE_WEIGHT)], "a lone score is the best of its side"
    assert fuse({}, {7: 0.3}) == [(7, 1 - DENSE_WEIGHT)]
    assert fuse({1: 0.5, 2: 0.5}, {}) == [(1, DENSE_WEIGHT), (2, DENSE_WEIGHT)]


scores = st.dictionaries(st.integers(0, 30), st.floats(-10, 10, allow_subnormal=False), max_size=12)


@given(scores, scores, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_changes_nothing(
    dense: dict[int, float], lexical: dict[int, float], rng: random.Random
) -> None:
    """The same question must give the same answer every time."""

    def shuffled(side: dict[int, float]) -> dict[int, float]:
        items = list(side.items())
        rng.shuffle(items)
        return dict(items)

    fused = fuse(dense, lexical)
    assert fuse(shuffled(dense), shuffled(lexical)) == fused
    assert {i for i, _ in fused} == dense.keys() | lexical.keys()
    assert all(0 <= score <= 1 for _, score in fused)
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))


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
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_can_be_searched_for(searcher: Searcher, query: str) -> None:
    searcher.search(query)


def test_the_words_of_a_question_that_say_something() -> None:
    """ "what was the" would otherwise bring up any text with many of those words."""
    assert content_words("What was the Q3 decision, the Q3 one?") == ["q3", "decision", "one"]
    assert content_words("Who was he?") == ["who", "was", "he"], "better than nothing"
    assert content_words("?!") == []
    assert match_expression("?!") is None
    assert match_expression('Say "yes" OR NEAR(two*') == '"say" OR "yes" OR "near" OR "two"'


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

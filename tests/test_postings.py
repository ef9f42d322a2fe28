"""The word index: with SQLite's constants the very ranking of its BM25, whatever was added, removed and saved."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers import info, paragraphs, put, toy_space

from retrieval import words
from retrieval.indexes import save_indexes
from retrieval.postings import WordIndex
from retrieval.store import Space, Store
from retrieval.types import Filters
from retrieval.words import Pair, WordHits, adjacent, search_fts, search_words
from retrieval.writer import writing

WORDS = "boiler budget council garden launch launches launched résumé Ωmega 日本 42 it's x-y user_id the of".split()
QUERIES = (
    "boiler budget",
    "when is the launch",
    "resume 日本 42",
    "the of",
    "absent",
    "user_id launched",
    "omega x-y",
)


@pytest.fixture(autouse=True)
def sqlite_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own, which can't be set there."""
    monkeypatch.setattr(words, "K1", 1.2)
    monkeypatch.setattr(words, "B", 0.75)


def ranking(found: WordHits) -> list[tuple[int, float]]:
    return list(found.best.items())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "kb", create=True) as opened:
        yield opened


def space_of(store: Store) -> Space:
    space = store.space()
    assert space is not None
    return space


def some_text(rng: random.Random) -> str:
    return "\n\n".join(" ".join(rng.choices(WORDS, k=rng.randint(1, 12))) for _ in range(rng.randint(0, 5)))


def fill(store: Store, rng: random.Random, documents: int) -> None:
    with writing(store) as writer:
        for number in range(documents):
            put(writer, some_text(rng), info(f"{number}.md", title=rng.choice(WORDS)))


def assert_as_sqlite(store: Store, condition: str = "1", values: tuple[object, ...] = ()) -> None:
    """Every chunk that SQLite finds, with its score, in its order."""
    for query in QUERIES:
        expected = ranking(search_fts(store, space_of(store), query, 1000, condition, list(values)))
        found = search_words(store, space_of(store), query, 1000, condition, list(values))
        got = ranking(found)
        assert found.of([i for i, _ in got]) == [score for _, score in got]
        assert all(score <= found.possible * 1.0001 for _, score in got)
        assert {i for i, _ in got} == {i for i, _ in expected}, query
        if "_" not in query:  # how often a split word stands in a chunk is an estimate
            scores = dict(got)
            np.testing.assert_allclose([scores[i] for i, _ in expected], [s for _, s in expected], rtol=1e-5)
            assert [s for _, s in got] == sorted((s for _, s in got), reverse=True)


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_writes_and_saves_leaves_sqlite_s_ranking(store: Store, seed: int) -> None:
    """A chunk that the index has forgotten is never found; one that it should have forgotten spoils all ranks."""
    rng = random.Random(seed)
    fill(store, rng, 5)
    with writing(store) as writer:
        for _ in range(40):
            action, doc = rng.random(), f"{rng.randrange(8)}.md"
            if action < 0.5:
                put(writer, some_text(rng), info(doc, title=rng.choice(WORDS)))
            elif action < 0.7:
                writer.remove_file(writer.begin_file(f"/{doc}".encode(), doc))
            elif action < 0.85:
                save_indexes(store)
            else:
                assert_as_sqlite(store)
    assert_as_sqlite(store)
    with Store.open(store.folder) as fresh:
        assert_as_sqlite(fresh)


def test_a_filter_leaves_the_scores_as_they_are(store: Store) -> None:
    """A word is as rare as it is among all documents, whoever is asked about."""
    fill(store, random.Random(1), 30)
    assert_as_sqlite(store, *_tupled(store.filtered(Filters(source="1*.md"))))
    assert_as_sqlite(store, *_tupled(store.filtered(Filters(kinds=("mail",)))))


def _tupled(filtered: tuple[str, list[object]]) -> tuple[str, tuple[object, ...]]:
    return filtered[0], tuple(filtered[1])


def test_the_best_are_the_first_of_all(store: Store) -> None:
    """Asked for few among many, as every search does."""
    fill(store, random.Random(2), 600)
    for query in QUERIES:
        every = ranking(search_words(store, space_of(store), query, 10_000, "1", []))
        assert ranking(search_words(store, space_of(store), query, 7, "1", [])) == every[:7]
    found = search_words(store, space_of(store), "launch", 10_000, "1", [])
    assert len(found.best) > 256, "more than a block of rows"


def test_an_index_that_is_far_behind_is_left_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search after a killed ingest must not spend minutes on what SQLite can answer in a second."""
    fill(store, random.Random(3), 20)
    monkeypatch.setattr(words, "_CATCH_UP", 3)
    monkeypatch.setattr(WordIndex, "open", None)
    found, sqlite = (f(store, space_of(store), "launch", 5, "1", []) for f in (search_words, search_fts))
    assert found.best == sqlite.best
    assert found.of([*found.best, 10**6]) == [*found.best.values(), 0.0]


def test_a_save_of_no_new_chunks_does_not_stop_the_next_one(store: Store) -> None:
    """An ingest that found nothing new, and then a new page: the frame without rows is merged with the page's."""
    fill(store, random.Random(6), 60)
    for text in ("", "", "launch budget"):
        with writing(store) as writer:
            if text:
                put(writer, text, info("new.md"))
            writer.note_ingest()
            save_indexes(store)
    assert_as_sqlite(store)
    with Store.open(store.folder) as fresh, writing(fresh) as writer:
        put(writer, "garden council", info("newer.md"))
        save_indexes(fresh)
        assert_as_sqlite(fresh)


def test_a_damaged_or_missing_word_index_loses_nothing(store: Store) -> None:
    fill(store, random.Random(4), 20)
    with writing(store):
        save_indexes(store)
    file = store.folder / WordIndex.FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with Store.open(store.folder) as fresh:
        assert_as_sqlite(fresh)
    file.unlink()
    with Store.open(store.folder) as fresh:
        assert_as_sqlite(fresh)


def test_during_a_reindex_the_active_model_s_chunks_are_ranked(store: Store) -> None:
    """Both sets of chunks are in the full-text index then; a hit of the other one could not be shown."""
    fill(store, random.Random(5), 10)
    active = {row[0] for row in store.connection.execute("SELECT id FROM chunks")}
    with writing(store) as writer:
        new = toy_space(writer, "new", dimensions=8)
        for ref in writer.unindexed(new):
            document = store.document(ref)
            chunks = paragraphs(document.text, "")
            writer.put_chunks(document.id, new, chunks, np.ones((len(chunks), 8), dtype=np.float32))
        save_indexes(store)
        assert search_words(store, space_of(store), "launch", 1000, "1", []).best.keys() <= active
        writer.activate(new)
    assert_as_sqlite(store)


def test_pairs_of_words_count_where_they_stand_together(store: Store) -> None:
    """ "Launch budget" is about another thing than a launch here and a budget there."""
    pair = Pair(b"launch", b"budget", distance=1, idf=2.0)
    texts = [
        ("", "the launch budget"),
        ("launch", "budget"),
        ("", "a launch with a budget"),
        ("Launches: budgets", ""),
        ("", "budget launch"),
    ]
    together, *others = adjacent(store, [pair], texts)
    assert together == pytest.approx(2.0)
    assert others == [0.0, 0.0, pytest.approx(2.0), 0.0]
    apart = Pair(b"launch", b"budget", distance=3, idf=2.0)
    assert adjacent(store, [apart], texts)[2] == pytest.approx(2.0), "as far as in the question"
    assert adjacent(store, [], texts) == [0.0] * 5

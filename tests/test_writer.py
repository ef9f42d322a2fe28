"""Writing: documents go in and out whole, with their words and vectors, whatever happens meanwhile."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers import (
    DIMENSIONS,
    assert_one_sentence,
    assert_sound,
    bag_of_words,
    found,
    info,
    new_document,
    paragraphs,
    put,
    toy_space,
)

from retrieval.errors import StoreBusy, StoreError
from retrieval.store import Store
from retrieval.writer import Writer, writing


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "kb", create=True) as opened:
        yield opened


def test_a_changed_document_is_found_by_its_new_words_only(store: Store) -> None:
    """A stale word would bring up a document that no longer says it."""
    with writing(store) as writer:
        put(writer, "The launch is in August.", info("a.md"))
        put(writer, "The launch is in September.\n\nSecond paragraph.", info("a.md"))
    assert found(store, "August") == set()
    assert found(store, "September") == {"a.md"}
    assert store.counts() == (1, 2, {"wiki": 1})
    assert_sound(store)


def test_a_removed_document_takes_its_words_and_vectors_with_it(store: Store) -> None:
    """What a person deletes must be gone, not just unlisted."""
    with writing(store) as writer:
        put(writer, "A secret about zebras.", info("secret.md"))
        kept = put(writer, "A note about horses.", info("box.mbox", part="<1@x>", kind="mail"))
        put(writer, "A note about ponies.", info("box.mbox", part="<2@x>", kind="mail"))
        document_id = store.document("secret.md").id
        writer.remove_document(document_id)
        assert found(store, "zebras") == set()
        assert store.connection.execute("SELECT count(*) FROM files").fetchone() == (1,)
        writer.drop_parts(kept, ["<2@x>"])
        assert found(store, "ponies horses") == {"box.mbox"}
        assert writer.parts(kept).keys() == {"<1@x>"}
        assert writer.remove_file(kept) == 1
    assert store.counts() == (0, 0, {})
    for table in ("files", "documents", "chunks", "vectors"):
        assert store.connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert_sound(store)


@pytest.mark.parametrize("seed", range(8))
def test_any_order_of_writes_leaves_a_sound_store_with_the_last_of_everything(
    store: Store, seed: int
) -> None:
    """The full-text index keeps no text of its own and must be told exactly what it forgets; one wrong word
    and it returns chunks that are not there, or fails."""
    rng = random.Random(seed)
    words = "alpha beta gamma délta Ωmega launches launched 42,000 日本 it's x-y".split()
    expected: dict[str, dict[str, str]] = {}
    with writing(store) as writer:
        for _ in range(60):
            doc, part = rng.choice(["a.md", "b.mbox", "c.pdf"]), rng.choice(["", "<1@x>", "<2@x>"])
            action = rng.random()
            if action < 0.6:
                lines = [" ".join(rng.choices(words, k=rng.randint(1, 6))) for _ in range(rng.randint(0, 4))]
                text = "\n\n".join(lines)
                put(writer, text, info(doc, part, title=rng.choice(words)))
                expected.setdefault(doc, {})[part] = text
            elif doc in expected and action < 0.8 and part in expected[doc]:
                file_id = writer.begin_file(f"/{doc}".encode(), doc)
                writer.drop_parts(file_id, [part])
                del expected[doc][part]
            elif doc in expected:
                writer.remove_file(writer.begin_file(f"/{doc}".encode(), doc))
                del expected[doc]
            assert_sound(store)
    stored = {(about.doc, about.part): store.document(ref).text for ref, about, _, _ in store.documents()}
    assert stored == {(doc, part): text for doc, parts in expected.items() for part, text in parts.items()}
    for word in ("alpha", "délta", "日本"):
        # Titles are searched too; every hit must be a document of today that holds the word.
        said = {
            about.doc
            for ref, about, n, _ in store.documents()
            if n and word in f"{about.title} {store.document(ref).text}"
        }
        assert found(store, word) == said


def test_a_failed_write_leaves_the_document_as_it_was(store: Store) -> None:
    """An ingest that breaks off in the middle of a document must not lose the version it had."""
    with writing(store) as writer:
        file_id = put(writer, "The first version.", info("a.md"))
        generation = store.generation()
        space = store.space()
        assert space is not None
        broken = new_document("Second.\n\nversion.", info("a.md"))
        object.__setattr__(broken, "vectors", broken.vectors[:1])  # one vector too few
        with pytest.raises(ValueError):
            writer.put(file_id, broken, space)
        assert store.document("a.md").text == "The first version."
        assert store.generation() == generation
    assert found(store, "first") == {"a.md"}
    assert_sound(store)


def test_a_second_writer_in_another_process_is_told_who_writes(store: Store) -> None:
    """Two ingests at once must not interleave; the message lets a person find the other one."""
    script = (
        "import sys; from pathlib import Path; from retrieval.store import Store\n"
        "from retrieval.writer import writing\n"
        "with Store.open(Path(sys.argv[1])) as store, writing(store):\n"
        "    print('ready', flush=True); sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", script, str(store.folder)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "ready\n"
        with pytest.raises(StoreBusy) as caught, writing(store):
            pass
        assert_one_sentence(caught.value)
        assert f"process {holder.pid}" in str(caught.value)
        assert str(store.folder) in str(caught.value)
    finally:
        holder.communicate("\n", timeout=30)
    with writing(store) as writer:  # and once it is done the store can be written
        put(writer, "text", info())


def test_a_killed_writer_does_not_lock_the_store_for_ever(store: Store) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from retrieval.store import Store\n"
        "from retrieval.writer import writing\n"
        "with Store.open(Path(sys.argv[1])) as store, writing(store) as writer:\n"
        "    store.connection.execute('BEGIN IMMEDIATE')\n"
        "    store.connection.execute(\"INSERT INTO meta VALUES ('half', 'done')\")\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(store.folder)], check=False)
    with writing(store) as writer:
        put(writer, "text", info())
    assert store.meta("half") is None
    assert_sound(store)


def test_a_full_disk_is_one_sentence_and_keeps_what_was_stored(store: Store) -> None:
    """`max_page_count` makes SQLite report a full disk."""
    with writing(store) as writer:
        put(writer, "The first note.", info("a.md"))
        pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
        store.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreError) as caught:
            put(writer, "A long note.\n\n" * 5000, info("b.md"))
        assert_one_sentence(caught.value)
        assert found(store, "first") == {"a.md"}
        store.connection.execute("PRAGMA max_page_count = 1000000")
        put(writer, "Now there is room.", info("b.md"))
    assert_sound(store)


def test_reindexing_serves_the_old_vectors_until_the_new_are_complete(store: Store) -> None:
    """Changing the embedding model takes minutes; searches must go on meanwhile, and a stop must lose nothing."""
    with writing(store) as writer:
        old = toy_space(writer, "old")
        put(writer, "A note about horses.\n\nAnd ponies.", info("a.md"), old)
        put(writer, "A note about zebras.", info("b.md"), old)
        put(writer, "", info("empty.md"), old)
        new = toy_space(writer, "new", dimensions=8)
        assert store.space() == old
        todo = writer.unindexed(new)
        assert {store.document(ref).info.doc for ref in todo} == {"a.md", "b.md"}
        for step, ref in enumerate(todo, start=1):
            document = store.document(ref)
            chunks = paragraphs(document.text, document.info.title)
            vectors = bag_of_words([document.text[c.start : c.end] for c in chunks], dimensions=8)
            writer.put_chunks(document.id, new, chunks, vectors)
            assert writer.unindexed(new) == todo[step:], "what is done is not done again after a stop"
            assert store.counts()[1] == 3, "the old space still serves"
            assert found(store, "horses zebras") == {"a.md", "b.md"}
            assert_sound(store)
        writer.activate(new)
    assert store.space() == new
    assert store.counts()[:2] == (3, 3)
    assert found(store, "horses zebras") == {"a.md", "b.md"}
    sizes = {len(row[0]) for row in store.connection.execute("SELECT vector FROM vectors")}
    assert sizes == {8 * 2}, "only the new float16 vectors are left"
    assert store.connection.execute("SELECT count(*) FROM spaces").fetchone() == (1,)
    assert_sound(store)


def test_the_same_embedding_model_is_the_same_space(store: Store) -> None:
    with writing(store) as writer:
        first = toy_space(writer)
        assert toy_space(writer) == first
        assert store.space() == first
        assert writer.add_space("bag-of-words", "another fingerprint", DIMENSIONS, 256).id != first.id


def test_chunk_ids_are_never_used_twice(store: Store) -> None:
    """The vector index is caught up by comparing ids; a reused id would keep the vector of other text."""
    with writing(store) as writer:
        file_id = put(writer, "one\n\ntwo", info("a.md"))
        before = {row[0] for row in store.connection.execute("SELECT id FROM chunks")}
        writer.remove_file(file_id)
        put(writer, "three\n\nfour", info("b.md"))
        after = {row[0] for row in store.connection.execute("SELECT id FROM chunks")}
    assert len(after) == 2 and before.isdisjoint(after)


def test_every_write_moves_the_generation(store: Store) -> None:
    """Readers know by the generation alone whether what they hold is still true."""
    with writing(store) as writer:
        seen = [store.generation()]
        file_id = put(writer, "one", info("a.md"))
        seen.append(store.generation())
        put(writer, "two", info("a.md"))
        seen.append(store.generation())
        writer.remove_file(file_id)
        seen.append(store.generation())
    assert seen == sorted(set(seen))


def test_a_stored_vector_is_the_embedding_to_half_precision(store: Store) -> None:
    text = "A note about horses."
    with writing(store) as writer:
        put(writer, text, info("a.md", title="Notes"))
    blob = store.connection.execute("SELECT vector FROM vectors").fetchone()[0]
    vector = np.frombuffer(blob, dtype=np.float16).astype(np.float32)
    np.testing.assert_allclose(vector, bag_of_words([f"Notes\n{text}"])[0], atol=1e-3)


def test_a_writer_needs_the_lock_only_while_it_writes(store: Store) -> None:
    for _ in range(3):
        with writing(store) as writer:
            assert isinstance(writer, Writer)
    assert not (store.folder / "writer.pid").exists()


def test_a_read_only_folder_is_one_sentence(store: Store) -> None:
    store.folder.chmod(0o500)
    try:
        if os.access(store.folder, os.W_OK):
            pytest.skip("this user may write anywhere")
        with pytest.raises(StoreError) as caught, writing(store):
            pass
        assert_one_sentence(caught.value)
    finally:
        store.folder.chmod(0o700)

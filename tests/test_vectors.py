"""The vector index: the same neighbours as a plain matrix product, whatever became of its file."""

import json
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_one_sentence, info, toy_space
from numpy.typing import NDArray

from retrieval import vectors as vectors_module
from retrieval.errors import StoreError
from retrieval.indexes import save_indexes
from retrieval.store import Space, Store
from retrieval.types import Chunk
from retrieval.vectors import FILE, VectorIndex
from retrieval.writer import NewDocument, writing

ROWS, DIMENSIONS = 400, 24


def unit(rows: int, seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(rows, DIMENSIONS)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def put_vectors(store: Store, name: str, vectors: NDArray[np.float32]) -> None:
    text = "word " * len(vectors)
    chunks = [Chunk(5 * i, 5 * i + 4, "") for i in range(len(vectors))]
    with writing(store) as writer:
        space = writer.add_space("random", "f", DIMENSIONS, 256)
        file_id = writer.begin_file(name.encode(), name)
        writer.put(file_id, NewDocument(info(name), name, "d", "[]", text, chunks, vectors), space)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "kb", create=True) as opened:
        put_vectors(opened, "a", unit(ROWS, 1))
        yield opened


def space_of(store: Store) -> Space:
    space = store.space()
    assert space is not None
    return space


def opened(store: Store) -> VectorIndex:
    with store.snapshot():
        return VectorIndex.open(store, space_of(store))


def save(store: Store) -> None:
    with writing(store):
        VectorIndex.open(store, space_of(store)).save(store)


def stored(store: Store) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids and vectors of the chunks, straight from the tables."""
    rows = store.connection.execute("SELECT chunk_id, vector FROM vectors ORDER BY chunk_id").fetchall()
    vectors = np.stack([np.frombuffer(blob, dtype=np.float16) for _, blob in rows]).astype(np.float32)
    return np.array([i for i, _ in rows]), vectors


def assert_exact(store: Store, index: VectorIndex, k: int = 20) -> None:
    """The index agrees with brute force over what the store holds."""
    ids, vectors = stored(store)
    assert len(index) == len(ids)
    for query in unit(5, seed=99):
        scores = vectors @ query
        best = ids[np.argsort(-scores, kind="stable")[:k]]
        got = index.search(query, k)
        assert [i for i, _ in got] == best.tolist()
        np.testing.assert_allclose([s for _, s in got], np.sort(scores)[::-1][:k], atol=1e-5)


def test_the_neighbours_are_those_of_brute_force(store: Store) -> None:
    """Nothing is lost to an approximate index: the best passage is always found."""
    assert_exact(store, opened(store))


def test_a_filtered_search_is_brute_force_over_the_allowed(store: Store) -> None:
    """Filtering after the search would lose hits: the best ten of one sender may rank in the thousands."""
    ids, vectors = stored(store)
    allowed = ids[::7]
    query = unit(1, seed=5)[0]
    expected = allowed[np.argsort(-(vectors[::7] @ query), kind="stable")[:10]]
    got = opened(store).search(query, 10, allowed)
    assert [i for i, _ in got] == expected.tolist()
    assert opened(store).search(query, 10, np.array([], dtype=np.int64)) == []
    assert opened(store).search(query, 10, np.array([10**9])) == []
    assert len(opened(store).search(query, 10, allowed[:3])) == 3, "no padding beyond what is allowed"


def test_asking_for_more_than_there_is_gives_all(store: Store) -> None:
    assert len(opened(store).search(unit(1, 3)[0], 10_000)) == ROWS


def test_an_empty_knowledge_base_has_no_neighbours(tmp_path: Path) -> None:
    with Store.open(tmp_path / "empty", create=True) as store:
        with writing(store) as writer:
            toy_space(writer, dimensions=DIMENSIONS)
        assert opened(store).search(unit(1, 3)[0], 5) == []
        save(store)
        assert opened(store).search(unit(1, 3)[0], 5) == []


def test_cosines_of_chosen_chunks(store: Store) -> None:
    """Hits that only the words found show their true closeness as well."""
    ids, vectors = stored(store)
    query = unit(1, seed=6)[0]
    chosen = ids[[7, 3, 300]].tolist()
    got = opened(store).vectors(chosen) @ query
    np.testing.assert_allclose(got, vectors[[7, 3, 300]] @ query, atol=1e-5)
    assert len(opened(store).vectors([])) == 0


def test_a_saved_index_is_used_as_it_is(store: Store) -> None:
    """Deriving a large index anew at each start would cost seconds a question."""
    assert not opened(store).stored
    save(store)
    index = opened(store)
    assert index.stored
    assert_exact(store, index)
    before = (store.folder / FILE).stat().st_mtime_ns
    save(store)
    assert (store.folder / FILE).stat().st_mtime_ns == before, "nothing new, nothing written"


def test_a_missing_index_loses_nothing(store: Store) -> None:
    save(store)
    (store.folder / FILE).unlink()
    assert_exact(store, opened(store))


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.2, 0.5, 0.9, 0.9999])
def test_a_torn_index_loses_nothing(store: Store, share: float) -> None:
    """A computer that goes off while writing leaves a part of a file; answers must not depend on it."""
    save(store)
    file = store.folder / FILE
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    index = opened(store)
    assert not index.stored
    assert_exact(store, index)
    save(store)
    assert opened(store).stored


@pytest.mark.parametrize(
    "content",
    [b"\n", b"null\n", b"[]\n", b'"text"\n', b"{}\n", b'{"format": 1}\nIxFI', b"\xff\xfe\x00" * 99, b"[" * 100_000,
     b"9" * 5000],
    ids=["empty line", "null", "list", "string", "no identity", "short", "bytes", "deep", "digits"],
)  # fmt: skip
def test_foreign_bytes_in_place_of_the_index_lose_nothing(store: Store, content: bytes) -> None:
    (store.folder / FILE).write_bytes(content)
    assert_exact(store, opened(store))


def test_one_changed_byte_is_noticed(store: Store) -> None:
    """A flipped bit in a vector would quietly move a passage out of reach."""
    save(store)
    file = store.folder / FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    index = opened(store)
    assert not index.stored
    assert_exact(store, index)


def test_the_index_of_another_knowledge_base_is_not_taken_for_ones_own(store: Store, tmp_path: Path) -> None:
    """Copying folders about must not give one person another's passages."""
    with Store.open(tmp_path / "other", create=True) as other:
        put_vectors(other, "b", unit(ROWS, 2))
        save(other)
        shutil.copy(other.folder / FILE, store.folder / FILE)
    index = opened(store)
    assert not index.stored
    assert_exact(store, index)


def test_a_stale_index_is_caught_up(store: Store) -> None:
    """An ingest that was killed before it saved its index still counts."""
    save(store)
    put_vectors(store, "b", unit(50, 7))
    put_vectors(store, "a", unit(300, 8))  # "a" again: its old chunks are gone
    index = opened(store)
    assert not index.stored
    assert_exact(store, index)
    with writing(store) as writer:
        for state in writer.files_below(b"b").values():
            writer.remove_file(state.id)
    assert_exact(store, opened(store))
    save(store)
    assert_exact(store, opened(store))


def put_back(store: Store, tmp_path: Path) -> Path:
    """The folder of a backup beside which today's vectors.faiss lies."""
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(store.folder, tmp_path / "backup")
    put_vectors(store, "b", unit(50, 7))
    save(store)
    shutil.copy(store.folder / FILE, tmp_path / "backup" / FILE)
    return tmp_path / "backup"


def test_an_index_from_before_a_restored_backup_is_caught_up(store: Store, tmp_path: Path) -> None:
    """Putting back yesterday's kb.sqlite leaves today's vectors.faiss ahead of it."""
    with Store.open(put_back(store, tmp_path)) as restored:
        assert_exact(restored, opened(restored))


def test_after_a_reindex_only_the_new_model_s_vectors_are_searched(store: Store) -> None:
    save(store)
    document = store.document("a")
    chunks = [Chunk(5 * i, 5 * i + 4, "") for i in range(10)]
    with writing(store) as writer:
        new = writer.add_space("random-2", "g", DIMENSIONS, 256)
        writer.put_chunks(document.id, new, chunks, unit(10, 42))
        assert len(opened(store)) == ROWS, "until then, the old"
        writer.activate(new)
    index = opened(store)
    assert len(index) == 10
    assert_exact(store, index, k=10)


def test_another_history_of_the_same_store_is_noticed(store: Store, tmp_path: Path) -> None:
    """After a backup is put back, new documents get ids that today's vectors.faiss knows from other ones."""
    with Store.open(put_back(store, tmp_path)) as restored:
        put_vectors(restored, "c", unit(50, 8))
        assert_exact(restored, opened(restored))
        put_vectors(restored, "d", unit(5, 9))
        assert_exact(restored, opened(restored))


def test_a_small_change_is_appended(store: Store) -> None:
    """To write 768 MB for every message that comes in would wear a disk out."""
    save(store)
    before = (store.folder / FILE).read_bytes()
    put_vectors(store, "b", unit(5, 7))
    save(store)
    after = (store.folder / FILE).read_bytes()
    assert after.startswith(before)
    assert len(after) - len(before) < 5 * DIMENSIONS * 2 + 1500
    assert opened(store).stored
    assert_exact(store, opened(store))


def test_many_small_changes_stay_few_frames_and_bounded_in_size(store: Store) -> None:
    """Each frame costs every search a little, and what they replaced costs disk."""
    for number in range(60):
        put_vectors(store, f"d{number % 20}", unit(6, number))  # each replaces the one of 20 rounds ago
        save(store)
    assert len(opened(store)._frames) <= 8
    assert_exact(store, opened(store))
    needed = len(opened(store)) * (DIMENSIONS * 2 + 16)
    assert (store.folder / FILE).stat().st_size < 2 * needed + 20_000


def test_what_is_removed_stays_removed_when_it_is_only_noted(store: Store) -> None:
    """The vectors of a removed document lie in the file until it is next written anew."""
    put_vectors(store, "b", unit(20, 7))
    with writing(store):
        save_indexes(store)
    size = (store.folder / FILE).stat().st_size
    with writing(store) as writer:
        for state in writer.files_below(b"b").values():
            writer.remove_file(state.id)
        assert_exact(store, opened(store))
        save_indexes(store)
        assert store.connection.execute("SELECT count(*) FROM removals").fetchone() == (0,)
        assert 0 < (store.folder / FILE).stat().st_size - size < 1500
        assert_exact(store, opened(store))
    put_vectors(store, "c", unit(3, 8))
    save(store)
    assert_exact(store, opened(store))


def test_a_save_that_stops_before_the_store_knows_of_it_loses_nothing(store: Store) -> None:
    """A computer that goes off between the two writes leaves a frame that nobody has heard of."""
    save(store)
    put_vectors(store, "b", unit(50, 7))
    known = store.meta(FILE)
    save(store)
    store.connection.execute("UPDATE meta SET value = ? WHERE key = ?", (known, FILE))
    index = opened(store)
    assert not index.stored
    assert_exact(store, index)
    put_vectors(store, "c", unit(5, 8))
    save(store)
    assert opened(store).stored
    assert_exact(store, opened(store))


def test_an_open_index_is_brought_up_to_date(store: Store) -> None:
    """A chat that is open during an ingest finds what has come, and no more what has gone, as saves come and go."""
    index = opened(store)
    for step in range(12):
        put_vectors(store, f"d{step % 5}", unit(4, step))
        if step % 3 == 1:
            save(store)
        if step % 4 == 3:
            with writing(store):
                save_indexes(store)
        with store.snapshot():
            index = VectorIndex.open(store, space_of(store), index)
        assert_exact(store, index)


def test_a_reader_keeps_what_it_has_while_the_file_is_written_anew(store: Store) -> None:
    save(store)
    index = opened(store)
    query = unit(1, 5)[0]
    before = index.search(query, 10)
    for number in range(3):
        put_vectors(store, f"b{number}", unit(ROWS, number))
        save(store)
    assert index.search(query, 10) == before


def test_slices_are_searched_as_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large index is searched in parts, on all cores."""
    monkeypatch.setattr(vectors_module, "_SLICE", 64)
    for number in range(5):
        put_vectors(store, f"b{number}", unit(90, number))
        save(store)
    index = opened(store)
    assert len(index._slices) > 5
    assert_exact(store, index)
    ids, vectors = stored(store)
    query = unit(1, 5)[0]
    assert index.search(query, 10, ids[::3]) == index.search(query, 10, np.isin(index.ids, ids[::3]))
    np.testing.assert_allclose(index.vectors(ids[::31].tolist()) @ query, vectors[::31] @ query, atol=1e-5)


def test_the_file_says_what_it_was_derived_from(store: Store) -> None:
    save(store)
    header = json.loads((store.folder / FILE).read_bytes().partition(b"\n")[0])
    assert header["store"] == store.meta("store_id")
    assert header["generation"] == store.generation()
    assert header["space"] == space_of(store).id


def test_an_index_that_can_t_be_written_is_one_sentence_and_the_old_one_stays(store: Store) -> None:
    """A limit on file sizes stands for a full disk."""
    save(store)
    before = (store.folder / FILE).read_bytes()
    put_vectors(store, "b", unit(5, 7))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(StoreError) as caught, writing(store):
        index = opened(store)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            index.save(store)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_one_sentence(caught.value)
    assert str(store.folder) in str(caught.value)
    assert (store.folder / FILE).read_bytes() == before
    assert not (store.folder / f"{FILE}.new").exists(), "half a file is not left on a full disk"
    assert_exact(store, opened(store))

"""The vector index: exact inner-product search over float16, derived from the store.

`vectors.faiss` is one line of JSON that names the store, the space and the generation it was built from,
then FAISS's own bytes. It is written beside and renamed over. When it is missing, damaged, from another
space or behind, the index is rebuilt or caught up from SQLite in memory, so that losing it loses nothing.

Exact and quantised, no graph: FAISS searches 1,000,000 float16 vectors of 384 dimensions in about 40 ms on
two cores, and float16 keeps the ranking of unit vectors.
"""

import json
import os
import zlib
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import StoreError
from retrieval.store import Space, Store

FILE = "vectors.faiss"
_FORMAT = 1


class VectorIndex:
    """The vectors of one space of a store, as they are in one snapshot of it."""

    def __init__(self, index: faiss.IndexIDMap2, space: Space, generation: int, stored: bool) -> None:
        self._index = index
        self.space = space
        self.generation = generation
        self.stored = stored  # the file on disk is this very state

    @classmethod
    def open(cls, store: Store, space: Space) -> "VectorIndex":
        """The index for the store's current contents. Call it inside `store.snapshot()` or while holding
        the writer's lock, so that contents and generation belong together."""
        generation = store.generation()
        loaded = _load(store, space)
        if loaded is not None and loaded[1] == generation:
            return cls(loaded[0], space, generation, stored=True)
        index = loaded[0] if loaded is not None else _empty(space.dimensions)
        _catch_up(index, store, space)
        return cls(index, space, generation, stored=False)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, query: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> list[tuple[int, float]]:
        """The `k` chunks nearest to `query` (float32, (dimensions,), unit length): (chunk id, cosine), best
        first. With `allowed` (chunk ids), among those only."""
        k = min(k, len(self))
        if k == 0 or (allowed is not None and allowed.size == 0):
            return []
        parameters = None
        if allowed is not None:
            parameters = faiss.SearchParameters()
            parameters.sel = selector = faiss.IDSelectorBatch(allowed)  # noqa: F841 (FAISS borrows it)
        scores, ids = self._index.search(query.reshape(1, -1), k, params=parameters)
        return [(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]

    def cosines(self, query: NDArray[np.float32], ids: list[int]) -> list[float]:
        """The cosine of `query` to each of these chunks."""
        if not ids:
            return []
        vectors = self._index.reconstruct_batch(np.asarray(ids, dtype=np.int64))
        return [float(score) for score in vectors @ query]

    def save(self, store: Store) -> None:
        """Writes the index beside the store and renames it over the old file. Needs the writer's lock."""
        if self.stored:
            return
        payload = faiss.serialize_index(self._index).tobytes()
        header = _identity(store, self.space) | {"generation": self.generation, "crc": zlib.crc32(payload)}
        beside = store.folder / f"{FILE}.new"
        try:
            with beside.open("wb") as file:
                file.write(json.dumps(header).encode() + b"\n")
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(store.folder / FILE)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise StoreError(
                f"the vector index can't be written to {store.folder} ({error.strerror}): free some space and "
                "run kb ingest again; nothing is lost"
            ) from error
        self.stored = True


def _identity(store: Store, space: Space) -> dict[str, str | int]:
    return {"format": _FORMAT, "store": store.meta("store_id") or "", "space": space.id}


def _empty(dimensions: int) -> faiss.IndexIDMap2:
    flat = faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap2(flat)


def _load(store: Store, space: Space) -> tuple[faiss.IndexIDMap2, int] | None:
    """The index on disk with its generation, None when it can't serve this store and space."""
    file: Path = store.folder / FILE
    try:
        raw = np.fromfile(file, dtype=np.uint8)
    except OSError:
        return None
    head = raw[:4096].tobytes().partition(b"\n")[0]
    try:
        header = json.loads(head)
        payload = raw[len(head) + 1 :]
        expected = _identity(store, space) | {"crc": zlib.crc32(payload.data)}
        if {key: header.get(key) for key in expected} != expected:
            return None
        index: Any = faiss.deserialize_index(payload)
        return index, int(header["generation"])
    except (ValueError, KeyError, AttributeError, RuntimeError):  # torn or foreign bytes: derive it anew
        return None


def _catch_up(index: faiss.IndexIDMap2, store: Store, space: Space) -> None:
    """Adds what the store has and the index lacks, removes what the store has no more. Chunk ids are never
    used twice, so the difference of the id sets is all there is to know."""
    rows = store.connection.execute("SELECT id FROM chunks WHERE space_id = ?", (space.id,))
    wanted = np.fromiter((row[0] for row in rows), dtype=np.int64)
    present = faiss.vector_to_array(index.id_map)
    gone = np.setdiff1d(present, wanted)
    if gone.size:
        index.remove_ids(faiss.IDSelectorBatch(gone))
    new = np.setdiff1d(wanted, present)
    for start in range(0, new.size, 10_000):  # 10,000 vectors of 384 are 15 MB as float32
        ids = new[start : start + 10_000]
        query = "SELECT vector FROM vectors WHERE chunk_id = ?"
        blobs = [store.connection.execute(query, (int(i),)).fetchone()[0] for i in ids]
        vectors = np.frombuffer(b"".join(blobs), dtype=np.float16).reshape(ids.size, space.dimensions)
        index.add_with_ids(vectors.astype(np.float32), ids)

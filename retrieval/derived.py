"""What the vector index and the word index have in common: how a derived file is kept in step with SQLite.

An index is a list of frames (`retrieval.frames`), each with the rows of some chunks, in the order of their ids.
Chunk ids only grow and are never used twice, so what came since the last frame are the ids above its `last`; what
went stands in the table `removals`. Neither asks for all ids. Gone rows stay where they are until their frame is
merged, and count as dead.

A save appends one frame. It takes in the frames before it for as long as they are no larger than twice what it holds
already, so that there are never more frames than the logarithm of the rows, and a row is written about that often in
its life. When more than half of a file is dead weight, the file is written anew.
"""

import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from retrieval import frames as files
from retrieval.errors import StoreError
from retrieval.frames import Arrays, Frame
from retrieval.store import Space, Store

# Chunks that a frame is made of at once, so that deriving a large index anew needs little memory.
_BATCH = 16_384
_NONE = np.empty(0, dtype=np.int64)


class Derived:
    """The rows of one space of a store, as they are in one snapshot of it: row `i` belongs to the chunk `ids[i]` of
    the document `documents[i]` (ids ascend) and counts when `alive[i]`."""

    FILE: ClassVar[str]

    def __init__(self, store: Store, space: Space, frames: list[Frame], stamp: str | None) -> None:
        self.space = space
        self.generation = store.generation()
        self._frames = frames
        self._stamp = stamp
        # Whether the file on disk is this very state.
        self.stored = bool(frames) and frames[-1].end > 0 and frames[-1].generation == self.generation
        self.ids: NDArray[np.int64] = _joined(frames, "ids")
        self.documents: NDArray[np.int64] = _joined(frames, "documents")
        self._starts = np.cumsum([0, *(len(frame.arrays["ids"]) for frame in frames)]).tolist()
        self.alive = np.ones(len(self.ids), dtype=np.bool_)
        gone = store.connection.execute("SELECT chunk_id FROM removals").fetchall()
        journal = np.array(gone, dtype=np.int64).reshape(-1)
        self.alive[self.rows(np.concatenate([journal, _joined(frames, "removed")]))] = False
        self.all_alive = bool(self.alive.all())

    @classmethod
    def open(cls, store: Store, space: Space, before: Self | None = None) -> Self:
        """The index for the store's current contents; `before` is an earlier one, whose frames are used again when
        they still hold. Call it inside `store.snapshot()` or while holding the writer's lock, so that contents and
        generation belong together."""
        frames, stamp = cls._known(store, space, before)
        for frame in cls._new(store, space, frames[-1].last if frames else 0):
            frames.append(frame)
            on_disk = sum(1 for frame in frames if frame.end)
            keep = max(on_disk, _kept([len(frame.arrays["ids"]) for frame in frames]))
            if keep < len(frames) - 1:
                whole = [np.ones(len(frame.arrays["ids"]), dtype=np.bool_) for frame in frames[keep:]]
                frames[keep:] = [Frame(cls._together(frames[keep:], whole), frame.last, 0)]
        return cls(store, space, frames, stamp)

    @classmethod
    def behind(cls, store: Store, space: Space, before: Self | None, chunks: int) -> bool:
        """Whether `open` would have to take in more than that many chunks."""
        frames, _ = cls._known(store, space, before)
        query = "SELECT count(*) FROM (SELECT 1 FROM chunks WHERE id > ? AND space_id = ? LIMIT ?)"
        last = frames[-1].last if frames else 0
        return bool(store.connection.execute(query, (last, space.id, chunks + 1)).fetchone()[0] > chunks)

    @classmethod
    def _known(cls, store: Store, space: Space, before: Self | None) -> tuple[list[Frame], str | None]:
        """The frames that are there already, with the stamp of those on disk."""
        stamp = store.meta(cls.FILE)
        known = before._frames if before is not None and before.space == space else []
        if before is not None and before.space == space and before._stamp == stamp:
            return list(known), stamp
        return files.read(store.folder / cls.FILE, _identity(store, space), stamp, known), stamp

    @classmethod
    def _new(cls, store: Store, space: Space, last: int) -> Iterator[Frame]:
        """Frames of the chunks with ids above `last`."""
        query = "SELECT id, document_id FROM chunks WHERE id > ? AND space_id = ? ORDER BY id LIMIT ?"
        while rows := store.connection.execute(query, (last, space.id, _BATCH)).fetchall():
            ids, documents = np.array(rows, dtype=np.int64).T
            last = int(ids[-1])
            table = {"ids": ids, "documents": documents, "removed": _NONE}
            yield Frame(table | dict(cls._built(store, space, ids)), last, 0)

    @classmethod
    def _built(cls, store: Store, space: Space, ids: NDArray[np.int64]) -> Arrays:
        """The arrays that an index holds of these chunks."""
        raise NotImplementedError

    @classmethod
    def _merged(cls, frames: Sequence[Frame], alive: Sequence[NDArray[np.bool_]]) -> Arrays:
        """Those arrays for the living rows of several frames."""
        raise NotImplementedError

    @classmethod
    def _together(
        cls, frames: Sequence[Frame], alive: Sequence[NDArray[np.bool_]]
    ) -> dict[str, NDArray[Any]]:
        table: dict[str, NDArray[Any]] = {"removed": _NONE}
        for name in ("ids", "documents"):
            parts = [frame.arrays[name][mask] for frame, mask in zip(frames, alive, strict=True)]
            table[name] = np.concatenate([_NONE, *parts])
        return table | dict(cls._merged(frames, alive))

    def __len__(self) -> int:
        return int(np.count_nonzero(self.alive))

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of these chunks, dead ones too; ids that have none are left out."""
        at = np.searchsorted(self.ids, ids)
        within = at < len(self.ids)
        at, ids = at[within], ids[within]
        found: NDArray[np.int64] = at[self.ids[at] == ids]
        return found

    def of_documents(self, documents: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For each row, whether it belongs to one of these documents."""
        chosen = np.zeros(
            int(max(self.documents.max(initial=0), documents.max(initial=0))) + 1, dtype=np.bool_
        )
        chosen[documents] = True
        mask: NDArray[np.bool_] = chosen[self.documents]
        return mask

    def save(self, store: Store) -> None:
        """Brings the file beside the store up to this state. Needs the writer's lock. Raises StoreError when the disk
        is full or can't be written; then the file is as it was."""
        if self.stored:
            return
        masks = [self.alive[a:b] for a, b in zip(self._starts, self._starts[1:], strict=False)]
        keep = self._to_keep(masks)
        arrays = self._together(self._frames[keep:], masks[keep:])
        dead = [frame.arrays["ids"][~mask] for frame, mask in zip(self._frames[:keep], masks, strict=False)]
        arrays["removed"] = np.setdiff1d(
            np.concatenate([_NONE, *dead]), _joined(self._frames[:keep], "removed")
        )
        last = store.connection.execute("SELECT coalesce(max(id), 0) FROM chunks").fetchone()[0]
        on_disk = [frame for frame in self._frames if frame.end]
        frame = Frame(arrays, last, self.generation, stamp=uuid.uuid4().hex)
        file, identity = store.folder / self.FILE, _identity(store, self.space)
        try:
            if keep:
                replaces = len(on_disk) - keep
                files.append(file, on_disk[-1].end, replace(frame, replaces=replaces), identity)
            else:
                files.rewrite(file, frame, identity)
            store.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (self.FILE, frame.stamp))
        except (OSError, sqlite3.OperationalError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise StoreError(
                f"the search index {self.FILE} can't be written to {store.folder} ({reason}): free some space and "
                "run kb ingest again; nothing is lost"
            ) from error
        self.stored = True
        self._stamp = None  # the frames at hand are no longer those on disk

    def _to_keep(self, masks: Sequence[NDArray[np.bool_]]) -> int:
        """How many of the frames on disk stay as they are; 0 to write the file anew."""
        on_disk = sum(1 for frame in self._frames if frame.end)
        living = [int(np.count_nonzero(mask)) for mask in masks]
        keep = _kept([*living[:on_disk], sum(living[on_disk:])])
        weights = [
            frame.size * count / max(1, mask.size)
            for frame, count, mask in zip(self._frames, living, masks, strict=True)
        ]
        written = sum(weights[keep:])
        end = self._frames[on_disk - 1].end if on_disk else 0
        return keep if end + written <= 2 * sum(weights) else 0


def _kept(sizes: Sequence[int]) -> int:
    """How many of some frames stay when the last is new: the others are at most twice as large as what follows."""
    keep = max(0, len(sizes) - 1)
    size = sizes[-1] if sizes else 0
    while keep and sizes[keep - 1] <= 2 * size:
        keep -= 1
        size += sizes[keep]
    return keep


def _identity(store: Store, space: Space) -> dict[str, str | int]:
    return {"store": store.meta("store_id") or "", "space": space.id}


def _joined(frames: Sequence[Frame], name: str) -> NDArray[np.int64]:
    return np.concatenate([_NONE, *(frame.arrays[name] for frame in frames)])

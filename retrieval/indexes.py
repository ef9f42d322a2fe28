"""The derived indexes of a store, all together."""

import sqlite3
from contextlib import suppress
from weakref import WeakKeyDictionary

from retrieval.postings import WordIndex
from retrieval.store import Store
from retrieval.vectors import VectorIndex

# What was saved last, so that the next save of a long ingest need not read the files again.
_saved: WeakKeyDictionary[Store, tuple[VectorIndex, WordIndex]] = WeakKeyDictionary()


def save_indexes(store: Store) -> None:
    """Brings the files of all indexes up to date and forgets the removals, which they then know of. Needs the writer's
    lock. Raises StoreError when the disk is full or can't be written to."""
    space = store.space()
    if space is not None:
        vectors, words = _saved.get(store, (None, None))
        opened = VectorIndex.open(store, space, vectors), WordIndex.open(store, space, words)
        for index in opened:
            index.save(store)
        _saved[store] = opened
        with suppress(sqlite3.OperationalError):  # on a full disk they stay, which does no harm
            store.connection.execute("DELETE FROM removals")

"""Bringing a shared index in Milvus to what a worker's own knowledge base holds.

A worker ingests into its own folder, as ever, and then publishes: documents that are new or changed are written, those
that went are removed. What is there already is found by comparing versions, so that a run that was cut off, by a lost
network or a kill, is completed by the next. Any number of workers publish into one index, each its own documents.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from retrieval.errors import EmbedderMismatch
from retrieval.milvus import MOST_BYTES, NOTHING, PIECE_BYTES, Milvus, Row
from retrieval.store import Space, Store, StoredDocument
from retrieval.tokens import Tokenizer
from retrieval.types import DocumentInfo

# Documents that become visible together.
_TOGETHER = 64
# Stands for the generation of a store of which a part may be published.
_UNDER_WAY = -1


@dataclass(frozen=True, slots=True)
class _Local:
    """A document of the store: its key in the index, and what changes with all that is stored of it."""

    id: int
    key: str
    version: str


@dataclass(frozen=True, slots=True)
class _There:
    """A document in the index: its version, its chunks, and the words of these together."""

    version: str
    chunks: int
    words: int


def publish(store: Store, index: Milvus) -> int:
    """Publishes what is in the store and not in the index, and removes what is no longer in the store. Returns how many
    documents were written or removed. Needs the writer's lock. Raises StoreError when the index can't be reached, and
    EmbedderMismatch when it holds vectors of another model."""
    space = store.space()
    owner = store.meta("store_id") or ""
    if space is None:
        return 0
    meta = index.meta(strong=True)
    if (mine := meta.get(owner)) and mine["generation"] == store.generation():
        return 0
    _require_space(meta.get("space"), space, index)
    index.create(space)
    index.put_meta("space", asdict(space))
    there = {} if mine is None else _published(index, owner)
    if mine and mine["generation"] == _UNDER_WAY:
        _sweep(index, owner, there)
    index.put_meta(owner, (mine or _state(store, {})) | {"generation": _UNDER_WAY})
    local = list(_local(store, space, owner))
    gone = sorted(there.keys() - {document.key for document in local})
    for kind, field in (("documents", "key"), ("chunks", "document"), ("texts", "document")):
        index.delete(kind, field, gone)
    changed = [d for d in local if d.key not in there or there[d.key].version != d.version]
    for start in range(0, len(changed), _TOGETHER):
        some = changed[start : start + _TOGETHER]
        earlier = [document for document in some if document.key in there]
        there |= _write(store, index, space, owner, some)
        _drop_earlier(index, earlier)
    index.settle()
    index.put_meta(owner, _state(store, {document.key: there[document.key] for document in local}))
    return len(changed) + len(gone)


def _require_space(there: dict[str, Any] | None, space: Space, index: Milvus) -> None:
    if there and there["fingerprint"] != space.fingerprint:
        raise EmbedderMismatch(
            f"the shared index at {index.url} holds vectors of {there['name']}, this knowledge base those of "
            f"{space.name}: run kb reindex --embedder {there['name']}, or publish to another name (#name)"
        )


def _published(index: Milvus, owner: str) -> dict[str, _There]:
    fields = ["key", "version", "chunks", "length"]
    rows = index.query("documents", f'owner == "{owner}"', fields, strong=True)
    return {row["key"]: _There(row["version"], row["chunks"], row["length"]) for row in rows}


def _sweep(index: Milvus, owner: str, there: dict[str, _There]) -> None:
    """Removes what a run that was cut off has left: chunks and texts of no visible version."""
    visible = {(key, document.version) for key, document in there.items()}
    for kind in ("chunks", "texts"):
        rows = index.query(kind, f'owner == "{owner}"', ["key", "document", "version"], strong=True)
        lost = [row["key"] for row in rows if (row["document"], row["version"]) not in visible]
        index.delete(kind, "key", lost)


def _local(store: Store, space: Space, owner: str) -> Iterator[_Local]:
    """The store's documents. Ids of chunks are never given twice, so they stand for the chunks."""
    rows = store.connection.execute(
        "SELECT d.id, f.path, d.part, d.ref, d.digest, count(c.id), min(c.id), max(c.id), sum(c.id) "
        "FROM documents d JOIN files f ON f.id = d.file_id "
        "LEFT JOIN chunks c ON c.document_id = d.id AND c.space_id = ? GROUP BY d.id ORDER BY d.id",
        (space.id,),
    )
    for number, path, part, *content in rows:
        key = hashlib.sha256(owner.encode() + b"\0" + path + b"\0" + part.encode()).hexdigest()[:32]
        yield _Local(number, key, hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32])


def _write(
    store: Store, index: Milvus, space: Space, owner: str, documents: Sequence[_Local]
) -> dict[str, _There]:
    """Writes some documents and makes them visible."""
    tokenizer = Tokenizer(store)
    texts: list[Row] = []
    chunks: list[Row] = []
    rows: list[Row] = []
    for local in documents:
        stored = store.document_by_id(local.id)
        of = {"document": local.key, "version": local.version, "owner": owner}
        texts += _texts(stored, of)
        mine = list(_chunks(store, space, tokenizer, stored, of))
        chunks += mine
        rows.append(
            {
                "key": local.key, "version": local.version, "owner": owner, "ref": stored.ref,
                "info": _info(stored.info), "chunks": len(mine), "chars": len(stored.text), "nothing": NOTHING,
                "length": sum(len(row["words"].split()) for row in mine), **_facts(stored.info),
            }
        )  # fmt: skip
    index.put("texts", texts)
    index.put("chunks", chunks)
    index.put("documents", rows)
    return {row["key"]: _There(row["version"], row["chunks"], row["length"]) for row in rows}


def _drop_earlier(index: Milvus, documents: Sequence[_Local]) -> None:
    """Removes what there is of earlier versions."""
    for document in documents:
        for kind in ("chunks", "texts"):
            index.delete(kind, "document", [document.key], f'version != "{document.version}"')


def _facts(info: DocumentInfo) -> Row:
    """What filters ask for."""
    return {
        "kind": info.kind, "author": cut((info.author or "").casefold()), "day": (info.date or "")[:10],
        "doc": cut(info.doc),
    }  # fmt: skip


def _info(info: DocumentInfo) -> str:
    """What is known of a document, or the most of it that fits: all of it is with its text."""
    whole = json.dumps(asdict(info), ensure_ascii=False)
    if len(whole.encode()) <= MOST_BYTES:
        return whole
    few = DocumentInfo(
        doc=info.doc[:4000], part=info.part[:1000], kind=info.kind, title=info.title[:1000],
        author=info.author and info.author[:1000], date=info.date, message_id=info.message_id and info.message_id[:500],
        date_from=info.date_from,
    )  # fmt: skip
    return json.dumps(asdict(few), ensure_ascii=False)


def _texts(stored: StoredDocument, of: Row) -> Iterator[Row]:
    whole = json.dumps([stored.text, stored.layout, asdict(stored.info)])  # in ASCII: may be cut anywhere
    for ordinal, start in enumerate(range(0, len(whole), PIECE_BYTES)):
        yield {
            "key": f"{of['document']}.{of['version']}.{ordinal:06}", "ordinal": ordinal,
            "piece": whole[start : start + PIECE_BYTES], "nothing": NOTHING, **of,
        }  # fmt: skip


def _chunks(
    store: Store, space: Space, tokenizer: Tokenizer, stored: StoredDocument, of: Row
) -> Iterator[Row]:
    rows = store.connection.execute(
        'SELECT c.start, c."end", c.header, c.heading, c.page, c.columns, v.vector FROM chunks c '
        "JOIN vectors v ON v.chunk_id = c.id WHERE c.document_id = ? AND c.space_id = ? ORDER BY c.id",
        (stored.id, space.id),
    ).fetchall()
    found = tokenizer.words([text for row in rows for text in (row[2], stored.text[row[0] : row[1]])])
    for ordinal, (start, end, header, heading, page, columns, vector) in enumerate(rows):
        words = [token(term) for terms in found[2 * ordinal : 2 * ordinal + 2] for term in terms]
        text = stored.text[start:end]
        floats = np.frombuffer(vector, dtype=np.float16).astype(np.float32)
        yield {
            "key": f"{of['document']}.{of['version']}.{ordinal:06}", "ordinal": ordinal, **of, **_facts(stored.info),
            "start": start, "finish": end, "page": page or 0, "header": cut(header), "columns": cut(columns),
            "heading": heading if len(heading.encode()) <= MOST_BYTES else "[]",
            "text": text if len(text.encode()) <= MOST_BYTES else "", "words": cut(" ".join(words)),
            "vector": floats.tolist(),
        }  # fmt: skip


def token(term: bytes) -> str:
    """A term as every analyzer of Milvus leaves it: ASCII letters and digits."""
    return term.decode() if term.isalnum() else f"x{term.hex()}"


def cut(text: str) -> str:
    """As much of a text as a string of Milvus holds."""
    return text if len(text) * 4 <= MOST_BYTES else text.encode()[:MOST_BYTES].decode("utf-8", "ignore")


def _state(store: Store, published: Mapping[str, _There]) -> dict[str, Any]:
    """What is noted of a worker: which state of its store is published, and for BM25 its chunks and their words."""
    oldest, newest = store.dates()
    return {
        "generation": store.generation(), "last_ingest": store.meta("last_ingest"), "oldest": oldest, "newest": newest,
        "chunks": sum(document.chunks for document in published.values()),
        "words": sum(document.words for document in published.values()),
    }  # fmt: skip

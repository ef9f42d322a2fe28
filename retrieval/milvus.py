"""An index that several machines share, in Milvus: a server by its URL, or in one process a file of Milvus Lite.

Four collections hold all that a search, a listing and an opened document need:

* `documents`  a row a document: what is known of it, and the `version` that counts
* `chunks`     spans with their text, vector and words; the facts that filters ask for
* `texts`      the documents' texts and layouts, in pieces (a string of Milvus has 65,535 bytes at most)
* `meta`       the embedding model, and what each worker has published

Milvus has no transactions. What makes a document visible is its row in `documents`: chunks and texts are of a version,
and only those of the version that this row names count. The row is written after them, in one request, and goes before
them. The words of a chunk are our own tokens (`retrieval.tokens`), so that Milvus's BM25 counts what SQLite's does.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from retrieval.errors import StoreError, UsageError
from retrieval.store import Space

TOKEN = "KB_INDEX_TOKEN"
# Seconds in which a request that fails for want of a connection is tried again (it may be, for each writes rows in the
# place of those with their keys), with pauses that begin so and grow twofold.
_PATIENCE, _PAUSE = 30.0, 0.25
# Bytes of a string in Milvus, and of the pieces that a longer text is cut into.
MOST_BYTES, PIECE_BYTES = 65_535, 60_000
# Rows of a request; with vectors and texts some 4 MB, of 64 that a server takes.
_BATCH = 500
# As in `retrieval.words`. Nested, as a server takes them either way and Milvus Lite only so.
_BM25 = {"params": {"bm25_k1": 0.6, "bm25_b": 0.3}}
_NAME = "kb"
# Milvus wants a vector in every collection.
NOTHING = [1.0, 0.0]

Row = Mapping[str, Any]


class Milvus:
    """A connection to one shared index. Connects with the first request. Not to be shared between threads."""

    def __init__(self, url: str) -> None:
        """`url` is `http(s)://host:port` or the path of a `.db` file, with `#name` where it holds several indexes.
        Raises UsageError for anything else."""
        self.url = url
        address, _, name = url.partition("#")
        self._address, self._name = address, name or _NAME
        parts = urlsplit(address)
        server = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
        if not (server or (address.endswith(".db") and not parts.scheme)) or not self._name.isidentifier():
            raise UsageError(
                f"{url} names no shared index: write http://host:19530, or a path that ends in .db for Milvus Lite, "
                f"with #name to tell several apart; a token comes from the environment variable {TOKEN}"
            )
        self.is_file = not server
        self._client: Any = None
        self._loaded: set[str] = set()

    def close(self) -> None:
        """Ends the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def collection(self, kind: str) -> str:
        """The full name of one of the four collections."""
        return f"{self._name}_{kind}"

    def call(self, method: str, kind: str, **arguments: Any) -> Any:
        """A request about one of the collections. Raises StoreError when it fails for good."""
        if kind not in self._loaded and method not in ("has_collection", "create_collection"):
            # Milvus Lite has none loaded when it is opened; a server keeps them so.
            self._ask("load_collection", collection_name=self.collection(kind))
            self._loaded.add(kind)
        return self._ask(method, collection_name=self.collection(kind), **arguments)

    def query(
        self, kind: str, condition: str, fields: Sequence[str], *, strong: bool = False
    ) -> Iterator[Row]:
        """All rows that meet a condition; `strong` sees every write before it."""
        level = {"consistency_level": "Strong"} if strong else {}
        rows = self.call(
            "query_iterator", kind, filter=condition, output_fields=list(fields), batch_size=_BATCH, **level
        )
        try:
            while batch := self._told(rows.next):
                yield from batch
        finally:
            rows.close()

    def put(self, kind: str, rows: Iterable[Row]) -> None:
        """Writes rows, each in place of the one with its key."""
        waiting: list[Row] = []
        for row in rows:
            waiting.append(row)
            if len(waiting) == _BATCH:
                self.call("upsert", kind, data=waiting)
                waiting = []
        if waiting:
            self.call("upsert", kind, data=waiting)

    def delete(self, kind: str, field: str, values: Sequence[str], condition: str = "") -> None:
        """Removes the rows in which `field` is one of `values`, and that meet the condition, if any."""
        for start in range(0, len(values), _BATCH):
            among = f"{field} in {json.dumps(list(values[start : start + _BATCH]))}"
            self.call("delete", kind, filter=f"{among} and {condition}" if condition else among)

    def settle(self) -> None:
        """Lets Milvus Lite index what was written; it would do so in every search. A server does it by itself."""
        if self.is_file:
            self.call("flush", "chunks")

    def meta(self, *, strong: bool = False) -> dict[str, Any]:
        """The values of `meta`, by key; empty before anything was published."""
        if not self.call("has_collection", "meta"):
            return {}
        return {
            row["key"]: json.loads(row["value"])
            for row in self.query("meta", "", ["key", "value"], strong=strong)
        }

    def put_meta(self, key: str, value: Any) -> None:
        """Notes a value."""
        self.put("meta", [{"key": key, "value": json.dumps(value), "nothing": NOTHING}])

    def create(self, space: Space) -> None:
        """Makes the collections that are not there yet, for vectors of that space."""
        from pymilvus import DataType, Function, FunctionType, MilvusClient

        def make(
            kind: str, fields: Mapping[str, int], numbers: Sequence[str], vector: str, dimensions: int
        ) -> None:
            if self.call("has_collection", kind):
                return
            schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
            for number, (name, most) in enumerate(fields.items()):
                words = (
                    {"enable_analyzer": True, "analyzer_params": {"tokenizer": "standard"}}
                    if name == "words"
                    else {}
                )
                schema.add_field(name, DataType.VARCHAR, max_length=most, is_primary=number == 0, **words)
            for name in numbers:
                schema.add_field(name, DataType.INT64)
            schema.add_field(vector, DataType.FLOAT_VECTOR, dim=dimensions)
            indexes = MilvusClient.prepare_index_params()
            indexes.add_index(
                vector, index_type="FLAT" if self.is_file else "AUTOINDEX", metric_type="COSINE"
            )
            if "words" in fields:
                schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
                schema.add_function(Function("bm25", FunctionType.BM25, ["words"], ["sparse"]))
                indexes.add_index(
                    "sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=_BM25
                )
            self.call("create_collection", kind, schema=schema, index_params=indexes)

        of = {"key": 128, "document": 64, "version": 64, "owner": 64}
        text = MOST_BYTES
        known = {"kind": 16, "author": text, "day": 16, "doc": text}
        make(
            "chunks", of | known | {"header": text, "heading": text, "columns": text, "text": text, "words": text},
            ["ordinal", "start", "finish", "page"], "vector", space.dimensions,
        )  # fmt: skip
        make("texts", of | {"piece": text}, ["ordinal"], "nothing", 2)
        make(
            "documents", {"key": 64, "version": 64, "owner": 64, "ref": 64} | known | {"info": text},
            ["chunks", "length", "chars"], "nothing", 2,
        )  # fmt: skip
        make("meta", {"key": 64, "value": text}, [], "nothing", 2)

    def _ask(self, method: str, **arguments: Any) -> Any:
        return self._told(lambda: getattr(self._connected(), method)(timeout=_PATIENCE, **arguments))

    def _connected(self) -> Any:
        if self._client is None:
            try:
                from pymilvus import MilvusClient
            except ImportError as error:
                raise StoreError(
                    "a shared index needs a package more: pip install 'kb-assistant[milvus]'"
                ) from error
            import logging

            logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # what goes wrong is raised
            if self.is_file:
                Path(self._address).parent.mkdir(parents=True, exist_ok=True)
            self._client = MilvusClient(self._address, token=os.environ.get(TOKEN, ""), timeout=_PATIENCE)
        return self._client

    def _told(self, request: Any) -> Any:
        """What the request gives, in the end. Raises StoreError when it fails for good."""
        try:
            import grpc
            from pymilvus.exceptions import MilvusException
        except ImportError:
            return request()  # says what is missing
        pause, end = _PAUSE, time.monotonic() + _PATIENCE
        while True:
            try:
                return request()
            except (MilvusException, grpc.RpcError, OSError) as error:
                if not _is_lost(error) or time.monotonic() + pause > end:
                    said = (
                        error.details()
                        if isinstance(error, grpc.RpcError)
                        else getattr(error, "message", error)
                    )
                    why = " ".join(str(said).split())[:200]
                    raise StoreError(
                        f"the shared index at {self.url} does not answer as it should ({why}): see whether it runs and "
                        "can be reached, then run the same command again"
                    ) from error
            time.sleep(pause)
            pause *= 2


def _is_lost(error: Any) -> bool:
    """Whether there is no connection: what pymilvus itself gives up at once."""
    import grpc
    from pymilvus.client.types import Status

    code = error.code() if isinstance(error, grpc.RpcError) else getattr(error, "code", None)
    return code in (Status.CONNECT_FAILED, grpc.StatusCode.UNAVAILABLE)

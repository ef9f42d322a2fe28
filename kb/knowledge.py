"""The façade: what the commands, the chat and a Python program call.

from kb import KnowledgeBase

with KnowledgeBase.open() as kb:
    kb.ingest([Path("docs")])
    print(kb.ask("what was the Q3 decision").text)
"""

import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kb.bases import default_folder
from kb.catalogue import DEFAULT_EMBEDDER, DEFAULT_LLM
from kb.loading import Loading
from kb.model_store import ModelStore, go_offline
from kb.reports import BaseStatus, Listed, SearchResult, Shown
from retrieval.errors import EmbedderMismatch, StoreMissing, UsageError
from retrieval.store import Store
from retrieval.types import Filters, Hit

if TYPE_CHECKING:
    from generation.stop import Stop
    from generation.types import Answer, Event, Turn
    from ingest.document import Block
    from ingest.embedder import ModelFolder
    from ingest.report import IngestReport, Progress
    from kb.session import ChatSession
    from retrieval.milvus import Milvus
    from retrieval.milvus_read import MilvusReader
    from retrieval.search import Searcher

# Hits that an answer is built from; a search shows ten.
ASK_HITS = 8


class KnowledgeBase:
    """One knowledge base and the models it works with. Use as a context manager, from one thread."""

    def __init__(self, store: Store, models: ModelStore, index: "Milvus | None" = None) -> None:
        self._store = store
        self._models = models
        self._index = index
        self._reader: Store | MilvusReader = store if index is None else _reader(index, store)
        self._searcher: Searcher | None = None
        self._loading: Loading | None = None

    @classmethod
    def open(cls, folder: Path | None = None, *, create: bool = False) -> "KnowledgeBase":
        """Opens the knowledge base in `folder` (default: `default_folder()`), or makes it there with `create`.
        Raises StoreMissing or StoreError."""
        from kb.shared import shared_index

        place = folder or default_folder()
        return cls(Store.open(place, create=create), ModelStore(), shared_index(place))

    def __enter__(self) -> "KnowledgeBase":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the database and the model."""
        if self._loading is not None:
            self._loading.close()
        self._reader.close()
        self._store.close()

    @property
    def folder(self) -> Path:
        """Where the knowledge base lies."""
        return self._store.folder

    @property
    def generation(self) -> int:
        """Changes with everything that is written to it."""
        return self._store.generation()

    @property
    def embedder(self) -> str | None:
        """The embedding model that it was built with; None while it is empty."""
        space = self._reader.space()
        return space.name if space else None

    def ingest(
        self, paths: Sequence[Path], *, prune: bool | None = None, dry_run: bool = False,
        on_progress: "Callable[[Progress], None] | None" = None,
    ) -> "IngestReport":  # fmt: skip
        """Reads the files and folders in `paths` into the knowledge base: what is new or changed is embedded,
        what vanished from disk is removed. When more than half of a path's files vanished they are kept unless
        `prune` is True (False keeps them always). Raises UsageError for a path that does not exist, StoreBusy
        when another process is writing, ModelError when the embedding model is missing, StoreError when it could not
        be published to the shared index (all is kept here, and the next ingest completes it)."""
        from ingest.pipeline import Ingest
        from retrieval.writer import writing

        go_offline()
        with (
            writing(self._store) as writer,
            closing(Ingest(writer, self._model_folder, self._encoder_folder, on_progress)) as run,
        ):
            report = run.run(paths, prune=prune, dry_run=dry_run)
            if not dry_run:
                self._publish()
        return report

    def search(
        self, query: str, *, k: int = 10, filters: Filters = Filters(), history: "Sequence[Turn]" = ()
    ) -> SearchResult:
        """The `k` best hits for `query`, as a follow-up of the turns in `history`, oldest first; loads neither torch
        nor a language model."""
        from generation.followup import DEPTH, fuse, queries

        started = time.perf_counter()
        _require_words(query)
        searcher = self._open_searcher()
        opened = time.perf_counter()
        if history:
            depth = max(k, DEPTH)
            asked = queries(query, history)
            hits = fuse([(q.weight, searcher.search(q.text, depth, filters)) for q in asked], k)
        else:
            hits = searcher.search(query, k, filters)
        done = time.perf_counter()
        timings = {"open": (opened - started) * 1000, "retrieve": (done - opened) * 1000,
                   "total": (done - started) * 1000}  # fmt: skip
        return SearchResult(query, tuple(hits), timings, searcher.understand(query))

    def ask_stream(
        self, question: str, *, k: int | None = None, filters: Filters = Filters(), long: bool = False,
        model: str | None = None, history: "Sequence[Turn]" = (),
    ) -> "Generator[Event, None, None]":  # fmt: skip
        """Answers from the documents: yields a Retrieved (and another when more than one look is needed), Tokens of
        the draft, then one Answer whose claims are checked. Closing the iterator stops the model. `history` are the
        turns before, oldest first. Raises ModelError when a model is missing."""
        from generation.followup import standalone
        from generation.types import Retrieved

        started = time.perf_counter()
        _require_words(question)
        self._load_in_background(model or DEFAULT_LLM)
        found = self.search(question, k=k or ASK_HITS, filters=filters, history=history)
        yield Retrieved(found.hits, standalone(question, history))
        yield from self.answer_stream(
            question, found, filters=filters, long=long, model=model, history=history, started=started
        )

    def answer_stream(
        self, question: str, found: SearchResult, *, filters: Filters = Filters(), long: bool = False,
        model: str | None = None, history: "Sequence[Turn]" = (), started: float | None = None,
        stop: "Stop | None" = None,
    ) -> "Generator[Event, None, None]":  # fmt: skip
        """Answers from what a search has found, which another thread's KnowledgeBase may have done: yields Tokens of
        the draft (before them a Retrieved, when more looks with the same `filters` are needed), then one Answer.
        `started` (`time.perf_counter`) is the moment that timings count from. Raises Stopped when `stop` is set
        meanwhile."""
        from generation.answer import Answerer
        from generation.followup import standalone
        from generation.plan import LOOK_HITS

        query = standalone(question, history)

        def look(name: str) -> Sequence[Hit]:
            return self.search(f"{query} {name}", k=LOOK_HITS, filters=filters).hits

        loading = self._load_in_background(model or DEFAULT_LLM)
        timings = {name: found.timings_ms[name] for name in ("open", "retrieve")}
        answerer = Answerer(loading.model, self._open_searcher().encoder.encode, stop)
        return answerer.answer(
            question, found.hits, long=long, history=history, look=look, started=started, timings=timings
        )

    def warm(self, model: str | None = None) -> None:
        """Loads what the first question would have to wait for."""
        loading = self._load_in_background(model or DEFAULT_LLM)
        self.search("warm")
        loading.model()

    def ask(
        self, question: str, *, k: int | None = None, filters: Filters = Filters(), long: bool = False,
        model: str | None = None, history: "Sequence[Turn]" = (),
    ) -> "Answer":  # fmt: skip
        """The checked answer; see `ask_stream`."""
        from generation.types import Answer

        events = self.ask_stream(question, k=k, filters=filters, long=long, model=model, history=history)
        return next(event for event in events if isinstance(event, Answer))

    def chat(self, *, filters: Filters = Filters(), model: str | None = None) -> "ChatSession":
        """A conversation: every question sees the turns before it."""
        from kb.session import ChatSession

        return ChatSession(self, filters=filters, model=model)

    def show(self, ref: str) -> Shown:
        """The document that `ref` names, and the span in it: the ref of a hit or citation, of a document, or
        the path of a file; for mail with its thread and attachments, where the index is its own. Raises UsageError when
        there is none such."""
        from retrieval.attachments import attachments, carrier
        from retrieval.threads import thread

        name, colon, span = ref.rpartition(":")
        start_text, _, end_text = span.partition("-")
        if colon and start_text.isdigit() and end_text.isdigit():
            document = self._reader.document(name)
            start, end = int(start_text), int(end_text)
        else:
            document = self._reader.document(ref)
            start, end = 0, len(document.text)
        if not start <= end <= len(document.text):
            raise UsageError(f"{ref} lies outside its document, which has {len(document.text)} characters")
        block = self._block(document.layout, start)
        shown = Shown(
            ref, document.info, document.text, start, end, block.page, block.heading, page_label=block.label
        )
        if self._index is not None:
            return shown
        return replace(
            shown, thread=thread(self._store, document), attachments=attachments(self._store, document),
            attached_to=carrier(self._store, document),
        )  # fmt: skip

    def pdf(self, ref: str) -> bytes:
        """The PDF file that `ref` was read from, as it was then. Raises UsageError when it was read from none, or the
        file is gone or has changed."""
        from kb.originals import pdf_file

        return pdf_file(self._store, ref.partition(":")[0])

    def file(self, ref: str) -> Path:
        """The file that `ref` was read from, its mailbox or archive where it lies in one. Raises UsageError when there
        is no such document."""
        from kb.originals import original

        return original(self._store, ref.partition(":")[0])

    def list(self, filters: Filters = Filters()) -> list[Listed]:
        """All documents, by path."""
        return [Listed(*row) for row in self._reader.documents(filters)]

    def status(self, model: str | None = None) -> BaseStatus:
        """What the knowledge base holds, and what it works with; `model` is the answering model where it is another
        than the default one."""
        from generation.endpoint import is_endpoint
        from ingest.report import Failure

        documents, chunks, by_kind = self._reader.counts()
        oldest, newest = self._reader.dates()
        space = self._reader.space()
        embedder = space.name if space else DEFAULT_EMBEDDER
        llm = model or DEFAULT_LLM
        return BaseStatus(
            folder=self.folder,
            documents=documents,
            chunks=chunks,
            by_kind=by_kind,
            by_month=self._store.months(),
            embedder=embedder,
            dimensions=space.dimensions if space else None,
            bytes_on_disk=sum(p.stat().st_size for p in self.folder.iterdir() if p.is_file()),
            oldest=oldest,
            newest=newest,
            last_ingest=self._store.meta("last_ingest"),
            llm=llm,
            llm_present=is_endpoint(llm) or Path(llm).is_file() or self._models.has(llm),
            embedder_present=Path(embedder).is_dir() or self._models.has(embedder),
            failed=tuple(Failure(doc, why) for doc, why in self._store.failures()),
            roots=tuple(os.fsdecode(root) for root in self._store.roots()),
            index=self._index.url if self._index else None,
        )

    def remove(self, *refs: str) -> int:
        """Forgets documents (by their refs) or all that was ingested from a file or folder (by its path, as it was
        ingested or absolute); the files on disk stay. Returns how many documents that were. Raises UsageError,
        and forgets nothing, when one of them is not there."""
        from ingest.scan import path_key
        from retrieval.indexes import save_indexes
        from retrieval.writer import writing

        with writing(self._store) as writer:
            files: set[int] = set()
            documents: set[int] = set()
            for ref in refs:
                below = writer.files_below(path_key(Path(ref)))
                files.update(file.id for file in below.values())
                if not below:
                    documents.add(self._store.document(ref.partition(":")[0]).id)
            for document_id in documents:
                writer.remove_document(document_id)
            removed = len(documents) + sum(writer.remove_file(file_id) for file_id in files)
            save_indexes(self._store)
            self._publish()
        return removed

    def reindex(
        self, embedder: str | None = None, on_progress: "Callable[[Progress], None] | None" = None
    ) -> int:
        """Embeds all documents anew from their stored text, with `embedder` (a name of the catalogue or the
        folder of a sentence-transformers model; default: the one in use). Searches use the old vectors until the
        last document is done. A stopped re-index goes on where it was. Returns the number of chunks."""
        from ingest.pipeline import Ingest
        from retrieval.writer import writing

        go_offline()
        with (
            writing(self._store) as writer,
            closing(Ingest(writer, self._model_folder, self._encoder_folder, on_progress)) as run,
        ):
            chunks = run.reindex(embedder)
            self._publish()
        self._searcher = None
        return chunks

    def _publish(self) -> None:
        """Brings the shared index, if there is one, to what this knowledge base holds."""
        if self._index is not None:
            from retrieval.milvus_publish import publish

            publish(self._store, self._index)

    def _model_folder(self, name: str | None) -> "ModelFolder":
        """The embedding model to use: `name`, or the one that the knowledge base was built with."""
        from ingest.embedder import ModelFolder

        space = self._store.space()
        chosen = name or (space.name if space else DEFAULT_EMBEDDER)
        if (Path(chosen) / "modules.json").is_file():
            return ModelFolder(str(Path(chosen).resolve()), Path(chosen).resolve())
        return ModelFolder(chosen, self._models.path(chosen))

    def _encoder_folder(self, fingerprint: str) -> Path:
        return self._models.folder / "encoders" / fingerprint[:32]

    def _open_searcher(self) -> "Searcher":
        """The searcher for the index's vectors. Raises StoreMissing while nothing has been ingested."""
        space = self._reader.space()
        if space is None:
            place = self._index.url if self._index else self.folder
            raise StoreMissing(
                f"the knowledge base in {place} is empty: put something in with kb ingest PATH"
            )
        if self._searcher is None or self._searcher.encoder.settings.fingerprint != space.fingerprint:
            from retrieval.encoder import SETTINGS, Encoder
            from retrieval.search import Searcher

            folder = self._encoder_folder(space.fingerprint)
            if not (folder / SETTINGS).exists():
                self._export(space.name, space.fingerprint, folder)
            self._searcher = Searcher(self._reader, Encoder(folder))
        return self._searcher

    def _export(self, name: str, fingerprint: str, folder: Path) -> None:
        """Makes the query encoder anew (a copied knowledge base, a cleared cache)."""
        from ingest.export import ensure_encoder

        go_offline()
        model = self._model_folder(name)
        if model.fingerprint() != fingerprint:
            raise EmbedderMismatch(
                f"the knowledge base in {self.folder} was built with another version of {name} than the one in "
                f"{model.path}: run kb reindex"
            )
        ensure_encoder(model, fingerprint, folder)

    def _load_in_background(self, name: str) -> "Loading":
        """Begins to load the language model while the passages are looked up."""
        from generation.endpoint import is_endpoint

        if self._loading is None or self._loading.name != name:
            path = None if is_endpoint(name) else self._models.resolve_llm(name)
            if self._loading is not None:
                self._loading.close()
            self._loading = Loading(name, path, self._models.folder / "prompts")
        return self._loading

    @staticmethod
    def _block(layout: str, start: int) -> "Block":
        """The block at an offset, or the last before it."""
        from ingest.document import Block, load_layout

        blocks = [block for block in load_layout(layout) if block.start <= start]
        return blocks[-1] if blocks else Block(0, 0, "paragraph")


def _reader(index: "Milvus", store: Store) -> "MilvusReader":
    from retrieval.milvus_read import MilvusReader

    return MilvusReader(index, store)


def _require_words(question: str) -> None:
    if not question.strip():
        raise UsageError("the question is empty: say what to look for")

"""The façade: what the commands, the chat and a Python program call.

from kb import KnowledgeBase

with KnowledgeBase.open() as kb:
    kb.ingest([Path("docs")])
    print(kb.ask("what was the Q3 decision").text)
"""

import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb.bases import default_folder
from kb.catalogue import DEFAULT_EMBEDDER, DEFAULT_LLM
from kb.model_store import ModelStore, go_offline
from kb.reports import BaseStatus, Listed, SearchResult, Shown
from retrieval.errors import EmbedderMismatch, ModelError, StoreMissing, UsageError
from retrieval.store import Store
from retrieval.types import Filters

if TYPE_CHECKING:
    from generation.llm import LocalModel
    from generation.stop import Stop
    from generation.types import Answer, Event, Turn
    from ingest.embedder import ModelFolder
    from ingest.report import IngestReport, Progress
    from kb.session import ChatSession
    from retrieval.search import Searcher

# Hits that an answer is built from; a search shows ten.
ASK_HITS = 8


class KnowledgeBase:
    """One knowledge base and the models it works with. Use as a context manager, from one thread."""

    def __init__(self, store: Store, models: ModelStore) -> None:
        self._store = store
        self._models = models
        self._searcher: Searcher | None = None
        self._loading: _Loading | None = None

    @classmethod
    def open(cls, folder: Path | None = None, *, create: bool = False) -> "KnowledgeBase":
        """Opens the knowledge base in `folder` (default: `default_folder()`), or makes it there with `create`.
        Raises StoreMissing or StoreError."""
        return cls(Store.open(folder or default_folder(), create=create), ModelStore())

    def __enter__(self) -> "KnowledgeBase":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the database and the model."""
        if self._loading is not None:
            self._loading.close()
        self._store.close()

    @property
    def folder(self) -> Path:
        """Where the knowledge base lies."""
        return self._store.folder

    @property
    def embedder(self) -> str | None:
        """The embedding model that it was built with; None while it is empty."""
        space = self._store.space()
        return space.name if space else None

    def ingest(
        self, paths: Sequence[Path], *, prune: bool | None = None, dry_run: bool = False,
        on_progress: "Callable[[Progress], None] | None" = None,
    ) -> "IngestReport":  # fmt: skip
        """Reads the files and folders in `paths` into the knowledge base: what is new or changed is embedded,
        what vanished from disk is removed. When more than half of a path's files vanished they are kept unless
        `prune` is True (False keeps them always). Raises UsageError for a path that does not exist, StoreBusy
        when another process is writing, ModelError when the embedding model is missing."""
        from ingest.pipeline import Ingest
        from retrieval.writer import writing

        go_offline()
        with writing(self._store) as writer:
            run = Ingest(writer, self._model_folder, self._encoder_folder, on_progress)
            return run.run(paths, prune=prune, dry_run=dry_run)

    def search(self, query: str, *, k: int = 10, filters: Filters = Filters()) -> SearchResult:
        """The `k` best hits for `query`; loads neither torch nor a language model."""
        started = time.perf_counter()
        _require_words(query)
        searcher = self._open_searcher()
        opened = time.perf_counter()
        hits = searcher.search(query, k, filters)
        done = time.perf_counter()
        timings = {"open": (opened - started) * 1000, "retrieve": (done - opened) * 1000,
                   "total": (done - started) * 1000}  # fmt: skip
        return SearchResult(query, tuple(hits), timings, searcher.understand(query))

    def ask_stream(
        self, question: str, *, k: int | None = None, filters: Filters = Filters(), long: bool = False,
        model: str | None = None, history: "Sequence[Turn]" = (),
    ) -> "Generator[Event, None, None]":  # fmt: skip
        """Answers from the documents: yields one Retrieved, Tokens of the draft, then one Answer whose claims
        are checked. Closing the iterator stops the model. `history` are the turns before, oldest first.
        Raises ModelError when a model is missing."""
        from generation.types import Retrieved

        started = time.perf_counter()
        _require_words(question)
        self._load_in_background(model or DEFAULT_LLM)
        found = self.passages(question, k=k, filters=filters, history=history)
        yield Retrieved(found.hits)
        yield from self.answer_stream(
            question, found, long=long, model=model, history=history, started=started
        )

    def passages(
        self, question: str, *, k: int | None = None, filters: Filters = Filters(), history: "Sequence[Turn]" = ()
    ) -> SearchResult:  # fmt: skip
        """The passages that a question is answered from."""
        from generation.followup import standalone

        _require_words(question)
        return self.search(standalone(question, history), k=k or ASK_HITS, filters=filters)

    def answer_stream(
        self, question: str, found: SearchResult, *, long: bool = False, model: str | None = None,
        history: "Sequence[Turn]" = (), started: float | None = None, stop: "Stop | None" = None,
    ) -> "Generator[Event, None, None]":  # fmt: skip
        """Answers from the passages of `passages`, which another thread's KnowledgeBase may have found: yields Tokens
        of the draft, then one Answer. `started` (`time.perf_counter`) is the moment that timings count from. Raises
        Stopped when `stop` is set meanwhile."""
        from generation.answer import Answerer

        loading = self._load_in_background(model or DEFAULT_LLM)
        timings = {name: found.timings_ms[name] for name in ("open", "retrieve")}
        answerer = Answerer(loading.model, self._open_searcher().encoder.encode, stop)
        return answerer.answer(
            question, found.hits, long=long, history=history, started=started, timings=timings
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
        the path of a file; for mail with its thread and attachments. Raises UsageError when there is none such."""
        from retrieval.attachments import attachments, carrier
        from retrieval.threads import thread

        name, colon, span = ref.rpartition(":")
        start_text, _, end_text = span.partition("-")
        if colon and start_text.isdigit() and end_text.isdigit():
            document = self._store.document(name)
            start, end = int(start_text), int(end_text)
        else:
            document = self._store.document(ref)
            start, end = 0, len(document.text)
        if not start <= end <= len(document.text):
            raise UsageError(f"{ref} lies outside its document, which has {len(document.text)} characters")
        heading, page = self._place(document.layout, start)
        return Shown(
            ref, document.info, document.text, start, end, page, heading, thread(self._store, document),
            attachments(self._store, document), carrier(self._store, document),
        )  # fmt: skip

    def pdf(self, ref: str) -> bytes:
        """The PDF file that `ref` was read from, as it was then. Raises UsageError when it was read from none, or the
        file is gone or has changed."""
        from kb.originals import pdf_file

        return pdf_file(self._store, ref.partition(":")[0])

    def list(self, filters: Filters = Filters()) -> list[Listed]:
        """All documents, by path."""
        return [Listed(*row) for row in self._store.documents(filters)]

    def status(self) -> BaseStatus:
        """What the knowledge base holds, and what it works with."""
        from ingest.report import Failure

        documents, chunks, by_kind = self._store.counts()
        oldest, newest = self._store.dates()
        space = self._store.space()
        embedder = space.name if space else DEFAULT_EMBEDDER
        return BaseStatus(
            folder=self.folder,
            documents=documents,
            chunks=chunks,
            by_kind=by_kind,
            embedder=embedder,
            dimensions=space.dimensions if space else None,
            bytes_on_disk=sum(p.stat().st_size for p in self.folder.iterdir() if p.is_file()),
            oldest=oldest,
            newest=newest,
            last_ingest=self._store.meta("last_ingest"),
            llm=DEFAULT_LLM,
            llm_present=self._models.has(DEFAULT_LLM),
            embedder_present=Path(embedder).is_dir() or self._models.has(embedder),
            failed=tuple(Failure(doc, why) for doc, why in self._store.failures()),
            roots=tuple(os.fsdecode(root) for root in self._store.roots()),
        )

    def remove(self, *refs: str) -> int:
        """Forgets documents (by their refs) or all that was ingested from a file or folder (by its path, as it was
        ingested or absolute); the files on disk stay. Returns how many documents that were. Raises UsageError,
        and forgets nothing, when one of them is not there."""
        from ingest.pipeline import path_key
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
        with writing(self._store) as writer:
            run = Ingest(writer, self._model_folder, self._encoder_folder, on_progress)
            chunks = run.reindex(embedder)
        self._searcher = None
        return chunks

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
        """The searcher for the store's vectors. Raises StoreMissing while nothing has been ingested."""
        space = self._store.space()
        if space is None:
            raise StoreMissing(
                f"the knowledge base in {self.folder} is empty: put something in with kb ingest PATH"
            )
        if self._searcher is None or self._searcher.encoder.settings.fingerprint != space.fingerprint:
            from retrieval.encoder import SETTINGS, Encoder
            from retrieval.search import Searcher

            folder = self._encoder_folder(space.fingerprint)
            if not (folder / SETTINGS).exists():
                self._export(space.name, space.fingerprint, folder)
            self._searcher = Searcher(self._store, Encoder(folder))
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

    def _load_in_background(self, name: str) -> "_Loading":
        """Begins to load the language model while the passages are looked up."""
        if self._loading is None or self._loading.name != name:
            path = self._models.resolve_llm(name)
            if self._loading is not None:
                self._loading.close()
            self._loading = _Loading(name, path)
        return self._loading

    @staticmethod
    def _place(layout: str, start: int) -> tuple[tuple[str, ...], int | None]:
        """The heading path and page at an offset."""
        from ingest.document import load_layout

        blocks = [block for block in load_layout(layout) if block.start <= start]
        return (blocks[-1].heading, blocks[-1].page) if blocks else ((), None)


def _require_words(question: str) -> None:
    if not question.strip():
        raise UsageError("the question is empty: say what to look for")


class _Loading:
    """A language model that a thread is loading."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path
        self._model: LocalModel | None = None
        self._error: Exception | None = None
        self._closing = False
        # Waited for in place of the thread: a join that Ctrl-C interrupts takes the thread for ended.
        self._done = threading.Event()
        threading.Thread(target=self._load, daemon=True).start()

    def _load(self) -> None:
        try:
            from generation.llm import LocalModel
            from generation.prompt import SYSTEM

            model = LocalModel(self._path)
            if not self._closing:
                model.warm(model.prompt(SYSTEM, "")[:-8])
            self._model = model
        except Exception as error:  # noqa: BLE001  (raised again in the thread that asks for the model)
            self._error = error
        finally:
            self._done.set()

    def model(self) -> "LocalModel":
        """The model, once it is loaded. Raises ModelError when it could not be."""
        self._done.wait()
        if self._model is None:
            raise self._error or ModelError(f"the model {self.name} could not be loaded")
        return self._model

    def close(self) -> None:
        """Frees the model. Waits for a load that is under way: a process that ends in the midst of it crashes."""
        self._closing = True
        self._done.wait()
        if self._model is not None:
            self._model.close()

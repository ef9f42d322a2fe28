"""Scale: what a knowledge base costs, and how fast it answers, at 10,000 to 1,000,000 chunks.

    python -m benchmarks.scale EVAL WORK [--sizes 10000,100000,1000000] [--write]

The knowledge bases are made of the public sets in EVAL by repeating and perturbing their chunks (`scale_corpus`), in
WORK, through the product's own writer, saving the indexes as often as an ingest does. One that is there already is
measured again but not made again; its build figures are those of its making. Searches are the sets' own questions, in
a process of their own that does nothing else. Embedding is not measured here: no text is embedded but the questions.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.retrieval import SETS, open_set, questions_of
from benchmarks.scale_corpus import Corpus, fill, read_sources
from benchmarks.scoring import markdown, parser, write_section
from ingest.pipeline import SAVE_CHUNKS
from kb import KnowledgeBase
from kb.evaluation.measures import median
from retrieval.indexes import save_indexes
from retrieval.store import Space, Store
from retrieval.types import Filters
from retrieval.words import search_fts, search_words
from retrieval.writer import writing

_SIZES = (10_000, 100_000, 1_000_000)
_SLICES = 20  # equal parts of the build whose rates are compared
_QUESTIONS = 40  # of each set
_COMPARED = 10  # of each set, whose words are also searched by SQLite itself
_CHANGED = 1_000  # chunks that are added and removed
_KB = [sys.executable, "-m", "kb.main"]


def build(folder: Path, corpus: Callable[[], Corpus], embedder: Space, size: int) -> None:
    """Makes a knowledge base of that many chunks, unless it is there, and notes how fast that went."""
    note = folder / "build.json"
    if note.exists():
        return
    with Store.open(folder, create=True) as store, writing(store) as writer:
        space = writer.add_space(
            embedder.name, embedder.fingerprint, embedder.dimensions, embedder.max_tokens
        )
        bare, whole = fill(writer, space, corpus(), size, _SLICES, lambda: save_indexes(store), SAVE_CHUNKS)
        save_indexes(store)
    note.write_text(json.dumps({"bare": bare, "whole": whole}))


def filters_of(folder: Path) -> dict[str, Filters]:
    """No filter, the later half of the mail, and the one file of the first meeting."""
    with Store.open(folder) as store:
        one = store.connection.execute
        date = one(
            "SELECT substr(date, 1, 10) FROM documents WHERE kind = 'mail' AND date IS NOT NULL ORDER BY date "
            "LIMIT 1 OFFSET (SELECT count(*) / 2 FROM documents WHERE kind = 'mail' AND date IS NOT NULL)"
        ).fetchone()[0]
        doc = one("SELECT doc FROM files WHERE doc GLOB '*meetings*' ORDER BY doc LIMIT 1").fetchone()[0]
    after = datetime.date.fromisoformat(date)
    return {
        "no filter": Filters(),
        "mail of the later half": Filters(kinds=("mail",), after=after),
        "one source": Filters(source=doc),
    }


def probe(folder: Path, questions: list[str]) -> dict[str, Any]:
    """Searches in this process: milliseconds by filter, memory, and how far the words agree with SQLite's own."""
    figures: dict[str, Any] = {}
    with KnowledgeBase.open(folder) as kb:
        kb.search(questions[0])
        for name, filters in filters_of(folder).items():
            times = []
            for question in questions:
                started = time.perf_counter()
                kb.search(question, filters=filters)
                times.append(1000 * (time.perf_counter() - started))
            figures[name] = [median(times), sorted(times)[int(len(times) * 0.95)], max(times)]
    figures["rss"] = _resident()
    with Store.open(folder) as store:
        space = store.space()
        assert space is not None
        agreed, compared = 0.0, questions[:: _QUESTIONS // _COMPARED]
        for question in compared:
            ours, other = (f(store, space, question, 100, "1", []).best for f in (search_words, search_fts))
            agreed += len(ours.keys() & other.keys()) / max(1, len(other))
        figures["agreement"] = agreed / len(compared)
    return figures


def change(folder: Path, corpus: Corpus) -> dict[str, float]:
    """Seconds to add chunks to a knowledge base and to remove them again, saving of the indexes included."""
    with Store.open(folder) as store, writing(store) as writer:
        space = store.space()
        assert space is not None
        refs: list[str] = []
        added = 0
        documents = corpus.documents()
        before = {file.name: file.stat().st_size for file in folder.iterdir()}
        started = time.perf_counter()
        while added < _CHANGED:
            doc, document = next(documents)
            if added + len(document.chunks) <= 1.2 * _CHANGED:
                doc = f"added/{doc}"
                writer.put(writer.begin_file(b"/" + doc.encode(), doc), document, space)
                refs.append(doc)
                added += len(document.chunks)
        storing = time.perf_counter()
        save_indexes(store)
        saved = time.perf_counter()
        written = sum(file.stat().st_size - before.get(file.name, 0) for file in folder.glob("*.[fi]*"))
        for state in writer.files_below(b"/added").values():
            writer.remove_file(state.id)
        removing = time.perf_counter()
        save_indexes(store)
        return {
            "add": saved - started, "add_save": saved - storing, "remove": time.perf_counter() - saved,
            "remove_save": time.perf_counter() - removing, "written": written,
        }  # fmt: skip


def cold(folder: Path, question: str) -> float:
    """Seconds of a whole `kb search`."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([*_KB, "search", question, "--kb", str(folder)], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return median(times)


def column(folder: Path, figures: dict[str, Any]) -> dict[str, str]:
    """A size's cells of the table, by the name of their row."""
    built = json.loads((folder / "build.json").read_text())
    with Store.open(folder) as store:
        chunks = store.counts()[1]
    cells = {"chunks": f"{chunks:,}"}
    for name in ("no filter", "mail of the later half", "one source"):
        p50, p95, _ = figures[name]
        cells[f"search, {name}: p50 / p95"] = f"{p50:.0f} / {p95:.0f} ms"
    cells["top 100 of the words that SQLite's BM25 has too"] = f"{figures['agreement']:.1%}"
    cells["`kb search`, whole process"] = f"{figures['cold']:.2f} s"
    cells["resident memory after the searches"] = f"{figures['rss'] / 1e6:,.0f} MB"
    rates = built["whole"]
    cells["stored a second, saving included: first / slowest / last twentieth"] = (
        f"{rates[0]:,.0f} / {min(rates):,.0f} / {rates[-1]:,.0f}"
    )
    cells["the same without saving the indexes"] = " / ".join(
        f"{rate:,.0f}" for rate in (built["bare"][0], min(built["bare"]), built["bare"][-1])
    )
    for action in ("add", "remove"):
        whole, saving = figures[action], figures[f"{action}_save"]
        cells[f"to {action} {_CHANGED:,} chunks (of it saving the indexes)"] = (
            f"{whole:.2f} s ({saving:.2f} s)"
        )
    cells["grown by the added chunks: the index files"] = f"{figures['written'] / 1e6:.1f} MB"
    for file in ("kb.sqlite", "vectors.faiss", "words.index"):
        cells[f"`{file}`, a chunk"] = f"{(folder / file).stat().st_size / chunks:,.0f} bytes"
    return cells


def main() -> None:
    """Builds, measures and writes the table."""
    command = parser(__doc__)
    command.add_argument("--sizes", default=",".join(map(str, _SIZES)), help="numbers of chunks, with commas")
    command.add_argument("--probe", type=Path, help=argparse.SUPPRESS)
    arguments = command.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    asked = [
        entry["question"]
        for name in SETS
        for entry in [e for e in questions_of(arguments.eval, name) if e.get("answerable", True)][:_QUESTIONS]
    ]
    if arguments.probe:
        print(json.dumps(probe(arguments.probe, asked)))
        return
    for name in SETS:
        open_set(arguments.eval, name, arguments.work).close()
    with Store.open(arguments.work / SETS[0]) as store:
        embedder = store.space()
    assert embedder is not None
    sources = [source for name in SETS for source in read_sources(arguments.work / name)]
    columns = []
    for size in map(int, arguments.sizes.split(",")):
        folder = arguments.work / f"scale-{size}"
        print(f"{size:,} chunks", flush=True)
        build(folder, lambda: Corpus(sources), embedder, size)
        script = [sys.executable, "-m", "benchmarks.scale", arguments.eval, arguments.work, "--probe", folder]
        done = subprocess.run(list(map(str, script)), check=True, capture_output=True, text=True)
        figures = json.loads(done.stdout)
        figures["cold"] = cold(folder, asked[0])
        figures |= change(folder, Corpus(sources, seed=2))
        columns.append(column(folder, figures))
        print("\n".join(f"   {name}: {cell}" for name, cell in columns[-1].items()), flush=True)
    head, *rows = ([name, *(cells[name] for cells in columns)] for name in columns[0])
    table = markdown(head, rows)
    print(table)
    if arguments.write:
        write_section("Scale", "python -m benchmarks.scale EVAL WORK --write", table)


def _resident() -> int:
    """Bytes of memory that this process holds, mapped files included."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


if __name__ == "__main__":
    main()

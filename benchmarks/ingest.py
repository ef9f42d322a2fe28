"""Ingest: how much of the embedder's own speed is left once files are read, cut, stored and indexed around it.

    python -m benchmarks.ingest EVAL WORK [--mail N] [--meetings N] [--runs N] [--write]

Mail and meetings of the public sets in EVAL are ingested into an empty knowledge base in WORK, in turns with the
embedder alone, which gets all the same texts at once and has nothing else to do. Both are processes of their own, and
what each needs to load the model is left out. Of the mail a seeded share of N messages is read (default 1,500).

Two shares are given. That of the clock is what a person sees on a machine that does nothing else. That of the
processors' time, readers included, is the part of all work that is embedding: other programs hardly move it.

Then the PDFs of EVAL are read, and nothing else is done, by one reader process and by two in turns.
"""

import argparse
import json
import mailbox
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.scoring import write_section
from ingest.readers import Readers
from kb.evaluation.measures import median
from retrieval.store import Store

_KB = [sys.executable, "-m", "kb.main"]
_SELF = [sys.executable, "-m", "benchmarks.ingest"]
# Stages of an ingest that are no work on documents: the embedder alone loads its model too, before its clock starts,
# and the query encoder is made once in the life of a model.
_NOT_COUNTED = ("models", "export")


def share_of_mail(source: Path, target: Path, count: int) -> Path:
    """A mailbox of `count` messages of `source`, always the same ones."""
    box = mailbox.mbox(source, create=False)
    keys = random.Random(1).sample(sorted(box.keys()), min(count, len(box)))
    target.write_bytes(b"".join(box.get_bytes(key, from_=True) + b"\n\n" for key in sorted(keys)))
    return target


@dataclass(slots=True)
class Memory:
    """The most memory that a process held at once, in bytes, and with its children."""

    own: int = 0
    all: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def watch(self, pid: int) -> None:
        """Looks ten times a second until `done`."""
        while not self.done.wait(0.1):
            own = _resident(pid)
            self.own = max(self.own, own)
            self.all = max(self.all, own + sum(_resident(child) for child in _children(pid)))


@contextmanager
def watching(pid: int) -> Iterator[Memory]:
    """Watches the memory of a process."""
    memory = Memory()
    thread = threading.Thread(target=memory.watch, args=(pid,))
    thread.start()
    try:
        yield memory
    finally:
        memory.done.set()
        thread.join()


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return 1024 * int(status.partition("VmRSS:")[2].split()[0])
    except (OSError, IndexError):  # it has ended
        return 0


def _children(pid: int) -> list[int]:
    try:
        lists = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for path in lists for child in path.read_text().split()]
    except OSError:
        return []


@dataclass(frozen=True, slots=True)
class Run:
    """An ingest: seconds on documents and of the whole process, of the processors on all of it, seconds by stage, and
    the most memory held."""

    seconds: float
    whole: float
    processor: float
    stages: dict[str, float]
    memory: Memory
    chunks: int


def ingest(sources: Sequence[Path], folder: Path) -> Run:
    """Ingests into an empty knowledge base, in a process of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [*_KB, "ingest", *map(str, sources), "--kb", str(folder), "--json"]
    started, before = time.perf_counter(), _processor_seconds()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with process, watching(process.pid) as memory:
        out = process.communicate()[0]
    whole = time.perf_counter() - started
    report = json.loads(out)
    stages = report["seconds_by_stage"]
    seconds = report["seconds"] - sum(stages.get(stage, 0.0) for stage in _NOT_COUNTED)
    return Run(seconds, whole, _processor_seconds() - before, stages, memory, report["chunks"])


def _processor_seconds() -> float:
    """What all ended child processes and theirs have taken of the processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_texts(folder: Path, target: Path) -> None:
    """The texts that were embedded for a knowledge base, each once, as they were embedded."""
    from ingest.chunker import embedded_texts
    from ingest.document import Document, load_layout
    from retrieval.types import Chunk

    texts: dict[str, None] = {}
    with Store.open(folder) as store:
        for ref, *_ in store.documents():
            stored = store.document(ref)
            document = Document(stored.info, stored.text, load_layout(stored.layout))
            rows = store.connection.execute(
                'SELECT start, "end", header FROM chunks WHERE document_id = ?', (stored.id,)
            )
            chunks = [Chunk(start, end, header=header) for start, end, header in rows]
            texts.update(dict.fromkeys(embedded_texts(chunks, document)))
    target.write_text(json.dumps(list(texts)))


def alone(texts: Path) -> None:
    """Embeds the texts in this process; prints the tokens, the seconds, and those of the processors on loading the
    model and on all."""
    from ingest.embedder import Embedder, ModelFolder
    from kb.catalogue import DEFAULT_EMBEDDER
    from kb.model_store import ModelStore

    loaded = json.loads(texts.read_text())
    embedder = Embedder(ModelFolder(DEFAULT_EMBEDDER, ModelStore().path(DEFAULT_EMBEDDER)))
    tokens = sum(map(len, embedder.model.tokenizer(loaded, truncation=True)["input_ids"]))
    started, loading = time.perf_counter(), time.process_time()
    embedder.encode(loaded)
    figures = {
        "tokens": tokens, "texts": len(loaded), "seconds": time.perf_counter() - started, "loading": loading,
        "processor": time.process_time(),
    }  # fmt: skip
    print(json.dumps(figures))


def _lines_of_embedding(sources: Sequence[Path], work: Path, runs: int) -> list[str]:
    """Ingest and embedder in turns, and what came of it."""
    ingests, alones = [], []
    texts = work / "texts.json"
    for _ in range(runs):
        ingests.append(ingest(sources, work / "kb"))
        print(ingests[-1], flush=True)
        write_texts(work / "kb", texts)
        done = subprocess.run(
            [*_SELF, "--alone", str(texts)], check=True, capture_output=True, text=True
        )  # fmt: skip
        alones.append(json.loads(done.stdout))
        print(alones[-1], flush=True)
    tokens = alones[0]["tokens"]
    rates = [tokens / run.seconds for run in ingests], [tokens / run["seconds"] for run in alones]
    ours, bare = median(rates[0]), median(rates[1])
    last = ingests[-1]
    loading = median([run["loading"] for run in alones])
    work_ours = median([run.processor for run in ingests]) - loading
    work_bare = median([run["processor"] for run in alones]) - loading
    stages = ", ".join(f"{name} {s:.1f}" for name, s in last.stages.items() if s >= 0.05)
    return [
        f"| chunks; texts embedded; tokens | {last.chunks:,}; {alones[0]['texts']:,}; {tokens:,} |",
        f"| embedder alone | {bare:,.0f} tokens/s ({_each(rates[1])}) |",
        f"| ingest, without loading the model | {ours:,.0f} tokens/s ({_each(rates[0])}) |",
        f"| **share of the embedder's speed, by the clock** | **{ours / bare:.0%}** |",
        f"| processors' time: embedder alone; ingest | {work_bare:.0f} s; {work_ours:.0f} s |",
        f"| **share of the processors' time that is embedding** | **{work_bare / work_ours:.0%}** |",
        f"| ingest, the whole process | {median([run.whole for run in ingests]):.0f} s |",
        f"| seconds by stage, the last run | {stages} |",
        f"| most memory held: ingest; with its readers | {max(run.memory.own for run in ingests) / 1e6:,.0f} MB; "
        f"{max(run.memory.all for run in ingests) / 1e6:,.0f} MB |",
    ]


def read_pdfs(paths: Sequence[Path], processes: int) -> float:
    """Seconds in which so many reader processes, started for it, read the files."""
    started = time.perf_counter()
    with Readers([(path, path.name) for path in paths], processes=processes) as readers:
        for file in readers:
            for _ in file:
                pass
        return time.perf_counter() - started


def _lines_of_reading(folder: Path, runs: int) -> list[str]:
    """One reader process and two in turns."""
    from pypdfium2 import PdfDocument

    paths = sorted(folder.glob("*.pdf"))
    pages = sum(len(PdfDocument(path)) for path in paths)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(runs):
        for processes, measured in seconds.items():
            measured.append(read_pdfs(paths, processes))
            print(processes, measured[-1], flush=True)
    one, two = (median([pages / run for run in seconds[processes]]) for processes in (1, 2))
    return [
        f"| PDF pages read | {pages:,} in {len(paths)} files |",
        f"| by one process; by two | {one:.0f} pages/s; {two:.0f} pages/s |",
        f"| **two processes to one** | **{two / one:.2f}** |",
    ]


def _each(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:,.0f}" for rate in rates)


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("eval", type=Path, nargs="?")
    parser.add_argument("work", type=Path, nargs="?")
    parser.add_argument("--mail", type=int, default=1500, help="messages of the mail set")
    parser.add_argument("--meetings", type=int, default=35, help="meetings of the set")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if arguments.alone:
        alone(arguments.alone)
        return
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    box = share_of_mail(arguments.eval / "mail/docs/enron.mbox", work / "mail.mbox", arguments.mail)
    rows = [
        "| what | |",
        "|---|---|",
        f"| read | {arguments.mail:,} messages, {arguments.meetings} meetings |",
    ]
    meetings = sorted((arguments.eval / "meetings/docs").iterdir())[: arguments.meetings]
    rows += _lines_of_embedding([box, *meetings], work, arguments.runs)
    rows += _lines_of_reading(arguments.eval / "pdf/docs", arguments.runs)
    table = "\n".join(rows)
    print(table)
    if arguments.write:
        command = (
            f"python -m benchmarks.ingest EVAL WORK --mail {arguments.mail} --runs {arguments.runs} --write"
        )
        write_section("Ingest", command, table)


if __name__ == "__main__":
    main()

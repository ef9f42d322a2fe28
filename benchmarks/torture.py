"""Documents that were made or kept to break readers: what `kb ingest` makes of them.

    python -m benchmarks.torture EVAL WORK [--only NAME ...] [--read-only] [--write]

EVAL holds the sets, WORK gets the unpacked files and a knowledge base for each. Counted are crashes (a reader that
died, a command that ended otherwise than it says), files given up as hanging, and failures by their reasons, which are
printed in full. Memory is the peak of the ingest itself, with the embedding model in it, and of the processes that read
files.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.scoring import write_section
from ingest.document import PartFailure
from ingest.walk import walk
from ingest.worker import ReaderProcess
from retrieval.errors import LoadError

_SETS = {
    "mail/torture.tar.gz": "test suites' messages",
    "mail/threads.tar.gz": "3,000 real messages",
    "pdf/torture.tar.gz": "test suites' PDFs",
    "wiki/peps.tar.gz": "proposals in reStructuredText",
    "wiki/enwiki-table-markup.xml.bz2": "a MediaWiki dump",
}
# What a file is that nobody could read without more than the file: it needs a password, or holds no text at all.
_UNREADABLE = re.compile(r"encrypted|no page has text|no text but|is empty|nothing to read|no text in it")
_CRASH, _HANG = re.compile(r"crash"), re.compile(r"took too long|takes more than \d+ GB")


@dataclass(slots=True)
class Peak:
    """The largest resident memory seen, in MB."""

    ingest: int = 0
    readers: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("eval", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", nargs="*", default=list(_SETS), choices=list(_SETS))
    parser.add_argument("--read-only", action="store_true", help="without embedding")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        folder = _unpacked(arguments.eval / name, arguments.work)
        base = None if arguments.read_only else arguments.work / f"{folder.name}.kb"
        rows.append(_row(f"{_SETS[name]} (`{name}`)", folder, base))
        print(rows[-1], flush=True)
    head = (
        "| set | files | documents | crashed | given up | failed | of these unreadable for anybody "
        "| readable and failed | seconds | MB: ingest | MB: reader |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    if arguments.write:
        command = f"python -m benchmarks.torture EVAL WORK{' --read-only' * arguments.read_only} --write"
        write_section(
            "Documents made to break readers",
            command,
            head + "\n".join(rows),
        )


def _unpacked(path: Path, work: Path) -> Path:
    folder = work / path.name.partition(".")[0].join((f"{path.parent.name}-", ""))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
    else:
        shutil.copy(path, folder)
    return folder


def _row(title: str, folder: Path, base: Path | None) -> str:
    if base is not None:
        shutil.rmtree(base, ignore_errors=True)
    files = len(walk(folder).found)
    started = time.perf_counter()
    code, report, peak = _read(folder) if base is None else _ingested(folder, base)
    seconds = time.perf_counter() - started
    reasons = Counter(re.sub(r"\d+", "N", failure["error"]) for failure in report["failed"])
    for failure in report["failed"]:
        print(f"  {Path(failure['doc']).name}: {failure['error']}")
    for reason, count in reasons.most_common():
        print(f"{count:6} {reason}")

    def failing(pattern: re.Pattern[str]) -> int:
        return sum(pattern.search(failure["error"]) is not None for failure in report["failed"])

    crashed = failing(_CRASH) + (code not in (0, 1))
    failed, unreadable = len(report["failed"]), failing(_UNREADABLE)
    share = 100 * (failed - unreadable) / max(files - unreadable, 1)
    cells = (
        title, files, report["added"], crashed, failing(_HANG), failed, unreadable,
        f"{failed - unreadable} ({share:.1f} %)", f"{seconds:.0f}", peak.ingest, peak.readers,
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _ingested(folder: Path, base: Path) -> tuple[int, dict[str, Any], Peak]:
    command = [sys.executable, "-m", "kb.main", "ingest", str(folder), "--kb", str(base), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with _watched(process.pid) as peak:
        output, _ = process.communicate()
    report = json.loads(output) if output.strip() else {"failed": [], "added": 0}
    return process.returncode, report, peak


def _read(folder: Path) -> tuple[int, dict[str, Any], Peak]:
    """As an ingest, without embedding: the files are read, and what comes of them is dropped."""
    failed: list[dict[str, str]] = []
    documents = 0
    with _watched(os.getpid()) as peak, ReaderProcess() as reader:
        for found in walk(folder).found:
            try:
                for item in reader.load(found.path, found.path.name):
                    if isinstance(item, PartFailure):
                        failed.append({"doc": f"{found.path}#{item.part}", "error": item.reason})
                    else:
                        documents += 1
            except LoadError as error:
                failed.append({"doc": str(found.path), "error": str(error)})
    return 0, {"failed": failed, "added": documents}, peak


@contextmanager
def _watched(pid: int) -> Iterator[Peak]:
    """Notes the peaks (VmHWM, proc(5)) of a process and of those below it."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            peak.ingest = max(peak.ingest, _resident(pid))
            children = (path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children"))
            with suppress(OSError):  # one of them has ended
                peak.readers = max(
                    [peak.readers, *(_resident(int(child)) for pids in children for child in pids)]
                )

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield peak
    done.set()
    watcher.join()


def _resident(pid: int) -> int:
    try:
        match = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:  # it has ended
        return 0
    return int(match[1]) >> 10 if match else 0


if __name__ == "__main__":
    main()

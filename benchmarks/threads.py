"""Threads rebuilt from the headers of real messages, against the ones that are known.

    python -m benchmarks.threads FOLDER [--write]

FOLDER holds `threads.jsonl` (a thread a line: its messages' `id` and `path`) and the messages, as `.eml` files by
those paths or packed as `threads.tar.gz`. The messages are stored without chunks, in a random order, and each thread
is asked for from all of its messages. The known threads are made of answers to messages that are there, so a thread is
exact when the messages that its answers connect are the known ones and no other. What else it holds is counted:
messages that answer the same missing message, and those that only their subject puts there.
"""

import argparse
import json
import random
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.scoring import markdown, write_section
from ingest.document import Document
from ingest.loaders.mail import read
from retrieval.errors import LoadError
from retrieval.store import Store
from retrieval.threads import Thread, thread
from retrieval.types import DocumentInfo
from retrieval.writer import NewDocument, Writer, writing


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    known = [json.loads(line) for line in (folder / "threads.jsonl").read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as scratch:
        messages = folder
        if (folder / "threads.tar.gz").exists():
            messages = Path(scratch) / "messages"
            with tarfile.open(folder / "threads.tar.gz") as archive:
                archive.extractall(messages, filter="data")
        infos = list(_infos(messages))
        random.Random(1).shuffle(infos)
        with Store.open(Path(scratch) / "kb", create=True) as store:
            with writing(store) as writer:
                for number, info in enumerate(infos):
                    _put(writer, number, info)
            table = _table(store, known, len(infos))
    print(table)
    if arguments.write:
        write_section("Threads of real messages", "python -m benchmarks.threads EVAL/mail --write", table)


def _infos(folder: Path) -> Iterator[DocumentInfo]:
    for path in sorted(folder.rglob("*.eml")):
        name = str(path.relative_to(folder))
        try:
            item = next(read(path.read_bytes(), path.name, name))
        except LoadError as error:
            print(f"{name}: {error}")
        else:
            if isinstance(item, Document):
                yield item.info


def _put(writer: Writer, number: int, info: DocumentInfo) -> None:
    space = writer.add_space("none", "none", 1, 1)
    file_id = writer.begin_file(info.doc.encode(), info.doc)
    document = NewDocument(info, f"{number:x}", "", "[]", info.title, (), np.zeros((0, 1), np.float32))
    writer.put(file_id, document, space)


def _table(store: Store, known: list[dict[str, list[dict[str, str]]]], messages: int) -> str:
    refs = {info.doc: ref for ref, info, _, _ in store.documents()}
    exact = asked = by_missing = by_subject = 0
    started = time.perf_counter()
    for entry in known:
        expected = {message["id"].strip("<>") for message in entry["messages"]}
        found = [thread(store, store.document(refs[message["path"]])) for message in entry["messages"]]
        asked += len(found)
        wrong = [extra for one in found if (extra := _connected(one) ^ expected)]
        exact += not wrong
        for extra in wrong[:1]:
            print(f"{entry['messages'][0]['path']}: missing or too many: {extra}")
        if found[0]:
            by_subject += any(message.by_subject for message in found[0].messages)
            by_missing += sum(message.answers is None for message in found[0].messages) > 1
    ms = 1000 * (time.perf_counter() - started) / asked
    rows = (
        ("messages", f"{messages:,}"),
        ("threads rebuilt exactly", f"{exact} of {len(known)}"),
        ("asked for from each of their messages", f"{asked:,}, {ms:.1f} ms each"),
        ("threads that hold more, which answers the same missing message", str(by_missing)),
        ("threads that hold more, by its subject", str(by_subject)),
    )
    return markdown(("what", ""), rows)


def _connected(found: Thread | None) -> set[str]:
    """The messages that answers to messages that are there connect with the one that was asked for."""
    if found is None:
        return set()
    edges = [{m.info.message_id or "", m.answers} for m in found.messages if m.answers and not m.by_subject]
    together = {found.messages[found.position - 1].info.message_id or ""}
    while more := {end for edge in edges if together & edge for end in edge} - together:
        together |= more
    return together


if __name__ == "__main__":
    main()

"""Mail from other projects' tests: is all of it read, and are replies told from what they quote?

    python -m benchmarks.mail_cases FOLDER [--write]

FOLDER holds `torture.tar.gz` or what it unpacks to: message files of test suites, and `talon/expected.jsonl` (a case a
line: `path`, `kind` and the `expected` reply). The files are read as an ingest reads them, in a child process with its
bounds. Of a reply, white space does not count, and its signature does.
"""

import argparse
import json
import resource
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.scoring import markdown, write_section
from ingest.document import Document
from ingest.loaders.mail import read
from ingest.worker import ReaderProcess
from retrieval.errors import LoadError

# Files of the test suites that are no messages: pictures, sounds, code, parts of messages.
_MESSAGES = ("", ".eml", ".txt")
_OUTLOOK = b"\xd0\xcf\x11\xe0"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    with tempfile.TemporaryDirectory() as scratch:
        if (folder / "torture.tar.gz").exists():
            with tarfile.open(folder / "torture.tar.gz") as archive:
                archive.extractall(Path(scratch) / "cases", filter="data")
            folder = Path(scratch) / "cases"
        table = markdown(("what", ""), [*_read_all(folder, Path(scratch)), _replies(folder)])
    print(table)
    if arguments.write:
        write_section(
            "Mail of other projects' tests", "python -m benchmarks.mail_cases EVAL/mail --write", table
        )


def _messages(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        code = path.name.endswith((".py.txt", ".gitignore"))
        piece = "signature" in path.parts or path.name.endswith("_reply_text")
        if path.is_file() and path.suffix in _MESSAGES and not code and not piece:
            yield path


def _read_all(folder: Path, scratch: Path) -> list[tuple[str, str]]:
    files = failed = documents = 0
    with ReaderProcess() as reader:
        for path in _messages(folder):
            files += 1
            is_outlook = path.read_bytes()[:4] == _OUTLOOK
            copy = scratch / ("case.msg" if is_outlook else "case.eml")
            shutil.copy(path, copy)
            name = str(path.relative_to(folder))
            try:
                for item in reader.load(copy, name):
                    if isinstance(item, Document):
                        documents += 1
                    else:
                        print(f"{name}#{item.part}: {item.reason}")
            except LoadError as error:
                failed += 1
                print(f"{name}: {error}")
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    share = 100 * failed / max(files, 1)
    return [
        ("message files; documents in them", f"{files}; {documents}"),
        ("not read", f"{failed} ({share:.1f} %)"),
        ("most memory held", f"{megabytes} MB"),
    ]


def _replies(folder: Path) -> tuple[str, str]:
    right = 0
    cases = [json.loads(line) for line in (folder / "talon/expected.jsonl").read_text("utf-8").splitlines()]
    for case in cases:
        data = (folder / case["path"]).read_bytes()
        if case["kind"] == "html":
            data = b"Subject: Re: x\nContent-Type: text/html; charset=utf-8\n\n" + data
        message = next(read(data, case["path"], case["path"]))
        assert isinstance(message, Document)
        own = [message.text[b.start : b.end] for b in message.blocks if b.kind not in ("meta", "quote")]
        is_right = "".join("".join(own).split()) == "".join(case["expected"].split())
        right += is_right
        if not is_right:
            print(f"{case['path']}: {' / '.join(own)[:200]}")
    return "replies told from what they quote (talon)", f"{right} of {len(cases)}"


if __name__ == "__main__":
    main()

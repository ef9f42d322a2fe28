"""Follow-ups: how much of what a self-contained question finds is found from the conversation.

    python -m benchmarks.conversations EVAL WORK [--sets clapnq,fiqa] [--write]

`EVAL` is the folder of the public question sets, `WORK` one for what is made of them (kept: a second run embeds
nothing). Each passage of a set is ingested as a page. A turn is searched for alone, with the turns before it as a chat
has them (the set holds what people said and no answers), and as a person rewrote it.
"""

import argparse
import json
import tarfile
from pathlib import Path

from kb import KnowledgeBase

SETS = ("clapnq", "fiqa")


def open_set(folder: Path, name: str, work: Path) -> KnowledgeBase:
    """The knowledge base of a set's passages, brought up to date."""
    if not (work / name).exists():
        with tarfile.open(folder / "conversations" / f"{name}.tar.gz") as archive:
            archive.extractall(work, filter="data")
    pages = work / name / "pages"
    if not pages.exists():
        pages.mkdir()
        for line in (work / name / "corpus.jsonl").read_text("utf-8").splitlines():
            passage = json.loads(line)
            title, text = passage["title"].strip(), passage["text"].strip()
            page = f"# {title}\n\n{text.removeprefix(title).strip()}" if title else text
            (pages / f"{passage['id']}.md").write_text(page, "utf-8")
    kb = KnowledgeBase.open(work / "kb" / name, create=True)
    report = kb.ingest([pages])
    print(f"{name}: {report.documents} documents, {report.chunks} chunks, {report.seconds:.0f} s", flush=True)
    return kb


def main() -> None:
    """Measures the sets and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("eval", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    for name in arguments.sets.split(","):
        open_set(arguments.eval, name, arguments.work).close()


if __name__ == "__main__":
    main()

"""What all benchmarks share: how they are called, and how tables get into RESULTS.md."""

import argparse
import datetime
import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from kb import __version__

RESULTS = Path(__file__).parent / "RESULTS.md"
# What a figure can depend on.
_LIBRARIES = ("llama-cpp-python", "onnxruntime", "sentence-transformers", "faiss-cpu")


def parser(doc: str | None, sets: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The arguments that every benchmark over sets of documents has: EVAL, WORK, --sets (these, if none are named) and
    --write; `doc` is the module's own text."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument(
        "eval", type=Path, help="the folder of the sets; each has questions.jsonl, and docs or its files"
    )
    made.add_argument(
        "work", type=Path, help="for the knowledge bases that are made of them; kept for the next run"
    )
    if sets:
        made.add_argument("--sets", default=",".join(sets), help="which of them, with commas")
    made.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    return made


def write_section(title: str, command: str, table: str) -> None:
    """Puts a section into RESULTS.md, in place of an earlier one with its title, with the day, the processor and the
    versions."""
    when = datetime.datetime.now(datetime.UTC).date().isoformat()
    section = f"## {title}\n\n{when}, {_machine()}. `{command}`\n\n{table.strip()}\n"
    old = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    new = (
        pattern.sub(lambda _: section + "\n", old) if pattern.search(old) else f"{old.rstrip()}\n\n{section}"
    )
    RESULTS.write_text(new.rstrip() + "\n")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {model}, kb {__version__}, Python {platform.python_version()}, {libraries}"

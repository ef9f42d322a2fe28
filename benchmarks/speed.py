"""Speed of whole processes, cold: what a person waits for.

    python -m benchmarks.speed KB [--runs N] [--write]

`KB` is the knowledge base of the sample documents. Times are medians of N runs (default 5).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.scoring import write_section
from kb.evaluation.measures import median

_KB = [sys.executable, "-m", "kb.main"]
_QUESTION = "what was the Q3 decision"
_FILES = 1000


def seconds(command: list[str], runs: int) -> float:
    """Wall time of a whole process."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return median(times)


def ask_timeline(kb: Path, question: str = _QUESTION) -> dict[str, float]:
    """Seconds from the start of `kb ask` to the passages on stderr and to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [*_KB, "ask", question, "--kb", str(kb)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    shown = 0.0
    while line := process.stderr.readline():
        if line.lstrip().startswith(b"1. "):
            shown = time.perf_counter() - started
    process.wait()
    return {"passages": shown, "whole": time.perf_counter() - started}


def first_word(kb: Path, question: str = _QUESTION) -> tuple[float, int]:
    """Seconds from the start of `kb ask` to the first word, and the prompt's tokens."""
    started = time.perf_counter()
    done = subprocess.run([*_KB, "ask", question, "--kb", str(kb), "--json"], capture_output=True, check=True)
    whole = time.perf_counter() - started
    answer = json.loads(done.stdout)
    timings = answer["timings_ms"]
    # The timings begin with the question; what the process needs before it is the rest.
    return whole - (timings["total"] - timings["first_token"]) / 1000, answer["usage"]["prompt_tokens"]


def prompt_rate(kb: Path) -> float:
    """Tokens a second that the default model reads of a prompt it has not seen."""
    from generation.llm import LocalModel
    from kb import KnowledgeBase
    from kb.catalogue import DEFAULT_LLM
    from kb.model_store import ModelStore

    with KnowledgeBase.open(kb) as opened:
        text = "\n".join(hit.text for hit in opened.search(_QUESTION, k=10).hits)
    model = LocalModel(ModelStore().path(DEFAULT_LLM))
    tokens = model.prompt("Answer.", text)[:700]
    started = time.perf_counter()
    model.warm(tokens)
    rate = len(tokens) / (time.perf_counter() - started)
    model.close()
    return rate


def unchanged(runs: int) -> float:
    """Seconds of a second ingest of a tree of 1,000 files."""
    with tempfile.TemporaryDirectory() as scratch:
        docs, kb = Path(scratch) / "docs", Path(scratch) / "kb"
        docs.mkdir()
        for number in range(_FILES):
            (docs / f"{number}.md").write_text(f"# Note {number}\n\nThis is note number {number}.\n")
        command = [*_KB, "ingest", str(docs), "--kb", str(kb), "--json"]
        subprocess.run(command, check=True, capture_output=True)
        time.sleep(2.5)  # a file as young as its clock's tick is read again
        subprocess.run(command, check=True, capture_output=True)
        return seconds(command, runs)


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kb", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    kb, runs = arguments.kb, arguments.runs
    os.environ["HF_HUB_OFFLINE"] = "1"
    search = [*_KB, "search", _QUESTION, "--kb", str(kb)]
    subprocess.run(search, check=True, capture_output=True)
    timelines = [ask_timeline(kb) for _ in range(runs)]
    firsts = [first_word(kb) for _ in range(runs)]
    rate = prompt_rate(kb)
    allowed = firsts[0][1] / rate + 2
    rows: list[tuple[str, Callable[[], str]]] = [
        ("`kb --help`", lambda: f"{seconds([*_KB, '--help'], runs):.2f} s"),
        ("`kb search`, whole process", lambda: f"{seconds(search, runs):.2f} s"),
        (
            "importing sentence-transformers alone",
            lambda: f"{seconds([sys.executable, '-c', 'import sentence_transformers'], runs):.2f} s",
        ),
        ("`kb ask`: passages on screen", lambda: f"{median([t['passages'] for t in timelines]):.2f} s"),
        (
            "`kb ask`: first word",
            lambda: (
                f"{median([f for f, _ in firsts]):.2f} s (prompt of {firsts[0][1]} tokens at {rate:.0f} "
                f"tokens/s + 2 s = {allowed:.1f} s)"
            ),
        ),
        ("`kb ask`: whole process", lambda: f"{median([t['whole'] for t in timelines]):.2f} s"),
        (f"`kb ingest` of {_FILES:,} unchanged files", lambda: f"{unchanged(runs):.2f} s"),
    ]
    table = "| what | median |\n|---|---|\n" + "\n".join(
        f"| {name} | {measure()} |" for name, measure in rows
    )
    print(table)
    if arguments.write:
        write_section(
            "Speed of whole processes", f"python -m benchmarks.speed KB --runs {runs} --write", table
        )


if __name__ == "__main__":
    main()

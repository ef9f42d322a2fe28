"""kb beside others: the same documents, questions, models and machine, one after the other in one run.

    sh benchmarks/peers/setup.sh FOLDER
    python -m benchmarks.peers EVAL WORK --environments FOLDER [--sets wiki,meetings:4,mail,pdf:8]
        [--peers kb,llamaindex,txtai,chroma,haiku] [--settings default,best] [--answers N] [--write]

`EVAL` is the folder of the public question sets, `WORK` one for what is made: a record for each system, setting and set
is kept there, so that a run that was cut off goes on. A record that is deleted is measured anew. `meetings:4` is the
first four files of the set that hold answers, with all their questions; `--answers` asks those of the wiki pages. A
system whose environment is not there is left out, with a line that says so.
"""

import argparse
import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.documents import Documents, prepare
from benchmarks.peers.judging import judge_answer, rank_of_gold
from benchmarks.peers.running import AdapterError, running
from benchmarks.peers.systems import SYSTEMS, System
from benchmarks.peers.tables import answers_table, retrieval_table
from benchmarks.retrieval import SETS
from benchmarks.scoring import write_section
from kb.evaluation.measures import median

_DEPTH = 10


class Run:
    """One system with one setting on one set. Its index and its records lie in `WORK/SET/SYSTEM-SETTING/`."""

    def __init__(self, system: System, documents: Documents, work: Path, environments: Path) -> None:
        self._system = system
        self._documents = documents
        self._folder = work / documents.folder_name / system.key
        self._folder.mkdir(parents=True, exist_ok=True)
        self._index = self._folder / "index"
        self._log = self._folder / "log.txt"
        self._command = system.command(environments, documents.folder(system.name), self._index)

    def retrieval(self) -> dict[str, Any]:
        """The record of its ingest and of its search. Raises AdapterError."""
        return self._kept("ingest", self._ingest) | self._kept("search", self._search)

    def answers(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The records of its answers to `questions`, each kept as soon as it is there. Raises AdapterError."""
        self._kept("ingest", self._ingest)
        path = self._folder / "answers.jsonl"
        path.touch()
        records = {record["id"]: record for record in map(json.loads, path.read_text().splitlines())}
        missing = [question for question in questions if question["id"] not in records]
        if missing:
            with path.open("a") as kept:
                for record in self._answers(missing):
                    records[record["id"]] = record
                    kept.write(json.dumps(record) + "\n")
                    kept.flush()
        return [records[question["id"]] for question in questions]

    def _kept(self, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        path = self._folder / f"{name}.json"
        if not path.exists():
            made = measure()
            path.with_suffix(".new").write_text(json.dumps(made))
            path.with_suffix(".new").replace(path)
        record: dict[str, Any] = json.loads(path.read_text())
        return record

    def _ingest(self) -> dict[str, Any]:
        shutil.rmtree(self._index, ignore_errors=True)
        with running(self._command, self._log) as process:
            reply = process.ask(do="ingest")
            seconds = process.seconds()
        size = sum(path.stat().st_size for path in self._index.rglob("*") if path.is_file())
        return {
            "chunks": reply["chunks"], "version": reply["version"], "ingest_seconds": seconds,
            "ingest_cpu": process.cpu, "ingest_peak": process.peak, "index_bytes": size,
        }  # fmt: skip

    def _search(self) -> dict[str, Any]:
        questions = self._documents.answerable
        ranks, seconds, cpu, characters = [], [], [], []
        with running(self._command, self._log) as process:
            process.ask(do="search", question=questions[0]["question"], k=_DEPTH)
            cold = process.seconds()
            for question in questions:
                reply = process.ask(do="search", question=question["question"], k=_DEPTH)
                found = reply["passages"]
                seconds.append(reply["seconds"])
                cpu.append(reply["cpu"])
                ranks.append(rank_of_gold(found, question, self._documents.sources, self._documents.text))
                characters.append(sum(len(passage["text"]) for passage in found))
        return {
            "ranks": ranks, "cold_seconds": cold, "seconds": seconds, "cpu": cpu,
            "characters": median(characters), "search_peak": process.peak,
        }  # fmt: skip

    def _answers(self, questions: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        with running(self._command, self._log) as process:
            process.ask(do="ask", question="What is this about?")  # loads the model
            for question in questions:
                reply = process.ask(do="ask", question=question["question"])
                yield {"id": question["id"], **reply, **judge_answer(reply, question), "peak": process.peak}


def main() -> None:
    """Measures, prints and writes the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("eval", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--environments", type=Path, default=Path(".peers"))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--peers", default=",".join(dict.fromkeys(system.name for system in SYSTEMS)))
    parser.add_argument("--settings", default="default,best")
    parser.add_argument("--answers", type=int, help="also ask so many questions over the wiki pages")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    arguments = parser.parse_args()
    systems = [
        system
        for system in SYSTEMS
        if system.name in arguments.peers.split(",") and system.setting in arguments.settings.split(",")
    ]
    for name, files in _sets(arguments.sets).items():
        documents = prepare(arguments.eval, name, arguments.work, files)
        rows = []
        for system in systems:
            run = Run(system, documents, arguments.work, arguments.environments)
            record = _tried(f"{name}, {system.title}", run.retrieval)
            if record:
                rows.append((documents.title, _titled(system, record), record))
                print(retrieval_table(rows[-1:]).splitlines()[-1], flush=True)
        if arguments.write and rows:
            title = f"Beside others: ingest and search, {documents.title}"
            write_section(title, _command(arguments), retrieval_table(rows))
    if arguments.answers:
        table = _answers(arguments, [system for system in systems if system.answers])
        if arguments.write:
            title = f"Beside others: answers to {arguments.answers} public questions over wiki pages"
            write_section(title, _command(arguments), table)


def _sets(words: str) -> dict[str, int | None]:
    parts = (word.partition(":") for word in words.split(",") if word)
    return {name: int(files) if files else None for name, _, files in parts}


def _answers(arguments: argparse.Namespace, systems: Sequence[System]) -> str:
    files = _sets(arguments.sets).get("wiki")
    documents = prepare(arguments.eval, "wiki", arguments.work, files)
    questions = list(documents.questions)
    random.Random(1).shuffle(questions)  # of the whole set, the ones that `benchmarks.answers --limit` takes
    rows = []
    for system in systems:
        run = Run(system, documents, arguments.work, arguments.environments)
        record = _tried(system.title, lambda run=run: run.answers(questions[: arguments.answers]))
        if record:
            rows.append((system.title, record))
            print(answers_table(rows[-1:]).splitlines()[-1], flush=True)
    return answers_table(rows)


def _command(arguments: argparse.Namespace) -> str:
    given = {name: getattr(arguments, name) for name in ("sets", "peers", "settings", "answers")}
    options = [f"--{name} {value}" for name, value in given.items() if value]
    return " ".join(["python -m benchmarks.peers EVAL WORK --environments FOLDER", *options, "--write"])


def _titled(system: System, record: dict[str, Any]) -> str:
    name, comma, setting = system.title.partition(",")
    return f"{name} {record['version']}{comma}{setting}" if record["version"] else system.title


def _tried(what: str, measure: Callable[[], Any]) -> Any:
    """The record, or None and a line that says what went wrong: one system that fails does not end the run."""
    try:
        return measure()
    except AdapterError as error:
        print(f"{what}: {error}", flush=True)
        return None


if __name__ == "__main__":
    main()

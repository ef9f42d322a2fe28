"""What can be wrong with a knowledge base and the machine it is on, and what to do about it."""

import os
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kb import __version__, shared
from kb.bases import default_folder
from kb.catalogue import DEFAULT_EMBEDDER
from kb.model_store import ModelStore
from kb.offer import size
from retrieval.errors import KbError, StoreMissing
from retrieval.store import Store

# Below this an ingest may stop half-way: the largest model and a large knowledge base's indexes take as much.
_LITTLE_SPACE = 2_000_000_000
# llama.cpp and FAISS are several times slower on a processor without.
_FEATURES = ("avx2", "fma", "f16c", "avx512f", "avx512_bf16", "amx_bf16", "asimd")
_PACKAGES = ("llama-cpp-python", "faiss-cpu", "onnxruntime", "sentence-transformers", "torch", "typer")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and for what is not good what to do."""

    name: str
    good: bool
    says: str
    advice: str = ""

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON."""
        return asdict(self)


def examine(folder: Path | None, *, model: str, full: bool) -> Iterator[Finding]:
    """Looks at everything, one finding at a time; `full` hashes the models, too. Changes nothing."""
    place = folder or default_folder()
    embedder = DEFAULT_EMBEDDER
    try:
        with Store.open(place) as store:
            yield Finding("store", True, f"{place} opens")
            yield from _store(store)
            space = store.space()
            embedder = space.name if space else embedder
    except StoreMissing as error:
        yield Finding("store", False, str(error), "kb ingest PATH")
    except (KbError, sqlite3.Error) as error:
        yield Finding("store", False, str(error), "move the folder away and ingest again")
    yield from _shared(place)
    models = ModelStore()
    yield from _models(models, (embedder, model), full)
    yield from _disk("disk", place)
    yield from _disk("disk of models", models.folder)
    yield _processor()
    yield Finding("threads", True, f"{_threads()} of {os.cpu_count()} processors may be used")
    yield Finding("versions", True, ", ".join(_versions()))


def _store(store: Store) -> Iterator[Finding]:
    execute = store.connection.execute
    said = "; ".join(str(row[0]) for row in execute("PRAGMA quick_check(5)"))
    yield Finding(
        "database", said == "ok", "sound" if said == "ok" else f"damaged: {said}",
        "" if said == "ok" else "move the folder away and ingest again",
    )  # fmt: skip
    # Counted in one snapshot: an ingest may be under way.
    with store.snapshot():
        counts = {
            name: execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for name, table in (("chunks", "chunks"), ("vectors", "vectors"), ("texts", "fts_docsize"))
        }
        strays = len(execute("PRAGMA foreign_key_check").fetchall())
        documents = store.counts()[0]
        yield from _indexes(store)
    agree = len(set(counts.values())) == 1 and not strays
    says = f"{documents} documents, " + ", ".join(f"{count} {name}" for name, count in counts.items())
    says += f", {strays} rows without their owner" if strays else ""
    yield Finding(
        "counts",
        agree,
        says,
        "" if agree else "move the folder away and ingest again: parts of it are missing",
    )
    failed = store.failures()
    yield Finding(
        "documents", not failed, f"{len(failed)} could not be read" if failed else "all could be read",
        "kb status names them; mend or ignore them (.kbignore), then ingest again" if failed else "",
    )  # fmt: skip


def _indexes(store: Store) -> Iterator[Finding]:
    from retrieval.postings import WordIndex
    from retrieval.vectors import VectorIndex

    space = store.space()
    if space is None and (store.folder / shared.FILE).exists():
        return  # it only reads a shared index
    if space is None:
        yield Finding("indexes", False, "nothing has been ingested yet", "kb ingest PATH")
        return
    for index in (VectorIndex, WordIndex):
        behind = index.behind(store, space, None, 0)
        yield Finding(
            index.FILE, not behind, "missing, damaged or behind" if behind else "up to date",
            "the next kb ingest mends it; until then searches are slower" if behind else "",
        )  # fmt: skip


def _shared(place: Path) -> Iterator[Finding]:
    """Whether the shared index answers, if there is one, and where documents go."""
    try:
        index = shared.shared_index(place)
        if index is not None:
            published = sum(key != "space" for key in index.meta())
            yield Finding(
                "shared index", True, f"{index.url} ({shared.where_it_lies(index.url)}), workers: {published}"
            )
            index.close()
    except KbError as error:
        yield Finding(
            "shared index",
            False,
            str(error),
            "start it and ingest again, or mend the address in index.url in the folder",
        )


def _models(models: ModelStore, names: tuple[str, ...], full: bool) -> Iterator[Finding]:
    from generation.endpoint import is_endpoint
    from kb.catalogue import CATALOGUE

    for name in dict.fromkeys(names):
        known = CATALOGUE.get(name)
        if is_endpoint(name):
            yield _endpoint(name)
        elif known is None and Path(name).exists():
            yield Finding(f"model {name}", True, "a file or folder of your own")
        elif not models.has(name):
            yield Finding(f"model {name}", False, "not on this machine", f"kb models pull {name}")
        else:
            problems = models.verify(name) if full else []
            says = "; ".join(problems) or (size(known.bytes) if known else "here")
            says += ", hashes to its pin" if full and not problems else ""
            yield Finding(
                f"model {name}", not problems, says, f"kb models pull {name} --again" if problems else ""
            )


def _endpoint(spec: str) -> Finding:
    """Whether the endpoint answers, and where questions go."""
    from generation.endpoint import EndpointModel, where_it_goes

    try:
        model = EndpointModel(spec)
        return Finding("endpoint", True, f"{model.name}; {where_it_goes(spec)}")
    except KbError as error:
        return Finding(
            "endpoint", False, f"{where_it_goes(spec)}; {error}", "start it, or kb config set model NAME"
        )


def _disk(name: str, place: Path) -> Iterator[Finding]:
    there = next((folder for folder in (place, *place.parents) if folder.exists()), None)
    if there is not None:
        free = shutil.disk_usage(there).free
        enough = free >= _LITTLE_SPACE
        yield Finding(
            name, enough, f"{size(free)} free at {place}",
            "" if enough else "free some space: an ingest may stop half-way",
        )  # fmt: skip


def _processor() -> Finding:
    flags: set[str] = set()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        flags = {
            flag for line in lines if line.lower().startswith(("flags", "features")) for flag in line.split()
        }
    except OSError:  # no Linux
        return Finding("processor", True, f"{platform.machine()}; its features can't be told here")
    found = [feature for feature in _FEATURES if feature in flags]
    fast = bool({"avx2", "asimd"} & flags)
    return Finding(
        "processor", fast, f"{platform.machine()} with {', '.join(found) or 'no vector instructions known'}",
        "" if fast else "answers will be slow: a smaller model helps (--model qwen2.5-coder-0.5b)",
    )  # fmt: skip


def _threads() -> int:
    usable: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _versions() -> Iterator[str]:
    yield f"kb {__version__}"
    yield f"Python {platform.python_version()}"
    yield f"SQLite {sqlite3.sqlite_version}"
    for package in _PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            yield f"{package} missing"

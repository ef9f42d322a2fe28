"""Knowledge bases that are made once for all tests that ask them something."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from evil import start_code
from helpers import assert_sound, info, kb, put
from hypothesis import HealthCheck, settings
from ingesting import FACTS, write
from serving import served

from ingest import worker
from kb import KnowledgeBase
from retrieval.schema import SCHEMA_VERSION
from retrieval.store import DATABASE, Store
from retrieval.writer import writing

# Each of several processes that run tests keeps to processors of its own. Models take all processors that a process may
# use, and two that share them wait for each other at every step.
if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    _number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    _processors = sorted(os.sched_getaffinity(0))[_number :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]
    os.sched_setaffinity(0, _processors or os.sched_getaffinity(0))

# How fast this machine happens to be decides no test.
settings.register_profile("kb", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kb")

# Begun first where several processes run tests: one of them begun last would keep the others waiting.
_LONGEST = ("test_terminal.py", "test_redteam.py", "test_faults.py", "test_ask.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the files that take longest in front."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)


NOTE = """---
title: Launch plan
author: Dana Okafor
updated: 2025-03-04
---
# Launch plan

The launch moves to September, 42,000 EUR are set aside — "naïve", says 東京 👩‍🚀.

## Risks

The supplier of the antenna was late twice.
"""
MAIL = """\
From: Ines Moreau <ines@example.org>
To: Dana Okafor <dana@example.org>
Subject: Antenna supplier
Date: Tue, 04 Mar 2025 10:15:00 +0100
Message-ID: <one@example.org>

The antenna supplier promised delivery by the first of June.
"""
SAMPLES = Path(__file__).parents[1] / "sample_docs"


@pytest.fixture(scope="session", autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither the user's settings, history nor knowledge bases are read or written by a test. Models are."""
    for name in ("CONFIG", "STATE", "DATA"):
        os.environ[f"XDG_{name}_HOME"] = str(tmp_path_factory.mktemp(name.lower()))


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a knowledge base with the sample documents in it."""
    folder = tmp_path_factory.mktemp("samples") / "kb"
    with KnowledgeBase.open(folder, create=True) as base:
        report = base.ingest([SAMPLES])
    assert not report.failed
    return folder


@pytest.fixture(scope="session")
def sample_kb(sample_folder: Path) -> Iterator[KnowledgeBase]:
    """The same, opened; its language model is loaded by the first question."""
    with KnowledgeBase.open(sample_folder) as base:
        yield base


def put_by_hand(folder: Path) -> None:
    """A knowledge base whose vectors come from an embedding model that this machine does not have."""
    with Store.open(folder, create=True) as store, writing(store) as writer:
        put(writer, "A note about horses.", info("a.md"))


def change(folder: Path, sql: str) -> None:
    connection = sqlite3.connect(folder / DATABASE)
    with connection:
        connection.execute(sql)
    connection.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with documents, the knowledge base made of them, and everything that can be in a folder's place."""
    root = tmp_path_factory.mktemp("world")
    for name in ("docs", "empty", "pictures", "nomodels", "junk"):
        (root / name).mkdir()
    (root / "docs" / "launch.md").write_text(NOTE, "utf-8")
    (root / "docs" / "antenna.eml").write_text(MAIL, "utf-8")
    (root / "pictures" / "cat.gif").write_bytes(b"\xff\xd8\xff\xe0")
    (root / "junk" / DATABASE).write_bytes(b"this is no database\n" * 500)
    (root / "file").write_text("a file")
    done = kb("ingest", root / "docs", "--kb", root / "base")
    assert done.returncode == 0, done.stderr
    put_by_hand(root / "foreign")
    shutil.copytree(root / "foreign", root / "other_format")
    change(root / "other_format", f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    shutil.copytree(root / "base", root / "other_version")
    change(
        root / "other_version",
        "UPDATE spaces SET embedder = json_set(embedder, '$.fingerprint', 'of another version')",
    )
    return root


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process have told the hub's library to stay offline."""
    for name in list(os.environ):
        if name.startswith(("HF_", "TRANSFORMERS_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sample_port(sample_folder: Path) -> Iterator[int]:
    """The port of a server for the sample documents, with the small model."""
    with served(sample_folder) as port:
        yield port


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for files that do what their first word says (see `evil`); other kinds of files are read as ever."""
    monkeypatch.setattr(worker, "_CODE", start_code(tmp_path / "package"))
    files = tmp_path / "files"
    files.mkdir()
    (files / "good.md").write_text("# Good\n\ntext\n")
    return files


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with four short documents."""
    return write(tmp_path / "docs", FACTS)


@pytest.fixture(name="kb")
def empty_base(tmp_path: Path) -> Iterator[KnowledgeBase]:
    """An empty knowledge base, opened, that is looked over after the test."""
    with KnowledgeBase.open(tmp_path / "kb", create=True) as opened:
        yield opened
        with Store.open(opened.folder) as store:
            assert_sound(store)

"""An index that machines share, in Milvus Lite: it answers as the embedded one does, and nothing half-written is
seen."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import SAMPLES
from helpers import assert_one_sentence, info, kb, kb_json, put, toy_space
from test_search import BagOfWords

from kb import KnowledgeBase
from kb.model_store import ModelStore
from kb.shared import join, shared_index, where_it_lies
from retrieval import milvus
from retrieval.encoder import Encoder
from retrieval.errors import EmbedderMismatch, StoreError, UsageError
from retrieval.milvus import Milvus
from retrieval.milvus_publish import publish
from retrieval.milvus_read import MilvusReader
from retrieval.search import Searcher
from retrieval.store import Store
from retrieval.types import Filters
from retrieval.writer import writing

pytest.importorskip("pymilvus")

_INES, _NOON = "Ines Moreau <ines@example.org>", "2025-03-05T10:00:00+01:00"
DOCUMENTS = [
    (
        "The antenna supplier was late twice.",
        info("wiki/launch.md", title="Launch plan", author="Dana Okafor", date="2025-03-04"),
    ),
    (
        "Supplier promised delivery by June.",
        info("mail/a_1.eml", kind="mail", title="Antenna supplier", author=_INES, date=_NOON),
    ),
    ("The café in user_id road serves naïve 東京 noodles.", info("wiki/100%.md", title="Lunch")),
    (
        "Budget of the launch: 42,000 EUR.\n\nThe launch is in September.",
        info("pdf/budget.pdf", kind="pdf", title="Budget", author="Ava O'Brien", date="2024-12-31"),
    ),
]


def fill(folder: Path, documents: list[tuple[str, Any]] = DOCUMENTS) -> Store:
    store = Store.open(folder, create=True)
    with writing(store) as writer:
        for text, about in documents:
            put(writer, text, about)
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "kb") as filled:
        yield filled


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Milvus]:
    opened = Milvus(str(tmp_path / "shared.db"))
    yield opened
    opened.close()


@pytest.fixture(params=["embedded", "milvus"])
def searcher(request: pytest.FixtureRequest, store: Store, index: Milvus) -> Searcher:
    """The same documents in either engine."""
    if request.param == "embedded":
        return Searcher(store, BagOfWords())  # type: ignore[arg-type]
    publish(store, index)
    return Searcher(MilvusReader(index, store), BagOfWords())  # type: ignore[arg-type]


def docs(searcher: Searcher, query: str, filters: Filters = Filters()) -> list[str]:
    return [hit.info.doc for hit in searcher.search(query, 10, filters)]


# What must hold of both engines.


def test_words_and_vectors_find_the_same(searcher):
    assert docs(searcher, "late antenna supplier")[:2] == ["wiki/launch.md", "mail/a_1.eml"]
    assert docs(searcher, "user_id")[0] == docs(searcher, "東京")[0] == "wiki/100%.md"
    assert docs(searcher, "what is the budget of the launch")[0] == "pdf/budget.pdf"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(kinds=("mail",)), {"mail/a_1.eml"}),
        (Filters(kinds=("mail", "pdf")), {"mail/a_1.eml", "pdf/budget.pdf"}),
        (Filters(sender="INES"), {"mail/a_1.eml"}),
        (Filters(sender="o'brien"), {"pdf/budget.pdf"}),
        (Filters(sender='%" or kind == "wiki'), set()),
        (Filters(sender="%"), set()),
        (Filters(after=date(2025, 3, 5)), {"mail/a_1.eml"}),
        (Filters(before=date(2025, 3, 5)), {"wiki/launch.md", "pdf/budget.pdf"}),
        (Filters(source="wiki/*"), {"wiki/launch.md", "wiki/100%.md"}),
        (Filters(source="wiki/100%"), {"wiki/100%.md"}),
        (Filters(source="a?1"), set()),
        (Filters(source="*/a?1.eml"), {"mail/a_1.eml"}),
        (Filters(source="*/[a-b]*"), {"mail/a_1.eml", "pdf/budget.pdf"}),
        (Filters(source="*/[^a-b]*"), {"wiki/launch.md", "wiki/100%.md"}),
        (Filters(source="A_1"), set()),
    ],
)  # fmt: skip
def test_filters_mean_the_same(searcher, filters, expected):
    assert set(docs(searcher, "supplier launch antenna budget noodles", filters)) == expected


def test_a_hit_is_a_slice_of_its_document(searcher, store):
    for hit in searcher.search("launch supplier", 10):
        assert store.document(hit.ref.partition(":")[0]).text[hit.start : hit.end] == hit.text


# What must hold of the shared index.


def all_of(index: Milvus, store: Store) -> dict[str, str]:
    """The texts of the visible documents, by path; every chunk of theirs must be found, and no other."""
    reader = MilvusReader(index, store)
    texts = {}
    chunks = 0
    for ref, about, count, chars in reader.documents():
        text = reader.document(ref).text
        assert len(text) == chars
        texts[about.doc] = text
        chunks += count
    if reader.space() is not None:
        hits = Searcher(reader, BagOfWords()).search("launch supplier antenna noodles budget note", 100)  # type: ignore[arg-type]
        assert len(hits) == chunks
        for hit in hits:
            assert texts[hit.info.doc][hit.start : hit.end] == hit.text
    return texts


def test_what_changes_and_goes_here_changes_and_goes_there(store, index):
    assert publish(store, index) == 4
    assert publish(store, index) == 0
    with writing(store) as writer:
        file_id = put(writer, "Another note about the launch.\n\nAnd the antenna.", info("wiki/launch.md"))
        writer.remove_document(store.document("mail/a_1.eml").id)
    assert publish(store, index) == 2
    texts = all_of(index, store)
    assert set(texts) == {"wiki/launch.md", "wiki/100%.md", "pdf/budget.pdf"}
    assert texts["wiki/launch.md"].startswith("Another note")
    with writing(store) as writer:
        writer.remove_file(file_id)
    publish(store, index)
    assert "wiki/launch.md" not in all_of(index, store)


def test_a_run_that_is_cut_off_anywhere_leaves_whole_documents_and_is_completed(store, tmp_path, monkeypatch):
    """Old or new, all of it or none, at whichever request the network goes; every third one is tried."""
    real = Milvus._told
    for last in range(1, 60, 3):
        index = Milvus(str(tmp_path / f"cut{last}.db"))
        publish(store, index)
        with fill(tmp_path / f"kb{last}") as changing:
            # The same worker, with one document changed, one gone and one new.
            identity = store.meta("store_id")
            changing.connection.execute("UPDATE meta SET value = ? WHERE key = 'store_id'", (identity,))
            with writing(changing) as writer:
                put(writer, "A note: the launch is off.\n\nThe supplier is sorry.", info("wiki/launch.md"))
                writer.remove_document(changing.document("mail/a_1.eml").id)
                put(writer, "A new note on noodles.", info("wiki/new.md"))
            old = {about.doc: store.document(ref).text for ref, about, _, _ in store.documents()}
            new = {about.doc: changing.document(ref).text for ref, about, _, _ in changing.documents()}
            done = 0

            def told(self: Milvus, request: Callable[[], Any], last: int = last) -> Any:
                nonlocal done
                done += 1
                if done > last:
                    raise StoreError("the network is gone")
                return real(self, request)

            monkeypatch.setattr(Milvus, "_told", told)
            try:
                publish(changing, index)
                finished = True
            except StoreError:
                finished = False
            monkeypatch.setattr(Milvus, "_told", real)
            seen = all_of(index, changing)
            for doc in old.keys() | new.keys():
                assert seen.get(doc) in {old.get(doc), new.get(doc)}
            publish(changing, index)
            assert all_of(index, changing) == new
            strays = list(index.query("chunks", "", ["document", "version"]))
            assert len(strays) == sum(count for _, _, count, _ in changing.documents())
        index.close()
        if finished:
            return
    raise AssertionError("it never came to its end")


def test_workers_share_an_index_and_leave_one_another_s_documents_alone(store, index, tmp_path):
    publish(store, index)
    with fill(tmp_path / "other", [("A note on noodles.", info("wiki/noodles.md"))]) as other:
        publish(other, index)
        assert len(all_of(index, store)) == 5
        with writing(other) as writer:
            writer.remove_document(other.document("wiki/noodles.md").id)
        publish(other, index)
    assert set(all_of(index, store)) == {about.doc for _, about in DOCUMENTS}
    reader = MilvusReader(index, store)
    assert reader.counts() == store.counts() and reader.dates() == store.dates()


def test_a_machine_without_documents_searches_and_reads(store, index, tmp_path):
    publish(store, index)
    with Store.open(tmp_path / "empty", create=True) as empty:
        reader = MilvusReader(index, empty)
        hit = Searcher(reader, BagOfWords()).search("antenna", 1)[0]  # type: ignore[arg-type]
        assert reader.document(hit.ref.partition(":")[0]).info == hit.info
        assert reader.document("wiki/100%.md").text == DOCUMENTS[2][0]
        for nothing in ("wiki/100_.md", "nothere", 'x" or "1"=="1'):
            with pytest.raises(UsageError):
                reader.document(nothing)


def test_long_texts_come_back_to_the_letter(index, tmp_path):
    """A string of Milvus has 65,535 bytes."""
    text = "\n\n".join(f"Note {n} – naïve 東京 👩‍🚀 noodles." for n in range(5000)) + "\n\n" + "x" * 100_000
    about = info("long.md", author="A" * 3000)
    with fill(tmp_path / "kb", [(text, about)]) as store:
        publish(store, index)
        reader = MilvusReader(index, store)
        assert reader.document("long.md").text == text and reader.document("long.md").info == about
        hit = Searcher(reader, BagOfWords()).search("x" * 100_000, 1)[0]  # type: ignore[arg-type]
        assert hit.text == text[hit.start : hit.end]


def test_vectors_of_two_models_are_never_mixed(store, index, tmp_path):
    publish(store, index)
    with Store.open(tmp_path / "other", create=True) as other:
        with writing(other) as writer:
            put(writer, "A note.", info("a.md"), toy_space(writer, "another-model"))
        with pytest.raises(EmbedderMismatch) as raised:
            publish(other, index)
    assert_one_sentence(raised.value)
    assert len(all_of(index, store)) == 4


def test_a_server_that_is_not_there_is_one_sentence(store, monkeypatch):
    monkeypatch.setattr(milvus, "_PATIENCE", 0.5)
    with pytest.raises(StoreError) as raised:
        publish(store, Milvus("http://127.0.0.1:9"))
    assert_one_sentence(raised.value)
    assert "127.0.0.1:9" in str(raised.value)


def test_a_server_that_goes_and_comes_back_loses_nothing(store, tmp_path, monkeypatch):
    """Milvus Lite as a server of its own, killed and started again: over the network, as a cluster is."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", tmp_path / "data"]
    command += ["--host", "127.0.0.1", "--port", str(port)]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    server = start()
    try:
        assert publish(store, Milvus(url)) == 4  # waits until it is there
        server.kill()
        server.wait()
        with writing(store) as writer:
            put(writer, "A note that came while nobody listened.", info("new.md"))
        with monkeypatch.context() as impatient, pytest.raises(StoreError) as raised:
            impatient.setattr(milvus, "_PATIENCE", 1.0)
            publish(store, Milvus(url))
        assert_one_sentence(raised.value)
        server = start()
        assert publish(store, Milvus(url)) == 1
        assert set(all_of(Milvus(url), store)) == {about.doc for _, about in DOCUMENTS} | {"new.md"}
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize(
    "url", ["", "ftp://host", "http://", "http://me:secret@host:19530", "a.sqlite", "a.db#no name"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError) as raised:
        Milvus(url)
    assert_one_sentence(raised.value)


def test_a_knowledge_base_belongs_to_the_index_that_its_folder_names(tmp_path):
    assert shared_index(tmp_path) is None
    join(tmp_path, f"{tmp_path}/shared.db#team")
    found = shared_index(tmp_path)
    assert found is not None and found.collection("chunks") == "team_chunks"
    assert where_it_lies(found.url) == "on this machine"
    assert "leave this machine, unencrypted" in where_it_lies("http://milvus.example:19530")
    (tmp_path / "index.url").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError):
        shared_index(tmp_path)
    assert shared_index(tmp_path / "index.url") is None


_PUBLISH = """
import sys
from pathlib import Path
from kb.shared import shared_index
from retrieval.milvus_publish import publish
from retrieval.store import Store

with Store.open(Path(sys.argv[1])) as store:
    print(publish(store, shared_index(Path(sys.argv[1]))))
"""


def test_what_one_process_published_another_one_reads(store, tmp_path):
    """Milvus Lite's file is opened anew by each command."""
    for folder in ("kb", "reader"):
        environment = {"KB_HOME": str(tmp_path / folder)}
        made = kb("init", "--index", tmp_path / "shared.db", environment=environment)
        assert made.returncode == 0, made.stderr
    command = [sys.executable, "-c", _PUBLISH, tmp_path / "kb"]
    for expected in ("4", "0"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.strip() == expected, done.stderr
    listed = kb_json("list", "--kb", tmp_path / "reader")["documents"]
    assert {document["doc"] for document in listed} == {about.doc for _, about in DOCUMENTS}
    shown = kb_json("show", listed[0]["ref"], "--kb", tmp_path / "reader")
    assert shown["text"] == {about.doc: text for text, about in DOCUMENTS}[listed[0]["doc"]]
    assert "shared index" in kb("status", "--kb", tmp_path / "reader").stdout


def test_the_sample_questions_find_the_same_in_both_engines(sample_folder, index):
    """The tolerance: the same first hit for 19 of 20 questions, and 19 of 20 of the first ten."""
    with Store.open(sample_folder) as store:
        publish(store, index)
        space = store.space()
        assert space is not None
        encoder = Encoder(ModelStore().folder / "encoders" / space.fingerprint[:32])
        here, there = Searcher(store, encoder), Searcher(MilvusReader(index, store), encoder)
        same = shared = total = 0
        for line in (SAMPLES / "questions.jsonl").read_text("utf-8").splitlines():
            question = json.loads(line)["question"]
            a, b = ([hit.ref for hit in searcher.search(question, 10)] for searcher in (here, there))
            same += a[0] == b[0]
            shared += len(set(a) & set(b))
            total += len(a)
    assert same >= 38 and shared >= 0.95 * total


def test_the_commands_work_on_a_shared_index(sample_folder, tmp_path):
    """Search, show, list and status of a machine that has ingested nothing."""
    url = f"{tmp_path}/shared.db"
    with Store.open(sample_folder) as store:
        index = Milvus(url)
        publish(store, index)
        index.close()
    with KnowledgeBase.open(tmp_path / "reader", create=True):
        join(tmp_path / "reader", url)
    with KnowledgeBase.open(tmp_path / "reader") as base, KnowledgeBase.open(sample_folder) as own:
        hits = base.search("what was the Q3 decision").hits
        assert hits and base.show(hits[0].ref).text == own.show(hits[0].ref).text
        assert {document.ref for document in base.list()} == {document.ref for document in own.list()}
        status = base.status()
        assert status.documents == own.status().documents and status.index == url

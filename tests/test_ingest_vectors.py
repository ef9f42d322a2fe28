"""Vectors of an ingest, with the real embedding model: each text is embedded once, none is cut off, and those of two
models are never mixed."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers import MINILM, assert_one_sentence, assert_sound, model_path
from ingesting import FACTS, best, chunks, counts, longest, message, names, write
from numpy.typing import NDArray

from ingest.embedder import Embedder
from kb import KnowledgeBase
from retrieval.errors import EmbedderMismatch
from retrieval.store import Store


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are embedded, as the embedder gets them."""
    texts: list[str] = []
    encode = Embedder.encode

    def noting(self: Embedder, some: Sequence[str]) -> NDArray[np.float32]:
        texts.extend(some)
        return encode(self, some)

    monkeypatch.setattr(Embedder, "encode", noting)
    return texts


def vectors(folder: Path) -> dict[tuple[str, int], bytes]:
    """The stored vectors by the names of their files and their places."""
    query = (
        "SELECT f.doc, c.start, v.vector FROM vectors v JOIN chunks c ON c.id = v.chunk_id "
        "JOIN documents d ON d.id = c.document_id JOIN files f ON f.id = d.file_id"
    )
    with Store.open(folder) as store:
        return {(Path(doc).name, start): vector for doc, start, vector in store.connection.execute(query)}


def test_what_moves_is_not_embedded_again(kb: KnowledgeBase, docs: Path, embedded: list[str]) -> None:
    """Whoever renames a folder of ten thousand pages would wait for hours, for vectors that are there."""
    kb.ingest([docs])
    before = vectors(kb.folder)
    embedded.clear()
    (docs / "office").rename(docs / "bureau")
    (docs / "cellar.md").rename(docs / "vault.md")
    assert counts(kb.ingest([docs])) == (3, 0, 1, 3)
    assert embedded == []
    assert names(kb) == ["garden.md", "parking.txt", "printer.html", "vault.md"]
    renamed = {("vault.md" if name == "cellar.md" else name, at): v for (name, at), v in before.items()}
    assert vectors(kb.folder) == renamed
    assert best(kb, "wine cellar") == "vault.md"


def test_of_a_changed_page_only_the_changed_part_is_embedded(
    kb: KnowledgeBase, tmp_path: Path, embedded: list[str]
) -> None:
    """A log of a thousand entries grows by one a day."""
    entries = [f"# Entry {n}\n\n" + f"The boat of day {n} was late again. " * 40 for n in range(6)]
    page = write(tmp_path / "log", {"log.md": "\n\n".join(entries)}) / "log.md"
    kb.ingest([page])
    embedded.clear()
    page.write_text("\n\n".join([*entries, "# Entry 6\n\nThe boat sank.\n"]))
    assert counts(kb.ingest([page])) == (0, 1, 0, 0)
    assert len(embedded) == 1 and "sank" in embedded[0]


def test_copies_are_embedded_once(kb: KnowledgeBase, tmp_path: Path, embedded: list[str]) -> None:
    """The same mail lies in the sender's and in three readers' mailboxes; more copies come later."""
    box = message(1, "The choir meets on Mondays.") + message(2, "The key is with Bo.")
    mail = write(tmp_path / "mail", {f"{name}.mbox": box for name in "abc"})
    assert counts(kb.ingest([mail])) == (6, 0, 0, 0)
    assert len(embedded) == 2
    write(mail, {"d.mbox": box})
    assert counts(kb.ingest([mail])) == (2, 0, 6, 0)
    assert len(embedded) == 2
    with Store.open(kb.folder) as store:
        assert store.connection.execute(
            "SELECT count(*), count(DISTINCT vector) FROM vectors"
        ).fetchone() == (8, 2)


def test_what_is_just_being_embedded_is_not_embedded_again(
    kb: KnowledgeBase, tmp_path: Path, embedded: list[str]
) -> None:
    """Of two large mailboxes that hold the same the second comes while the first is not stored yet."""
    box = "".join(message(number, f"Room {number} is free.") for number in range(300))
    report = kb.ingest([write(tmp_path / "mail", {"a.mbox": box, "b.mbox": box})])
    assert counts(report) == (600, 0, 0, 0)
    assert len(embedded) == len(set(embedded)) == 300
    with Store.open(kb.folder) as store:
        rows = store.connection.execute("SELECT digest, count(*) FROM vectors GROUP BY digest, vector")
        assert {count for _, count in rows} == {2}


def test_a_base_from_before_texts_were_found_again_goes_on(
    kb: KnowledgeBase, docs: Path, embedded: list[str]
) -> None:
    """An update of kb must not ask for an ingest from the start."""
    kb.ingest([docs])
    with Store.open(kb.folder) as store:
        store.connection.execute("DROP INDEX vectors_digest")
        store.connection.execute("ALTER TABLE vectors DROP COLUMN digest")
    embedded.clear()
    (docs / "cellar.md").rename(docs / "vault.md")
    assert counts(kb.ingest([docs])) == (1, 0, 3, 1)
    assert len(embedded) == 1
    (docs / "vault.md").rename(docs / "cellar.md")
    assert counts(kb.ingest([docs])) == (1, 0, 3, 1)
    assert len(embedded) == 1


def test_no_chunk_is_longer_than_what_the_model_reads(kb: KnowledgeBase, docs: Path) -> None:
    """What lies beyond the model's window would be stored and shown, but never found by its meaning."""
    prose = "The committee met and spoke about the heating, at length. " * 120
    rows = "\n".join(f"| {n} | {'antidisestablishmentarianism ' * 5}| 42,000 |" for n in range(60))
    write(docs, {
        "long.md": f"# {'A very long heading ' * 40}\n\n## {'ünder 見出し ' * 60}\n\n{prose}",
        "table.md": f"# Table\n\n| {'column ' * 30}| b | c |\n|---|---|---|\n{rows}\n",
        "line.txt": "x" * 6000 + "\n\n" + "日本語の長い文" * 400 + "\n\n" + "😀" * 900,
        "mail.eml": f"From: {'Dana ' * 90}<dana@example.org>\nSubject: {'Re: ' * 200}\n\n{prose}",
    })  # fmt: skip
    assert kb.ingest([docs]).failed == ()
    assert 128 < longest(kb.folder) <= 256


def test_another_model_is_noticed_and_reindexing_needs_no_source_file(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors of two models do not compare: mixing them would quietly find the wrong things. And the sources may be
    gone by the time the model changes."""
    models = tmp_path / "models"
    model = models / MINILM
    shutil.copytree(model_path(MINILM), model)
    if (encoders := model_path(MINILM).parent / "encoders").is_dir():
        shutil.copytree(encoders, models / "encoders", copy_function=os.symlink)
    monkeypatch.setenv("KB_MODELS", str(models))
    write(docs, {"long.txt": "The committee met and spoke about the heating. " * 40})
    with KnowledgeBase.open(tmp_path / "kb", create=True) as kb:
        kb.ingest([docs])
        old = chunks(kb.folder)
        settings = model / "sentence_bert_config.json"
        settings.write_text(settings.read_text().replace("256", "128"))  # another version, of the same size
        write(docs, {"new.md": "The dog is called Rufus.\n"})
        with pytest.raises(EmbedderMismatch) as caught:
            kb.ingest([docs])
        assert_one_sentence(caught.value)
        assert "kb reindex" in str(caught.value) and MINILM in str(caught.value)
        assert best(kb, "wine cellar") == "cellar.md", "what was there is still found"
        assert chunks(kb.folder) == old

        shutil.rmtree(docs)
        assert kb.reindex(str(model)) == len(chunks(kb.folder)) > len(old)
        assert kb.embedder == kb.status().embedder == str(model)
        assert not chunks(kb.folder).keys() & old.keys()
        assert longest(kb.folder) <= 128
        assert best(kb, "wine cellar") == "cellar.md"
        assert best(kb, "trees that bear fruit") == "garden.md"
        write(docs, FACTS | {"new.md": "The dog is called Rufus.\n"})
        assert counts(kb.ingest([docs])) == (1, 0, 4, 1)
        assert best(kb, "what is the dog called") == "new.md"
    with Store.open(tmp_path / "kb") as store:
        assert_sound(store)

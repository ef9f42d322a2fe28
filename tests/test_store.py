"""Reading a knowledge base: snapshots, filters, names, and one sentence for everything that is wrong with it."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from helpers import assert_one_sentence, assert_sound, found, info, new_document, put, toy_space

from retrieval.errors import StoreError, StoreMissing, UsageError
from retrieval.schema import SCHEMA_VERSION
from retrieval.store import DATABASE, Store
from retrieval.types import Filters
from retrieval.writer import writing


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "kb", create=True) as opened:
        yield opened


def test_what_was_put_is_there_word_for_word(store: Store) -> None:
    text = "The launch is on 3 September.\n\nBudget: 42,000 EUR — grüße aus 東京 👩‍🚀."
    about = info("mail/launch.eml", kind="mail", title="Launch", author="Dana Okafor <dana@example.org>")
    with writing(store) as writer:
        put(writer, text, about)
    ((ref, stored_info, chunks, characters),) = store.documents()
    assert (stored_info, chunks, characters) == (about, 2, len(text))
    document = store.document(ref)
    assert document.text == text
    ids = [row[0] for row in store.connection.execute("SELECT id FROM chunks ORDER BY id")]
    for chunk in store.chunks(ids).values():
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.ref == f"{ref}:{chunk.start}-{chunk.end}"
    assert store.counts() == (1, 2, {"mail": 1})
    assert_sound(store)


def test_the_dates_covered_are_those_of_the_documents_that_have_one(store: Store) -> None:
    """Whoever asks about 2019 must see that the documents begin in 2021."""
    assert store.dates() == (None, None)
    with writing(store) as writer:
        for number, day in enumerate((None, "2021-03-04", "2025-07-01T09:30:00+02:00", "2023")):
            put(writer, "A note.", info(f"{number}.md", date=day))
    assert store.dates() == ("2021-03-04", "2025-07-01")


def test_a_snapshot_does_not_see_what_is_written_meanwhile(store: Store) -> None:
    """A search that mixed two states could cite text that its document does not hold."""
    with writing(store) as writer:
        put(writer, "The old text.", info("a.md"))
    with Store.open(store.folder) as reader:
        with reader.snapshot():
            before = reader.generation()
            with writing(store) as writer:
                put(writer, "The new text.", info("a.md"))
                put(writer, "Another.", info("b.md"))
            assert reader.document("a.md").text == "The old text."
            assert reader.generation() == before
            assert len(list(reader.documents())) == 1
        assert reader.document("a.md").text == "The new text."
        assert reader.generation() > before


def test_an_index_is_read_while_another_process_has_the_writers_lock(store: Store) -> None:
    with writing(store) as writer:
        put(writer, "A note about horses.", info("a.md"))
        with Store.open(store.folder) as reader:
            assert found(reader, "horses") == {"a.md"}


def test_no_knowledge_base_there_is_said_so_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing) as caught:
        Store.open(tmp_path / "nowhere")
    assert_one_sentence(caught.value)
    assert "kb ingest" in str(caught.value)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("content", [b"this is no database, only some text\n" * 50, bytes(range(256)) * 16])
@pytest.mark.parametrize("create", [False, True])
def test_a_damaged_file_is_one_sentence_that_names_it(tmp_path: Path, content: bytes, create: bool) -> None:
    (tmp_path / DATABASE).write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, create=create)
    assert_one_sentence(caught.value)
    assert str(tmp_path / DATABASE) in str(caught.value)
    assert (tmp_path / DATABASE).read_bytes() == content, (
        "what a person may still want to rescue is not touched"
    )


def test_a_file_that_was_cut_short_is_one_sentence(store: Store) -> None:
    with writing(store) as writer:
        put(writer, "A note.\n\n" * 2000, info("a.md"))
    store.close()
    file = store.folder / DATABASE
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(StoreError) as caught, Store.open(store.folder) as opened, opened.snapshot():
        opened.counts()
    assert_one_sentence(caught.value)


def test_damage_in_the_middle_of_the_file_is_one_sentence(store: Store) -> None:
    """A bad disk block shows only when something is read from it."""
    with writing(store) as writer:
        for i in range(50):
            put(writer, "A note. " * 100, info(f"{i}.md"))
    store.close()
    file = store.folder / DATABASE
    content = file.read_bytes()
    file.write_bytes(content[:8192] + b"\xaa" * (len(content) - 8192))
    with pytest.raises(StoreError) as caught, Store.open(store.folder) as opened, opened.snapshot():
        list(opened.documents())
    assert_one_sentence(caught.value)


def test_an_empty_file_is_not_taken_for_a_knowledge_base(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path)
    assert_one_sentence(caught.value)


def test_a_store_of_another_version_is_refused_with_both_versions(store: Store) -> None:
    store.connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(StoreError) as caught:
        Store.open(store.folder)
    assert str(SCHEMA_VERSION + 1) in str(caught.value) and str(SCHEMA_VERSION) in str(caught.value)


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "kb").write_text("no folder")
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / "kb", create=True)
    assert_one_sentence(caught.value)


@pytest.fixture
def mixed(store: Store) -> Store:
    """A small company's documents of all kinds."""
    with writing(store) as writer:
        for about in (
            info(
                "mail/1.eml",
                kind="mail",
                author="Dana Okafor <Dana@Example.org>",
                date="2024-09-03T09:00:00+02:00",
            ),
            info("mail/2.eml", kind="mail", author="Ines Moreau <ines@example.org>", date="2024-09-04"),
            info("wiki/Straße.md", author="GROẞE", date="2024-01-15"),
            info("wiki/undated.md"),
            info("reports/q3 [final].pdf", kind="pdf", date="2024-10-01"),
        ):
            put(writer, "The launch.", about)
    return store


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), 5),
        (Filters(kinds=("mail",)), 2),
        (Filters(kinds=("mail", "pdf")), 3),
        (Filters(sender="dana"), 1),
        (Filters(sender="DANA@EXAMPLE"), 1),
        (Filters(sender="große"), 1),
        (Filters(sender="%"), 0),
        (Filters(sender="' OR 1=1 --"), 0),
        (Filters(after=date(2024, 9, 3)), 3),
        (Filters(after=date(2024, 9, 4)), 2),
        (Filters(before=date(2024, 9, 4)), 2),
        (Filters(before=date(2024, 9, 3)), 1),
        (Filters(after=date(2024, 9, 3), before=date(2024, 9, 5), kinds=("mail",), sender="ines"), 1),
        (Filters(source="mail/*"), 2),
        (Filters(source="*.md"), 2),
        (Filters(source="wiki"), 2),
        (Filters(source="mail/?.eml"), 2),
        (Filters(source="nothing/*"), 0),
        (Filters(source="' OR '1'='1"), 0),
    ],
)
def test_filters_leave_just_the_documents_they_describe(
    mixed: Store, filters: Filters, expected: int
) -> None:
    """An answer from outside the filter is a wrong answer: the person said where to look."""
    assert len(list(mixed.documents(filters))) == expected
    assert len(mixed.matching(*mixed.filtered(filters))) == expected


def test_a_document_is_named_by_its_ref_or_its_path(mixed: Store) -> None:
    for ref, about, _, _ in mixed.documents():
        assert mixed.document(ref).info == about
        assert mixed.document(about.doc).ref == ref
    assert mixed.document("./wiki/undated.md").info.doc == "wiki/undated.md"
    with pytest.raises(UsageError) as caught:
        mixed.document("wiki/gone.md")
    assert_one_sentence(caught.value)


def test_a_mailbox_is_not_one_document(store: Store) -> None:
    """Showing a random message of the mailbox would be worse than asking which."""
    with writing(store) as writer:
        put(writer, "one", info("box.mbox", part="<1@x>", kind="mail"))
        put(writer, "two", info("box.mbox", part="<2@x>", kind="mail"))
    with pytest.raises(UsageError, match=r"box\.mbox"):
        store.document("box.mbox")


def test_paths_with_any_bytes_are_kept_and_told_apart(store: Store) -> None:
    """File names on Linux are bytes; one that is no UTF-8 must be updated and removed like any other."""
    odd = [
        b"/docs/caf\xe9.md",
        b"/docs/caf\xc3\xa9.md",
        b"/docs/new\nline.md",
        b"/docs/ '\";--.md",
        b"/docs0/x",
        b"/docs",
    ]
    with writing(store) as writer:
        space = toy_space(writer)
        for path in odd:
            doc = os.fsdecode(path).encode("utf-8", "replace").decode()
            file_id = writer.begin_file(path, doc)
            writer.put(file_id, new_document("text", info(doc)), space)
            writer.finish_file(
                file_id, size=4, mtime_ns=1, read_ns=2, digest="d", version="v", failures=[("", "why – 'so'")]
            )
        assert set(writer.files_below(b"/docs")) == set(odd) - {b"/docs0/x"}, (
            "a neighbour's files are not below"
        )
        assert set(writer.files_below(b"/docs/")) >= set(odd[:4])
        assert set(writer.files_below(odd[0])) == {odd[0]}
        state = writer.files_below(odd[0])[odd[0]]
        assert (state.size, state.mtime_ns, state.digest, state.failures) == (
            4,
            1,
            "d",
            (("", "why – 'so'"),),
        )
        writer.begin_file(odd[0], "cafe.md")
        assert writer.files_below(odd[0])[odd[0]].digest is None, (
            "a file begun and not finished is read again"
        )
        assert len(store.failures()) == len(odd)
        writer.add_root(b"/docs/\xff")
        writer.add_root(b"/docs/\xff")
    assert store.roots() == [b"/docs/\xff"]


def test_a_root_folder_holds_everything(store: Store) -> None:
    with writing(store) as writer:
        writer.begin_file(b"/a/b.md", "b.md")
        assert set(writer.files_below(b"/")) == {b"/a/b.md"}

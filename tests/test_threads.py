"""Conversations in mail: who answered whom, every word once, and attachments with their messages."""

import random
from collections.abc import Iterator
from pathlib import Path

import mailbed
import pytest
from helpers import assert_sound, kb_json, put
from hypothesis import given, settings
from hypothesis import strategies as st

from kb import KnowledgeBase
from retrieval.attachments import attachments, carrier
from retrieval.store import Store
from retrieval.threads import Thread, thread
from retrieval.types import DocumentInfo
from retrieval.writer import writing

BED = mailbed.bed()
KEPT = [mail for mail in BED if mail.message["Subject"] != mailbed.MISSING]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A knowledge base with the bed in it."""
    root = tmp_path_factory.mktemp("bed")
    mailbed.write(root / "mail", BED)
    with KnowledgeBase.open(root / "kb", create=True) as base:
        report = base.ingest([root / "mail"])
    assert [failure.doc.rpartition("#")[2] for failure in report.failed] == [f"message {len(_inbox(root))}"]
    return root


def _inbox(root: Path) -> list[bytes]:
    return (root / "mail/inbox.mbox").read_bytes().split(b"From ada@example.org Mon")[1:]


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder / "kb") as opened:
        yield opened


def refs(store: Store) -> dict[str, str]:
    return {about.message_id or "": ref for ref, about, _, _ in store.documents() if about.is_message}


def of(store: Store, message_id: str) -> Thread:
    found = thread(store, store.document(refs(store)[message_id]))
    assert found is not None
    return found


def indexed(store: Store) -> list[tuple[str, str]]:
    """The title and text of every chunk."""
    ids = [row[0] for row in store.connection.execute("SELECT id FROM chunks ORDER BY id")]
    return [(chunk.info.message_id or "", chunk.text) for chunk in store.chunks(ids).values()]


def test_the_bed_is_what_it_says() -> None:
    assert len(BED) >= 55 and len({mail.fact for mail in BED}) == len(BED)


def test_every_conversation_is_rebuilt_across_mailboxes(store: Store) -> None:
    for root in {mail.root for mail in KEPT}:
        expected = [mail for mail in KEPT if mail.root == root]
        for mail in expected:
            found = of(store, mail.id)
            assert found.key == root
            assert [message.info.message_id for message in found.messages] == [one.id for one in expected]
            assert found.messages[found.position - 1].info.message_id == mail.id
            parents = {message.info.message_id: message.answers for message in found.messages}
            there = {one.id for one in KEPT}
            assert parents == {one.id: one.parent if one.parent in there else None for one in expected}


def test_what_is_quoted_is_indexed_once(store: Store) -> None:
    """Quotes fill an index with copies; a sentence whose message is not there would be lost without its quote."""
    chunks = {
        (owner, text) for owner, text in indexed(store)
    }  # a message that two mailboxes hold is a copy of itself
    for mail in BED:
        holders = [owner for owner, text in chunks if mail.fact in " ".join(text.replace(">", " ").split())]
        missing = mail not in KEPT
        assert len(holders) == 1, (mail.fact, holders)
        assert holders == ([mail.id] if not missing else ["c7m1@example.org"])
    assert not any("+49 30" in text for _, text in chunks)  # signatures


def test_attachments_are_found_from_their_message_and_the_other_way_round(store: Store) -> None:
    attached = 0
    for ref, about, _, _ in store.documents():
        document = store.document(ref)
        if about.is_message:
            for other, _ in attachments(store, document):
                above = carrier(store, store.document(other))
                assert above is not None and above[0] == ref
                attached += 1
        else:
            above = carrier(store, document)
            assert above is not None and above[1].message_id == about.message_id
            assert ref in [other for other, _ in attachments(store, store.document(above[0]))]
    assert attached >= len(mailbed.CONVERSATIONS)


def test_show_tells_thread_and_attachments(folder: Path, store: Store) -> None:
    mail = next(mail for mail in KEPT if mail.id == "c0m2@example.org")
    shown = kb_json("show", refs(store)[mail.id], "--kb", folder / "kb")
    assert shown["thread"]["position"] == 3 and len(shown["thread"]["messages"]) == 10
    assert shown["thread"]["messages"][2]["ref"] == shown["ref"]
    (attachment,) = shown["attachments"]
    assert kb_json("show", attachment["ref"], "--kb", folder / "kb")["attached_to"]["ref"] == shown["ref"]


def test_removing_a_message_brings_its_words_back_from_the_answers(tmp_path: Path) -> None:
    """And putting it there again takes them away: nothing lost, nothing twice, whatever the order."""
    root, answer = KEPT[0], KEPT[1]
    for name, mail in (("answer", answer), ("root", root)):  # the answer comes first
        path = tmp_path / "mail" / f"{name}.eml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(mail.message))
        with KnowledgeBase.open(tmp_path / "kb", create=True) as base:
            base.ingest([tmp_path / "mail"], prune=True)
        assert holders(tmp_path, root.fact) == ([answer.id] if name == "answer" else [root.id])
    (tmp_path / "mail/root.eml").unlink()
    with KnowledgeBase.open(tmp_path / "kb") as base:
        base.ingest([tmp_path / "mail"], prune=True)
        assert holders(tmp_path, root.fact) == [answer.id]
        base.reindex()
    assert holders(tmp_path, root.fact) == [answer.id]
    with Store.open(tmp_path / "kb") as store:
        assert_sound(store)


def holders(folder: Path, fact: str) -> list[str]:
    with Store.open(folder / "kb") as store:
        return [owner for owner, text in indexed(store) if fact in " ".join(text.replace(">", " ").split())]


def mail_info(
    name: str, references: tuple[str, ...] = (), title: str = "Plan", day: int = 1, doc: str = ""
) -> DocumentInfo:
    return DocumentInfo(
        doc or f"{name}.eml", "", "mail", title, date=f"2024-09-{day:02}T08:00:00+00:00", message_id=name,
        references=references,
    )  # fmt: skip


def stored(folder: Path, infos: list[DocumentInfo]) -> Store:
    opened = Store.open(folder, create=True)
    with writing(opened) as writer:
        for about in infos:
            put(writer, about.title, about)
    return opened


def test_an_answer_that_names_nothing_goes_by_its_subject(tmp_path: Path) -> None:
    infos = [
        mail_info("a", title="Invoice", day=1),
        mail_info("b", title="Re: Invoice", day=2),
        mail_info("c", title="Invoice", day=10),
        mail_info("d", title="AW: Re: invoice", day=11),
        mail_info("e", ("d",), title="Re: Invoice", day=12),
        mail_info("f", title="Other", day=3),
    ]
    with stored(tmp_path / "kb", infos) as store:
        assert [(m.info.message_id, m.depth, m.by_subject) for m in of(store, "b").messages] == [
            ("a", 0, False), ("b", 1, True)
        ]  # fmt: skip
        for asked in "cde":
            assert [(m.info.message_id, m.depth) for m in of(store, asked).messages] == [
                ("c", 0),
                ("d", 1),
                ("e", 2),
            ]
        assert len(of(store, "f").messages) == 1


def test_a_later_letter_with_an_old_subject_is_another_matter(tmp_path: Path) -> None:
    old = mail_info("a", title="Invoice")
    late = DocumentInfo("b.eml", "", "mail", "Re: Invoice", date="2025-09-01T08:00:00+00:00", message_id="b")
    with stored(tmp_path / "kb", [old, late]) as store:
        assert len(of(store, "b").messages) == 1


def test_a_message_in_many_mailboxes_is_one_in_its_thread(tmp_path: Path) -> None:
    infos = [mail_info("a"), mail_info("a", doc="copy.eml"), mail_info("b", ("a",), day=2)]
    with stored(tmp_path / "kb", infos) as store:
        copy = next(ref for ref, about, _, _ in store.documents() if about.doc == "copy.eml")
        found = thread(store, store.document(copy))
        assert found is not None and found.position == 1
        assert next(m.ref for m in found.messages) == copy and len(found.messages) == 2


def test_answers_to_a_missing_message_are_one_thread_and_circles_end(tmp_path: Path) -> None:
    infos = [
        mail_info("b", ("a",), day=2),
        mail_info("c", ("a",), day=3),
        mail_info("x", ("y",), day=4),
        mail_info("y", ("x",), day=5),
    ]
    with stored(tmp_path / "kb", infos) as store:
        assert of(store, "c").key == "a" and [m.depth for m in of(store, "c").messages] == [0, 0]
        assert {m.info.message_id for m in of(store, "x").messages} == {"x", "y"}


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 11), max_size=5))
def test_the_order_of_arrival_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: random.Random, gone: list[int]
) -> None:
    names = [f"m{number}" for number in range(12)]
    infos = [
        mail_info(name, tuple(names[up] for up in _ancestors(number)), day=number + 1)
        for number, name in enumerate(names)
    ]
    trees = []
    for _ in range(2):
        order.shuffle(infos)
        with stored(tmp_path_factory.mktemp("order") / "kb", infos) as store:
            with writing(store) as writer:
                for name in {f"m{number}" for number in gone if number}:
                    writer.remove_document(store.document(f"{name}.eml").id)
            found = of(store, "m0")
            trees.append((found.key, [(m.info.message_id, m.answers, m.depth) for m in found.messages]))
    assert trees[0] == trees[1]
    assert trees[0][0] == "m0"
    assert len(trees[0][1]) == 12 - len({number for number in gone if number})


def _ancestors(number: int) -> list[int]:
    """The way to the message from the first: each answers the one with half its number."""
    way: list[int] = []
    while number:
        number //= 2
        way.insert(0, number)
    return way

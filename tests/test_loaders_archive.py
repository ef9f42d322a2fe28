"""Archives: their members are found like files in a folder, and what is made to harm costs itself only."""

import bz2
import gzip
import os
import tarfile
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from loading import load

from ingest.loaders import has_loader
from retrieval.errors import LoadError


def zipped(**members: str | bytes) -> bytes:
    target = BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def tarred(mode: str, **members: bytes) -> bytes:
    target = BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, BytesIO(content))
    return target.getvalue()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


MAIL = b"From: a@example.org\nSubject: Hall\n\nBooked.\n"


def test_members_are_documents_named_by_their_paths(tmp_path: Path) -> None:
    inner = zipped(**{"deep.txt": "deep"})
    members = {
        "notes/a.md": "# A\n\nText.", "../../etc/b.txt": "climbed", "c.exe": "MZ", ".hidden/d.txt": "no",
        "m.eml": MAIL, "in.zip": inner, "empty.txt": "",
    }  # fmt: skip
    documents, failures = load(write(tmp_path / "a.zip", zipped(**members)))
    assert failures == []
    assert [(d.info.doc, d.info.part) for d in documents] == [
        ("a.zip", part) for part in ("notes/a.md", "etc/b.txt", "m.eml", "in.zip/deep.txt")
    ]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.tar", "w"),
        ("a.tar.gz", "w:gz"),
        ("a.TGZ", "w:gz"),
        ("a.tar.bz2", "w:bz2"),
        ("v1.2.tar.xz", "w:xz"),
    ],
)
def test_tars_however_packed(tmp_path: Path, name: str, mode: str) -> None:
    path = write(tmp_path / name, tarred(mode, **{"x/a.txt": b"first", "b.txt": b"second"}))
    assert has_loader(path)
    assert [(d.info.part, d.text) for d in load(path)[0]] == [("x/a.txt", "first"), ("b.txt", "second")]


def test_a_member_that_cannot_be_read_is_listed_and_the_others_go_on(tmp_path: Path) -> None:
    data = bytearray(zipped(**{"a.txt": "secret", "b.pdf": "no pdf", "c.mbox": "From x", "d.txt": "fine"}))
    data[data.index(b"PK\x03\x04") + 6] |= (
        1  # "encrypted", in the entry's header and in the central directory
    )
    data[data.index(b"PK\x01\x02") + 8] |= 1
    documents, failures = load(write(tmp_path / "a.zip", bytes(data)))
    assert [d.info.part for d in documents] == ["d.txt"]
    assert [f.part for f in failures] == ["a.txt", "b.pdf", "c.mbox"]
    assert "encrypted" in failures[0].reason and "no message" in failures[2].reason


def test_archives_in_archives_end(tmp_path: Path) -> None:
    data = zipped(**{"a.txt": "innermost"})
    for _ in range(3):
        data = zipped(**{"n.zip": data})
    documents, failures = load(write(tmp_path / "a.zip", data))
    assert documents == [] and [f.part for f in failures] == ["n.zip/n.zip/n.zip"]


def test_bombs_and_damaged_archives_are_refused(tmp_path: Path) -> None:
    zeros = bytes(20 * 2**20)
    for name, data in [("a.zip", zipped(**{"a.txt": zeros})), ("a.tgz", tarred("w:gz", **{"a.txt": zeros}))]:
        with pytest.raises(LoadError, match="unpacks from"):
            load(write(tmp_path / name, data))
    whole = tarred("w", **{"a.txt": b"a" * 2000})
    for name, data in [("b.tar", whole[:1000]), ("b.zip", b"no zip"), ("b.tgz", b"no tar")]:
        with pytest.raises(LoadError, match="damaged"):
            load(write(tmp_path / name, data))


def test_an_archive_attached_to_a_message_is_below_the_message(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["Message-ID"] = "a@example.org", "<1@example.org>"
    message.set_content("See attached.")
    data = zipped(**{"a.txt": "text", "b.pdf": "no pdf"})
    message.add_attachment(data, maintype="application", subtype="zip", filename="all.zip")
    documents, failures = load(write(tmp_path / "m.eml", bytes(message)))
    assert documents[1].info.part == "1@example.org/all.zip/a.txt"
    assert failures[0].part == "1@example.org/all.zip/b.pdf"


def test_a_mailbox_in_an_archive_is_messages_with_their_attachments(tmp_path: Path) -> None:
    """A backup of mail is often a zip; its messages must thread like those of a mailbox that lies open."""
    message = EmailMessage()
    message["From"], message["Message-ID"], message["Subject"] = "a@example.org", "<1@example.org>", "Hall"
    message.set_content("See attached.")
    message.add_attachment(b"Seats,40", maintype="text", subtype="csv", filename="hall.csv")
    mailbox = b"From a@example.org Tue Sep  3 10:15:00 2024\n" + bytes(message)
    packed = {"old/all.mbox": mailbox, "old/2024.txt.gz": gzip.compress(mailbox), "one.eml": bytes(message)}
    for name, data in (("a.zip", zipped(**packed)), ("a.tar", tarred("w", **packed))):
        documents, failures = load(write(tmp_path / name, data))
        assert not failures
        parts = {d.info.part: d.info.is_message for d in documents}
        assert parts == {
            "old/all.mbox/1@example.org": True, "old/all.mbox/1@example.org/hall.csv": False,
            "old/2024.txt.gz/1@example.org": True, "old/2024.txt.gz/1@example.org/hall.csv": False,
            "one.eml": True, "one.eml/1@example.org/hall.csv": False,
        }  # fmt: skip


def test_a_dump_of_a_wiki_in_an_archive_is_its_pages(tmp_path: Path) -> None:
    page = "<page><title>Beer</title><ns>0</ns><revision><text>A drink.</text></revision></page>"
    dump = f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">{page}</mediawiki>'.encode()
    members = {"w.xml": dump, "w.xml.bz2": bz2.compress(dump), "pom.xml": b"<project/>"}
    documents, failures = load(write(tmp_path / "a.zip", zipped(**members)))
    assert [d.info.part for d in documents] == ["w.xml/Beer", "w.xml.bz2/Beer"] and not failures


def test_a_huge_member_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.loaders.archive._MAX_MEMBER_BYTES", 2 * 2**20)
    members = {"huge.txt": os.urandom(3 * 2**20), "a.txt": "fine"}
    documents, failures = load(write(tmp_path / "a.zip", zipped(**members)))
    assert [d.info.part for d in documents] == ["a.txt"]
    assert "3 MB" in failures[0].reason and "unpack it" in failures[0].reason

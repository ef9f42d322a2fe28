"""Mail as it is out there: who wrote what and when, in which words, whatever the sender's program did to it."""

import mailbox
import os
from email.message import EmailMessage, Message
from pathlib import Path

import pytest
from loading import DATA, load, load_one, texts

from ingest.loaders import mail
from retrieval.errors import LoadError


def message(subject: str = "Keys", body: str = "They are in the drawer.\n", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, "Ada Abel <ada@example.org>", "ben@example.org"
    made["Date"] = "Tue, 03 Sep 2024 10:15:00 +0200"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(body)
    return made


def eml(folder: Path, content: Message | bytes) -> Path:
    path = folder / "message.eml"
    path.write_bytes(content if isinstance(content, bytes) else bytes(content))
    return path


def mbox(folder: Path, *messages: bytes) -> Path:
    path = folder / "box.mbox"
    path.write_bytes(
        b"".join(b"From ada@example.org Tue Sep  3 10:15:00 2024\n" + m + b"\n" for m in messages)
    )
    return path


def test_a_message_begins_with_who_when_and_what(tmp_path: Path) -> None:
    document = load_one(eml(tmp_path, message(Message_ID="<1@example.org>", Cc="Carla <carla@example.org>")))
    info = document.info
    assert (info.title, info.author, info.message_id, info.part) == (
        "Keys",
        "Ada Abel <ada@example.org>",
        "1@example.org",
        "",
    )
    assert info.date == "2024-09-03T10:15:00+02:00"
    assert info.recipients == ("ben@example.org", "Carla <carla@example.org>")
    assert texts(document, "meta") == [
        "Subject: Keys\nFrom: Ada Abel <ada@example.org>\nTo: ben@example.org\nCc: Carla <carla@example.org>\n"
        "Date: Tuesday, 03 September 2024 10:15 +0200"
    ]
    assert texts(document, "paragraph") == ["They are in the drawer."]


def test_headers_that_no_standard_allows_cost_nothing_but_themselves() -> None:
    document = load_one(DATA / "mail/broken-headers.eml")
    assert document.info.title == "Café plan für Mai"
    assert document.info.date == "2024-09-03T10:15:00+02:00"  # no date that can be read: when it was received
    assert "Günter <guenter@example.org>" in document.info.recipients
    assert texts(document, "paragraph") == ["The café opens in May."]


def test_raw_bytes_in_headers_are_read_as_what_they_are() -> None:
    document = load_one(DATA / "mail/raw-latin1.eml")
    assert (document.info.title, document.info.author) == ("Grüße aus Köln", "Jürgen Müller <jm@example.org>")
    assert (
        document.info.date == "2024-02-05T08:00:00+00:00"
    )  # "-0000" is UTC, and a time without an offset is none
    assert document.info.message_id and document.info.message_id.startswith("sha256-")
    assert "Schöne Grüße" in document.text


def test_a_charset_made_of_ascii_bytes_is_decoded() -> None:
    document = load_one(DATA / "mail/japanese.eml")
    assert (document.info.title, document.info.author) == ("会議", "山田 <yamada@example.jp>")
    assert texts(document, "paragraph") == ["会議は三月です。"]


def test_only_what_the_sender_wrote_is_indexed() -> None:
    document = load_one(DATA / "mail/inline-reply.eml")
    own = texts(document, "paragraph")
    assert own == ["Hello Ben,", "Yes, but only until Friday.", "I do."]
    quotes = "\n".join(texts(document, "quote"))
    for quoted in (
        "On Tue, 3 Sep 2024",
        "<ben@example.org> wrote:",
        "> Do we take",
        ">> Carla",
        "schrieb Carla Conti:",
        "-----Original Message-----",  # it stands below the signature, and is no part of it
        "The original offer is valid for ten days.",
    ):
        assert quoted in quotes
    assert texts(document, "signature") == ["--\nAda Abel, Head of Purchasing\n+49 30 1234567"]


def test_a_message_that_is_only_a_quote_is_found_all_the_same() -> None:
    assert texts(load_one(DATA / "mail/only-quoted.eml"), "paragraph") == [
        "> The lease ends on 31 March 2026."
    ]


def test_the_html_part_is_read_where_the_plain_one_is_a_stub() -> None:
    document = load_one(DATA / "mail/html-only.eml")
    (own,) = texts(document, "paragraph")
    assert own.startswith("The keys are at the front desk") and "alert(1)" not in document.text
    assert texts(document, "quote") == [
        "On Wed, Sep 4, 2024 at 9:00 AM Ben <ben@example.org> wrote:",
        "> Where are the keys?",
    ]


@pytest.mark.parametrize(
    ("body", "own"),
    [
        ("yes\n\nLe mar. 3 sept. 2024 à 10:15, Ben a écrit :\n> oui?\n", ["yes"]),
        (
            "yes\n\nOn Tuesday, 3 September\n2024, at 10:15, Ben Bright\n<b@c.de> wrote:\n\n> really?\n",
            ["yes"],
        ),
        ("yes\n\nBen <b@c.de> wrote:\n> really?\n", ["yes"]),
        (
            "Ben wrote:\nno quote follows, so this is mine\n",
            ["Ben wrote:\nno quote follows, so this is mine"],
        ),
        ("On that day he wrote: nothing.\n> quoted\n", ["On that day he wrote: nothing."]),
        ("agenda\n--\n" + "a long part below a dash\n" * 20, None),
    ],
)
def test_quotes_are_told_from_text(tmp_path: Path, body: str, own: list[str] | None) -> None:
    found = texts(load_one(eml(tmp_path, message(body=body))), "paragraph")
    if own is None:  # twenty lines below "--" are no signature
        assert "".join(found).count("a long part") == 20
    else:
        assert found == own


def test_attachments_are_documents_of_their_own(tmp_path: Path) -> None:
    made = message(Message_ID="<1@example.org>")
    made.add_attachment("# Minutes\n\nWe agreed.\n", filename="minutes.md")
    made.add_attachment("<p>Price list", subtype="html", filename="../../etc/prices.html")
    made.add_attachment(b"item;price\nbolt;2\n", maintype="text", subtype="csv", filename="prices.csv")
    made.add_attachment(b"PK\x03\x04", maintype="application", subtype="zip", filename="plan.vsdx")
    made.add_attachment("same name", filename="minutes.md")
    inner = message("Inner", "The inner message.\n", Message_ID="<2@example.org>")
    inner.add_attachment("innermost text", filename="note.txt")
    made.add_attachment(inner)
    documents, failures = load(eml(tmp_path, made))
    assert failures == []
    assert (
        "Attachments: minutes.md, prices.html, prices.csv, plan.vsdx, minutes.md#6, message-7.eml"
        in documents[0].text
    )
    found = {d.info.part: (d.info.kind, d.info.title, d.text.strip()[-12:]) for d in documents[1:]}
    assert found == {
        "1@example.org/minutes.md": ("wiki", "Minutes", "\n\nWe agreed."),
        "1@example.org/prices.html": ("wiki", "prices", "Price list"),
        "1@example.org/prices.csv": ("text", "prices", "ice\nbolt | 2"),
        "1@example.org/minutes.md#6": ("wiki", "minutes", "same name"),
        "1@example.org/message-7.eml": ("mail", "Inner", "ner message."),
        "1@example.org/message-7.eml/note.txt": ("text", "note", "nermost text"),
    }
    for document in documents[1:]:  # an attachment is from whom, and from when, the message is
        assert (
            document.info.message_id == "1@example.org"
            and document.info.author == "Ada Abel <ada@example.org>"
        )
        assert document.info.date == "2024-09-03T10:15:00+02:00"


def test_a_broken_attachment_costs_itself_only(tmp_path: Path) -> None:
    made = message(Message_ID="<1@example.org>")
    made.add_attachment(
        b"%PDF-1.7 but not really", maintype="application", subtype="pdf", filename="offer.pdf"
    )
    made.add_attachment(b"\0\1\2\3" * 99, maintype="text", subtype="markdown", filename="junk.md")
    made.add_attachment(
        b"  ", maintype="text", subtype="plain", filename="empty.txt"
    )  # nothing lost, nothing said
    made.add_attachment("fine", filename="fine.txt")
    documents, failures = load(eml(tmp_path, made))
    assert [document.text.strip()[-4:] for document in documents] == ["wer.", "fine"]
    assert [failure.part for failure in failures] == ["1@example.org/offer.pdf", "1@example.org/junk.md"]


def test_messages_in_messages_end_somewhere(tmp_path: Path) -> None:
    made = message("innermost")
    for level in range(20):
        outer = message(f"level {level}")
        outer.add_attachment(made)
        made = outer
    documents, failures = load(eml(tmp_path, made))
    assert [d.info.title for d in documents] == [
        "level 19",
        "level 18",
        "level 17",
        "level 16",
    ] and not failures


def test_a_mailbox_names_its_messages_by_their_ids(tmp_path: Path) -> None:
    first = bytes(message(Message_ID="<1@example.org>"))
    changed = bytes(message(body="Not there!\n", Message_ID="<1@example.org>"))
    documents, failures = load(mbox(tmp_path, first, changed, first, bytes(message("No id"))))
    assert [d.info.part for d in documents][:2] == ["1@example.org", "1@example.org#2"]
    assert len(documents) == 3 and documents[2].info.part.startswith("sha256-") and not failures


def test_a_line_that_begins_with_from_is_not_a_message(tmp_path: Path) -> None:
    body = b"Subject: one\n\nHello,\n\nFrom what I hear it is done.\n>From the start it was.\n"
    documents, _ = load(mbox(tmp_path, body, b"Subject: two\n\nBye\n"))
    assert [d.info.title for d in documents] == ["one", "two"]
    assert "From what I hear it is done.\nFrom the start it was." in documents[0].text


def test_a_mailbox_without_empty_lines_or_dates_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "box.mbox"
    path.write_bytes(
        b"From a@b.c Tue Sep  3 10:15:00 2024\nSubject: one\n\n1\n"
        b"From a@b.c Tue Sep  3 10:16:00 2024\nSubject: two\n\n2\n"
        b"\nFrom somebody\nSubject: three\n\n3\n"
    )
    assert [d.info.title for d in load(path)[0]] == ["one", "two", "three"]


def test_one_bad_message_does_not_cost_the_mailbox(tmp_path: Path) -> None:
    deep = b"Subject: deep\nMessage-ID: <deep@example.org>\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(3000)
    )
    binary = (
        b"Subject: binary\nMessage-ID: <bin@example.org>\nContent-Transfer-Encoding: base64\n\n"
        + b"AAEC" * 200
    )
    documents, failures = load(mbox(tmp_path, b"Subject: one\n\n1\n", deep, binary, b"Subject: two\n\n2\n"))
    assert [d.info.title for d in documents] == ["one", "two"]
    assert [f.part for f in failures] == ["message 2", "bin@example.org"]


def test_a_mailbox_larger_than_memory_is_read_message_by_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.loaders.mailbox.MAX_MESSAGE_BYTES", 1000)
    documents, failures = load(
        mbox(tmp_path, b"Subject: one\n\n1\n", b"Subject: huge\n\n" + b"x" * 5000, b"Subject: two\n\n2\n")
    )
    assert [d.info.title for d in documents] == ["one", "two"]
    assert [f.part for f in failures] == ["message 2"] and "larger" in failures[0].reason


@pytest.mark.parametrize("content", [b"no mailbox at all\n", b"\x00\x01\x02" * 1000])
def test_a_file_that_is_no_mailbox_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "box.mbox"
    path.write_bytes(content)
    with pytest.raises(LoadError, match="holds no message"):
        load(path)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0", b"Just some words\nand more.\n", b"\n\n\n"])
def test_a_file_that_is_no_message_says_so(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(LoadError, match=r"not look like a message|empty"):
        load(eml(tmp_path, content))


def test_a_maildir_is_read_without_what_is_no_message(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "Mail")
    for number in range(3):
        box.add(message(f"Number {number}", Message_ID=f"<{number}@example.org>"))
    os.mkfifo(tmp_path / "Mail/new/pipe")  # opening it would wait for ever
    (tmp_path / "Mail/cur/link").symlink_to("/etc/hostname")
    documents, failures = load(tmp_path / "Mail")
    assert {d.info.part for d in documents} == {
        "0@example.org",
        "1@example.org",
        "2@example.org",
    } and not failures


def test_a_mail_to_the_whole_company_does_not_drown_in_its_recipients(tmp_path: Path) -> None:
    made = (
        b"Subject: x\nFrom: a@example.org\nTo: "
        + b", ".join(b"p%d@example.org" % n for n in range(400))
        + b"\n\nHello\n"
    )
    document = load_one(eml(tmp_path, made))
    assert (
        len(document.info.recipients) == 400 and "and 388 more" in document.text and len(document.text) < 500
    )


def test_a_large_message_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "MAX_MESSAGE_BYTES", 100)
    with pytest.raises(LoadError, match="larger"):
        load(eml(tmp_path, message(body="x" * 200)))

"""Mail as programs keep it: Apple Mail's and Outlook's files, packed mailboxes and lists' archives, invitations."""

import bz2
import gzip
import os
from email.message import EmailMessage
from pathlib import Path

import pytest
from loading import load, load_one, texts
from outlook_file import attached, compound_file, outlook_message

from ingest.loaders import has_loader, packed
from retrieval.errors import LoadError

MESSAGE = (
    b"From: Ada Abel <ada@example.org>\nTo: ben@example.org\nSubject: Keys\nMessage-ID: <1@example.org>\n"
    b"Date: Tue, 03 Sep 2024 10:15:00 +0200\n\nThey are in the drawer.\n"
)
PLIST = b'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict/></plist>\n'
FROM = b"From ada@example.org Tue Sep  3 08:15:00 2024\n"


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("length", [len(MESSAGE), 7, 10**9])
def test_a_message_of_apple_mail_is_read_even_where_its_length_is_wrong(tmp_path: Path, length: int) -> None:
    document = load_one(written(tmp_path, "12.emlx", b"%d      \n" % length + MESSAGE + PLIST))
    assert (document.info.title, document.info.message_id) == ("Keys", "1@example.org")
    assert texts(document, "paragraph") == ["They are in the drawer."]


@pytest.mark.parametrize("data", [MESSAGE, b"12\n" + b"\0" * 40, b"99\n\n"])
def test_a_file_that_apple_mail_did_not_write_says_so(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(LoadError, match=r"not look like|empty"):
        load(written(tmp_path, "12.emlx", data))


def test_a_message_of_outlook_has_its_people_text_and_attachments(tmp_path: Path) -> None:
    inner = outlook_message(
        {0x0037: "Inner", 0x1000: "The inner message.", 0x1035: "<2@example.org>"}, inner=True
    )
    tree = outlook_message(
        {
            0x0037: "Schlüssel", 0x0C1A: "Ada Abel", 0x0C1F: "/O=EXAMPLE/CN=ADA", 0x5D01: "ada@example.org",
            0x1000: "Sie liegen in der Schublade.\r\n\r\nVon: Ben\r\nGesendet: Mo\r\nAn: Ada\r\nBetreff: x\r\n\r\nWo?",
            0x1035: "<1@example.org>", 0x1042: "<0@example.org>",
        },
        recipients=[("Ben Bright", "ben@example.org")],
        attachments=[attached("minutes.md", b"# Minutes\n\n" + b"We agreed. " * 600), attached("", inner)],
    )  # fmt: skip
    documents, failures = load(written(tmp_path, "keys.msg", compound_file(tree)))
    info = documents[0].info
    assert (info.title, info.author, info.message_id) == (
        "Schlüssel",
        "Ada Abel <ada@example.org>",
        "1@example.org",
    )
    assert (info.recipients, info.references) == (("Ben Bright <ben@example.org>",), ("0@example.org",))
    assert texts(documents[0], "paragraph") == ["Sie liegen in der Schublade."]
    assert [(d.info.title, d.info.part) for d in documents[1:]] == [
        ("Minutes", "1@example.org/minutes.md"),
        ("Inner", "1@example.org/message-3.eml"),
    ]
    assert len(documents[1].text) > 6000 and not failures


def test_the_headers_that_an_outlook_message_came_with_are_its_own(tmp_path: Path) -> None:
    headers = (
        MESSAGE.partition(b"\n\n")[0].decode() + "\r\nContent-Type: multipart/related; boundary=x\r\n\r\n"
    )
    html = {0x1013: b"<p>They are in the <b>drawer</b>.</p>"}
    data = compound_file(outlook_message({0x007D: headers, 0x0037: "other"}, binaries=html))
    document = load_one(written(tmp_path, "keys.msg", data))
    assert (document.info.title, document.info.date) == ("Keys", "2024-09-03T10:15:00+02:00")
    assert texts(document, "paragraph") == ["They are in the drawer."]


def test_text_that_outlook_keeps_where_it_is_not_read_is_said_to_be_unread(tmp_path: Path) -> None:
    data = compound_file(
        outlook_message({0x0037: "Keys", 0x1035: "<1@x.y>"}, binaries={0x1009: b"LZFu" + bytes(40)})
    )
    documents, failures = load(written(tmp_path, "keys.msg", data))
    assert len(documents) == 1 and "RTF" in failures[0].reason


@pytest.mark.parametrize("cut", [8, 600, 1500])
def test_a_damaged_outlook_message_is_refused_with_a_reason(tmp_path: Path, cut: int) -> None:
    data = compound_file(outlook_message({0x0037: "Keys", 0x1000: "text " * 2000}))
    with pytest.raises(LoadError):
        load(written(tmp_path, "keys.msg", data[:cut]))
    with pytest.raises(LoadError, match="Outlook"):
        load(written(tmp_path, "de.msg", b"# a catalogue of messages\n"))


def test_a_message_that_is_attached_as_a_file_is_read_as_one(tmp_path: Path) -> None:
    outer = EmailMessage()
    outer["Subject"], outer["Message-ID"] = "Outer", "<9@example.org>"
    outer.set_content("see below")
    outlook = compound_file(outlook_message({0x0037: "From Outlook", 0x1000: "The keys."}))
    for name, data in (("a.emlx", b"%d\n" % len(MESSAGE) + MESSAGE), ("b.msg", outlook)):
        outer.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    documents, failures = load(written(tmp_path, "outer.eml", bytes(outer)))
    assert [(d.info.title, d.info.part, d.info.kind) for d in documents[1:]] == [
        ("Keys", "9@example.org/a.emlx", "mail"),
        ("From Outlook", "9@example.org/b.msg", "mail"),
    ] and not failures


@pytest.mark.parametrize("name", ["box.mbox.gz", "box.mbx.bz2", "2024-September.txt.gz"])
def test_packed_mailboxes_and_the_archives_of_lists_are_read(tmp_path: Path, name: str) -> None:
    pack = gzip.compress if name.endswith("gz") else bz2.compress
    path = written(tmp_path, name, pack(FROM + MESSAGE + b"\n" + FROM + MESSAGE.replace(b"1@", b"2@")))
    assert has_loader(path)
    documents, failures = load(path)
    assert [d.info.part for d in documents] == ["1@example.org", "2@example.org"] and not failures


def test_addresses_that_an_archive_hides_are_addresses(tmp_path: Path) -> None:
    data = (
        b"From ada at example.org  Tue Sep  3 08:15:00 2024\nFrom: ada at example.org (Ada Abel)\n\nText.\n"
    )
    document = load_one(written(tmp_path, "2024-September.txt.gz", gzip.compress(data)))
    assert (document.info.author, document.info.date_from) == ("Ada Abel <ada@example.org>", "mailbox")


def test_a_packed_text_that_is_no_mailbox_is_a_text(tmp_path: Path) -> None:
    document = load_one(written(tmp_path, "notes.txt.gz", gzip.compress(b"The keys are in the drawer.\n")))
    assert (document.info.kind, document.info.title) == ("text", "notes")
    assert not has_loader(tmp_path / "backup.bin.gz") and not has_loader(tmp_path / ".txt.gz")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_mailbox_that_is_cut_off_keeps_what_came_before(tmp_path: Path, pack) -> None:
    noise = b"".join(os.urandom(45).hex().encode() + b"\n" for _ in range(30_000))
    boxes = b"".join(FROM + MESSAGE.replace(b"<1@", b"<%d@" % n) + noise + b"\n" for n in range(2))
    name = "box.mbox.gz" if pack is gzip.compress else "box.mbox.bz2"
    whole = pack(boxes)
    path = written(tmp_path, name, whole[: len(whole) * 3 // 4])
    from ingest.loaders import loader_for

    loader = loader_for(path)
    assert loader is not None
    read = []
    with pytest.raises(LoadError, match="damaged or cut off"):
        read += [item.info.message_id for item in loader(path, name) if read.append(item) is None]
    assert len(read) == 1  # the first message, and not half of the second


def test_a_packed_mailbox_that_is_made_to_fill_the_disk_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "SMALL_BYTES", 2**20)
    with pytest.raises(LoadError, match="unpacks to more than 1 MB"):
        load(written(tmp_path, "bomb.mbox.gz", gzip.compress(FROM + b"Subject: x\n\n" + b"0" * 2**23)))


INVITATION = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Berlin
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0200
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1
SUMMARY:Review of the budget
DTSTART;TZID=Berlin:20240903T101500
DTEND;TZID=Berlin:20240903T111500
LOCATION:Room 2\\, Berlin
ORGANIZER;CN=Ada Abel:mailto:ada@example.org
ATTENDEE;CN=Ben:mailto:ben@example.org
ATTENDEE:mailto:carla@example.org
RRULE:FREQ=WEEKLY;UNTIL=20241231T000000Z;BYDAY=TU
DESCRIPTION:Bring the numbers.\\nAnd coffee.
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize("as_file", [True, False])
def test_an_invitation_says_what_when_where_and_who(tmp_path: Path, as_file: bool) -> None:
    made = EmailMessage()
    made["Subject"], made["Message-ID"] = "Invitation", "<1@example.org>"
    made.set_content("You are invited to the review, with all of its details in the invitation.")
    made.add_alternative(INVITATION, subtype="calendar")
    if as_file:
        made.make_mixed()
        made.add_attachment(INVITATION.encode(), maintype="application", subtype="ics", filename="invite.ics")
    documents, failures = load(written(tmp_path, "invitation.eml", bytes(made)))
    assert len(documents) == 2 and not failures  # the event once, though it was sent twice
    assert documents[1].info.part == (
        "1@example.org/invite.ics" if as_file else "1@example.org/invitation-2.ics"
    )
    assert documents[1].info.title == "Review of the budget"
    assert documents[1].text == (
        "Event: Review of the budget\nWhen: Tuesday, 03 September 2024 10:15 to 11:15 (+0200, Berlin)\n"
        "Repeats: weekly on TU until 31 December 2024\nWhere: Room 2, Berlin\nOrganizer: Ada Abel <ada@example.org>\n"
        "Attendees: Ben <ben@example.org>, carla@example.org\nBring the numbers.\nAnd coffee."
    )


def test_a_calendar_tells_days_and_cancellations(tmp_path: Path) -> None:
    events = (
        "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:Fair\nDTSTART;VALUE=DATE:20240903\n"
        "DTEND;VALUE=DATE:20240906\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:Call\nDTSTART:20240903T080000Z\nEND:VEVENT\n"
        "END:VCALENDAR\n"
    )
    document = load_one(written(tmp_path, "team.ics", events.encode()))
    assert texts(document, "paragraph") == [
        "Event: Cancelled: Fair\nWhen: Tuesday, 03 September 2024 to the day before Friday, 06 September 2024",
        "Event: Cancelled: Call\nWhen: Tuesday, 03 September 2024 08:00 (+0000)",
    ]


@pytest.mark.parametrize(
    "data", [b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", b"no calendar\n", b"BEGIN:VEVENT\nSUMMARY\n"]
)
def test_a_calendar_without_events_says_so(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(LoadError):
        load(written(tmp_path, "team.ics", data))


def test_attachments_in_outlooks_own_packing_are_said_to_be_unread(tmp_path: Path) -> None:
    made = EmailMessage()
    made["Subject"], made["Message-ID"] = "Offer", "<1@example.org>"
    made.set_content("The offer is attached.")
    made.add_attachment(b"x\x9f>\x22" * 9, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    documents, failures = load(written(tmp_path, "offer.eml", bytes(made)))
    assert "Attachments: winmail.dat" in documents[0].text
    assert failures[0].part == "1@example.org/winmail.dat" and "not read" in failures[0].reason


def test_labels_of_gmail_are_part_of_the_message(tmp_path: Path) -> None:
    data = FROM + b"X-Gmail-Labels: Inbox,=?UTF-8?Q?B=C3=BCro?=,Opened,Project Wren\n" + MESSAGE
    assert "\nLabels: Büro, Project Wren\n" in load_one(written(tmp_path, "all.mbox", data)).text


@pytest.mark.parametrize(
    ("headers", "date", "source"),
    [
        (b"Date: Tue, 03 Sep 2024 10:15:00 +0200\n", "2024-09-03T10:15:00+02:00", "header"),
        (b"Date: yesterday\nReceived: by x; Tue, 3 Sep 2024 09:00:00 +0000\n", "2024-09-03T09:00:00+00:00", "received"),
        (b"Date: Tue, 03 Sep 2044 10:15:00 +0200\nReceived: by x; Tue, 3 Sep 2024 09:00:00 +0000\n",
         "2024-09-03T09:00:00+00:00", "received"),  # sent twenty years after it was received
        (b"Date: Thu, 01 Jan 1970 00:00:00 +0000\n", "2024-09-03T08:15:00+00:00", "mailbox"),
        (b"", "2024-09-03T08:15:00+00:00", "mailbox"),
    ],
)  # fmt: skip
def test_a_wrong_date_is_not_believed(tmp_path: Path, headers: bytes, date: str, source: str) -> None:
    document = load_one(written(tmp_path, "box.mbox", FROM + b"Subject: x\n" + headers + b"\nText.\n"))
    assert (document.info.date, document.info.date_from) == (date, source)


def test_a_message_without_any_date_has_its_files_and_does_not_say_so_itself(tmp_path: Path) -> None:
    (tmp_path / "Mail").mkdir()
    for name in ("cur", "new", "tmp"):
        (tmp_path / "Mail" / name).mkdir()
    for path in (tmp_path / "x.eml", tmp_path / "Mail/cur/1.eml"):
        path.write_bytes(b"Subject: x\n\nText.\n")
        os.utime(path, (1725350400, 1725350400))
    for place in (tmp_path / "x.eml", tmp_path / "Mail"):
        document = load_one(place)
        assert (document.info.date, document.info.date_from) == ("2024-09-03T08:00:00+00:00", "file")
        assert "Date:" not in document.text


@pytest.mark.parametrize(
    ("headers", "references"),
    [
        ("References: <a@x> <b@x>\nIn-Reply-To: <b@x>", ("a@x", "b@x")),
        ("In-Reply-To: <b@x>", ("b@x",)),
        ("References: <a@x>\nIn-Reply-To: <b@x>", ("a@x", "b@x")),
        (
            "From: Ben <ben@x>\nTo: Ada <ada@x>\nIn-Reply-To: Message from Ada <ada@x> of Monday <b@x>",
            ("b@x",),
        ),
        ("References: <a@x>\n <a@x> <1@x> junk\n\t<b@x>", ("a@x", "b@x")),
        ("In-Reply-To: your letter", ()),
    ],
)
def test_what_a_message_answers(tmp_path: Path, headers: str, references: tuple[str, ...]) -> None:
    data = f"Subject: Re: x\nMessage-ID: <1@x>\n{headers}\n\nYes.\n".encode()
    assert load_one(written(tmp_path, "x.eml", data)).info.references == references

"""A bed of messages for tests: conversations in English and German, between people whose mail programs quote in three
ways, spread over two mailboxes and a folder."""

import gzip
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

PEOPLE = ("Ada Abel", "Ben Bright", "Carla Conti", "Dirk Dorn")
PROGRAMS = ("gmail", "outlook", "thunderbird")
# For each conversation its subject, its language, and for each message after the first the one that it answers.
CONVERSATIONS = (
    ("Antenna supplier", "en", (0, 1, 2, 3, 1, 5, 0, 7, 8)),
    ("Lieferung der Kabel", "de", (0, 1, 1, 3, 3, 5, 0)),
    ("Office move", "en", (0, 0, 0, 1, 2, 3, 6, 7, 8, 9)),
    ("Budget für das Fest", "de", (0, 1, 2, 3, 4, 5, 6, 7)),
    ("Wren test flight", "en", (0, 1, 0, 3, 0, 5, 2, 4)),
    ("Urlaubsplanung", "de", (0, 0, 2, 2, 1)),
    ("Printer", "en", (0, 1, 2)),
)
# Of this conversation nobody has the first message; its two answers quote it.
MISSING = "Parking"
START = datetime(2024, 9, 2, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Mail:
    """A message of the bed. `fact` is its own sentence, which no other message says by itself."""

    id: str
    parent: str | None
    root: str
    fact: str
    body: str
    message: EmailMessage


def bed() -> list[Mail]:
    """All messages, by conversation and date."""
    mails: list[Mail] = []
    for number, (subject, language, answers) in enumerate(CONVERSATIONS):
        mails += _conversation(number, subject, language, (None, *answers))
    return [*mails, *_conversation(len(CONVERSATIONS), MISSING, "en", (None, 0, 0))]


def write(folder: Path, mails: list[Mail]) -> Path:
    """Two mailboxes, of which some messages lie in both, a folder of files, and a broken message in the first mailbox.
    Where the first message of a conversation is missing, it is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = [mail for mail in mails if mail.message["Subject"] != MISSING]
    first = [mail for number, mail in enumerate(kept) if number % 3 != 1]
    second = [mail for number, mail in enumerate(kept) if number % 3 == 1 or number % 10 == 0]
    deep = b"Subject: broken\nMessage-ID: <broken@example.org>\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(3000)
    )
    files, boxed = first[:6], first[6:]
    (folder / "inbox.mbox").write_bytes(_mbox([*(bytes(mail.message) for mail in boxed[::-1]), deep]))
    (folder / "archive.mbox.gz").write_bytes(gzip.compress(_mbox([bytes(mail.message) for mail in second])))
    (folder / "letters").mkdir(exist_ok=True)
    for mail in files:
        (folder / "letters" / f"{mail.id.partition('@')[0]}.eml").write_bytes(bytes(mail.message))
    return folder


def _conversation(number: int, subject: str, language: str, answers: tuple[int | None, ...]) -> list[Mail]:
    mails: list[Mail] = []
    for place, answered in enumerate(answers):
        parent = None if answered is None else mails[answered]
        mails.append(_mail(number, place, subject, language, parent, mails[0] if mails else None))
    return mails


def _mail(
    number: int, place: int, subject: str, language: str, parent: Mail | None, root: Mail | None
) -> Mail:
    name = PEOPLE[(number + place) % len(PEOPLE)]
    program = PROGRAMS[(number + place) % len(PROGRAMS)]
    identifier = f"c{number}m{place}@example.org"
    word = f"{subject.split()[-1].lower()}{chr(97 + number)}{chr(97 + place)}"
    fact = {
        "en": f"The figure named {word} was agreed at {number * 100 + place} crates on the {place + 3}th.",
        "de": f"Der Wert namens {word} wurde am {place + 3}. mit {number * 100 + place} Kisten vereinbart.",
    }[language]
    body = fact if parent is None else _answer(program, language, fact, parent)
    made = EmailMessage()
    made["From"] = _address(name)
    made["To"] = ", ".join(_address(other) for other in PEOPLE if other != name)
    answer = {"en": "Re: ", "de": "AW: "}[language] if parent else ""
    made["Subject"] = answer + subject
    made["Date"] = format_datetime(START + timedelta(days=number, hours=place))
    made["Message-ID"] = f"<{identifier}>"
    if parent is not None:
        made["In-Reply-To"] = f"<{parent.id}>"
        if program != "outlook":  # which names the parent only
            made["References"] = f"{parent.message.get('References', '')} <{parent.id}>".strip()
    made.set_content(body)
    if place == 2:
        made.add_attachment(
            f"# Notes {word}\n\nThe list of {word} has {place} pages.\n", filename=f"{word}.md"
        )
    return Mail(identifier, parent.id if parent else None, root.id if root else identifier, fact, body, made)


def _answer(program: str, language: str, fact: str, parent: Mail) -> str:
    sender, date = str(parent.message["From"]), str(parent.message["Date"])
    marked = "\n".join(
        f">{'' if line.startswith('>') else ' '}{line}".rstrip() for line in parent.body.split("\n")
    )
    if program == "gmail":
        line = {"en": f"On {date} {sender} wrote:", "de": f"Am {date} schrieb {sender}:"}[language]
        return f"{fact}\n\n{line.replace(' <', chr(10) + '<')}\n\n{marked}\n"
    if program == "outlook":
        labels = {"en": ("From", "Sent", "To", "Subject"), "de": ("Von", "Gesendet", "An", "Betreff")}[
            language
        ]
        values = (sender, date, parent.message["To"], parent.message["Subject"])
        header = "\n".join(f"{label}: {value}" for label, value in zip(labels, values, strict=True))
        rule = {"en": "-----Original Message-----\n", "de": "________________________________\n"}[language]
        return f"{fact}\n\nKind regards\n\n{rule}{header}\n\n{parent.body}\n"
    line = {"en": f"On {date[5:16]} {sender} wrote:", "de": f"Am {date[5:16]} schrieb {sender}:"}[language]
    return f"{line}\n{marked}\n\n{fact}\n\n-- \n{PEOPLE[0]}, +49 30 1234567\n"


def _address(name: str) -> str:
    return f"{name} <{name.split()[0].lower()}@example.org>"


def _mbox(messages: list[bytes]) -> bytes:
    line = b"From ada@example.org Mon Sep  2 08:00:00 2024\n"
    return b"".join(line + message.replace(b"\nFrom ", b"\n>From ") + b"\n" for message in messages)

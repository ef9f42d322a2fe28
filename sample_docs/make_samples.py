"""Makes pdf/*.pdf, mail/team.mbox and mail/*.eml from the texts in .sources/.

    python sample_docs/make_samples.py [FOLDER]

FOLDER is where pdf/ and mail/ are written, this folder unless given. Running it again gives the same bytes: no clock,
no random boundary, no compression (whose output depends on the zlib at hand). Needs reportlab.
"""

import base64
import os
import quopri
import re
import sys
import textwrap
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from html import escape
from io import BytesIO
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, ListFlowable, ListItem, PageBreak, PageTemplate
from reportlab.platypus import Paragraph, Spacer, Table, TableStyle

HERE = Path(__file__).resolve().parent
SOURCES = HERE / ".sources"
COMPANY = "Hollinvane Controls"
GREEN = colors.HexColor("#2f5d43")
HEADINGS = {
    "h1": ParagraphStyle("h1", fontName="Helvetica-Bold", fontSize=19, leading=23, textColor=GREEN, spaceAfter=8),
    "h2": ParagraphStyle(
        "h2", fontName="Helvetica-Bold", fontSize=13.5, leading=17, spaceBefore=12, spaceAfter=5, keepWithNext=1
    ),
    "h3": ParagraphStyle(
        "h3", fontName="Helvetica-Bold", fontSize=11, leading=14, spaceBefore=8, spaceAfter=3, keepWithNext=1
    ),
}
BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10.5, leading=15, spaceAfter=7)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=9, leading=11.5, spaceAfter=0)


def split_front(text: str) -> tuple[dict[str, str], str]:
    """The `key: value` lines before the first empty line, and the rest."""
    head, _, body = text.partition("\n\n")
    return dict(line.split(": ", 1) for line in head.splitlines()), body


def inline(text: str) -> str:
    """**bold** and plain text as reportlab's markup, on one line."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(" ".join(text.split()), quote=False))


def table(lines: list[str], width: float) -> Table:
    """A grid from `| a | b |` lines; the first is the header row, columns as wide as their longest cells ask."""
    rows = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in lines if not line.startswith("|--")]
    asked = [min(max(len(row[i]) for row in rows), 40) + 3 for i in range(len(rows[0]))]
    grid = [
        [Paragraph(f"<b>{inline(c)}</b>" if n == 0 else inline(c), CELL) for c in row] for n, row in enumerate(rows)
    ]
    style = [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e3ece6")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    return Table(
        grid, [width * share / sum(asked) for share in asked], repeatRows=1, style=TableStyle(style),
        spaceBefore=4, spaceAfter=8,
    )  # fmt: skip


def flowables(body: str, width: float) -> list[Flowable]:
    """The small Markdown of the PDF sources: #, ##, ### headings, lists, tables, paragraphs, === for a new page."""
    out: list[Flowable] = []
    for block in re.split(r"\n\s*\n", body.strip()):
        lines = block.splitlines()
        if block.strip() == "===":
            out.append(PageBreak())
        elif heading := re.match(r"(#{1,3}) (.+)", block):
            out.append(Paragraph(inline(heading[2]), HEADINGS[f"h{len(heading[1])}"]))
        elif lines[0].startswith("|"):
            out.append(table(lines, width))
        elif marker := re.match(r"(- |\d+\. )", lines[0]):
            items = re.split(r"\n(?=- |\d+\. )", block)
            kind = "bullet" if marker[1] == "- " else "1"
            texts = [Paragraph(inline(re.sub(r"^(- |\d+\. )", "", item)), BODY) for item in items]
            out.append(ListFlowable([ListItem(text) for text in texts], bulletType=kind, bulletFontSize=9))
            out.append(Spacer(0, 4))
        else:
            out.append(Paragraph(inline(block), BODY))
    return out


class Report(BaseDocTemplate):
    """A document with a running header and footer, and its headings as the outline."""

    def __init__(self, target: BytesIO, front: dict[str, str]) -> None:
        size = A5 if front.get("paper") == "A5" else A4
        side = (14 if size == A5 else 24) * mm
        super().__init__(
            target, pagesize=size, leftMargin=side, rightMargin=side, topMargin=24 * mm, bottomMargin=22 * mm,
            title=front["title"], author=front["author"], subject=front["subject"], creator=COMPANY,
            invariant=1, pageCompression=0,
        )  # fmt: skip
        self.front = front
        self.seen = 0
        frame = Frame(self.leftMargin, self.bottomMargin, self.width, self.height, leftPadding=0, rightPadding=0)
        self.addPageTemplates(PageTemplate("page", [frame], onPage=self.furniture))

    def furniture(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        created = date.fromisoformat(self.front["date"])
        canvas.setDateFormatter(lambda *_: f"D:{created:%Y%m%d}090000+00'00'")
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(colors.dimgrey)
        left, right, height = self.leftMargin, self.pagesize[0] - self.rightMargin, self.pagesize[1]
        canvas.drawString(left, height - 14 * mm, f"{COMPANY} | {self.front['title']}")
        canvas.drawRightString(right, 12 * mm, f"Page {canvas.getPageNumber()}")
        canvas.drawString(left, 12 * mm, self.front["footer"])
        canvas.line(left, height - 16 * mm, right, height - 16 * mm)

    def afterFlowable(self, flowable: Flowable) -> None:
        name = getattr(getattr(flowable, "style", None), "name", "")
        if name in HEADINGS:
            self.seen += 1
            self.canv.bookmarkPage(f"s{self.seen}")
            self.canv.addOutlineEntry(flowable.getPlainText(), f"s{self.seen}", int(name[1]) - 1, closed=False)


def make_pdf(source: Path) -> bytes:
    front, body = split_front(source.read_text(encoding="utf-8"))
    target = BytesIO()
    report = Report(target, front)
    report.build(flowables(body, report.width))
    return target.getvalue()


@dataclass(frozen=True)
class Message:
    head: dict[str, str]
    body: str

    @property
    def message_id(self) -> str:
        return f"<{self.head['id']}@mail.{PEOPLE[self.head['from']][1].rpartition('@')[2]}>"


def read_messages(source: Path) -> list[Message]:
    return [Message(*split_front(part.strip("\n"))) for part in source.read_text(encoding="utf-8").split("\n%%%%\n")]


def read_people() -> dict[str, tuple[str, str, list[str]]]:
    """key -> (name, address, signature lines)."""
    people = {}
    for line in (SOURCES / "people.txt").read_text(encoding="utf-8").splitlines():
        key, name, address, *signature = (part.strip() for part in line.split("|"))
        people[key] = (name, address, signature)
    return people


PEOPLE = read_people()


def encoded_word(text: str) -> str:
    """RFC 2047: Latin-1 names in Q encoding, as older mail programs write them, others in UTF-8 and base64."""
    if text.isascii():
        return text
    try:
        q = quopri.encodestring(text.encode("latin-1"), header=True).decode()
        return f"=?iso-8859-1?Q?{q}?="
    except UnicodeEncodeError:
        return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


def addresses(keys: str) -> str:
    return ",\n ".join(f"{encoded_word(PEOPLE[key][0])} <{PEOPLE[key][1]}>" for key in keys.split())


def wrapped(text: str) -> str:
    """Paragraphs with long lines broken at 76 columns, as mail programs do; lists, quotes and short lines as typed."""
    blocks = text.split("\n\n")
    long = [not b.startswith((" ", ">")) and max(map(len, b.splitlines()), default=0) > 76 for b in blocks]
    return "\n\n".join(textwrap.fill(b, 76) if fill else b for b, fill in zip(blocks, long, strict=True))


def own_text(message: Message) -> str:
    """What the sender typed, without quotes: what a reply quotes."""
    text = message.body.partition("\n%%html\n")[0]
    return wrapped("\n".join(s for s in text.splitlines() if s != "@quote" and not s.startswith(">")).strip())


def plain_body(message: Message, known: dict[str, Message]) -> str:
    """The body with `@quote` lines filled in and the sender's signature at the end."""
    body = wrapped(message.body.partition("\n%%html\n")[0].rstrip())
    if "@quote" in body:
        parent = known[message.head["reply"]]
        when = parsedate_to_datetime(parent.head["date"])
        line = f"On {when:%a}, {when.day} {when:%b %Y at %H:%M}, {PEOPLE[parent.head['from']][0]} wrote:"
        quoted = "\n".join(f"> {text}".rstrip() for text in own_text(parent).splitlines())
        body = body.replace("@quote", f"{line}\n{quoted}")
    signature = PEOPLE[message.head["from"]][2]
    return "\n".join([body, "", "-- ", *signature, ""]) if signature else body + "\n"


def part(text: str, subtype: str, encoding: str) -> str:
    """One text part: its headers, an empty line, and its encoded body."""
    if encoding == "base64":
        body = base64.encodebytes(text.encode()).decode()
    elif encoding == "quoted-printable":
        body = quopri.encodestring(text.encode()).decode()
    else:
        encoding = "7bit" if text.isascii() else "8bit"
        body = text
    charset = "us-ascii" if encoding == "7bit" else "utf-8"
    return f"Content-Type: text/{subtype}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n{body}"


def attachment(name: str) -> str:
    """An attachment from .sources/attachments; NAME.pdf is made from NAME.md there."""
    source = SOURCES / "attachments" / name
    types = {".pdf": "application/pdf", ".md": "text/markdown; charset=utf-8", ".csv": "text/csv; charset=utf-8"}
    data = make_pdf(source.with_suffix(".md")) if source.suffix == ".pdf" else source.read_bytes()
    return (
        f'Content-Type: {types[source.suffix]}\nContent-Disposition: attachment; filename="{name}"\n'
        f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(data).decode()}"
    )


def multipart(subtype: str, parts: list[str], boundary: str) -> str:
    inner = "".join(f"--{boundary}\n{text.rstrip()}\n\n" for text in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\n\n{inner}--{boundary}--\n'


def render(message: Message, known: dict[str, Message]) -> str:
    """The message in RFC 5322 form with \\n line ends."""
    head = message.head
    lines = [
        f"Message-ID: {message.message_id}", f"Date: {head['date']}", f"From: {addresses(head['from'])}",
        f"To: {addresses(head['to'])}", *([f"Cc: {addresses(head['cc'])}"] if "cc" in head else []),
        f"Subject: {encoded_word(head['subject'])}",
    ]  # fmt: skip
    chain, parent = [], head.get("reply")
    while parent:
        chain.insert(0, known[parent].message_id)
        parent = known[parent].head.get("reply")
    if chain:
        lines += [f"In-Reply-To: {chain[-1]}", "References: " + "\n ".join(chain)]
    lines.append("MIME-Version: 1.0")
    form, boundary = head.get("form", "plain"), f"=_part_{head['id']}"
    text, html = plain_body(message, known), message.body.partition("\n%%html\n")[2].strip() + "\n"
    if form == "html":
        content = part(message.body.strip() + "\n", "html", "quoted-printable")
    elif form == "alternative":
        parts = [part(text, "plain", "quoted-printable"), part(html, "html", "quoted-printable")]
        content = multipart("alternative", parts, boundary)
    else:
        content = part(text, "plain", form)
    if "attach" in head:
        content = multipart("mixed", [content, *map(attachment, head["attach"].split())], f"{boundary}_mixed")
    return "\n".join(lines) + "\n" + content


def make_mbox() -> bytes:
    """All threads in one mailbox, oldest first, in the mboxrd form: body lines that begin with From are escaped."""
    messages = [m for source in sorted((SOURCES / "mail").glob("*.txt")) for m in read_messages(source)]
    known = {message.head["id"]: message for message in messages}
    out = []
    for message in sorted(messages, key=lambda m: parsedate_to_datetime(m.head["date"])):
        when = parsedate_to_datetime(message.head["date"])
        text = re.sub(r"(?m)^(>*From )", r">\1", render(message, known))
        out.append(f"From {PEOPLE[message.head['from']][1]} {when:%a %b} {when.day:2} {when:%H:%M:%S %Y}\n{text}\n")
    return "".join(out).encode()


def make_all(folder: Path) -> None:
    """Writes pdf/ and mail/ below `folder`."""
    os.environ.pop("SOURCE_DATE_EPOCH", None)  # build tools set it, and reportlab makes the files' ids from it
    (folder / "pdf").mkdir(parents=True, exist_ok=True)
    (folder / "mail").mkdir(parents=True, exist_ok=True)
    for source in sorted((SOURCES / "pdf").glob("*.md")):
        (folder / "pdf" / f"{source.stem}.pdf").write_bytes(make_pdf(source))
    for source in sorted((SOURCES / "eml").glob("*.txt")):
        [message] = read_messages(source)
        text = render(message, {})
        (folder / "mail" / f"{source.stem}.eml").write_bytes(text.replace("\n", "\r\n").encode())
    (folder / "mail" / "team.mbox").write_bytes(make_mbox())


if __name__ == "__main__":
    make_all(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

"""PDF, by PDFium, and by pypdf where PDFium finds the file damaged.

On 31 company reports PDFium read 130 to 150 pages a second where pypdf read 5 to 12, with near-identical text, and gave
the same outline and metadata in a tenth of the time. pypdf goes through a damaged file in another way and saves some
that PDFium does not open. What strangers wrote can crash a C++ library, so this runs in the reader process
only (`ingest.worker`), which also bounds time and memory.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import pypdfium2

from ingest import loaders
from ingest.document import Block, Document, PartFailure
from ingest.loaders import ocr
from ingest.loaders.pdf_blocks import Heading, page_units
from ingest.loaders.pdf_lines import Line, page_lines, without_running_lines
from ingest.loaders.pdf_notes import page_notes
from ingest.loaders.pdf_pictures import NOTHING, read_pictures
from ingest.loaders.pdf_rescue import DAMAGED, pages_anyway
from ingest.loaders.pdf_words import Words
from ingest.loaders.plain import MAX_TEXT_BYTES, headline, title_from_name
from retrieval.errors import LoadError
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo

# A PDF may say that it has a billion pages, each of them the same one. No report has as many as this.
MAX_PAGES = 10_000
# Deeper entries of an outline are taken with their parents; an outline may also be a circle.
_OUTLINE_DEPTH, _OUTLINE_ENTRIES = 6, 5_000
# A line that is set like a heading holds for as many pages at most: the next chapter's may be set otherwise.
_HEADING_PAGES = 8
# Titles that writers' programs make up: file names, empty templates, numbers that a filing has.
_NO_TITLE = re.compile(
    r"(?:untitled|none|null|document ?\d*|title|unknown|slide \d+|powerpoint presentation|[\d\W_]*|.*\.\w{2,4})$",
    re.IGNORECASE,
)
_NO_AUTHOR = re.compile(
    r"(?:anonymous|unknown|none|user\d*|admin(?:istrator)?|owner|author|root|[\d\W_]*)$", re.IGNORECASE
)
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(?:([+-])(\d\d)'?(\d\d)?|Z)?")
# Characters of what a page is numbered with, as "Appendix A-12".
_LABEL = 24
_ENCRYPTED = "the file is encrypted: save it without its password and ingest it again"


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """A PDF as one document. Blocks know their page, from 1. Raises LoadError for files that are encrypted, damaged,
    or have no text."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if any(word in str(error).lower() for word in ("password", "security")):
            raise LoadError(_ENCRYPTED) from error
        meta, outline, unread, labels = {}, {}, [], []
        pages = without_running_lines(pages_anyway(data))
    else:
        try:
            meta = {key: one_line(value) for key, value in document.get_metadata_dict().items()}
            pages = without_running_lines(_lines(document))
            outline = _outline(document)
            labels = _labels(document)
            unread = read_pictures(document, pages, len(data))
            for number, lines in enumerate(pages):
                lines += page_notes(document, number)
        finally:
            document.close()
    yield from unread
    if not any(pages):
        if unread:
            return
        raise LoadError(NOTHING if loaders.has_ocr() else ocr.MISSING)
    text, blocks = assembled(pages, outline, labels)
    info = DocumentInfo(
        doc, "", "pdf", _title(meta.get("Title", ""), blocks, text, name),
        author=None if _NO_AUTHOR.match(author := meta.get("Author", "")) else headline(author),
        date=_date(meta.get("CreationDate", "")) or _date(meta.get("ModDate", "")),
    )  # fmt: skip
    yield Document(info, text, blocks)


def _lines(document: pypdfium2.PdfDocument) -> list[list[Line]]:
    pages: list[list[Line]] = []
    chars = 0
    count = len(document)
    if count == 0:
        raise LoadError(DAMAGED)
    if count > MAX_PAGES:
        raise LoadError(f"the file has {count} pages; at most {MAX_PAGES} are read: split it")
    for number in range(count):
        try:
            pages.append(page_lines(document[number]))
        except pypdfium2.PdfiumError:  # one broken page among good ones
            pages.append([])
        chars += sum(len(line.text) for line in pages[-1])
        if chars > MAX_TEXT_BYTES:
            raise LoadError(f"its pages have more than {MAX_TEXT_BYTES >> 20} million characters: split it")
    return pages


def assembled(
    pages: list[list[Line]], outline: dict[int, list[Heading]], labels: Sequence[str] = ()
) -> tuple[str, tuple[Block, ...]]:
    """The text of all pages with its blocks. Headings are those of the outline where there is one, else the lines
    that are set like headings. `labels` are what the pages are numbered with, empty where that is their number."""
    words = Words(pages)
    parts: list[str] = []
    blocks: list[Block] = []
    length = 0
    path: tuple[Heading, ...] = ()
    since: dict[Heading, int] = {}
    for number, lines in enumerate(pages, start=1):
        units = list(page_units(lines, words))
        entries = outline.get(number, [])
        label = labels[number - 1] if labels else ""
        if not outline:
            path = tuple(heading for heading in path if number - since[heading] <= _HEADING_PAGES)
        here = {_comparable(unit.text) for unit in units}
        for entry in entries:  # what the page does not show as a line of its own begins with the page
            if _comparable(entry.name) not in here:
                path = _below(path, entry)
        for unit in units:
            heading = unit.heading
            if outline:
                heading = next((e for e in entries if _comparable(e.name) == _comparable(unit.text)), None)
            if heading is not None:
                path = _below(path, heading)
                since[heading] = number
            kind = "heading" if heading is not None else unit.kind
            start = length + 2 if parts else 0
            parts.append(unit.text)
            length = start + len(unit.text)
            blocks.append(Block(start, length, kind, tuple(h.name for h in path), number, label))
    return "\n\n".join(parts), tuple(blocks)


def _below(path: tuple[Heading, ...], heading: Heading) -> tuple[Heading, ...]:
    return (*(above for above in path if above.rank < heading.rank), heading)


def _labels(document: pypdfium2.PdfDocument) -> list[str]:
    """What the pages are numbered with, as "iv"; empty where that is nothing else than their number from 1."""
    labels = []
    for number in range(len(document)):
        try:
            label = headline(clean(document.get_page_label(number)))[:_LABEL]
        except (pypdfium2.PdfiumError, UnicodeError):
            label = ""
        labels.append("" if label == str(number + 1) else label)
    return labels


def _outline(document: pypdfium2.PdfDocument) -> dict[int, list[Heading]]:
    """The outline's entries by the page (from 1) that they lead to."""
    found: dict[int, list[Heading]] = {}
    try:
        for number, entry in enumerate(document.get_toc(max_depth=_OUTLINE_DEPTH)):
            if number >= _OUTLINE_ENTRIES:
                break
            target = entry.get_dest()
            page = target.get_index() if target is not None else None
            name = headline(clean(entry.get_title()))
            if page is not None and page >= 0 and name:
                found.setdefault(page + 1, []).append(Heading(name, float(entry.level)))
    except (pypdfium2.PdfiumError, UnicodeError):  # a damaged outline: what was read of it is good
        return found
    return found


def _comparable(text: str) -> str:
    """A heading's letters and digits, without its number."""
    return re.sub(r"[\W_]+", "", re.sub(r"^[\d.\s]+(?=\D)", "", text)).lower()


def _title(title: str, blocks: tuple[Block, ...], text: str, name: str) -> str:
    """The file's own title if it has one, else its first heading with the file's name: reports of all years begin
    alike, and people name files by what tells them apart."""
    if not _NO_TITLE.match(title) and not re.fullmatch(r"[\d-]+", title):
        return headline(re.sub(r"^Microsoft \w+ - ", "", title))
    named = title_from_name(name)
    first = next((headline(text[b.start : b.end]) for b in blocks if b.kind == "heading" and b.page == 1), "")
    return f"{first} ({named})" if first and first.lower() not in named.lower() else named


def _date(raw: str) -> str | None:
    """A PDF date (ISO 32000-1, 7.9.4) as ISO 8601: a day, or a time where its offset is given."""
    match = _DATE.match(raw)
    if match is None:
        return None
    year, month, day, hour, minute, second, sign, offset_hours, offset_minutes = match.groups()
    stamp = f"{year}-{month}-{day}"
    zone = f"{sign}{offset_hours}:{offset_minutes or '00'}" if sign else "+00:00" if "Z" in raw else ""
    if hour and zone:
        stamp += f"T{hour}:{minute}:{second or '00'}{zone}"
    try:
        return stamp if datetime.fromisoformat(stamp).year >= 1980 else None
    except ValueError:
        return None

"""PDF: pypdf for the structure (encryption, outline, metadata), pypdfium2 for the text of the pages.

pypdfium2 reads 130 to 150 pages a second where pypdf reads 5 to 12, with near-identical text. Both parse what
strangers wrote, so this loader is only run in the reader process (`ingest.worker`), which bounds time and memory.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from ingest.document import Block, Document
from ingest.loaders.plain import title_from_name
from retrieval.errors import LoadError
from retrieval.sentences import strip_span
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo

# Pages beyond this are left out, and said to be: no report has as many.
MAX_PAGES = 5_000
# Lines at the top and bottom of a page that are looked at for running headers and page numbers.
_EDGE_LINES = 2
# A running header is the same, digits aside, on this share of the pages.
_RUNNING_SHARE = 0.5
_TITLE_JUNK = re.compile(
    r"^(?:untitled|microsoft word|document\d*|.*\.(?:docx?|pdf|indd|xlsx?|tmp))\b", re.IGNORECASE
)
_BULLET = re.compile(r"^\s*(?:[-*•–▪◦]|\(?\d{1,2}[.)]|\([a-z]\))\s")
_FIGURES = re.compile(r"(?:^|\s)[($€£]*-?\d[\d.,]*%?\)?(?=\s|$)")

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings about repaired files are not the user's


def load_pdf(path: Path, doc: str) -> Iterator[Document]:
    """A PDF as one document. Blocks know their page, from 1. Raises LoadError for files that are encrypted,
    damaged, or have no text."""
    info, outline = _structure(path, doc)
    pages = _without_running_lines([_lines(raw) for raw in _page_texts(path)])
    if not any(line.strip() for page in pages for line in page):
        raise LoadError(
            "no page has text: it seems to be scanned; make it searchable with an OCR program first"
        )
    parts: list[str] = []
    blocks: list[Block] = []
    length = 0
    path_now: tuple[str, ...] = ()
    for number, lines in enumerate(pages, start=1):
        entries = list(outline.get(number, ()))
        for kind, text in _units(lines):
            entry = next((e for e in entries if _same(e[-1], text)), None)
            if entry is not None:
                entries.remove(entry)
                path_now, kind = entry, "heading"
            start = length + 2 if parts else 0
            parts.append(text)
            length = start + len(text)
            blocks.append(Block(start, length, kind, path_now, number))  # type: ignore[arg-type]
        if entries:  # headings that the page's text does not show as such hold from the next page on
            path_now = entries[-1]
    text = "\n\n".join(parts)
    if not info.title:
        first = next((b for b in blocks if b.kind == "heading"), None)
        title = first.heading[-1] if first else title_from_name(path)
        info = DocumentInfo(info.doc, info.part, info.kind, title, info.author, date=info.date)
    yield Document(info, text, tuple(blocks))


def _structure(path: Path, doc: str) -> tuple[DocumentInfo, dict[int, list[tuple[str, ...]]]]:
    """The metadata and the outline: by page, the heading paths that begin there."""
    title = author = when = ""
    outline: dict[int, list[tuple[str, ...]]] = {}
    try:
        reader = PdfReader(path, strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise LoadError("the file is encrypted: save it without its password and ingest it again")
        meta = reader.metadata
        if meta is not None:
            title, author = one_line(str(meta.title or "")), one_line(str(meta.author or ""))
            stamp = meta.creation_date or meta.modification_date
            when = stamp.date().isoformat() if stamp else ""
        _outline(reader, reader.outline, (), outline)
    except LoadError:
        raise
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, OSError, RecursionError,
            NotImplementedError, AssertionError, ArithmeticError):  # fmt: skip
        pass  # a damaged structure is no reason to give up the text, which the other library reads
    if _TITLE_JUNK.match(title):
        title = ""
    return DocumentInfo(doc, "", "pdf", title, author or None, date=when or None), outline


def _outline(
    reader: PdfReader, items: Any, path: tuple[str, ...], found: dict[int, list[tuple[str, ...]]]
) -> None:
    last = path
    for item in items:
        if isinstance(item, list):
            if len(path) < 8:
                _outline(reader, item, last, found)
        else:
            number = reader.get_destination_page_number(item)
            last = (*path, one_line(str(item.title)))
            if number is not None and number >= 0:
                found.setdefault(number + 1, []).append(last)


def _page_texts(path: Path) -> list[str]:
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise LoadError(
                "the file is encrypted: save it without its password and ingest it again"
            ) from error
        raise LoadError("the file is damaged or no PDF: open it in a viewer and save it again") from error
    try:
        texts = []
        for number in range(min(len(document), MAX_PAGES)):
            try:
                page = document[number]
                texts.append(page.get_textpage().get_text_bounded())
                page.close()
            except pypdfium2.PdfiumError:  # one broken page among good ones
                texts.append("")
        return texts
    finally:
        document.close()


def _lines(raw: str) -> list[str]:
    """A page's lines. U+FFFE is what PDFium gives for a hyphen at the end of a line."""
    return [
        line.rstrip() for line in clean(raw.replace("\ufffe\r\n", "\ufffe").replace("\ufffe", "")).split("\n")
    ]


def _without_running_lines(pages: list[list[str]]) -> list[list[str]]:
    """The pages without the headers, footers and page numbers that most of them share."""
    pages = [_trimmed(page) for page in pages]
    if len(pages) < 3:
        return pages
    counts = Counter(
        _running_form(line) for page in pages for line in {*page[:_EDGE_LINES], *page[-_EDGE_LINES:]}
    )
    running = {form for form, count in counts.items() if count > _RUNNING_SHARE * len(pages)}
    kept = []
    for page in pages:
        while page and _running_form(page[0]) in running:
            page = page[1:]
        while page and _running_form(page[-1]) in running:
            page = page[:-1]
        kept.append(page)
    return kept


def _trimmed(page: list[str]) -> list[str]:
    filled = [i for i, line in enumerate(page) if line.strip()]
    return page[filled[0] : filled[-1] + 1] if filled else []


def _running_form(line: str) -> str:
    return re.sub(r"\d+", "#", " ".join(line.split())).lower()


def _units(lines: list[str]) -> Iterator[tuple[str, str]]:
    """The page's paragraphs (lines joined), tables (lines kept) and list items, as (kind, text)."""
    run: list[str] = []
    kind = "paragraph"
    widest = max((len(line) for line in lines), default=0)

    def flush() -> Iterator[tuple[str, str]]:
        nonlocal run
        joined = "\n".join(run) if kind == "table" else _join(run)
        a, b = strip_span(joined, 0, len(joined))
        run = []
        if a < b:
            yield kind, joined[a:b]

    for line in lines:
        this = "table" if len(_FIGURES.findall(line)) >= 2 else "list" if _BULLET.match(line) else "paragraph"
        ended = (
            bool(run) and kind != "table" and len(run[-1]) < 0.7 * widest and run[-1].rstrip()[-1:] in ".:!?"
        )
        short = (
            bool(run)
            and kind == "paragraph"
            and len(run) == 1
            and len(run[0]) < 0.5 * widest
            and line[:1].isupper()
        )
        continues = this == "paragraph" and kind == "list" and not ended
        if not line.strip() or this == "list" or ended or short or (this != kind and not continues):
            yield from flush()
            kind = this if line.strip() else "paragraph"
        if line.strip():
            run.append(line.strip())
    yield from flush()


def _join(lines: list[str]) -> str:
    """Lines as flowing text; a word broken at a line's end is put together."""
    text = ""
    for line in lines:
        if re.search(r"[a-zà-ÿ]-$", text) and line[:1].islower():
            text = text[:-1] + line
        else:
            text += (" " if text else "") + line
    return text


def _same(heading: str, text: str) -> bool:
    """Whether a line is the outline's heading, numbering and spacing aside."""
    plain = [re.sub(r"[\W_]+", " ", re.sub(r"^[\d.\s]+", "", s)).strip().lower() for s in (heading, text)]
    return bool(plain[0]) and plain[0] == plain[1]

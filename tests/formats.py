"""A file of every format that kb reads, made of given paragraphs."""

import bz2
import csv
import gzip
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from html import escape
from zipfile import ZipFile

import docx
import openpyxl
import pptx
from outlook_file import compound_file, outlook_message
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate

Paragraphs = Sequence[str]

_ODT = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:text>{}</office:text></office:body>
</office:document-content>"""
_CONTAINER = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
_PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf"><metadata/>
<manifest><item id="a" href="one.xhtml"/></manifest><spine><itemref idref="a"/></spine></package>"""
_DUMP = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><page><title>Notes</title><ns>0</ns><revision>
<timestamp>2024-09-03T10:00:00Z</timestamp><text>{}</text></revision></page></mediawiki>"""
_EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20240903T101500Z\r\nSUMMARY:Notes\r\n"
    "DESCRIPTION:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    stream = io.BytesIO()
    save(stream)
    return stream.getvalue()


def _text(paragraphs: Paragraphs) -> bytes:
    return "\n\n".join(paragraphs).encode()


def _html(paragraphs: Paragraphs) -> bytes:
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    return f"<html><head><title>Notes</title></head><body><h1>Notes</h1>{body}</body></html>".encode()


def _table(paragraphs: Paragraphs) -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerows([["Number", "Text"], *([n, text] for n, text in enumerate(paragraphs))])
    return stream.getvalue().encode()


def _mail(paragraphs: Paragraphs) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "Dana <dana@example.org>", "Notes"
    message["Date"], message["Message-ID"] = "Tue, 03 Sep 2024 10:15:00 +0000", "<1@example.org>"
    message.set_content("\n\n".join(paragraphs))
    message.add_attachment("\n\n".join(paragraphs), filename="notes.txt")
    return bytes(message)


def _outlook(paragraphs: Paragraphs) -> bytes:
    return compound_file(outlook_message({0x0037: "Notes", 0x1000: "\r\n\r\n".join(paragraphs)}))


def _mailbox(paragraphs: Paragraphs) -> bytes:
    return b"From dana@example.org Tue Sep  3 10:15:00 2024\n" + _mail(paragraphs) + b"\n"


def _emlx(paragraphs: Paragraphs) -> bytes:
    mail = _mail(paragraphs)
    return f"{len(mail)}\n".encode() + mail + b"<?xml version='1.0'?><plist><dict/></plist>"


def _event(paragraphs: Paragraphs) -> bytes:
    return _EVENT.format("\\n\\n".join(paragraphs).replace(",", "\\,").replace(";", "\\;")).encode()


def _pdf(paragraphs: Paragraphs) -> bytes:
    style = getSampleStyleSheet()["BodyText"]
    flowing = [Paragraph(escape(text), style) for text in paragraphs]
    return _saved(lambda stream: SimpleDocTemplate(stream, invariant=True).build(flowing))


def _word(paragraphs: Paragraphs) -> bytes:
    document = docx.Document()
    document.add_heading("Notes", 1)
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    return _saved(document.save)


def _workbook(paragraphs: Paragraphs) -> bytes:
    book = openpyxl.Workbook()
    for number, paragraph in enumerate(paragraphs):
        book.active.append([number, paragraph])
    return _saved(book.save)


def _slides(paragraphs: Paragraphs) -> bytes:
    deck = pptx.Presentation()
    for paragraph in paragraphs:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = "Notes", paragraph
    return _saved(deck.save)


def _zipped(**members: bytes | str) -> bytes:
    def save(stream: io.BytesIO) -> None:
        with ZipFile(stream, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return _saved(save)


def _tar(mode: str) -> Callable[[Paragraphs], bytes]:
    def make(paragraphs: Paragraphs) -> bytes:
        stream, data = io.BytesIO(), _text(paragraphs)
        with tarfile.open(fileobj=stream, mode=mode) as archive:
            member = tarfile.TarInfo("notes.md")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        return stream.getvalue()

    return make


def _notebook(paragraphs: Paragraphs) -> bytes:
    cells = [{"cell_type": "markdown", "metadata": {}, "source": text} for text in paragraphs]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def _lines(paragraphs: Paragraphs) -> bytes:
    return "\n".join(json.dumps({"number": n, "text": text}) for n, text in enumerate(paragraphs)).encode()


MAKERS: dict[str, Callable[[Paragraphs], bytes]] = {
    ".md": lambda p: b"# Notes\n\n" + _text(p), ".txt": _text, ".log": _text, ".rst": _text, ".csv": _table,
    ".tsv": lambda p: _table(p).replace(b",", b"\t"), ".html": _html, ".xhtml": _html, ".eml": _mail, ".emlx": _emlx,
    ".msg": _outlook, ".mbox": _mailbox,
    ".mbox.gz": lambda p: gzip.compress(_mailbox(p)), ".ics": _event, ".pdf": _pdf, ".docx": _word,
    ".xlsx": _workbook, ".pptx": _slides,
    ".odt": lambda p: _zipped(**{"content.xml": _ODT.format("".join(f"<text:p>{escape(t)}</text:p>" for t in p))}),
    ".epub": lambda p: _zipped(
        **{"META-INF/container.xml": _CONTAINER, "book.opf": _PACKAGE, "one.xhtml": _html(p)}
    ),
    ".zip": lambda p: _zipped(**{"a/notes.md": _text(p), "mail.eml": _mail(p)}),
    ".tar": _tar("w"), ".tar.gz": _tar("w:gz"), ".ipynb": _notebook,
    ".json": lambda p: json.dumps({"notes": list(p)}).encode(), ".jsonl": _lines,
    ".xml": lambda p: _DUMP.format(escape("\n\n".join(p))).encode(),
    ".xml.bz2": lambda p: bz2.compress(_DUMP.format(escape("\n\n".join(p))).encode()),
}  # fmt: skip

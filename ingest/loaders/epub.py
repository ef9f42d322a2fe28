"""E-books (.epub, https://www.w3.org/TR/epub-33/): the chapters in reading order, each read as the HTML that it is."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from defusedxml import ElementTree

from ingest.document import Block, Document, PartFailure
from ingest.loaders.dates import day
from ingest.loaders.html import html_to_text
from ingest.loaders.layout import MAX_CHARS
from ingest.loaders.plain import EmptyFile, decode, headline, title_from_name
from ingest.loaders.zipped import check_zip
from retrieval.errors import LoadError
from retrieval.text import one_line
from retrieval.types import DocumentInfo

# Chapters are XHTML, in which any tag may close itself; to an HTML parser <title/> opens one that never ends.
_SELF_CLOSED = re.compile(r"<(?!(?:br|hr|img|col|link|meta|input|area|wbr)\b)(\w+)((?:\s[^<>]*)?)/>")
# Web pages keep in it what is beside the point; books keep their footnotes in it.
_ASIDE = re.compile(r"(</?)aside\b")


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """A book as one document. A chapter that can't be read is a failure of its own. Raises LoadError when the book
    cannot be unpacked safely, is no book, or has no text."""
    names = check_zip(data)
    text, blocks = "", list[Block]()
    with ZipFile(BytesIO(data)) as archive:
        package, folder = _package(archive)
        for chapter in _spine(package, folder):
            try:
                if chapter not in names:
                    raise LoadError("the book names it and has it not")
                content, inner = _chapter(archive.read(chapter))
            except (LoadError, RuntimeError) as error:  # RuntimeError: the entry is encrypted
                yield PartFailure(one_line(chapter)[:300], one_line(str(error)))
                continue
            blocks += (replace(b, start=b.start + len(text), end=b.end + len(text)) for b in inner)
            text += f"{content}\n\n" if inner else ""
            if len(text) > MAX_CHARS:
                raise LoadError(f"its text has more than {MAX_CHARS >> 20} million characters: split it")
    if not blocks:
        raise EmptyFile("there is no text in it that can be read")
    yield Document(_info(package, name, doc), text.rstrip("\n"), tuple(blocks))


def _package(archive: ZipFile) -> tuple[Any, str]:
    """The book's list of contents, and the folder that it lies in."""
    try:
        container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
        path = container.find(".//{*}rootfile").get("full-path")
        return ElementTree.fromstring(archive.read(path)), posixpath.dirname(path)
    except (KeyError, AttributeError, TypeError):
        raise LoadError("it is no e-book, or a damaged one: its list of contents is missing") from None


def _spine(package: Any, folder: str) -> Iterator[str]:
    """The chapters' names in the archive, each once."""
    paths = {item.get("id"): item.get("href") or "" for item in package.iterfind(".//{*}manifest/{*}item")}
    listed = [paths.get(item.get("idref"), "") for item in package.iterfind(".//{*}spine/{*}itemref")]
    for href in dict.fromkeys(filter(None, listed)):
        yield posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _chapter(data: bytes) -> tuple[str, list[Block]]:
    markup = _SELF_CLOSED.sub(r"<\1\2></\1>", decode(data))
    return html_to_text(_ASIDE.sub(r"\1div", markup))


def _info(package: Any, name: str, doc: str) -> DocumentInfo:
    def first(tag: str) -> str:
        found = package.find(f".//{{*}}metadata/{{http://purl.org/dc/elements/1.1/}}{tag}")
        return "" if found is None else headline("".join(found.itertext()))

    title = first("title") or title_from_name(name)
    return DocumentInfo(doc, "", "text", title, author=first("creator") or None, date=day(first("date")))

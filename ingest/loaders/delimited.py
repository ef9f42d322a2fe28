"""Tables as text (.csv, .tsv; RFC 4180 and what programs make of it)."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import PurePath

from ingest.document import Document
from ingest.loaders.layout import MAX_CELL_CHARS, laid_out, table
from ingest.loaders.plain import EmptyFile, text_of, title_from_name
from retrieval.types import DocumentInfo

_DELIMITERS = "\t;|,"  # the comma last: of all of them it also stands within names


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A file of delimited values as one table, a row a line."""
    source = text_of(data)
    delimiter = "\t" if PurePath(name).suffix.lower() in (".tsv", ".tab") else _delimiter(source)
    text, blocks = laid_out([table(_rows(source, delimiter))])
    if not text:
        raise EmptyFile("the table is empty")
    yield Document(DocumentInfo(doc, "", "text", title_from_name(name)), text, blocks)


def _delimiter(source: str) -> str:
    """The sign that parts the first row into most cells: the first row names the columns and hardly has others."""
    first = source.lstrip().split("\n", 1)[0]
    return max(_DELIMITERS, key=lambda sign: len(_cells(first, sign)))


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)


def _rows(source: str, delimiter: str) -> list[list[str]]:
    try:
        rows = list(csv.reader(StringIO(source), delimiter=delimiter))
        if all(len(cell) <= MAX_CELL_CHARS for row in rows for cell in row):
            return rows
    except csv.Error:
        pass
    # A quote that nothing closes would swallow the rest of the file: then quotes are letters like any other.
    return [line.split(delimiter) for line in source.split("\n")]

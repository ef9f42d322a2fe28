"""JSON (.json) and JSON lines (.jsonl): every value on a line with its path, a record a block."""

import json
from collections.abc import Iterator
from typing import Any

from ingest.document import Document
from ingest.loaders.layout import MAX_CHARS, Piece, laid_out
from ingest.loaders.plain import EmptyFile, headline, text_of, title_from_name
from retrieval.errors import LoadError
from retrieval.text import one_line
from retrieval.types import DocumentInfo


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A file of JSON as one document. Raises LoadError when it is not JSON, or has no values."""
    source = text_of(data)
    lines_of_json = name.lower().endswith((".jsonl", ".ndjson"))
    value = [parsed(line) for line in source.split("\n") if line.strip()] if lines_of_json else parsed(source)
    text, blocks = laid_out(_pieces(value))
    if not text:
        raise EmptyFile("there is no value in it")
    yield Document(DocumentInfo(doc, "", "text", title_from_name(name)), text, blocks)


def parsed(source: str) -> Any:
    """What the JSON means. Raises LoadError when it is none."""
    try:
        return json.loads(source)
    except ValueError as error:  # also for numbers with more digits than Python reads
        raise LoadError(f"it is not JSON ({error})") from None


def _pieces(value: Any) -> Iterator[Piece]:
    """Each record of a list, or else each entry of a mapping."""
    if isinstance(value, list):
        parts = [("", record) for record in value]
    elif isinstance(value, dict):
        parts = list(value.items())
    else:
        parts = [("", value)]
    for path, part in parts:  # as code: it is cut between lines
        yield Piece("code", "\n".join(_lines(headline(path), part)))


def _lines(path: str, value: Any) -> Iterator[str]:
    """`path: value` for all values in a value. Raises LoadError when the paths make too much of it."""
    room = MAX_CHARS
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            inner = [
                (f"{path}.{headline(key)}" if path else headline(key), below) for key, below in value.items()
            ]
        elif isinstance(value, list):
            inner = [(path, below) for below in value]
        else:
            shown = one_line(value if isinstance(value, str) else json.dumps(value))
            if shown:
                yield f"{path}: {shown}" if path else shown
            inner = []
        room -= sum(len(longer) for longer, _ in inner)
        if room < 0:
            raise LoadError("its values are nested too deeply, under too long names, to be read")
        waiting.extend(reversed(inner))

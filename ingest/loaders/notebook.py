"""Jupyter notebooks (.ipynb, format 4, https://nbformat.readthedocs.io): Markdown cells by their structure, code, and
what it printed. Pictures and HTML among the outputs are left out."""

import re
from collections.abc import Iterator
from typing import Any

from ingest.document import Document
from ingest.loaders.markdown import markdown_blocks
from ingest.loaders.plain import EmptyFile, text_of, title_from_name
from ingest.loaders.records import parsed
from retrieval.errors import LoadError
from retrieval.text import clean
from retrieval.types import DocumentInfo

# An output longer than this is a log: its beginning says what it is. The "…" says that it is cut.
_MAX_OUTPUT = 4_000


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A notebook as one document. Raises LoadError when it is none, or has no text."""
    notebook = parsed(text_of(data))
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise LoadError("it has no cells: notebooks are read from format 4 on")
    text = clean("\n\n".join(part for cell in cells if isinstance(cell, dict) for part in _parts(cell)))
    if not text.strip():
        raise EmptyFile("there is no text in it")
    blocks = tuple(markdown_blocks(text))
    title = next((block.heading[-1] for block in blocks if block.kind == "heading" and block.heading), "")
    yield Document(DocumentInfo(doc, "", "text", title or title_from_name(name)), text, blocks)


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    """A cell as Markdown, code and outputs between fences."""
    source = _joined(cell.get("source")).strip("\n")
    yield _fenced(source) if cell.get("cell_type") == "code" else source
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        if isinstance(output, dict):
            shown = output.get("data")
            shown = shown.get("text/plain") if isinstance(shown, dict) else output.get("text")
            text = _joined(shown).strip("\n")
            yield _fenced(text if len(text) <= _MAX_OUTPUT else text[:_MAX_OUTPUT] + "…")


def _joined(lines: Any) -> str:
    """A text, which is stored whole or as its lines."""
    if isinstance(lines, list):
        return "".join(line for line in lines if isinstance(line, str))
    return lines if isinstance(lines, str) else ""


def _fenced(code: str) -> str:
    """Code between fences that are longer than any in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return f"{fence}\n{code}\n{fence}" if code.strip() else ""

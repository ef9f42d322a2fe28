"""PowerPoint presentations (.pptx, .pptm): each slide is a heading, its texts and tables, and the speaker's notes."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pptx
from pptx.opc.constants import RELATIONSHIP_TYPE

from ingest.document import Document
from ingest.loaders.layout import Piece, laid_out, table
from ingest.loaders.office import described
from ingest.loaders.plain import EmptyFile
from ingest.loaders.zipped import check_zip
from retrieval.types import DocumentInfo


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A presentation as one document. Raises LoadError when it cannot be unpacked safely or has no text."""
    check_zip(data)
    show = pptx.Presentation(BytesIO(data))
    text, blocks = laid_out(
        piece for number, slide in enumerate(show.slides, start=1) for piece in _titled(slide, number)
    )
    if not text:
        raise EmptyFile("there is no text in it")
    yield Document(_info(show, name, doc), text, blocks)


def _info(show: Any, name: str, doc: str) -> DocumentInfo:
    # Without this part python-pptx makes one up, changed today.
    rels = show.part.package._rels.values()
    if not any(rel.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES for rel in rels):
        return described(name, doc)
    core = show.core_properties
    return described(name, doc, core.title, core.author, core.modified or core.created)


def _titled(slide: Any, number: int) -> Iterator[Piece]:
    """The slide under its title, or its number where it has none; nothing for an empty one."""
    title = slide.shapes.title
    heading = "" if title is None else title.text_frame.text.strip()
    pieces = [piece for piece in _pieces(slide, title) if piece.text.strip()]
    if heading or pieces:
        yield Piece("heading", heading or f"Slide {number}")
    yield from pieces


def _pieces(slide: Any, title: Any) -> Iterator[Piece]:
    waiting = [shape for shape in reversed(slide.shapes) if title is None or shape.shape_id != title.shape_id]
    while waiting:  # groups may be nested more deeply than calls
        shape = waiting.pop()
        if hasattr(shape, "shapes"):
            waiting.extend(reversed(shape.shapes))
        elif getattr(shape, "has_table", False):
            yield table([cell.text for cell in row.cells] for row in shape.table.rows)
        elif shape.has_text_frame:
            lines = (paragraph.text for paragraph in shape.text_frame.paragraphs)
            yield Piece("paragraph", "\n".join(line for line in lines if line.strip()))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield Piece("paragraph", slide.notes_slide.notes_text_frame.text)

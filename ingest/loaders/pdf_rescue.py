"""Damaged PDFs, by pypdf: their lines in order, without knowing how they were set."""

import logging
from io import BytesIO
from itertools import islice

import pypdf
from pypdf.errors import PyPdfError

from ingest.loaders.pdf_lines import Line
from retrieval.errors import LoadError
from retrieval.text import clean

DAMAGED = "the file is damaged or no PDF: open it in a viewer and save it again"
# pypdf reads some 10 pages a second: a damaged file is not worth more than a minute.
_MAX_PAGES = 500


def pages_anyway(data: bytes) -> list[list[Line]]:
    """The pages of a file that PDFium can't open. Raises LoadError when pypdf can't either."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what is wrong with the file is said once, by us
    try:
        reader = pypdf.PdfReader(BytesIO(data), strict=False)
        return [_lines(page.extract_text()) for page in islice(reader.pages, _MAX_PAGES)]
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, OSError) as error:
        raise LoadError(DAMAGED) from error


def _lines(text: str) -> list[Line]:
    lines = (clean(line).strip() for line in text.splitlines())
    return [Line(line, 0, 0, -12.0 * n, 10, False) for n, line in enumerate(lines) if line]

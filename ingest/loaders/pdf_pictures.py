"""Pages of PDFs that are pictures: scans, and print that was turned into shapes."""

from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from ingest import loaders
from ingest.document import PartFailure
from ingest.loaders import ocr
from ingest.loaders.pdf_lines import Line

NOTHING = "no page has text, not even in its pictures"
# Enough for small print; a page of A4 has 3.9 million pixels then.
_DOTS_AN_INCH = 200
# Of a page between others: what has a picture over this share of it is a scan, not a figure or a blank page.
_SCANNED_SHARE = 0.5


def read_pictures(
    document: pypdfium2.PdfDocument, pages: list[list[Line]], file_bytes: int
) -> list[PartFailure]:
    """Puts the lines in the pictures of pages without text into `pages`. What is left unread comes back: pages beyond
    the time that a file may take, or all that seem to be scanned where there is no OCR."""
    empty = [number for number, lines in enumerate(pages) if not lines]
    if len(empty) < len(pages):
        empty = [number for number in empty if _is_scanned(document, number)]
    elif not loaders.has_ocr():
        return []  # said of the file as a whole
    if not empty:
        return []
    if not loaders.has_ocr():
        return [PartFailure(ocr.named([number + 1 for number in empty]), ocr.MISSING)]
    reader = ocr.Ocr(file_bytes)
    unread = []
    for number in empty:
        found = _read(document, number, reader)
        if found is None:
            unread.append(number)
        else:
            pages[number] = found
    return [reader.failure([number + 1 for number in unread])] if unread else []


def _is_scanned(document: pypdfium2.PdfDocument, number: int) -> bool:
    try:
        page = document[number]
        width, height = page.get_size()
        for picture in page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_IMAGE,), max_depth=3):
            left, bottom, right, top = picture.get_bounds()
            if (right - left) * (top - bottom) > _SCANNED_SHARE * width * height:
                return True
    except pypdfium2.PdfiumError:
        return False
    return False


def _read(document: pypdfium2.PdfDocument, number: int, reader: ocr.Ocr) -> list[Line] | None:
    """The lines in a page's picture, None when it can't be read."""
    try:
        page = document[number]
        width, height = page.get_size()
        if width < 1 or height < 1:
            return []
        scale = min(_DOTS_AN_INCH / 72, (ocr.MAX_PIXELS / (width * height)) ** 0.5)
        pixels: Any = page.render(scale=scale, rev_byteorder=True).to_numpy()[..., :3]
    except (pypdfium2.PdfiumError, ValueError):
        return None
    if pixels.min() == pixels.max():  # blank
        return []
    return reader.lines(pixels, 1 / scale)

"""What people put onto the pages of a PDF: filled-in forms, and comments. It is no part of a page's own text."""

import ctypes
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from ingest.loaders.pdf_lines import Line
from retrieval.text import one_line

# A form of more fields than this on a page is none that anybody filled in.
_MAX_ON_PAGE = 2_000
_MAX_CHARS = 10_000
# Links are said by the text below them, and a pop-up repeats the comment that it belongs to.
_SILENT = (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP)
_UNSEEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW | pdfium.FPDF_ANNOT_FLAG_INVISIBLE
_UNTICKED = "Off"


def page_notes(document: pypdfium2.PdfDocument, number: int) -> list[Line]:
    """The values of a page's form fields, with the fields' names, and its comments. What is not shown is left out."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return []
    count = min(pdfium.FPDFPage_GetAnnotCount(page.raw), _MAX_ON_PAGE)
    lines = [line for index in range(count) for line in _lines(page, index)]
    page.close()
    return lines


def _lines(page: pypdfium2.PdfPage, index: int) -> Iterator[Line]:
    note = pdfium.FPDFPage_GetAnnot(page.raw, index)
    if not note:
        return
    try:
        kind = pdfium.FPDFAnnot_GetSubtype(note)
        if kind in _SILENT or pdfium.FPDFAnnot_GetFlags(note) & _UNSEEN:
            return
        if kind == pdfium.FPDF_ANNOT_WIDGET:
            name, value = _string(note, b"T"), _string(note, b"V")
            text = f"{name}: {value}" if name and value else value
            text = "" if value == _UNTICKED else text
        else:
            text = _string(note, b"Contents")
        rect = pdfium.FS_RECTF()
        if text and pdfium.FPDFAnnot_GetRect(note, rect):
            yield Line(text, rect.left, rect.right, rect.bottom, 10, bold=False)
    finally:
        pdfium.FPDFPage_CloseAnnot(note)


def _string(note: Any, key: bytes) -> str:
    """A string of an annotation (UTF-16, its length in bytes with the zero at the end), cut where it is too long."""
    length = pdfium.FPDFAnnot_GetStringValue(note, key, None, 0)
    if not 2 < length <= 4 * _MAX_CHARS:
        return ""
    buffer = ctypes.create_string_buffer(length)
    pdfium.FPDFAnnot_GetStringValue(note, key, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), length)
    return one_line(buffer.raw.decode("utf-16-le", "replace").rstrip("\0"))

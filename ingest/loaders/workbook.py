"""Excel workbooks (.xlsx, .xlsm): each sheet is a heading and its tables. Values as they were last calculated, no
formulas, no macros; comments and charts are not read. openpyxl expands no entities where defusedxml is installed."""

from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from itertools import groupby
from typing import Any

import openpyxl

from ingest.document import Document
from ingest.loaders.layout import Piece, laid_out, table
from ingest.loaders.office import described
from ingest.loaders.plain import EmptyFile
from ingest.loaders.zipped import check_zip
from retrieval.errors import LoadError

# As many cells, empty ones between others included, as a text of the largest size may hold as table. A few bytes of a
# workbook may say that there is a cell in the last column of each of a million rows.
_MAX_CELLS = 16 * 2**20
_MAX_ROWS = 2**20  # of a sheet in Excel


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A workbook as one document. Blank rows part the tables of a sheet. Raises LoadError when it cannot be unpacked
    safely or has no values."""
    names = check_zip(data)
    workbook = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        text, blocks = laid_out(_pieces(workbook))
    finally:
        workbook.close()
    if not any(block.kind == "table" for block in blocks):
        raise EmptyFile("there is no value in it")
    core = workbook.properties
    info = described(name, doc)
    if "docProps/core.xml" in names:  # without it openpyxl makes it up, changed now
        info = described(name, doc, core.title, core.creator, core.modified or core.created)
    yield Document(info, text, blocks)


def _pieces(workbook: Any) -> Iterator[Piece]:
    room = _MAX_CELLS
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # what a sheet says of its size need not be so
        yield Piece("heading", sheet.title)
        rows: list[list[str]] = []
        for number, row in enumerate(sheet.iter_rows()):
            room -= len(row) + 1
            if room < 0 or number >= _MAX_ROWS:
                raise LoadError("its values are spread over too many rows and columns: split it")
            rows.append([_shown(cell) for cell in row])
        for filled, group in groupby(rows, key=any):
            if filled:
                yield table(group)


def _shown(cell: Any) -> str:
    """A cell's value in one form for all countries: dates as ISO, numbers with a point, 15 digits like Excel's."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return f"{value * 100:.15g}%" if str(cell.number_format).endswith("%") else f"{value:.15g}"
    return str(value)

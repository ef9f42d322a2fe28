"""Excel workbooks: every sheet's values, written the same way in every country, and no memory to fill."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
from loading import load, load_one, texts

from retrieval.errors import LoadError

SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'


def rewritten(path: Path, sheet: str, to: Path) -> Path:
    """The workbook with its first sheet's XML replaced."""
    with ZipFile(path) as old, ZipFile(to, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name.endswith("/sheet1.xml") else old.read(name))
    return to


@pytest.fixture
def small(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.save(tmp_path / "small.xlsx")
    return tmp_path / "small.xlsx"


def test_sheets_are_headings_and_blank_rows_part_tables(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.properties.title, book.properties.creator = "Budget", "Ida Ferrant"
    first = book.active
    first.title = "Costs"
    for row in [["Item", "Due", "Euro"], ["Hall", date(2024, 9, 3), 900.5], ["Lamp", None, 0.1 + 0.2], []]:
        first.append(row)
    first.append([None, "Checked", True])
    first.append([None, datetime(2024, 9, 3, 14, 30), time(8, 0)])
    second = book.create_sheet("Rates")
    second["C3"] = 0.195
    second["C3"].number_format = "0.0%"
    book.save(tmp_path / "b.xlsx")
    page = load_one(tmp_path / "b.xlsx")
    assert (page.info.title, page.info.author) == ("Budget", "Ida Ferrant")
    assert page.info.date == datetime.now(UTC).date().isoformat()
    assert texts(page, "table") == [
        "Item | Due | Euro\nHall | 2024-09-03 | 900.5\nLamp |  | 0.3",
        " | Checked | TRUE\n | 2024-09-03 14:30:00 | 08:00:00".strip(),
        "|  | 19.5%",
    ]
    assert page.blocks[-1].heading == ("Rates",)


def test_what_a_sheet_says_of_its_size_is_not_believed(small: Path, tmp_path: Path) -> None:
    sheet = '<dimension ref="A1:A1"/><sheetData><row r="3"><c r="B3"><v>7</v></c></row></sheetData>'
    assert load_one(rewritten(small, SHEET.format(sheet), tmp_path / "a.xlsx")).text.endswith("7")


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="999999999999"><c r="A999999999999"><v>1</v></c></row>',
        "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 2000)),
    ],
)
def test_values_that_are_spread_to_fill_the_memory_are_refused(
    small: Path, tmp_path: Path, rows: str
) -> None:
    with pytest.raises(LoadError, match="spread"):
        load(rewritten(small, SHEET.format(f"<sheetData>{rows}</sheetData>"), tmp_path / "a.xlsx"))


def test_entities_are_not_expanded(small: Path, tmp_path: Path) -> None:
    sheet = '<!DOCTYPE w [<!ENTITY a "boom">]>' + SHEET.format(
        '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&a;</t></is></c></row></sheetData>'
    )
    with pytest.raises(LoadError, match="understood"):
        load(rewritten(small, sheet, tmp_path / "a.xlsx"))


def test_an_empty_and_a_damaged_workbook_are_said_to_be_so(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(LoadError, match="no value"):
        load(tmp_path / "a.xlsx")
    (tmp_path / "b.xlsx").write_bytes((tmp_path / "a.xlsx").read_bytes()[:-300])
    with pytest.raises(LoadError, match="damaged"):
        load(tmp_path / "b.xlsx")

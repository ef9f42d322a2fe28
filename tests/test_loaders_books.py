"""E-books and OpenDocument texts: all that a reader reads, in order, and no entity or bomb."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from loading import load, load_one, texts

from retrieval.errors import LoadError

CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>Field notes</dc:title><dc:creator>Ida Ferrant</dc:creator><dc:date>2024-09-03</dc:date></metadata>
<manifest><item id="a" href="one%20a.xhtml"/><item id="b" href="two.xhtml"/></manifest>
<spine><itemref idref="b"/><itemref idref="a"/><itemref idref="b"/><itemref idref="none"/></spine></package>"""
ONE = "<html><head><title/></head><body><h1>End</h1><p>Home.</p><aside>1: by train.</aside></body></html>"
TWO = "<html><body><h1>Start</h1><p>We left.</p></body></html>"
ODT = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0">
<office:body><office:text>{}</office:text></office:body></office:document-content>"""


def packed(path: Path, **parts: str | bytes) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def book(path: Path, **parts: str | bytes) -> Path:
    return packed(path, **{"META-INF/container.xml": CONTAINER, "OPS/book.opf": PACKAGE} | parts)


def test_chapters_are_read_in_the_books_order_each_once_with_footnotes(tmp_path: Path) -> None:
    page = load_one(book(tmp_path / "a.epub", **{"OPS/one a.xhtml": ONE, "OPS/two.xhtml": TWO}))
    assert (page.info.title, page.info.author, page.info.date) == ("Field notes", "Ida Ferrant", "2024-09-03")
    assert page.text == "Start\n\nWe left.\n\nEnd\n\nHome.\n\n1: by train."
    assert page.blocks[-1].heading == ("End",)


def test_a_chapter_that_is_missing_costs_itself_only(tmp_path: Path) -> None:
    documents, failures = load(book(tmp_path / "a.epub", **{"OPS/two.xhtml": TWO}))
    assert [d.text for d in documents] == ["Start\n\nWe left."]
    assert [f.part for f in failures] == ["OPS/one a.xhtml"]


def test_what_is_no_book_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no e-book"):
        load(packed(tmp_path / "a.epub", mimetype="application/epub+zip"))
    with pytest.raises(LoadError, match="Entities"):
        load(book(tmp_path / "a.epub", **{"OPS/book.opf": '<!DOCTYPE p [<!ENTITY a "b">]><p>&a;</p>'}))
    with pytest.raises(LoadError, match="unpacks from"):
        load(book(tmp_path / "a.epub", **{"OPS/two.xhtml": bytes(20 * 2**20)}))


def test_an_opendocument_text_keeps_structure_and_notes_and_no_deletions(tmp_path: Path) -> None:
    body = (
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">Costs</text:h><text:h text:outline-level="2">Travel</text:h>'
        "<text:section><text:p>Trains<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        '<text:p>Since 2023.</text:p></text:note-body></text:note><text:s text:c="3"/>only.</text:p></text:section>'
        "<text:list><text:list-item><text:p>first</text:p><text:list><text:list-item><text:p>inner</text:p>"
        "</text:list-item></text:list></text:list-item></text:list>"
        '<table:table><table:table-row table:number-rows-repeated="1000000"><table:table-cell><text:p>City</text:p>'
        "</table:table-cell><table:table-cell><text:p>Euro</text:p></table:table-cell></table:table-row></table:table>"
    )
    meta = '<m xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Plan</dc:title><dc:date>2024-09-03T10:00</dc:date></m>'
    page = load_one(packed(tmp_path / "a.odt", **{"content.xml": ODT.format(body), "meta.xml": meta}))
    assert (page.info.title, page.info.date) == ("Plan", "2024-09-03")
    assert page.text == (
        "Costs\n\nTravel\n\nTrains only.\n\n- first\n- inner\n\nCity | Euro\n\nNotes\n\nSince 2023."
    )
    assert texts(page, "list") == ["- first\n- inner"]
    assert page.blocks[-3].heading == ("Costs", "Travel")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"content.xml": ODT.format("<text:p/>")}, "no text"),
        ({"other.xml": "<a/>"}, "no contents"),
        ({"content.xml": "\x01\x02", "META-INF/manifest.xml": "<m><encryption-data/></m>"}, "password"),
        ({"content.xml": '<!DOCTYPE p [<!ENTITY a "b">]><p>&a;</p>'}, "Entities"),
        ({"content.xml": bytes(20 * 2**20)}, "unpacks from"),
    ],
)
def test_nasty_opendocument_texts_are_refused(tmp_path: Path, parts: dict[str, bytes], reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        load(packed(tmp_path / "a.odt", **parts))


SHEETS = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><office:body>{}</office:body></office:document-content>"""


def cell(text: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"


def test_a_sheet_is_tables_of_values_under_its_name(tmp_path: Path) -> None:
    empty = '<table:table-cell table:number-columns-repeated="16000"/>'
    rows = [
        cell("Day") + cell("Cost") + cell("Share") + empty,
        cell("3. Mai", 'office:value-type="date" office:date-value="2024-05-03"')
        + cell("1.234,50 €", 'office:value-type="currency" office:value="1234.5"')
        + cell("12 %", 'office:value-type="percentage" office:value="0.12"'),
        empty,
        cell("x", 'table:number-columns-repeated="2"')
        + cell("WAHR", 'office:value-type="boolean" office:boolean-value="true"'),
    ]
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    body += f'<table:table-row table:number-rows-repeated="1048000">{empty}</table:table-row>'
    content = SHEETS.format(
        f'<office:spreadsheet><table:table table:name="2024">{body}</table:table></office:spreadsheet>'
    )
    page = load_one(packed(tmp_path / "costs.ods", **{"content.xml": content}))
    assert texts(page, "table") == ["Day | Cost | Share\n2024-05-03 | 1234.5 | 12%", "x | x | TRUE"]
    assert page.blocks[-1].heading == ("2024",) and page.info.title == "costs"


def test_a_sheet_made_to_fill_memory_is_refused(tmp_path: Path) -> None:
    wide = cell("x", 'table:number-columns-repeated="9999999"')
    row = f'<table:table-row table:number-rows-repeated="9999999">{wide}'
    content = SHEETS.format(
        f"<office:spreadsheet><table:table>{row}</table:table-row></table:table></office:spreadsheet>"
    )
    with pytest.raises(LoadError, match="too many"):
        load(packed(tmp_path / "a.ods", **{"content.xml": content}))


def test_slides_have_titles_and_notes(tmp_path: Path) -> None:
    def frame(text: str, kind: str) -> str:
        box = f"<draw:text-box><text:p>{text}</text:p></draw:text-box>"
        return f'<draw:frame presentation:class="{kind}">{box}</draw:frame>'

    notes = f"<presentation:notes>{frame('Say it slowly.', 'notes')}</presentation:notes>"
    pages = [
        frame("Plan", "title") + frame("We move in May.", "outline") + notes,
        frame("No title.", "outline"),
        "",
    ]
    body = "".join(f"<draw:page>{page}</draw:page>" for page in pages)
    content = SHEETS.format(f"<office:presentation>{body}</office:presentation>")
    page = load_one(packed(tmp_path / "a.odp", **{"content.xml": content}))
    assert page.text == "Plan\n\nWe move in May.\n\nSay it slowly.\n\nSlide 2\n\nNo title."
    assert page.blocks[-1].heading == ("Slide 2",)

"""PDF: the right words in the right order on the right page, and clear words about what can't be read."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from loading import assert_lawful, load, load_one, texts
from pypdf import PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from ingest.document import dump_layout, load_layout
from ingest.worker import ReaderProcess
from kb import KnowledgeBase
from kb.commands.show import print_shown
from retrieval.errors import LoadError

Draw = Callable[[Canvas, int], None]


def pdf(folder: Path, draw: Draw, pages: int = 1, name: str = "report.pdf", **options: object) -> Path:
    """A PDF with `draw` called on each page."""
    path = folder / name
    canvas = Canvas(str(path), pagesize=A4, invariant=True, **options)
    for number in range(1, pages + 1):
        draw(canvas, number)
        canvas.showPage()
    canvas.save()
    return path


def lines(
    canvas: Canvas, y: float, *written: str, font: str = "Helvetica", size: float = 10, x: float = 72
) -> float:
    """Writes lines below each other and returns where the next one goes."""
    canvas.setFont(font, size)
    for line in written:
        canvas.drawString(x, y, line)
        y -= 1.2 * size
    return y


PROSE = [
    "The committee met on the third of May and spoke about the heating of the old build-",
    "ing for more than two hours. It was agreed that a long-",
    "term contract is better than many short ones, and that the building stays warm.",
]


def article(canvas: Canvas, number: int) -> None:
    lines(canvas, 800, f"Orchard Ltd, annual report {2020 + number}", size=8)
    y = lines(canvas, 740, f"{number}. Heating of the house", font="Helvetica-Bold", size=14)
    y = lines(canvas, y - 10, *PROSE)
    y = lines(canvas, y - 8, "A second paragraph about the long-term budget.")
    y = lines(canvas, y - 8, "• first point, which is so long that it has to go on in the line",
              "below it", "• second point")  # fmt: skip
    for row in (("Item", "2023", "2024"), ("Gas", "1,200", "900"), ("Repairs, all of them", "80", "-")):
        y -= 14
        for x, cell in zip((72, 250, 330), row, strict=True):
            canvas.drawString(x, y, cell)
    lines(canvas, 40, f"page {number} of 3", size=8, x=280)


def test_a_page_is_read_as_paragraphs_lists_and_tables(tmp_path: Path) -> None:
    document = load_one(pdf(tmp_path, article, pages=3))
    paragraphs = texts(document, "paragraph")
    # "build-/ing" is one word and "long-/term" two: the rest of the text shows it.
    assert paragraphs[0] == (
        "The committee met on the third of May and spoke about the heating of the old building for more than two "
        "hours. It was agreed that a long-term contract is better than many short ones, and that the building stays "
        "warm."
    )
    assert paragraphs[1] == "A second paragraph about the long-term budget."
    assert texts(document, "list")[:2] == [
        "• first point, which is so long that it has to go on in the line below it",
        "• second point",
    ]
    assert (
        texts(document, "table")[0] == "Item | 2023 | 2024\nGas | 1,200 | 900\nRepairs, all of them | 80 | -"
    )
    assert {block.page for block in document.blocks} == {1, 2, 3}
    assert next(b.heading[-1] for b in document.blocks if b.page == 2) == "2. Heating of the house"


def test_the_currency_of_the_next_column_begins_a_cell(tmp_path: Path) -> None:
    """It stands so close behind a figure that two years would be one cell."""

    def statement(canvas: Canvas, number: int) -> None:
        lines(canvas, 740, *PROSE)
        for y, row in ((600, "$ 4,466   $ 4,249"), (586, "$ 5 – 10   $ 8"), (572, "$ —   $ 33")):
            canvas.drawString(72, y, "Cash and equivalents")
            canvas.drawString(300, y, row)

    (table,) = texts(load_one(pdf(tmp_path, statement)), "table")
    assert table.splitlines() == [
        "Cash and equivalents | $ 4,466 | $ 4,249",
        "Cash and equivalents | $ 5 – 10 | $ 8",
        "Cash and equivalents | $ — | $ 33",
    ]


def test_what_every_page_repeats_is_left_out(tmp_path: Path) -> None:
    document = load_one(pdf(tmp_path, article, pages=3))
    assert "annual report" not in document.text and "page 2 of 3" not in document.text
    assert "annual report" not in load_one(pdf(tmp_path, article, pages=2)).text  # it is in smaller type
    assert "annual report" in load_one(pdf(tmp_path, article, pages=1)).text  # nothing to tell it by


def test_every_quote_is_on_its_page(tmp_path: Path) -> None:
    path = pdf(
        tmp_path,
        lambda canvas, number: void(lines(canvas, 700, f"The secret of page {number} is {number * 7}.")),
        12,
    )
    document = load_one(path)
    for block in document.blocks:
        assert f"page {block.page} is {(block.page or 0) * 7}." in document.text[block.start : block.end]


def void(_: object) -> None:
    return None


def test_lines_that_only_look_alike_are_no_running_headers(tmp_path: Path) -> None:
    def draw(canvas: Canvas, number: int) -> None:
        lines(canvas, 800, f"Invoice {number * 37} to {number * 1001 % 89} Baker Street", size=8)
        lines(canvas, 770, f"Budget {2020 + number}", size=16)
        lines(canvas, 700, "The same text on each page,", "in the same place.")
        lines(canvas, 40, f"- {number} -", size=8, x=280)

    document = load_one(pdf(tmp_path, draw, pages=6))
    assert [f"Budget {2020 + n}" in document.text for n in range(1, 7)] == [True] * 6
    assert document.text.count("Invoice") == document.text.count("in the same place.") == 6
    assert "- 3 -" not in document.text


def test_the_outline_gives_the_headings_where_there_is_one(tmp_path: Path) -> None:
    def draw(canvas: Canvas, number: int) -> None:
        titles = {1: ("Part One", 0), 2: ("Costs", 1), 3: ("Part Two", 0)}
        title, level = titles[number]
        canvas.bookmarkPage(title)
        canvas.addOutlineEntry(title, title, level)
        y = lines(canvas, 700, f"{number}.1  {title}" if number != 2 else "(no line says what this is)")
        lines(canvas, y - 12, "Some text.", "IMPORTANT", font="Helvetica-Bold")

    document = load_one(pdf(tmp_path, draw, pages=3))
    paths = {block.page: block.heading for block in document.blocks}
    assert paths == {1: ("Part One",), 2: ("Part One", "Costs"), 3: ("Part Two",)}
    assert texts(document, "heading") == ["1.1 Part One", "3.1 Part Two"]


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    def draw(canvas: Canvas, _: int) -> None:
        lines(
            canvas,
            700,
            "The left column begins here and",
            "goes on, and its sentence does not",
            "end but with the words that",
        )
        lines(canvas, 700, "stand in the right column.", "Then another sentence.", x=320)

    text = load_one(pdf(tmp_path, draw)).text
    assert "the words that stand in the right column. Then another sentence." in text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Heating plan 2024", "Heating plan 2024"),
        ("Microsoft Word - Plan for May", "Plan for May"),
        ("untitled", "Big news (report)"),
        ("draft_v2.docx", "Big news (report)"),
        ("0001628280-17-001754", "Big news (report)"),
        ("", "Big news (report)"),
    ],
)
def test_a_report_has_a_title_that_says_something(tmp_path: Path, given: str, shown: str) -> None:
    def draw(canvas: Canvas, _: int) -> None:
        canvas.setTitle(given)
        y = lines(canvas, 700, "Big news", size=20)
        lines(canvas, y - 20, "The text of the report is here.", "And goes on.")

    assert load_one(pdf(tmp_path, draw)).info.title == shown


def with_date(folder: Path, date: str) -> Path:
    path = pdf(folder, lambda canvas, _: void(lines(canvas, 700, "text")))
    start = (data := path.read_bytes()).index(b"/CreationDate (") + 15
    end = data.index(b")", start)
    assert len(date) <= end - start
    path.write_bytes(data.replace(data[start:end], date.encode().ljust(end - start)))
    return path


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("D:20240503101500+02'00'", "2024-05-03T10:15:00+02:00"), ("D:20240503101500Z", "2024-05-03T10:15:00+00:00"),
        ("D:20240503101500", "2024-05-03"), ("20240503", "2024-05-03"), ("D:20241303101500", None), ("yesterday", None),
    ],
)  # fmt: skip
def test_the_date_is_the_one_in_the_file(tmp_path: Path, written: str, meant: str | None) -> None:
    date = load_one(with_date(tmp_path, written)).info.date
    assert date == meant or (
        meant is None and date and date.startswith("2000-01-01")
    )  # then the ModDate counts


def test_a_file_that_needs_no_password_to_be_opened_is_read(tmp_path: Path) -> None:
    locked = StandardEncryption("", ownerPassword="owner", canPrint=0)
    path = pdf(tmp_path, lambda canvas, _: void(lines(canvas, 700, "readable all the same")), encrypt=locked)
    assert load_one(path).text == "readable all the same"


def broken(folder: Path, kind: str) -> Path:
    good = pdf(folder, article, pages=3).read_bytes()
    path = folder / f"{kind}.pdf"
    if kind == "encrypted":
        return pdf(folder, article, name=path.name, encrypt=StandardEncryption("secret"))
    if kind == "scanned":
        return pdf(folder, lambda canvas, _: canvas.rect(100, 100, 200, 200), name=path.name)
    content = {"empty": b"", "text": b"just text", "header": good[:20], "zeros": b"%PDF-1.4\n" + bytes(5000)}[
        kind
    ]
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [("encrypted", "encrypted: save it without"), ("scanned", "no text|no page has text"), ("empty", "empty"), 
     ("text", "damaged or no PDF"),      ("header", "damaged or no PDF"), ("zeros", "damaged or no PDF")],
)  # fmt: skip
def test_what_cannot_be_read_says_why_and_what_to_do(tmp_path: Path, kind: str, said: str) -> None:
    with pytest.raises(LoadError, match=said) as error:
        load(broken(tmp_path, kind))
    assert "\n" not in str(error.value)


def test_a_file_cut_off_anywhere_neither_crashes_nor_hangs(tmp_path: Path) -> None:
    whole = pdf(tmp_path, article, pages=3).read_bytes()
    path = tmp_path / "cut.pdf"
    with ReaderProcess(seconds_per_file=5) as reader:
        for size in range(1, len(whole), max(len(whole) // 60, 1)):
            path.write_bytes(whole[:size])
            try:
                for document in reader.load(path, "cut.pdf"):
                    assert_lawful(document)  # type: ignore[arg-type]
            except LoadError as error:
                assert "crash" not in str(error) and "too long" not in str(error)


def test_a_page_tree_that_is_a_circle_ends(tmp_path: Path) -> None:
    body = io.BytesIO()
    body.write(b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/Outlines 3 0 R>>endobj\n")
    body.write(b"2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000000>>endobj\n")
    body.write(b"3 0 obj<</First 4 0 R>>endobj\n4 0 obj<</Title(x)/Next 4 0 R/First 4 0 R>>endobj\n")
    body.write(b"trailer<</Root 1 0 R>>\n%%EOF\n")
    path = tmp_path / "circle.pdf"
    path.write_bytes(body.getvalue())
    with ReaderProcess(seconds_per_file=10) as reader, pytest.raises(LoadError):
        list(reader.load(path, "circle.pdf"))


def test_what_was_filled_in_and_noted_is_read(tmp_path: Path) -> None:
    """A filled-in form is worth nothing without what was filled in."""

    def form(canvas: Canvas, _: int) -> None:
        canvas.drawString(72, 700, "Order of materials")
        canvas.acroForm.textfield(name="Supplier", value="North Heating", x=72, y=600, width=200, height=20)
        canvas.acroForm.textfield(name="Remark", value="", x=72, y=560, width=200, height=20)
        canvas.acroForm.checkbox(name="Urgent", checked=False, x=72, y=520)
        canvas.textAnnotation("Ask Ines before signing.", Rect=[300, 700, 320, 720])
        canvas.textAnnotation("Never shown.", Rect=[300, 600, 320, 620], F=2)

    document = load_one(pdf(tmp_path, form))
    assert "Supplier: North Heating" in document.text and "Ask Ines before signing." in document.text
    for unwanted in ("Remark", "Urgent", "Never shown"):
        assert unwanted not in document.text


def test_a_file_that_only_forbids_printing_is_read(tmp_path: Path) -> None:
    """Such files are encrypted with an empty password, and open for everybody."""
    locked = StandardEncryption("", ownerPassword="secret", canPrint=0, strength=128)
    assert "Heating of the house" in load_one(pdf(tmp_path, article, encrypt=locked)).text


def test_pages_know_what_they_are_numbered_with_in_print(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who looks a citation up on paper turns to page ix, not to the ninth sheet."""
    path = pdf(tmp_path, lambda canvas, number: lines(canvas, 700, f"Chapter text {number}."), pages=5)
    writer = PdfWriter(clone_from=path)
    writer.set_page_label(0, 1, style="/r")
    writer.set_page_label(2, 3, style="/D", prefix="A-")
    writer.set_page_label(4, 4, style="/D", start=5)
    writer.write(path)
    document = load_one(path)
    assert [(block.page, block.label) for block in document.blocks] == [
        (1, "i"), (2, "ii"), (3, "A-1"), (4, "A-2"), (5, ""),
    ]  # fmt: skip
    assert load_layout(dump_layout(document.blocks)) == document.blocks
    with KnowledgeBase.open(tmp_path / "kb", create=True) as base:
        base.ingest([path])
        shown = base.show(f"{path}:{document.blocks[3].start}-{document.blocks[3].end}")
    assert (shown.page, shown.page_label) == (4, "A-2")
    print_shown(shown)
    assert "Page 4 of the file is numbered A-2" in capsys.readouterr().out

"""The lines of a PDF's pages with where and how they are set, without running headers and footers."""

import ctypes
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import pypdfium2
import pypdfium2.raw as pdfium

from retrieval.text import clean

# PDFium puts this in place of a hyphen that ends a line and of the end of the line.
HYPHEN = "\ufffe"
_LINE_END = re.compile(f"\r\n|\n|\r|(?<={HYPHEN})")
# Width of a line by its characters and font size. In text it is some 0.4 to 0.45; this times that asks for a look.
_USUAL_STRETCH, _STRETCHED = 0.45, 1.05
# In tables a currency stands apart before its figure, a percent sign or bracket behind it.
_SIGN, _AFTER_FIGURE = re.compile(r"[$€£¥(]+"), re.compile(r"[%)]+")
_CURRENCY, _NOTHING = (
    re.compile(r"[$€£¥]+"),
    tuple(f"{before} {dash}" for before in "|$€£¥" for dash in "—–-"),
)
# What stands apart from the text of a list's item: bullets, numbers, letters.
_ITEM = re.compile(r"[^\w\s]|\(?\w{1,3}[.)]|\d{1,2}")
# A form of more lines than this on a page is a drawing.
_MAX_LINES = 20_000
# Running headers, footers and page numbers stand in this share of the page's height at its top and bottom, ...
_MARGIN = 0.1
# ... on more than this share of the pages (odd and even pages may differ).
_RUNNING_SHARE = 0.4
# Of a line with fewer other letters ("Page 3 of 12", "F-7") all numbers may be page numbers.
_FEW_LETTERS = 10
_MIN_PAGES = 2
_MAX_NUMBERS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page. Lengths are in points, from the page's lower left; `size` is the height of its font."""

    text: str
    left: float
    right: float
    bottom: float
    size: float
    bold: bool
    in_margin: bool = False  # at the top or bottom of the page


def page_lines(page: pypdfium2.PdfPage) -> list[Line]:
    """The page's lines that are not blank, in the order of the file. A hyphen that ends one is `HYPHEN`."""
    textpage = page.get_textpage()
    try:
        raw = textpage.get_text_range()
        # PDFium counts UTF-16 units; beyond them its numbers and Python's part ways, and the layout is not looked at.
        exact = len(raw) == textpage.count_chars()
        _, low, _, high = page.get_mediabox()
        lines: list[Line] = []
        starts: list[int] = []
        at = 0
        for piece in _LINE_END.split(raw):
            start = raw.index(piece, at) if piece else at
            at = start + len(piece)
            text = clean(piece).strip()
            if text and len(lines) < _MAX_LINES:
                first = start + len(piece) - len(piece.lstrip())
                last = start + len(piece.rstrip()) - 1
                line = Line(text, 0, 0, -12.0 * len(lines), 10, False)
                if exact:
                    line = _line(textpage, raw, text, first, last)
                    margin = _MARGIN * (high - low)
                    line = replace(line, in_margin=not low + margin < line.bottom < high - margin)
                lines.append(line)
                starts.append(first)
        return _with_cells(textpage, raw, lines, starts) if exact else lines
    finally:
        textpage.close()
        page.close()


def _line(textpage: pypdfium2.PdfTextPage, raw: str, text: str, first: int, last: int) -> Line:
    left = textpage.get_charbox(first, loose=True)[0]
    right = textpage.get_charbox(last, loose=True)[2]
    # A bullet or a footnote's mark may be set in another font, so the middle says how the line is set.
    _, bottom, _, top = textpage.get_charbox(_letter(raw, (first + last) // 2, last), loose=True)
    bold = _is_bold(textpage, first) and _is_bold(textpage, last)
    return Line(text, left, max(left, right), bottom, round(abs(top - bottom), 1), bold)


def _letter(raw: str, at: int, last: int) -> int:
    """The first character from `at` on that is no space."""
    while at < last and raw[at].isspace():
        at += 1
    return at


def _with_cells(
    textpage: pypdfium2.PdfTextPage, raw: str, lines: list[Line], starts: list[int]
) -> list[Line]:
    """The lines, with bars between the cells of those that are rows of a table: where the gap between two words is
    wider than the font is high. PDFium gives one space for a gap of any width."""
    stretches = [(line.right - line.left) / (len(line.text) * max(line.size, 1)) for line in lines]
    usual = median(stretches) if lines else 0.0
    # Asking for every character's place would halve the speed; rows are set wider than text is.
    return [
        replace(line, text=_cells(textpage, raw, start, line))
        if stretch > _STRETCHED * min(usual, _USUAL_STRETCH) and " " in line.text
        else line
        for line, start, stretch in zip(lines, starts, stretches, strict=True)
    ]


def _cells(textpage: pypdfium2.PdfTextPage, raw: str, start: int, line: Line) -> str:
    words = list(re.finditer(r"\S+", raw[start : start + len(line.text)]))
    # What `clean` has changed is left as it is: its characters are not at the same places.
    if [word.group() for word in words] != line.text.split():
        return line.text
    text = words[0].group()
    for number, (before, word) in enumerate(pairwise(words)):
        right = textpage.get_charbox(start + before.end() - 1)[2]
        left = textpage.get_charbox(start + word.start())[0]
        wide = left - right > line.size
        marks = _SIGN.fullmatch(before.group()) or _AFTER_FIGURE.fullmatch(word.group())
        item = number == 0 and _ITEM.fullmatch(before.group())
        # The next column's currency may stand close behind a figure, or a dash that stands for one.
        figure = before.group()[-1] in "0123456789)%" or text.endswith(_NOTHING)
        sign = _CURRENCY.fullmatch(word.group()) and figure and " | " in text
        text += (" | " if (wide and not marks and not item) or sign else " ") + word.group()
    return text


def _is_bold(textpage: pypdfium2.PdfTextPage, index: int) -> bool:
    """By the font's name; the weights that files give are not comparable."""
    name = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(textpage.raw, index, name, len(name), flags)
    return re.search(rb"bold|black|heavy|demi", name.value, re.IGNORECASE) is not None


def without_running_lines(pages: list[list[Line]]) -> list[list[Line]]:
    """The pages without the headers, footers and page numbers that many of them share."""
    filled = [page for page in pages if page]
    if len(filled) < _MIN_PAGES:
        return pages
    sizes: Counter[float] = Counter()
    for page in filled:
        for line in page:
            sizes[line.size] += len(line.text)
    usual = sizes.most_common(1)[0][0]
    # Larger lines are headings, even if they differ by a number only. Two pages prove less than three: there a running
    # line must also be smaller than the text.
    few = len(filled) == _MIN_PAGES
    largest = 0.95 * usual if few else 1.1 * usual
    forms = [
        {id(line): _forms(line.text, number) for line in page if line.in_margin and line.size <= largest}
        for number, page in enumerate(pages)
    ]
    counts = Counter(form for page in forms for form in set().union(*page.values()))
    least = 1 if few else max(_RUNNING_SHARE * len(filled), 2)
    return [
        [line for line in page if all(counts[form] <= least for form in forms[number].get(id(line), ()))]
        for number, page in enumerate(pages)
    ]


def _forms(text: str, page: int) -> set[str]:
    """What the line may have in common with one of another page: each of its numbers stays the same or counts pages."""
    pieces = re.split(r"(\d+)", " ".join(text.split()).lower())
    if sum(len(piece) for piece in pieces[::2]) <= _FEW_LETTERS:
        return {"#".join(pieces[::2])}
    forms = {""}
    for number, piece in enumerate(pieces):
        ways = {piece}
        if number % 2 and number <= 2 * _MAX_NUMBERS and len(piece) < 7:
            ways.add(f"#{int(piece) - page}")
        forms = {form + way for form in forms for way in ways}
    return forms

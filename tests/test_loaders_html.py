"""HTML: what a reader of the page reads, and nothing else."""

from pathlib import Path

import pytest
from loading import DATA, load, load_one, texts

from ingest.loaders.html import html_to_text
from retrieval.errors import LoadError


def page(folder: Path, markup: str | bytes, name: str = "page.html") -> Path:
    path = folder / name
    path.write_bytes(markup if isinstance(markup, bytes) else markup.encode())
    return path


def test_an_exported_wiki_page_is_read_without_its_frame() -> None:
    document = load_one(DATA / "html/wiki-export.html")
    info = document.info
    assert (info.title, info.author, info.date, info.kind) == (
        "Heating plan",
        "Runa Solberg",
        "2024-05-17",
        "wiki",
    )
    # A line break of the source is a space, a <br> is a line.
    assert texts(document, "paragraph")[0] == "The boiler runs from 6 to\n22 o'clock. Costs: <400 EUR."
    assert texts(document, "list") == ["- Office: 21 degrees\n  - at night 17\n- Store"]
    assert texts(document, "table") == ["Year | EUR\n2023 | 310\n2024 | 395"]
    assert texts(document, "code") == ["valve  open\nvalve  shut"]
    assert document.blocks[-1].heading == ("Heating plan", "Rooms")
    for frame in ("Home", "Facilities", "Related", "Imprint", "never read", "color: red", "Save"):
        assert frame not in document.text
    assert "Ignore all previous" not in document.text  # what no reader sees must not reach the model either
    assert "a form is still a page" in document.text


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>one<p>two", "one\n\ntwo"),
        ("<div>one<div>two</div>three</div>", "one\n\ntwo\n\nthree"),
        ("<p>un<b>believ</b>able", "unbelievable"),
        ("<p>a<br><br>b", "a\n\nb"),
        ("<ol start=4><li>four<li>five</ol>", "4. four\n5. five"),
        ("<ol><li><p>one</p><p>more</p></li></ol>", "1. one\n  more"),
        ("<table><tr><td><p>only places</p></td></tr></table>", "only places"),
        ("<table><tr><td>a<td>b<tr><td>c<br>d<td>e</table>", "a | b\nc d | e"),
        ("<dl><dt>Term</dt><dd>Meaning</dd></dl>", "Term\n\nMeaning"),
        ("<article>teaser</article><p>" + "the page itself " * 9, "teaser\n\n" + ("the page itself " * 9).strip()),
        ("<div class=sidebar>All there is is in here.</div>", "All there is is in here."),
        ("<p>a&nbsp;b &copy; &#x2014;", "a b © —"),
    ],
)  # fmt: skip
def test_markup_becomes_readable_text(markup: str, expected: str) -> None:
    assert html_to_text(markup)[0] == expected


def test_the_declared_charset_counts(tmp_path: Path) -> None:
    markup = "<meta charset=windows-1251><p>Привет, мир".encode("cp1251")
    assert load_one(page(tmp_path, markup)).text == "Привет, мир"


def test_an_xhtml_page_may_begin_with_a_declaration(tmp_path: Path) -> None:
    markup = '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>Grüße</p></body></html>'
    assert load_one(page(tmp_path, markup, "page.xhtml")).text == "Grüße"


def test_entities_of_the_document_do_not_multiply_or_open_files(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "lol">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
    )
    document = load_one(
        page(tmp_path, bomb + '<!ENTITY f SYSTEM "file:///etc/hostname">]><p>a &j; &f; b</p>')
    )
    assert len(document.text) < 1000 and Path("/etc/hostname").read_text().strip() not in document.text


@pytest.mark.parametrize("tag", ["div", "b", "ul><li", "table><tr><td", "blockquote"])
def test_a_page_nested_without_end_is_refused_and_not_cut_short(tmp_path: Path, tag: str) -> None:
    with pytest.raises(LoadError, match="nested"):
        load(page(tmp_path, f"<{tag}>" * 50_000 + "deep"))


def test_a_page_without_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no text"):
        load(page(tmp_path, "<html><script>render()</script><body></body></html>"))


@pytest.mark.parametrize("name", ["sphinx-rtd", "sphinx-alabaster", "mkdocs-material", "mkdocs"])
def test_generated_documentation_is_read_without_its_navigation(name: str) -> None:
    document = load_one(DATA / f"html/{name}.html")
    assert document.info.title == "Heating"
    assert document.text.startswith("Heating\n\nThe boiler runs.")
    assert document.info.date == (None if name == "mkdocs" else "2024-05-17")
    for frame in ("Other page", "View page source", "Next", "Copyright", "Navigation", "index", "edit", "helpful",
                  "Skip", "Contents", "Alpha", "[source]", "¶", "1\n2", "House", "toc", "built with"):  # fmt: skip
        assert frame not in document.text


def test_what_generated_documentation_explains_is_kept() -> None:
    document = load_one(DATA / "html/sphinx-rtd.html")
    assert texts(document, "code") == ["import x\ny", "a = 1\nb = 2"]
    assert texts(document, "table") == ["Year | EUR\n2023 | 310\n2023 | 311"]
    assert "valve.open(x)" in document.text and "Mind the frost." in document.text


def test_copies_and_indexes_of_generated_documentation_are_not_read_again(tmp_path: Path) -> None:
    """Else every passage would be found twice, once in markup."""
    (tmp_path / "_sources/a").mkdir(parents=True)
    (tmp_path / "search").mkdir()
    for name in ("searchindex.js", "index.html"):
        (tmp_path / name).write_text("<p>Words.</p>")
    for name in (
        "_sources/a/b.rst.txt",
        "_sources/c.md.txt",
        "genindex.html",
        "search.html",
        "search/search_index.json",
    ):
        (tmp_path / name).write_text('{"a": "Words."}')
        assert load(tmp_path / name) == ([], [])
    (tmp_path / "searchindex.js").unlink()
    assert load_one(tmp_path / "genindex.html").text


def test_a_cell_over_several_rows_stands_in_each(tmp_path: Path) -> None:
    """Else the second row's price would stand in the column of the year."""
    table = (
        "<table><tr><th>Year<th>What<th>EUR<tr><td rowspan=2>2023<td>Gas<td>310<tr><td>Oil<td>12<tr><td colspan=2>total"
        "<td>322<tr><td rowspan=99999999>2024</table>"
    )
    document = load_one(page(tmp_path, table))
    assert texts(document, "table") == [
        "Year | What | EUR\n2023 | Gas | 310\n2023 | Oil | 12\ntotal |  | 322\n2024"
    ]


def test_a_saved_page_of_a_wiki_says_when_it_was_changed(tmp_path: Path) -> None:
    changed = "<li id=footer-info-lastmod> This page was last edited on 3 March 2024, at 10:15."
    markup = f"<h1>Beer</h1><p>A drink.<ul>{changed}</ul>"
    assert load_one(page(tmp_path, markup)).info.date == "2024-03-03"

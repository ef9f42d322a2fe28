"""Dumps of a MediaWiki: what the pages say is found, with who wrote it last and when."""

import bz2
import gzip
from pathlib import Path

import pytest

from ingest.loaders import loader_for
from retrieval.errors import LoadError
from tests.loading import load, load_one

PAGE = """<page><title>{title}</title><ns>{ns}</ns>{more}
<revision><timestamp>2019-01-01T00:00:00Z</timestamp><text>old words</text></revision>
<revision><timestamp>2024-09-03T10:00:00Z</timestamp><contributor><username>Ada</username></contributor>
<text>{text}</text></revision></page>"""
TEXT = """'''Beer''' is [[Ale|a drink]].&lt;ref&gt;source&lt;/ref&gt;&lt;!-- hidden --&gt;{{cite|x}}

== Prices ==
{|
! City !! Price
|-
| [[Bonn]] || 3
|}"""


def dump(*pages: str, head: str = "") -> bytes:
    body = "".join(pages)
    return f'{head}<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">{body}</mediawiki>'.encode()


def page(title: str, text: str = TEXT, ns: int = 0, more: str = "") -> str:
    return PAGE.format(title=title, text=text, ns=ns, more=more)


@pytest.mark.parametrize("name", ["w.xml", "w.xml.gz", "w.xml.bz2"])
def test_a_page_is_its_last_revision_as_readable_text(tmp_path: Path, name: str) -> None:
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(dump(page("Beer"))))
    document = load_one(tmp_path / name)
    assert document.text == "Beer is a drink.\n\nPrices\n\nCity | Price\nBonn | 3"
    assert (document.info.part, document.info.author, document.info.date) == ("Beer", "Ada", "2024-09-03")
    assert [(b.kind, b.heading) for b in document.blocks[1:]] == [
        ("heading", ("Prices",)),
        ("table", ("Prices",)),
    ]


def test_redirects_and_talk_are_left_out_and_equal_titles_stay_apart(tmp_path: Path) -> None:
    pages = (page("A"), page("A"), page("T", ns=1), page("R", more='<redirect title="A"/>'), page("P", ns=4))
    (tmp_path / "w.xml").write_bytes(dump(*pages))
    assert [d.info.part for d in load(tmp_path / "w.xml")[0]] == ["A", "A#2", "P"]


def test_a_gigantic_page_costs_itself_only(tmp_path: Path) -> None:
    (tmp_path / "w.xml").write_bytes(dump(page("Huge", "x " * 2**21), page("Beer")))
    documents, failures = load(tmp_path / "w.xml")
    assert [d.info.part for d in documents] == ["Beer"]
    assert [f.part for f in failures] == ["Huge"]


def test_entities_read_no_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password")
    head = f'<!DOCTYPE m [<!ENTITY s SYSTEM "file://{tmp_path}/secret">]>'
    (tmp_path / "w.xml").write_bytes(dump(page("A", "words &s; more"), head=head))
    assert all("password" not in d.text for d in load(tmp_path / "w.xml")[0])


def test_a_cell_over_several_rows_stands_in_each(tmp_path: Path) -> None:
    """Else "Anna" would stand in the year's column of the second row, and be cited for it."""
    table = (
        "{|\n! Year !! Who !! Film\n|-\n| rowspan=2 | 1927 || {{sortname|Anna|Lee}} || One\n|-\n| Ben || Two\n"
        "|-\n| colspan=2 | nobody || Three\n|-\n| rowspan=99999999999 | x || y || z\n|}"
    )
    (tmp_path / "w.xml").write_bytes(dump(page("Films", table)))
    (document,) = load(tmp_path / "w.xml")[0]
    assert document.text.splitlines() == [
        "Year | Who | Film", "1927 | Anna Lee | One", "1927 | Ben | Two", "nobody |  | Three", "x | y | z",
    ]  # fmt: skip


def test_other_xml_is_none_of_ours(tmp_path: Path) -> None:
    """A folder of sources would else end in a hundred failures."""
    (tmp_path / "pom.xml").write_bytes(b"<project><page/></project>")
    assert loader_for(tmp_path / "pom.xml") is None
    assert loader_for(tmp_path / "missing.xml") is None


@pytest.mark.parametrize(
    "data", [b"<mediawiki>", b"no <mediawiki", dump("<x/>" * 3, "<page>" + "<y/>" * 2000)]
)
def test_a_damaged_dump_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "w.xml").write_bytes(data)
    with pytest.raises(LoadError):
        load(tmp_path / "w.xml")

"""Word documents: what the page says, where it says it, and nothing that was struck out of it."""

from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import pytest
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from loading import load, load_one, texts

from retrieval.errors import LoadError


def test_structure_and_properties_are_kept(tmp_path: Path) -> None:
    word = docx.Document()
    word.core_properties.title, word.core_properties.author = "Budget plan", "Ida Ferrant"
    word.core_properties.modified = datetime(2024, 9, 3, tzinfo=UTC)
    word.sections[0].header.paragraphs[0].text = "Confidential"
    word.add_heading("Costs", 1)
    word.add_heading("Travel", 2)
    word.add_paragraph("Trains only.")
    word.add_paragraph("first", style="List Bullet")
    word.add_paragraph("second", style="List Bullet")
    table = word.add_table(2, 2)
    for cell, text in zip(
        [c for r in table.rows for c in r.cells], ["City", "Euro", "Graz", "40"], strict=True
    ):
        cell.text = text
    word.save(str(tmp_path / "plan.docx"))
    page = load_one(tmp_path / "plan.docx")
    assert (page.info.title, page.info.author, page.info.date) == ("Budget plan", "Ida Ferrant", "2024-09-03")
    assert texts(page, "list") == ["- first\n- second"]
    assert texts(page, "table") == ["City | Euro\nGraz | 40"]
    assert page.blocks[-1].heading == ("Costs", "Travel")
    assert "Confidential" not in page.text


def test_tracked_changes_read_as_accepted_and_content_controls_are_read(tmp_path: Path) -> None:
    word = docx.Document()
    paragraph = word.add_paragraph("Pay ")
    for change, tag, text in (("del", "delText", "ten"), ("ins", "t", "twelve"), ("moveFrom", "t", "moved")):
        paragraph._p.append(
            parse_xml(f"<w:{change} {nsdecls('w')}><w:r><w:{tag}>{text}</w:{tag}></w:r></w:{change}>")
        )
    control = f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>In a form.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    word.element.body.insert(1, parse_xml(control))
    word.save(str(tmp_path / "a.docx"))
    assert load_one(tmp_path / "a.docx").text == "Pay twelve\n\nIn a form."


def test_footnotes_and_comments_are_not_lost(tmp_path: Path) -> None:
    word = docx.Document()
    run = word.add_paragraph("The fee is 40 euro.").runs[0]
    word.add_comment(run, "Ask legal first.", author="Ida Ferrant")
    notes = (
        f"<w:footnotes {nsdecls('w')}><w:footnote w:id='0' w:type='separator'><w:p><w:r><w:separator/></w:r></w:p>"
        "</w:footnote><w:footnote w:id='1'><w:p><w:r><w:t>Since 2023.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    part = Part(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, notes.encode(), word.part.package)
    word.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    word.save(str(tmp_path / "a.docx"))
    page = load_one(tmp_path / "a.docx")
    assert page.text == (
        "The fee is 40 euro.\n\nNotes\n\nSince 2023.\n\nComment by Ida Ferrant: Ask legal first."
    )
    assert page.blocks[-1].heading == ("Notes",)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "bomb.docx", "w", ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(20 * 2**20))
    with pytest.raises(LoadError, match="unpacks from"):
        load(tmp_path / "bomb.docx")


@pytest.mark.parametrize("data", [b"not a zip", b"PK\x03\x04 cut off"])
def test_what_is_no_word_file_is_said_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.docx").write_bytes(data)
    with pytest.raises(LoadError, match="damaged"):
        load(tmp_path / "a.docx")


def test_an_empty_word_file_is_said_to_be_empty(tmp_path: Path) -> None:
    docx.Document().save(str(tmp_path / "a.docx"))
    with pytest.raises(LoadError, match="no text"):
        load(tmp_path / "a.docx")

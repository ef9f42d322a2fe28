"""Presentations: what stands on the slides, under their titles, and what the speaker noted below them."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pptx
import pytest
from loading import load, load_one, texts
from pptx.util import Inches

from retrieval.errors import LoadError


def test_titles_texts_tables_groups_and_notes_are_read(tmp_path: Path) -> None:
    show = pptx.Presentation()
    show.core_properties.title, show.core_properties.author = "Launch", "Ida Ferrant"
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Goals"
    slide.placeholders[1].text = "Ship in May\nUK first"
    box = (Inches(1), Inches(1), Inches(2), Inches(1))
    slide.shapes.add_group_shape().shapes.add_textbox(*box).text_frame.text = "Grouped"
    table = slide.shapes.add_table(2, 2, *box).table
    for row, column, text in [(0, 0, "City"), (0, 1, "Units"), (1, 0, "Leeds"), (1, 1, "300")]:
        table.cell(row, column).text = text
    slide.notes_slide.notes_text_frame.text = "Say why."
    show.slides.add_slide(show.slide_layouts[1]).shapes.title.text = "Risks"
    blank = show.slides.add_slide(show.slide_layouts[6])
    blank.shapes.add_textbox(*box).text_frame.text = "Thanks"
    show.slides.add_slide(show.slide_layouts[6])
    show.save(str(tmp_path / "a.pptx"))
    page = load_one(tmp_path / "a.pptx")
    assert (page.info.title, page.info.author) == ("Launch", "Ida Ferrant")
    assert texts(page, "heading") == ["Goals", "Risks", "Slide 3"]
    assert texts(page, "table") == ["City | Units\nLeeds | 300"]
    assert texts(page, "paragraph") == ["Ship in May\nUK first", "Grouped", "Say why.", "Thanks"]
    assert all(block.heading == ("Goals",) for block in page.blocks[:-3])


def test_an_empty_presentation_and_a_bomb_are_refused(tmp_path: Path) -> None:
    pptx.Presentation().save(str(tmp_path / "a.pptx"))
    with pytest.raises(LoadError, match="no text"):
        load(tmp_path / "a.pptx")
    with ZipFile(tmp_path / "b.pptx", "w", ZIP_DEFLATED) as archive:
        archive.writestr("ppt/presentation.xml", bytes(20 * 2**20))
    with pytest.raises(LoadError, match="unpacks from"):
        load(tmp_path / "b.pptx")

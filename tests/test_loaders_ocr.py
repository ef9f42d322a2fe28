"""Text in pictures: scans and photographs are read where OCR is installed, and said to be unread where it is not."""

from io import BytesIO
from pathlib import Path

import pytest
from loading import load, load_one
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingest import loaders
from ingest.loaders import has_loader
from retrieval.errors import LoadError

has_ocr = pytest.mark.skipif(not loaders.has_ocr(), reason="the extra kb-assistant[ocr] is not installed")
LINES = ("Minutes of the roof meeting", "The offer of Miller Roofing over 48,200 EUR was accepted.")


def picture(lines: tuple[str, ...] = LINES, size: tuple[int, int] = (1240, 500)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((80, 80 + 90 * number), line, font=ImageFont.load_default(size=36), fill="black")
    return image


def scanned(path: Path, pages: list[Image.Image | str | None]) -> Path:
    """A PDF whose pages are pictures, text, or blank."""
    canvas = Canvas(str(path))
    for page in pages:
        if isinstance(page, str):
            canvas.drawString(72, 700, page)
        elif page is not None:
            canvas.drawImage(ImageReader(page), 0, 0, 595, 842)
        canvas.showPage()
    canvas.save()
    return path


@has_ocr
@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.tiff", "photo.webp"])
def test_a_picture_of_a_document_is_read(tmp_path: Path, name: str) -> None:
    picture().save(tmp_path / name)
    document = load_one(tmp_path / name)
    assert "48,200 EUR" in document.text and document.info.title == "photo"


@has_ocr
def test_a_photograph_lies_as_it_was_taken_and_knows_when(tmp_path: Path) -> None:
    image = picture().rotate(90, expand=True)
    exif = image.getexif()
    exif[0x0112], exif[0x0132] = 6, "2024:05:17 10:00:00"  # turned, and the date
    image.save(tmp_path / "IMG_1.jpg", exif=exif)
    document = load_one(tmp_path / "IMG_1.jpg")
    assert "48,200 EUR" in document.text and document.info.date == "2024-05-17"


@has_ocr
def test_pages_of_a_fax_keep_their_numbers(tmp_path: Path) -> None:
    picture().save(tmp_path / "fax.tif", save_all=True, append_images=[picture(("Second page",))])
    document = load_one(tmp_path / "fax.tif")
    assert [document.text[b.start : b.end] for b in document.blocks if b.page == 2] == ["Second page"]


@has_ocr
def test_scanned_pages_of_a_pdf_are_read_between_others(tmp_path: Path) -> None:
    path = scanned(tmp_path / "a.pdf", ["Cover letter", picture(size=(1240, 1754)), None])
    document = load_one(path)
    assert "Cover letter" in document.text
    assert any("48,200 EUR" in document.text[b.start : b.end] for b in document.blocks if b.page == 2)


@has_ocr
def test_pictures_without_text_say_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), "red").save(tmp_path / "icon.png")
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert load(tmp_path / "icon.png") == load(tmp_path / "clear.png") == ([], [])


@has_ocr
def test_pictures_made_to_fill_memory_are_refused(tmp_path: Path) -> None:
    data = BytesIO()
    Image.new("1", (30_000, 30_000)).save(data, "PNG")  # a few KB
    (tmp_path / "bomb.png").write_bytes(data.getvalue())
    with pytest.raises(LoadError, match=r"pixels|damaged"):
        load(tmp_path / "bomb.png")
    (tmp_path / "no.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (tmp_path / "eps.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n"
    )
    for name in ("no.jpg", "eps.png"):
        with pytest.raises(LoadError, match="damaged"):
            load(tmp_path / name)


@has_ocr
def test_a_file_that_takes_too_long_keeps_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.loaders.ocr._SECONDS", 0.0)
    monkeypatch.setattr("ingest.loaders.ocr._SECONDS_PER_MB", 0.0)
    documents, failures = load(scanned(tmp_path / "a.pdf", ["Cover letter", picture()]))
    assert [d.text for d in documents] == ["Cover letter"]
    assert [f.part for f in failures] == ["page 2"] and "not read" in failures[0].reason


def test_without_ocr_scans_are_said_to_be_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not silently empty: one would take it for a document that says nothing about the matter."""
    monkeypatch.setattr(loaders, "has_ocr", lambda: False)
    with pytest.raises(LoadError, match=r"kb-assistant\[ocr\]"):
        load(scanned(tmp_path / "a.pdf", [picture()]))
    documents, failures = load(scanned(tmp_path / "b.pdf", ["Cover letter", picture(), None, picture()]))
    assert len(documents) == 1
    assert [f.part for f in failures] == ["page 2, 4"] and "kb-assistant[ocr]" in failures[0].reason
    assert not has_loader(Path("a.png"))
